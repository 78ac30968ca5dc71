"""The site: what is generated is complete, and what its pages tell people to type works."""

from __future__ import annotations

import importlib.util
import re
import shutil
from pathlib import Path

import pytest
import yaml

from lrbound.cli.app import run, verbs
from lrbound.fields import params
from lrbound.layers import LAYERS
from lrbound.losses import LOSSES
from lrbound.notices import codes
from lrbound.optimizers import OPTIMIZERS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
WRITTEN = sorted((DOCS / "pages").glob("*.md"))


@pytest.fixture(scope="module")
def generated() -> dict[str, str]:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.pages()


def headings(text: str) -> set[str]:
    return set(re.findall(r"^#+ (.+)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE))


def test_the_spec_page_has_every_member_with_every_argument(generated):
    page = generated["reference/spec.md"]

    for family in (LAYERS, LOSSES, OPTIMIZERS):
        for name in family.names():
            assert name in headings(page)
            section = page.split(f"\n### {name}\n")[1].split("\n### ")[0]
            assert all(f"| `{argument}`" in section for argument in params(family.get(name)))


def test_the_other_pages_have_every_command_and_code(generated):
    assert set(verbs()) <= headings(generated["reference/commands.md"])
    assert all(any(head.startswith(code) for head in headings(generated["reference/codes.md"])) for code in codes())


def test_tables_have_as_many_cells_in_every_row(generated):
    for table in re.findall(r"(?:^\|.*\n)+", generated["reference/spec.md"], re.MULTILINE):
        rows = [len(re.findall(r"(?<!\\)\|", row)) for row in table.splitlines()]
        assert len(set(rows)) == 1, table


def test_the_navigation_leads_to_every_page_and_to_no_other(generated):
    nav = yaml.safe_load((DOCS / "mkdocs.yml").read_text())["nav"]
    flat = [
        page for entry in nav for pages in entry.values() for page in (pages if isinstance(pages, list) else [pages])
    ]
    listed = {next(iter(page.values())) if isinstance(page, dict) else page for page in flat}

    assert listed == {path.name for path in WRITTEN} | set(generated)


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.stem)
def test_links_between_pages_lead_somewhere(path, generated):
    links = re.findall(r"\]\(([\w/.-]+\.md)\)", path.read_text())

    assert set(links) <= {page.name for page in WRITTEN} | set(generated)


def commands(path: Path) -> list[str]:
    blocks = re.findall(r"```console\n(.*?)```", path.read_text(), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.startswith("lrbound ")]


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.stem)
def test_what_a_page_tells_people_to_type_works(path, tmp_path, monkeypatch, capsys):
    """In a folder with the files that it names; a check may find a rate too high."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "examples" / "nets.py", "nets.py")
    if path.stem != "index":
        assert run(["import", "nets.py:build", "--input", "3,32,32", "-o", "net.yaml"]) == 0
        Path("specs").mkdir()
        for name in ("specs/net.yaml", "small.yaml", "large.yaml"):
            shutil.copy(ROOT / "examples" / "wei2019-fc.yaml", name)
    for line in commands(path):
        arguments = line.split()[1:]
        if "solve" in arguments:
            arguments[1] = "small.yaml"
        status = run([*arguments, *(["--force"] if "-o" in arguments and "import" in arguments else [])])
        assert status in ((0, 1) if "check" in arguments else (0,)), (line, capsys.readouterr().err)
