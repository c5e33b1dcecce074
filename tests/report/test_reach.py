"""What everybody has to be able to do with the page: by keyboard, by ear, on paper, with colours of one's own, without scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from harness.report.facts import gather
from harness.report.make import make
from tests.report.browsing import Visit
from tests.report.stores import Answers, alternating, write_run


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a task of graded scores and one of right and wrong, with what is invisible in an answer."""
    store = tmp_path_factory.mktemp("graded")
    hidden = "a\u00adb\u3164c\U000e0041d \U0001f468\u200d\U0001f469 e"
    for name, weights, shift in (("c", "closed", 0), ("o", "open_weights", 1)):
        tasks = {
            "graded": Answers(
                [round(0.90 + 0.02 * ((i + shift) % 3), 2) for i in range(60)],
                texts=[hidden] * 60,
                question='said "one\\two"\nthree',
            ),
            "plain": Answers(alternating(60, 0.6, shift), "other"),
        }
        write_run(store, name, weights, tasks)  # type: ignore[arg-type]
    make(gather(store), store / "report")
    return store / "report"


@pytest.fixture
def page(browser: Browser, graded: Path) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    context.set_default_timeout(15_000)
    visit = Visit(context.new_page())
    visit.open((graded / "index.html").as_uri())
    yield visit.page
    assert visit.errors == []
    context.close()


def _count(page: Page) -> int:
    return int(page.locator("#count").inner_text().split()[0])


def test_outcomes_of_graded_scores_are_what_they_are_called(page: Page) -> None:
    page.select_option("[name=task]", label="graded")
    assert {option.inner_text() for option in page.locator("[name=outcome] option").all()} == {
        "all", "open scores higher", "closed scores higher", "both 50 points or more", "both under 50 points",
    }  # fmt: skip
    counts = {}
    for outcome in ("open", "closed", "both", "none"):
        page.select_option("[name=outcome]", outcome)
        counts[outcome] = _count(page)
    assert counts == {"open": 40, "closed": 20, "both": 60, "none": 0}


def test_what_cannot_be_seen_is_spelt_out_and_emoji_stay(page: Page) -> None:
    page.evaluate("location.hash = '#sample/graded/item-00003'")
    page.wait_for_selector("#sample .pair pre")
    assert "a[U+00AD]b[U+3164]c[U+E0041]d \U0001f468\u200d\U0001f469 e" in page.inner_text("#sample")


def test_back_leads_from_sample_to_sample_and_out_of_them(page: Page) -> None:
    for item in (1, 4):
        page.click(f"#row-{item}")
        page.get_by_role("heading", name=f"plain / item-0000{item}").wait_for()
    page.go_back()
    page.get_by_role("heading", name="plain / item-00001").wait_for()
    page.go_back()
    page.wait_for_function("() => !document.getElementById('sample').children.length")
    assert page.url.endswith("index.html")


def test_texts_are_searched_as_they_are_read(page: Page) -> None:
    page.check("[name=texts]")
    for query, found in (('said "one\\two"', 60), ('said \\"one', 0), ('","', 0), ("three", 60)):
        page.fill("[name=query]", query)
        page.get_by_text(f"{found} samples", exact=True).wait_for()


def test_without_its_folder_of_texts_a_search_ends_and_says_why(
    browser: Browser, graded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.report.page.BESIDE_BYTES", 100)
    make(gather(graded.parent), tmp_path)
    for path in (tmp_path / "samples").iterdir():
        path.unlink()
    page = browser.new_page()
    page.goto((tmp_path / "index.html").as_uri())
    page.check("[name=texts]")
    page.fill("[name=query]", "three")
    page.get_by_text("Texts cannot be searched: samples/ is missing beside this page").wait_for()
    page.close()


def test_the_list_says_its_columns_and_points_only_to_rows_that_are_there(page: Page) -> None:
    assert page.locator(".row.head").inner_text().split() == ["item", "task", "closed", "open"]
    assert page.locator("#row-1").get_attribute("aria-label") == "item-00001, plain; closed: ✓ right; open: ✗ wrong"
    page.evaluate("document.getElementById('list').scrollTop = 2500")
    page.wait_for_function("() => !document.getElementById('row-0')")
    assert page.locator("#list").get_attribute("aria-activedescendant") is None
    page.locator("#list").focus()
    page.keyboard.press("ArrowDown")
    active = page.locator("#list").get_attribute("aria-activedescendant") or ""
    assert page.locator(f"#{active}").is_visible()
    assert page.evaluate("document.getElementById('list').scrollTop") == 2500, "from where one sees"


def test_typing_does_not_read_an_open_sample_out_again(page: Page) -> None:
    page.click("#row-2")
    page.wait_for_selector("#sample .pair")
    assert page.locator("#sample").get_attribute("aria-live") is None
    page.evaluate(
        "() => { window.rebuilt = 0; new MutationObserver(() => window.rebuilt++).observe(document.getElementById('sample'), {childList: true}); }"
    )
    page.locator("[name=query]").press_sequentially("item")
    assert page.evaluate("window.rebuilt") == 0


def test_only_what_scrolls_is_a_stop_for_the_keyboard(page: Page) -> None:
    stops = "document.querySelectorAll('.scroll[tabindex], pre[tabindex]').length"
    assert page.evaluate(stops) == 0
    page.set_viewport_size({"width": 390, "height": 800})
    page.wait_for_function(f"() => {stops} > 0")
    assert page.evaluate(
        "[...document.querySelectorAll('.scroll')].every(n => n.hasAttribute('tabindex') === n.scrollWidth > n.clientWidth + 1)"
    )
    cue = page.evaluate("getComputedStyle(document.querySelector('figure .scroll'), '::before').content")
    assert "more to the side" in cue
    assert page.locator("#gap .narrow").is_visible()
    assert page.locator("#row-1 span").nth(1).is_visible(), "the task"


def test_with_colours_of_ones_own_the_marks_of_the_sides_are_still_there(browser: Browser, graded: Path) -> None:
    context = browser.new_context(forced_colors="active")
    page = context.new_page()
    page.goto((graded / "index.html").as_uri())
    marks = page.evaluate(
        "[...document.querySelectorAll('#models ~ div .side')].map(n => getComputedStyle(n, '::before').content.slice(1, 2) + n.textContent)"
    )
    assert marks == ["◆closed", "●open"]
    context.close()


def test_on_paper_nothing_is_cut_and_no_control_is_left(page: Page) -> None:
    page.emulate_media(media="print")
    for what in ("nav", "#filters", "#list", "#samples"):
        assert not page.locator(what).first.is_visible(), what
    page.set_viewport_size({"width": 720, "height": 1000})
    cut = page.evaluate(
        "[...document.querySelectorAll('.scroll')].filter(n => n.scrollWidth > n.clientWidth + 1).map(n => n.ariaLabel)"
    )
    assert cut == []


def test_without_scripts_no_empty_box_is_left(browser: Browser, graded: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto((graded / "index.html").as_uri())
    assert page.get_by_text("The samples need JavaScript").is_visible()
    assert not page.locator("#list").is_visible()
    context.close()


def test_every_figure_of_the_answer_leads_to_its_run_or_its_table(page: Page) -> None:
    unlinked = page.evaluate("""() => [...document.querySelectorAll('main section:first-child tbody td')]
        .filter(cell => /[0-9]/.test(cell.textContent) && !cell.querySelector('a') && !cell.querySelector('.verdict')).map(cell => cell.textContent)""")
    assert json.dumps(unlinked) == "[]"
