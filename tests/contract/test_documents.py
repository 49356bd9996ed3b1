"""Every page is in the index, every link leads somewhere, every figure was measured."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = (".", ".github", "docs", "runtime", "benchmarks")
PAGES = sorted(page for folder in FOLDERS for page in (ROOT / folder).glob("*.md"))


def prose(page):
    """The text of a page without its blocks of code, in which a bracket is no link."""
    return re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)


def anchors(page):
    """The names of the page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", prose(page), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def links(page):
    """The relative links of a page, (path, anchor) each."""
    targets = re.findall(r"\]\(([^)\s]+)\)", prose(page))
    found = [target.partition("#") for target in targets if "://" not in target]
    return [(path, anchor) for path, _, anchor in found]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file_and_a_heading(page):
    for path, anchor in links(page):
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), path
        assert target.is_relative_to(ROOT), path
        assert not anchor or anchor in anchors(target), f"{path}#{anchor}"


def test_every_page_is_in_the_index():
    index = ROOT / "docs" / "README.md"
    listed = {(index.parent / path).resolve() for path, _ in links(index)}
    pages = {page for page in PAGES if page.parent.name in ("docs", "benchmarks")} - {index}
    assert len(pages) > 15
    assert pages <= listed


def test_the_readme_is_read_in_five_minutes():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


def test_the_figures_that_the_readme_compares_with_others_are_measured():
    text = (ROOT / "README.md").read_text().partition("## Alternatives")[2]
    figures = re.findall(r"\b\d\.\d{4}\b|\b\d\.\d\d %", text)
    measured = (ROOT / "benchmarks" / "quality.md").read_text().replace("%", " %")
    assert len(figures) > 12
    assert [figure for figure in figures if figure not in measured] == []
