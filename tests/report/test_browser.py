"""The page in a real browser, offline: every section, the explorer, the keyboard, and nothing that a model wrote runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from harness.report.facts import Facts
from harness.report.page import page as rendered
from harness.report.samples import samples
from harness.report.svg import Picture
from tests.report.browsing import Visit
from tests.report.conftest import N


@pytest.fixture(params=[(1280, 900, "light"), (390, 844, "dark")], ids=["desktop", "phone"])
def visit(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Visit]:
    width, height, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme, offline=True)
    context.set_default_timeout(15_000)
    found = Visit(context.new_page())
    yield found
    assert found.errors == []
    assert all(url.startswith(("file:", "about:")) for url in found.requests)
    context.close()


def _count(visit: Visit) -> int:
    text = visit.page.locator("#count").inner_text()
    return int(re.sub(r"\D", "", text.partition(" ")[0]))


def test_every_section_is_there_and_nothing_is_asked_of_the_network(visit: Visit, rich_report: Path) -> None:
    visit.open((rich_report / "index.html").as_uri())
    page = visit.page
    assert len(visit.requests) == 1
    for heading in (
        "Reasoning",
        "Coding",
        "Summarization",
        "Pictures",
        "Samples",
        "Models",
        "Runs and protocols",
        "Not compared",
        "Files",
    ):
        assert page.get_by_role("heading", name=heading, exact=True, level=2).is_visible()
    assert page.locator("figure svg").count() == 9
    for figure in page.locator("figure").all():
        box = figure.bounding_box()
        assert box is not None
        assert box["width"] > 300
        assert box["height"] > 100
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for link in page.locator("nav a").all():
        link.click()
        target = (link.get_attribute("href") or "").removeprefix("#")
        assert page.locator(f"[id='{target}']").evaluate("e => Math.abs(e.getBoundingClientRect().top) < innerHeight")


def test_filters_search_and_pairs(visit: Visit, rich_report: Path) -> None:
    visit.open((rich_report / "index.html").as_uri())
    page = visit.page
    assert _count(visit) == 4 * N
    assert 10 < page.locator("#rows .row").count() <= 60
    page.select_option("[name=task]", label="puzzles")
    assert _count(visit) == N
    parts = {}
    for outcome in ("open", "closed", "both", "none"):
        page.select_option("[name=outcome]", outcome)
        parts[outcome] = _count(visit)
    assert sum(parts.values()) == N
    page.select_option("[name=outcome]", "open")
    assert (
        "wrong" in page.locator("#rows .closed").first.inner_text()
        or "refused" in page.locator("#rows .closed").first.inner_text()
    )
    assert "right" in page.locator("#rows .open").first.inner_text()
    page.select_option("[name=outcome]", "all")
    page.select_option("[name=closed]", label="closed-old")
    page.select_option("[name=status]", "refused")
    assert 0 < _count(visit) < N
    page.select_option("[name=status]", "")
    page.fill("[name=query]", "item-00007")
    assert _count(visit) == 1
    page.fill("[name=query]", "answer 33 of")
    assert _count(visit) == 0
    page.check("[name=texts]")
    page.get_by_text("1 sample", exact=True).wait_for()


def test_keyboard_reaches_the_last_sample_and_opens_it(visit: Visit, rich_report: Path) -> None:
    visit.open((rich_report / "index.html").as_uri())
    page = visit.page
    page.locator("#list").focus()
    for key in ("ArrowDown", "ArrowDown", "PageDown", "ArrowUp", "Home", "End"):
        page.keyboard.press(key)
    active = page.locator("#list").get_attribute("aria-activedescendant") or ""
    assert active == f"row-{4 * N - 1}"
    assert page.locator(f"#{active}").is_visible()
    page.keyboard.press("Enter")
    page.wait_for_selector("#sample h3")
    assert page.evaluate("document.activeElement.tagName") == "H3"
    assert page.evaluate("location.hash").startswith("#sample/")
    assert page.locator("#rows .row").count() <= 60


def test_a_deep_link_opens_one_sample_with_both_answers(visit: Visit, rich_report: Path) -> None:
    visit.open((rich_report / "index.html").as_uri() + "#sample/puzzles/item-00042")
    shown = visit.page.locator("#sample")
    visit.page.wait_for_selector("#sample .pair pre")
    assert "puzzles / item-00042" in shown.inner_text()
    assert "answer 42 of vendor:closed-new" in shown.inner_text()
    assert "answer 42 of vllm:org/open-new,dtype=bfloat16" in shown.inner_text()
    visit.open((rich_report / "index.html").as_uri() + "#samples/%3Dprograms")
    assert _count(visit) == N
    visit.open((rich_report / "index.html").as_uri() + "#sample/abstracts/item-00001")
    visit.page.wait_for_selector("#sample .pair")
    assert "may not be passed on" in shown.inner_text()


def test_what_a_model_wrote_is_inert(visit: Visit, rich_report: Path) -> None:
    visit.open((rich_report / "index.html").as_uri())
    for item in range(9):
        visit.page.evaluate("item => { location.hash = `sample/puzzles/${item}`; }", f"item-{item:05d}")
        visit.page.get_by_role("heading", name=f"puzzles / item-{item:05d}").wait_for()
        visit.page.wait_for_selector("#sample .pair pre")
        text = visit.page.locator("#sample").inner_text()
        assert not {"\u202e", "\x1b", "\x00"} & set(text)
        if item == 0:
            assert "</script><script>window.broken=1</script>" in text
        if item == 3:
            assert "[U+202E]" in text
    assert visit.page.evaluate("window.broken") is None
    assert visit.page.locator("#sample img, #sample script").count() == 0


def test_text_beside_the_page_is_loaded_on_demand_from_a_folder(
    visit: Visit, rich_facts: Facts, rich_report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.report.page.BESIDE_BYTES", 1000)
    found = samples(rich_facts)
    picture = Picture("gap", "How far?", (rich_report / "gap.svg").read_text(), "far", "very")
    (tmp_path / "index.html").write_text(rendered(rich_facts, [picture], {}, found))
    (tmp_path / "samples").mkdir()
    for number, block in enumerate(found.blocks):
        (tmp_path / "samples" / f"{number:04d}.js").write_text(f'opengapBlock({number},"{block}")\n')
    visit.open((tmp_path / "index.html").as_uri() + "#sample/puzzles/item-00042")
    visit.page.wait_for_selector("#sample .pair pre")
    assert "answer 42 of" in visit.page.locator("#sample").inner_text()
    assert visit.requests[0].endswith("/index.html")
    assert all(url.endswith(".js") for url in visit.requests[1:])


def test_text_has_the_contrast_that_wcag_asks_for(visit: Visit, rich_report: Path) -> None:
    visit.open((rich_report / "index.html").as_uri())
    faint = visit.page.evaluate("""() => {
      const light = c => { const [r, g, b] = c.match(/[0-9.]+/g).slice(0, 3).map(v => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
      const paper = node => { for (; node; node = node.parentElement) { const c = getComputedStyle(node).backgroundColor; if (!c.endsWith(", 0)") && c !== "transparent") return c; } return "rgb(255,255,255)"; };
      const found = [];
      for (const node of document.querySelectorAll("body *:not(svg *):not(script)")) {
        if (![...node.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
        const [a, b] = [light(getComputedStyle(node).color), light(paper(node))].sort((x, y) => y - x);
        if ((a + 0.05) / (b + 0.05) < 4.5) found.push(node.tagName + " " + node.textContent.slice(0, 40));
      }
      return found;
    }""")
    assert faint == []
    unnamed = visit.page.evaluate(
        "[...document.querySelectorAll('input,select,button')].filter(n => !n.labels?.length).length"
    )
    assert unnamed == 0
