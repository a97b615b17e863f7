"""What the documentation shows is what the code gives."""

import doctest
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [*ROOT.glob("*.md"), *DOCS.glob("*.md"), *ROOT.glob("configs/*.md")]


@pytest.mark.parametrize("page", ["metrics.md"])
def test_examples_of_a_page_give_what_it_shows(page):
    results = doctest.testfile(str(DOCS / page), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)

    assert results.attempted > 0
    assert results.failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    text = page.read_text()
    for path, _, heading in (link.partition("#") for link in re.findall(r"\]\(((?!http)[^)]+)\)", text)):
        linked = page.parent / path if path else page
        assert linked.exists(), path
        if heading:
            headings = re.findall(r"^#+ (.*)", linked.read_text(), flags=re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", one).lower().replace(" ", "-") for one in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_paths_and_targets_exist(page):
    text = page.read_text()
    folders = "metrics|modules|datamodules|lightning_app|configs|docs|tests|scripts|benchmarks"
    for path in re.findall(rf"`((?:{folders})/[\w/.]*)`", text):
        assert (ROOT / path).exists(), path
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"(?:`|^)make ([a-z-]+)", text, flags=re.MULTILINE):
        assert re.search(rf"^{target}:.*## ", makefile, flags=re.MULTILINE), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_lines_are_short(page):
    in_tables = ("|", "┃", "│")
    assert [line for line in page.read_text().splitlines() if len(line) > 120 and not line.startswith(in_tables)] == []
