"""Codes and pages: every code that is used has a page, and every page is used."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import lrbound
from lrbound import parse, predict
from lrbound.notices import LONGEST, Notice, Notices, codes, page, short

PACKAGE = Path(lrbound.__file__).parent
MADE = re.compile(r'Notice\(\s*"(LRB\d{3})"')


def made():
    """Return the codes that the package makes notices of, with the files that do."""
    found: dict[str, set[str]] = {}
    for file in PACKAGE.rglob("*.py"):
        for code in MADE.findall(file.read_text()):
            found.setdefault(code, set()).add(str(file.relative_to(PACKAGE)))
    return found


def test_every_page_is_of_a_code_that_is_made_and_every_code_has_a_page():
    assert sorted(made()) == list(codes())


def test_a_code_is_made_in_one_file():
    """Two files with one code would be two reasons with one page; a rule of a bound may be asked for in several."""
    assert {code: files for code, files in made().items() if len(files) > 1} == {
        "LRB061": {"explore/answer.py", "report/_objects.py"}
    }


@pytest.mark.parametrize("code", codes())
def test_a_page_has_a_title_a_severity_and_sentences(code):
    one = page(code)

    assert re.fullmatch(r"LRB\d{3}", code)
    assert one.severity in ("info", "warning", "error")
    assert one.title == one.title.strip().rstrip(".")
    assert len(one.title) <= LONGEST
    assert one.text.rstrip().endswith((".", "```"))
    # 80 columns, indented by 4 where --verbose shows it
    assert all(len(line) <= 76 for line in one.text.splitlines())


def test_references_on_pages_lead_somewhere():
    root = PACKAGE.parent
    for code in codes():
        for name in re.findall(r"lrbound/theory/[\w-]+\.md", page(code).text):
            assert (root / name).exists(), (code, name)


def test_a_code_without_a_page_is_an_error():
    with pytest.raises(KeyError):
        page("LRB999")


def test_of_notices_that_differ_in_their_layer_alone_the_first_stays():
    notices = Notices()
    notices.say(Notice("LRB030", "one", "layers.1"), None, Notice("LRB030", "one", "layers.3"), Notice("LRB030", "two"))

    assert [(one.message, one.path) for one in notices.all()] == [("one", "layers.1"), ("two", None)]


def test_the_first_layer_and_the_last_place_that_are_said_stay():
    notice = Notice("LRB030", "text").at("layers.1").at("layers.2").within("a").within("b")

    assert str(notice) == "LRB030 b: text (layers.1)"
    assert notice.to_json()["where"] == "b"


@pytest.mark.parametrize(("length", "whole"), [(LONGEST, True), (LONGEST + 1, False), (300, False)])
def test_a_sentence_from_elsewhere_fits_on_a_message(length, whole):
    text = ("word " * 100)[:length].strip().ljust(length, "x")

    assert len(short(text)) <= LONGEST
    assert (short(text) == text) == whole


SPEC = """
version: 1
input: {{shape: {shape}}}
training: {{batch_size: {batch}, optimizer: {{learning_rate: 0.1}}}}
layers: {layers}
"""
DEEP = "[repeat: {{times: 10, layers: [conv2d: {{channels: 20, kernel: 3, padding: 1}}, batch_norm, relu]}}, {}, linear: 10]"
DENSE, IMAGE = "[30]", "[3, 8, 8]"
CASES = [
    ("LRB001", None, DENSE, "full", "[linear: 10]"),
    ("LRB002", None, DENSE, "full", "[linear: 10]"),
    ("LRB012", None, DENSE, 5, "[linear: 300, batch_norm, relu, linear: 10]"),
    ("LRB015", None, DENSE, 8, "[linear: 300, batch_norm, relu, linear: 40]"),
    ("LRB017", "layers.3", DENSE, 64, "[linear: 300, relu, linear: 10, batch_norm]"),
    ("LRB018", "layers.2", IMAGE, 64, "[conv2d: {channels: 16, kernel: 3}, relu, squeeze_excite: 4, global_avg_pool, linear: 10]"),
    ("LRB020", None, DENSE, 64, "[repeat: {times: 21, layers: [linear: 100, relu]}, linear: 10]"),
    ("LRB021", None, DENSE, 64, "[linear: 100, residual: [linear: 100, batch_norm, relu], linear: 30]"),
    ("LRB023", "layers.1", DENSE, 64, "[linear: 100, group_norm: 20, relu, linear: 10]"),
    ("LRB029", None, DENSE, 64, "[batch_norm, relu]"),
    ("LRB030", "layers.2", DENSE, 64, "[linear: 30, relu, tanh, linear: 10]"),
    ("LRB031", "layers.2", DENSE, 64, "[linear: 30, relu, batch_norm, linear: 10]"),
    (
        "LRB047",
        "layers.2",
        "[3, 9, 9]",
        32,
        "[conv2d: {channels: 8, kernel: 3}, tanh, max_pool2d: {kernel: 3, stride: 2}, flatten, linear: 4]",
    ),
    ("LRB032", "layers.2", DENSE, 64, "[linear: 30, silu, residual: [linear: 30, silu], linear: 10]"),
    ("LRB043", "layers.1", IMAGE, 32, DEEP.format("flatten")),
]  # fmt: skip


@pytest.mark.parametrize(("code", "path", "shape", "batch", "layers"), CASES, ids=[case[0] for case in CASES])
def test_a_notice_comes_with_its_reason_and_the_layer_that_it_is_about(code, path, shape, batch, layers):
    found = {
        one.code: one.path for one in predict(parse(SPEC.format(shape=shape, batch=batch, layers=layers))).warnings
    }

    assert found.get(code, "none") == path


def test_a_plain_network_has_nothing_to_say():
    net = parse(SPEC.format(shape=DENSE, batch=64, layers="[linear: 300, batch_norm, relu, linear: 10]"))

    assert predict(net).warnings == ()


def test_flatten_is_warned_of_only_where_a_map_is_flattened():
    pooled = predict(parse(SPEC.format(shape=IMAGE, batch=32, layers=DEEP.format("global_avg_pool, flatten"))))

    assert pooled.max_learning_rate > pooled.bounds.curvature
    assert "LRB043" not in {one.code for one in pooled.warnings}
