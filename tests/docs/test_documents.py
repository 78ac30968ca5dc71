"""The documents of a clone: their links, and what README.md says of the product."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SITE = ROOT / "docs" / "pages"
"""Its links lead to generated pages, too: tests/docs/test_site.py."""
DOCUMENTS = [
    p
    for p in sorted(ROOT.rglob("*.md"))
    if not any(part[0] == "." for part in p.relative_to(ROOT).parts) and SITE not in p.parents
]
README = (ROOT / "README.md").read_text()


def anchors(document):
    """Return what the headings of a document are called in links."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", document.read_text(), flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(document):
    """Return the relative links of a document that lead nowhere."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", document.read_text(), flags=re.DOTALL)
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    wrong = []
    for link in links:
        name, _, anchor = link.partition("#")
        target = document.parent / name if name else document
        if not target.exists() or (anchor and anchor not in anchors(target)):
            wrong.append(link)
    return wrong


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(document):
    assert broken(document) == []


def test_a_link_to_a_missing_file_or_heading_is_found(tmp_path):
    document = tmp_path / "a.md"
    document.write_text("# One\n[there](a.md#one) [not](b.md) [nor](#two) `[code](c.md)` [web](https://x.org)\n")

    assert broken(document) == ["b.md", "#two"]


def test_the_readme_fits_on_150_lines():
    assert len(README.splitlines()) <= 150


def test_the_answer_in_the_readme_is_what_predict_prints():
    command = [sys.executable, "-m", "lrbound", "predict", str(ROOT / "examples" / "wei2019-fc.yaml")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    shown = re.findall(r"```text\n(.*?)```", README, re.DOTALL)[0].splitlines()

    assert len(shown) > 10
    assert [line for line in shown if line not in printed] == []


def test_the_accuracy_in_the_readme_is_that_of_the_table():
    table = (ROOT / "examples" / "README.md").read_text().partition("<!-- accuracy:begin -->")[2]
    count, median, tail, worst = re.findall(
        r"(\d+) networks.*median ([\d.]+)%, 90th percentile ([\d.]+)%, worst ([\d.]+)%", table
    )[0]
    coverage = re.findall(r"\((\d+)%\) lie inside the 90 % interval", table)[0]
    line = " ".join(README.partition("## How good it is")[2].split())

    assert line.startswith(f"{count} networks")
    for number in (
        f"error of {median} %",
        f"{tail} % at the 90th",
        f"{worst} % at worst",
        f"{coverage} % of single values",
    ):
        assert number in line
