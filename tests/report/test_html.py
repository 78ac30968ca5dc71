"""The page: whole HTML without network or script, numbers as in the prediction, readable in light and dark."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lrbound
from lrbound.cli.app import run
from lrbound.explore.portrait import portrait
from lrbound.explore.source import Source
from lrbound.report import html as pages
from lrbound.report._chart import HEIGHT, MOST_TICKS, WIDTH, Line, chart, scale
from lrbound.report.base import Predicted
from lrbound.report.html import HtmlReport

VOID = {"meta", "link", "br", "img", "line", "circle", "polyline"}
SPEC = """
version: 1
name: <b>net & "co"</b>
input: {shape: [32]}
init: he
training: {batch_size: 64, optimizer: {name: sgd, momentum: 0.9, learning_rate: 0.05}}
layers:
  - linear: 64
  - batch_norm
  - relu
  - linear: 10
"""


class Page(HTMLParser):
    """Tags that close as they open, what is read aloud, and the order of headings."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[int] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.attributes.append((tag, dict(attrs)))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text.append(data)


@pytest.fixture(scope="module")
def shown() -> str:
    whole = portrait(Source(SPEC), lrbound.predict, lambda *_: None)
    return HtmlReport().portraits([whole])


def test_the_page_is_whole_and_asks_nothing_of_the_network(shown):
    page = Page(shown)

    assert page.open == []
    assert page.headings[0] == 1
    assert page.headings.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(page.headings))
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in page.attributes}
    assert "url(" not in shown
    assert "//" not in re.sub(r"</?\w+|/>", "", shown)


def test_pictures_say_in_words_what_they_show(shown):
    pictures = [attributes for _, attributes in Page(shown).attributes if attributes.get("role") == "img"]

    assert len(pictures) == 7  # the rates, two along the depth, four knobs
    assert all(attributes["aria-label"] for attributes in pictures)


def test_names_are_text_not_markup(shown):
    assert "<b>net" not in shown
    assert '<b>net & "co"</b>' in "".join(Page(shown).text)


def test_the_numbers_are_those_of_the_prediction(shown):
    prediction = lrbound.predict(lrbound.parse(SPEC))
    text = "".join(Page(shown).text)

    assert prediction.advice in text
    for value in (prediction.max_learning_rate, prediction.recommended_learning_rate, prediction.lambda_max, 0.05):
        assert f"{value:.3g}" in text


def test_all_coordinates_lie_on_the_picture(shown):
    for picture in re.findall("<svg.*?</svg>", shown):
        for points in re.findall("points='(.*?)'", picture):
            for pair in points.split():
                x, y = map(float, pair.split(","))
                assert 0.0 <= x <= WIDTH
                assert 0.0 <= y <= HEIGHT


@given(
    st.lists(st.floats(1e-30, 1e30), min_size=1, max_size=9),
    st.lists(st.one_of(st.none(), st.floats(1e-30, 1e30)), min_size=9, max_size=9),
    st.booleans(),
)
def test_any_values_make_a_picture_with_few_ticks(places, values, logarithmic):
    points = list(zip(sorted(places), values, strict=False))
    drawn = chart("title", "axis", [Line("name", points, "line0")], logarithmic=logarithmic)

    assert "nan" not in drawn
    assert "inf" not in drawn
    for start, end in ((0.0, 100.0), (100.0, 0.0)):
        axis = scale(places, start, end, logarithmic=logarithmic)
        ticks = axis.ticks()
        assert len(ticks) <= MOST_TICKS
        assert all(-1e-6 <= axis.at(tick) <= 100.0 + 1e-6 for tick in ticks)


def test_a_curve_is_broken_where_a_value_is_missing():
    drawn = chart(
        "t", "a", [Line("n", [(1, 1.0), (2, 2.0), (3, None), (4, 1.0), (5, 3.0)], "line0")], logarithmic=False
    )

    assert drawn.count("<polyline") == 2


def luminance(colour: str) -> float:
    """Return the relative luminance as WCAG 2.1 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", [0, 1, 2], ids=["light", "dark", "print"])
def test_text_and_curves_stand_out_from_their_ground(scheme):
    """4.5 for text and 3 for what is drawn, WCAG 2.1, 1.4.3 and 1.4.11."""
    sheet = Path(pages.__file__).with_name("page.css").read_text()
    colours: dict[str, str] = {}
    for block in re.findall(r":root \{(.*?)\}", sheet, re.DOTALL)[: scheme + 1 : scheme or 1]:
        colours |= dict(re.findall(r"--(\w+): (#\w{6})", block))

    def contrast(one: str, other: str) -> float:
        low, high = sorted((luminance(colours[one]), luminance(colours[other])))
        return (high + 0.05) / (low + 0.05)

    for ground in ("ground", "panel"):
        assert all(contrast(ink, ground) >= 4.5 for ink in ("ink", "soft"))
        assert all(contrast(f"line{index}", ground) >= 3.0 for index in range(pages.STYLES))


def test_several_networks_stand_in_one_table(prediction):
    shown = Page(HtmlReport().predictions([Predicted("net.yaml", (prediction, prediction))]))

    assert shown.open == []
    assert [tag for tag, _ in shown.attributes].count("tr") == 3


def test_the_verb_writes_a_page_and_overwrites_nothing(tmp_path, capsys):
    spec, page = tmp_path / "net.yaml", tmp_path / "net.html"
    spec.write_text(SPEC)

    assert run(["report", str(spec), "-o", str(page)]) == 0
    first = page.read_text()
    assert capsys.readouterr() == ("", f"wrote {page}\n")
    assert Page(first).open == []
    assert run(["report", str(spec), "-o", str(page)]) == 2
    assert "exists; --force overwrites it" in capsys.readouterr().err
    (tmp_path / "other.yaml").write_text(SPEC)
    assert run(["report", str(tmp_path), "-o", str(page), "--force"]) == 0
    assert page.read_text().count("<article>") == 2


def test_a_notebook_shows_predictions_and_sweeps():
    assert Page(lrbound.predict(lrbound.parse(SPEC))._repr_html_()).open == []
