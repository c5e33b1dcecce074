"""A report of scores that others published: alone in a store, beside runs, and never as a paired gap."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from harness.cli.main import main
from harness.exchange.published import read_published_table, write_published
from harness.exchange.sealing import seal_all
from harness.exchange.tables import read_items
from harness.report import words
from harness.report.charts import charts
from harness.report.facts import Facts, gather
from harness.report.make import make
from harness.report.style import LIGHT, THEMES, Theme, settings
from tests.report.browsing import Visit
from tests.report.conftest import HOSTILE
from tests.report.stores import Answers, alternating, write_run
from tests.report.test_forest import text_overlaps

MODELS = (
    ("c1", 50, "2025-01-01", "closed"), ("c2", 80, "2025-06-01", "closed"), ("o1", 40, "2025-03-01", "open_weights"),
    ("o2", 60, "2025-12-01", "open_weights"), ("u", 99, "2025-11-01", ""),
)  # fmt: skip


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One series with n, one of another unit, one where lower is better, one of hostile names."""
    path = tmp_path_factory.mktemp("table") / "published.csv"
    with open(path, "w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(
            ["series", "model", "value", "unit", "release_date", "weights", "source", "n", "higher_is_better"]
        )
        for series, unit, n, better in (
            ("Exam", "percent", 400, ""),
            ("Arena", "Elo", "", ""),
            ("Slips", "percent", 90, "false"),
        ):
            for model, value, date, weights in MODELS:
                writer.writerow([series, model, value, unit, date, weights, f"{series} paper", n, better])
        for model, value, date, weights in MODELS:
            writer.writerow([f"=x{HOSTILE}", model + HOSTILE, value, f"<b>{HOSTILE}", date, weights, HOSTILE, "", ""])
    return path


@pytest.fixture(scope="module")
def alone(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that holds nothing else, with its report."""
    store = tmp_path_factory.mktemp("alone")
    assert main(["import", "published", str(table), "--store", str(store)]) == 0
    assert main(["report", "--store", str(store)]) == 0
    return store


def test_a_store_of_published_scores_alone_gives_a_report(alone: Path) -> None:
    text = (alone / "report" / "index.html").read_text()
    assert (
        "Published scores, one current table of each of 4 sources: the best closed model is ahead in 3, the best open one in 1"
        in text
    )
    for said in (
        "there is no paired gap, no verdict and no price",
        "score noise <",
        "tolerance 0",
        "(Kaplan–Meier",
        "It needs answers to the same items",
        "by Exam paper",
    ):
        assert said in text, said
    names = {path.name for path in (alone / "report").iterdir()}
    assert {"releases.png", "releases-dark.svg", "published.csv", "summary.md"} <= names
    assert not {"gap.png", "gaps.csv", "items.csv"} & names
    with open(alone / "report" / "published.csv", newline="") as handle:
        rows = {row["series"]: row for row in csv.DictReader(handle)}
    assert float(rows["Exam"]["closed_ahead_by"]) == 20
    assert float(rows["Exam"]["age_months"]) == pytest.approx(183 / 30.4375, abs=1e-4)
    assert float(rows["Exam"]["age_score_noise_low"]) < 6.013
    assert float(rows["Exam"]["age_score_noise_high"]) > 6.012
    assert (rows["Exam"]["luck_uncorrelated"], rows["Exam"]["tolerance"]) != ("", "")
    assert rows["Arena"]["unit"] == "Elo"
    assert rows["Arena"]["age_score_noise_low"] == rows["Arena"]["luck_uncorrelated"] == "", (
        "no n and no error: not known"
    )
    assert float(rows["Slips"]["closed_ahead_by"]) == -10
    assert any(name.startswith("'=x") for name in rows)


def test_it_comes_out_the_same(alone: Path, tmp_path: Path) -> None:
    for path in make(gather(alone), tmp_path):
        assert path.read_bytes() == (alone / "report" / path.name).read_bytes(), path.name


def test_the_summary_tells_what_changed_and_that_noise_may_be_unknown(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = ["--store", str(tmp_path / "s")]
    assert main(["import", "published", str(table), *store]) == 0
    assert main(["report", *store]) == 0
    newer = tmp_path / "newer.csv"
    newer.write_text(table.read_text().replace("Exam,o2,60", "Exam,o2,61").replace("Arena,o2,60", "Arena,o3,70"))
    assert main(["import", "published", str(newer), *store]) == 0
    assert main(["report", *store]) == 0
    text = (tmp_path / "s" / "report" / "summary.md").read_text()
    assert "- `Exam, percent`: +20.0 → +19.0, within the noise of the two (±8.7, 95 %)\n" in text
    assert (
        "- `Arena, Elo`: +20.0 → +10.0, of other systems, so the two do not compare; now `c2` against `o3`, before `c2` against `o2`"
        in text
    )
    assert "Nothing changed" not in text


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_the_picture_says_lag_noise_censoring_and_bias(alone: Path, theme: Theme) -> None:
    facts = gather(alone)
    chart = next(chart for chart in charts() if chart.name == "releases")
    with settings(theme):
        figure = chart.draw(facts, theme)
        assert text_overlaps(figure) == []
    told = str(figure.get_label())
    assert told.startswith("Exam, as published: open is 6.0 months behind (")
    for said in (
        "2 closed records, of which open reached all but 1, and 0 with its first model", "2 open records, of which closed reached all but 0, and 1 with",
        "2 of 2 closed and 2 of 2 open models dated, 1 on no side; n up to 400", "closed ahead by +20.0 percent, luck",
    ):  # fmt: skip
        assert said in told, said


def test_the_page_in_a_browser(browser: Browser, alone: Path) -> None:
    for width, scheme in ((1280, "light"), (390, "dark")):
        context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme, offline=True)  # type: ignore[arg-type]
        visit = Visit(context.new_page())
        visit.open((alone / "report" / "index.html").as_uri())
        page = visit.page
        for heading in ("Published scores", "Pictures", "Not compared", "Files"):
            assert page.get_by_role("heading", name=heading, exact=True, level=2).is_visible()
        for heading in ("Samples", "Models", "Runs and protocols"):
            assert page.get_by_role("heading", name=heading, exact=True).count() == 0
        page.get_by_text("All 4 series, the 4 current ones first").click()
        assert page.locator("details[open] tbody tr").count() == 4
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("window.broken") is None
        assert page.locator("main b, main script").count() == 0
        assert visit.errors == []
        assert all(url.startswith(("file:", "about:")) for url in visit.requests)
        context.close()


def test_headline_counts_one_current_table_a_source_and_names_what_has_one_side_alone(tmp_path: Path) -> None:
    lines = ["series,model,value,unit,release_date,weights,source,source_commit_date"]
    for series, source, year, sides in (
        ("Bench A", "lab/bench", 2025, ("closed", "open_weights")), ("Bench A complement", "lab/bench", 2025, ("closed", "open_weights")),
        ("Other", "b", 2025, ("closed", "open_weights")), ("Old", "c", 2021, ("closed", "open_weights")), ("Half", "d", 2025, ("closed", "closed")),
    ):  # fmt: skip
        for place, weights in enumerate(sides):
            lines += [
                f"{series},{weights}{i}{place},{50 + 10 * i + 5 * place},percent,{year}-0{1 + i}-01,{weights},{source},2025-06-01"
                for i in range(2)
            ]
    lines.append("Other,late,99,percent,2025-11-01,open_weights,b,2025-06-01")
    (tmp_path / "t.csv").write_text("\n".join(lines))
    store = tmp_path / "s"
    assert main(["import", "published", str(tmp_path / "t.csv"), "--store", str(store)]) == 0
    facts = gather(store)
    assert (
        words.answer(facts)
        == "Published scores, one current table of each of 2 sources: the best closed model is ahead in 0, the best open one in 2"
    )
    make(facts, tmp_path / "out")
    text = (tmp_path / "out" / "index.html").read_text()
    for said in (
        "1 published table without a model known to be open or without one known to be closed: Half, percent", "of which 3 are current",
        "by lab/bench", "Dated after the source itself, so left out of the months: 1",
        "Months are of dated models alone, of which the best are closed10 60.0 (closed) and open_weights11 65.0 (open)",
    ):  # fmt: skip
        assert said in text, said
    other = next(one for one in facts.published if one.name == "Other")
    assert (other.as_of, other.later) == ("2025-02-01", 1)


def test_beside_runs_they_stand_apart(rich_store: Path, table: Path, tmp_path: Path) -> None:
    store = tmp_path / "s"
    shutil.copytree(rich_store, store)
    before = gather(store)
    write_published(store, read_published_table(table, series=None, unit=None, source=None, columns={})[0])
    facts = gather(store)
    assert facts.rows == before.rows
    make(facts, tmp_path / "out")
    text = (tmp_path / "out" / "index.html").read_text()
    assert '<h2 id="published">Published scores</h2>' in text
    assert "there is no paired gap" in text
    assert text.index("dimension-1") < text.index('id="published"')


def test_an_imported_system_has_the_release_date_of_the_published_model_of_its_name(tmp_path: Path) -> None:
    for name, weights, share in (
        ("c1", "closed", 0.5),
        ("c2", "closed", 0.8),
        ("o1", "open_weights", 0.4),
        ("o2", "open_weights", 0.6),
        ("x", "closed", 0.3),
    ):
        write_run(tmp_path / "s", name, weights, {"t": Answers(alternating(100, share))}, provenance="import:items")  # type: ignore[arg-type]
    assert gather(tmp_path / "s").standings[0].lag is None
    table = tmp_path / "t.csv"
    table.write_text(
        "series,model,value,unit,release_date,weights,source\n"
        + "".join(f"Exam,{m},{v},percent,{d},{w},a\n" for m, v, d, w in MODELS)
    )
    write_published(tmp_path / "s", read_published_table(table, series=None, unit=None, source=None, columns={})[0])
    facts = gather(tmp_path / "s")
    assert facts.about["o2"].released == "2025-12-01"
    assert facts.about["o2"].matched
    assert facts.about["x"].released is None
    first = facts.standings[0]
    assert first.measured
    assert first.lag is not None
    # The data end with the newest release, not on the day on which they were read.
    assert first.as_of == "2025-12-01"
    assert first.name == "t"
    for name in ("releases", "history"):
        with settings(LIGHT):
            figure = next(chart for chart in charts() if chart.name == name).draw(facts, LIGHT)
        said = " ".join(text.get_text() for text in figure.texts)
        assert "4 imported systems dated by published scores of exactly the same name." in said.replace("\n", " ")
        assert "that is not before the date in the name: x" in said.replace("\n", " ")


def test_an_imported_result_says_where_it_comes_from_and_that_nobody_knows_how_it_was_asked(tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text(
        "model,item_id,score,open_weights\n"
        + "".join(
            f"{m},i{i},{float(i % k == 0)},{w}\n"
            for m, k, w in (("c", 2, "false"), ("o", 3, "true"))
            for i in range(60)
        )
    )
    found = read_items(rows, benchmark="b", dimension="coding").found
    seal_all(tmp_path / "s", found, kind="items", source=rows)
    facts: Facts = gather(tmp_path / "s")
    assert facts.source.startswith("OpenGap, 2 results imported from rows.csv on 20")
    with settings(LIGHT):
        said = " ".join(text.get_text() for text in charts()[0].draw(facts, LIGHT).texts)
    assert "asked the same way" not in said
    assert "how the imported answers were asked for was not recorded" in said


@pytest.mark.parametrize(("regex", "told"), [
    (None, ("Closed leads in coding by 14.0 [9.8, 18.2] points", "+13.4 between the two named")),
    ("^(.+?)__", ("Closed leads in coding by 13.8 [", "few clusters (effective number 3.9)", "+13.4 between the two named")),
])  # fmt: skip
def test_the_golden_frontier_is_told(test_data: Path, tmp_path: Path, regex: str | None, told: tuple[str, ...]) -> None:
    """All of SWE-bench Verified but the model whose rows contradict its published mean: 13 closed against 11 open."""
    path = test_data / "published" / "per_item_swebench_verified.csv"
    found = read_items(
        path, benchmark="SWE-bench Verified", dimension="coding", columns={"score": "resolved"}, cluster_regex=regex
    ).found
    seal_all(tmp_path, [one for one in found if not one.system.startswith("Claude 3.7")], kind="items", source=path)
    facts = gather(tmp_path)
    with settings(LIGHT):
        cost = next(chart for chart in charts() if chart.name == "cost").draw(facts, LIGHT)
    # Two that lie close together: neither name takes the other's place.
    names = {"GPT-5 (2025-08-07) (medium reasoning)", "GPT-5.1 (2025-11-13) (medium reasoning)", "Minimax M2"}
    assert names <= {text.get_text() for axes in cost.axes for text in axes.texts}
    make(facts, tmp_path / "report")
    text = (tmp_path / "report" / "index.html").read_text()
    for said in (
        *told, "Claude 4.5 Opus medium (20251101) (closed) against Minimax M2 (open weights)", "only closed 85, only open 18",
        "The best closed system costs 1.", ">$0.72</a> / <a", ">$0.43</a>", "imported from per_item_swebench_verified.csv",
    ):  # fmt: skip
        assert said in text, said


def test_the_golden_lags_and_differences(test_data: Path, tmp_path: Path) -> None:
    path = test_data / "published" / "published_scores.csv"
    write_published(tmp_path, read_published_table(path, series=None, unit=None, source=None, columns={})[0])
    facts = gather(tmp_path)
    (found,) = (one for one in facts.published if one.name == "SWE-bench Verified bash-only (mini-SWE-agent)")
    assert (found.best_closed.model, found.best_open.model) == ("Claude 4.5 Opus medium (20251101)", "Minimax M2")
    assert found.gap == pytest.approx(13.4, abs=0.05)
    assert found.bias is not None
    assert abs(found.bias.bias_uncorrelated) < 1
    assert found.noise is not None
    assert found.labs is not None
    make(facts, tmp_path / "report")
    assert (tmp_path / "report" / "releases.png").is_file()
