"""When to stop, how many to ask, whether to switch: on files of answers and a real server."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from harness.asking import Asked, Execution
from harness.cli.main import main
from harness.errors import KeyRefused, UsageError
from harness.evidence.alignment import align
from harness.evidence.gather import gather
from harness.stats.power import n_needed
from harness.stats.sequential import random_order, sequential
from harness.store import list_runs, read_journal, read_plan, read_receipt
from harness.studies.power import _chance_of_a_lead, _exactly, power
from harness.studies.switch import compare_change, switch
from harness.studies.until_decided import Decision, describe, stop_at, until_decided
from harness.verdict import Store
from harness.verdict.doubt import guard
from harness.verdict.policy import interval
from tests.servers import fault_server
from tests.verdict.stores import Task, write_run


def questions(path: Path, n: int, clusters: int | None = None) -> Path:
    rows = [{"id": f"q{i:04d}", "input": f"case {i}", "target": "4"} for i in range(n)]
    if clusters:
        rows = [{**row, "cluster": f"c{i % clusters}"} for i, row in enumerate(rows)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def answers(path: Path, right: list[bool | None]) -> str:
    rows = [{"item_id": f"q{i:04d}", "text": "4" if one else "5"} for i, one in enumerate(right) if one is not None]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def quiet(_: str) -> None:
    return None


def decided(tmp_path: Path, closed: list[bool | None], open_: list[bool | None], **options: object) -> Decision:
    """Two files of answers, one of which a catalogue of our own calls closed."""
    file = questions(tmp_path / "mine.jsonl", len(closed), options.pop("clusters", None))  # type: ignore[arg-type]
    a, b = answers(tmp_path / "a.jsonl", closed), answers(tmp_path / "b.jsonl", open_)
    cards = Path("configs/catalogue")
    cards.mkdir(parents=True, exist_ok=True)
    level = "    weights: [{level: %s, since: 2025-01-01, evidence: invented for a test}]\n"
    (cards / "mine.yaml").write_text(
        f"developer: Some Lab\ncards:\n  a-card:\n    repository: {a}\n{level % 'closed'}"
        f"  b-card:\n    repository: {b}\n{level % options.pop('level', 'open_weights')}"
    )
    asked = Asked(models=(f"file:{b}", f"file:{a}"), items=file)
    return until_decided(asked, Execution(store=tmp_path / "st", say=quiet), **options)  # type: ignore[arg-type]


def test_it_stops_as_soon_as_it_is_decided(tmp_path: Path) -> None:
    found = decided(tmp_path, [True] * 600, [i % 3 == 0 for i in range(600)])
    assert found.verdict == "closed leads"
    assert found.asked < 100
    assert found.low > 0
    assert found.exit_code == 0
    told = " ".join(describe(found))
    assert "stopping early exaggerates it" in told
    assert "no fixed-n interval" in told
    again = decided(tmp_path, [True] * 600, [i % 3 == 0 for i in range(600)])
    assert again == found, "sealed runs repeat their decision"
    assert len(list_runs(tmp_path / "st")) == 2


def test_restricted_weights_are_the_open_side_unless_the_rule_is_stricter(tmp_path: Path) -> None:
    sides: list[list[bool | None]] = [[True] * 300, [i % 3 == 0 for i in range(300)]]
    found = decided(tmp_path, *sides, level="restricted")
    assert (found.verdict, found.open_from) == ("closed leads", "restricted")
    assert "--open-from open_weights would leave 0 of 1 open system" in " ".join(describe(found))
    with pytest.raises(UsageError, match=r"a licence that does not limit use\); these are .*\(restricted\)"):
        decided(tmp_path, *sides, level="restricted", open_from="open_weights")
    assert len(list_runs(tmp_path / "st")) == 2, "the rule is no part of what is asked"


def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path) -> None:
    sides: list[list[bool | None]] = [[True] * 300, [i % 3 == 0 for i in range(300)]]
    first = decided(tmp_path, *sides)
    for run in list_runs(tmp_path / "st"):
        run.receipt.unlink()
        segment = max(run.journal.glob("*.jsonl"))
        lines = segment.read_bytes().splitlines(keepends=True)
        segment.write_bytes(b"".join(lines[:5]) + lines[5][:20])
    assert decided(tmp_path, *sides) == first


def test_what_one_side_has_in_flight_is_kept_when_the_other_ends_the_run(tmp_path: Path) -> None:
    file = questions(tmp_path / "mine.jsonl", 200)
    with fault_server("--refuse-key") as refusing, fault_server("--latency", "0.5") as slow:
        with pytest.raises(KeyRefused):
            until_decided(
                Asked(models=(refusing.address, slow.address), weights=("closed", "open"), items=file),
                Execution(store=tmp_path / "st", concurrency=8, say=quiet),
            )
        asked = sum(slow.stats()["answered"].values())
    assert asked >= 8
    assert sum(len(read_journal(run.journal).answered) for run in list_runs(tmp_path / "st")) == asked


def test_such_runs_never_get_a_fixed_n_interval(tmp_path: Path) -> None:
    found = decided(tmp_path, [True] * 300, [False] * 300)
    gaps = Store(tmp_path / "st").gap()
    assert not gaps
    assert any("no fixed-n interval" in note for note in gaps.notes)
    assert not Store(tmp_path / "st").scores()
    runs = {run.run_id: run for run in list_runs(tmp_path / "st")}
    for run_id in found.runs:
        plan, receipt = read_plan(runs[run_id]), read_receipt(runs[run_id])
        assert plan.suite == "until-decided: E7, level 0.95, margin 3, seed 0", "the rule is on disk with the plan"
        assert receipt.counts["planned"] == receipt.counts["answered"] == found.asked
        assert len(receipt.tasks[0].item_ids) == 300


def test_equal_systems_are_asked_everything_and_stay_undecided(tmp_path: Path) -> None:
    right = [bool(one) for one in np.random.default_rng(1).random(150) < 0.5]
    other = [bool(one) for one in np.random.default_rng(2).random(150) < 0.5]
    found = decided(tmp_path, [*right], [*other])
    assert (found.verdict, found.asked, found.planned) == ("undecided", 150, 150)
    assert found.low < 0 < found.high


def test_whole_clusters_are_asked_and_bet_on(tmp_path: Path) -> None:
    found = decided(tmp_path, [True] * 400, [False] * 400, clusters=80)
    assert (found.verdict, found.unit) == ("closed leads", "cluster")
    assert found.asked % 5 == 0, "every cluster has five items"


def test_missing_answers_count_at_their_worst(tmp_path: Path) -> None:
    closed: list[bool | None] = [None if i % 10 == 0 else True for i in range(200)]
    found = decided(tmp_path, closed, [False] * 200)
    assert found.verdict == "undecided"
    assert found.missing > 0
    assert found.exit_code == 1


def test_the_rule_is_the_confidence_sequence_itself() -> None:
    generator = np.random.default_rng(3)
    order = random_order(300, seed=0)
    closed, open_ = (
        (generator.random(300) < 0.8).astype(float)[order],
        (generator.random(300) < 0.5).astype(float)[order],
    )
    verdict, at, low, high = stop_at([closed, open_], None, 3.0)
    whole = sequential(closed - open_)
    assert verdict == "closed leads"
    assert at == whole.decided_at
    assert (low, high) == pytest.approx((100 * whole.low[at - 1], 100 * whole.high[at - 1]))


def test_a_budget_needs_a_price_and_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = questions(tmp_path / "mine.jsonl", 60)
    with fault_server("--answer", "4") as server:
        command = [
            "eval", server.address, server.address.replace("fault-1", "fault-2"), "--weights", "closed", "--weights", "open",
            "--items", str(file), "--store", str(tmp_path / "st"), "--until-decided", "--concurrency", "4",
        ]  # fmt: skip
        assert main([*command, "--budget", "1"]) == 2
        assert "give --price-in and --price-out" in capsys.readouterr().err
        assert main([*command, "--budget", "nan"]) == 2
        assert server.stats()["requests"] == 0
        # A question costs at most about 1,100 tokens: enough for some, not for all.
        priced = [*command, "--price-in", "1", "--price-out", "1"]
        assert main([*priced, "--budget", "0.0012"]) == 3
        some = server.stats()["requests"]
        assert 0 < some < 120
        assert main([*priced, "--budget", "1"]) == 0
        assert server.stats()["requests"] == 120, "what was answered is not asked again"


def test_two_models_of_one_side_or_several_tasks_are_refused(tmp_path: Path) -> None:
    file = questions(tmp_path / "mine.jsonl", 10)
    for name in ("a", "b"):
        answers(tmp_path / f"{name}.jsonl", [True] * 10)
    pair = (f"file:{tmp_path / 'a.jsonl'}", f"file:{tmp_path / 'b.jsonl'}")
    execution = Execution(store=tmp_path / "st", say=quiet)
    with pytest.raises(UsageError, match="needs one closed and one open"):
        until_decided(Asked(models=pair, items=file, weights=("open",)), execution)
    with pytest.raises(UsageError, match="two models"):
        until_decided(Asked(models=pair[:1], items=file, weights=("open",)), execution)


@pytest.mark.slow
def test_equal_systems_are_seldom_called_different() -> None:
    """At most 116 false verdicts of 2,000 nulls: i.i.d., and clustered with bets on cluster means."""
    generator = np.random.default_rng(7)
    for clusters in (None, np.repeat(np.arange(60), 5).astype(np.intp)):
        false = 0
        for _ in range(2_000):
            shared = generator.random(300) if clusters is None else np.repeat(generator.random(60), 5)
            closed, open_ = (generator.random((2, 300)) < shared).astype(float)
            verdict, *_ = stop_at([closed, open_], clusters, 0.5)
            false += verdict in ("closed leads", "open leads")
        assert false <= 116


# Power


def test_the_golden_numbers_of_items_needed(test_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = str(test_data / "published" / "per_item_swebench_verified.csv")
    main(["import", "items", rows, "--benchmark", "SWE-bench Verified", "--dimension", "coding", "--map", "score=resolved",
          "--cluster-regex", "^(.+?)__", "--store", "s"])  # fmt: skip
    capsys.readouterr()
    names = ["--closed", "Claude 4.5 Opus", "--open", "Minimax M2", "--store", "s"]
    assert main(["power", *names, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(one["gap"], one["n_needed"]) for one in found] == [(3, 1644), (5, 592), (8, 232)]
    more = [(one["n_needed_clustered"] / 500, one["clusters_needed"]) for one in found]
    for gap, (copies, clusters) in zip((3, 5, 8), more, strict=True):
        df, se = 3.87 * copies - 1, 2.2948 / copies**0.5
        assert (stats.t.ppf(0.975, df) + stats.t.ppf(0.8, df)) * se == pytest.approx(gap, abs=0.05)
        assert clusters == pytest.approx(12 * copies, abs=1)
    main(["gap", *names, "--json"])
    ((stored,),) = [json.loads(capsys.readouterr().out)]
    assert main(["power", *names, "--gap", str(stored["detectable"]), "--json"]) == 0
    (same,) = json.loads(capsys.readouterr().out)
    assert (same["n_needed_clustered"], same["clusters_needed"]) == (500, 12), "what the stored items can show"
    assert found[0]["detectable_iid"] == pytest.approx(5.44, abs=5e-3)
    assert main(["power", *names]) == 0
    told = capsys.readouterr().out
    assert "1,644" in told
    assert "what repeats would bring is not known" in told
    assert max(map(len, told.splitlines())) <= 100
    assert main(["power", *names, "--gap", "0"]) == 2


@pytest.mark.parametrize(("gap", "differ"), [(0.5, 0.6), (0.3, 0.3), (0.2, 0.25), (0.1, 0.1), (0.05, 0.05)])
def test_so_few_items_show_a_large_gap_in_four_of_five_cases(gap: float, differ: float) -> None:
    """By drawing, and by the verdict of `gap` itself; the normal approximation alone gives 53 to 74 %."""
    short = n_needed(gap, math.sqrt(differ - gap**2))
    n = _exactly(short, gap, differ)
    assert short < n < 1.75 * short
    chance, leads = np.random.default_rng(n), 0
    for _ in range(400):
        u = chance.random(n)
        closed, open_ = (u < (differ + gap) / 2).astype(float), ((u >= (differ + gap) / 2) & (u < differ)).astype(float)
        used = interval(closed, open_, None).simultaneous
        leads += guard(closed, open_, None, used).lead[0] > 0
    assert 0.74 <= leads / 400 <= 0.88
    assert leads / 400 == pytest.approx(_chance_of_a_lead(n, gap, differ), abs=0.06)


def test_many_items_are_as_many_as_the_formula_says() -> None:
    assert _exactly(232, 0.08, 0.206) == 232
    assert _chance_of_a_lead(6, 1.0, 1.0) == pytest.approx(1), "six of six"
    assert _chance_of_a_lead(5, 1.0, 1.0) == pytest.approx(0)


def test_repeats_split_the_variance(tmp_path: Path) -> None:
    generator = np.random.default_rng(4)
    p = generator.random(400)
    for name, weights in (("c", "closed"), ("o", "open_weights")):
        drawn = (generator.random((400, 4)) < p[:, None]).astype(float)
        write_run(tmp_path, name, weights, {"t": Task(drawn.tolist())})  # type: ignore[arg-type]
    (one,) = power(gather(tmp_path)[0], [3.0], repeats=1)
    expected = 1e4 * float((p * (1 - p)).mean())
    assert one.answer_variance_closed == pytest.approx(expected, rel=0.1)
    assert one.item_variance < 0.15 * expected, "the true differences between items are nil"
    assert one.n_at_repeats is not None
    assert one.n_needed is not None
    assert one.n_at_repeats > 2.5 * one.n_needed, "asking once instead of four times costs items"
    assert one.repeats_needed is not None
    assert one.repeats_needed > 4


# Switch


def test_switching_to_a_worse_system_names_the_items(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = questions(tmp_path / "mine.jsonl", 300)
    old = answers(tmp_path / "old.jsonl", [True] * 300)
    new = answers(tmp_path / "new.jsonl", [i % 5 != 0 for i in range(300)])
    arguments = ["switch", "--from", f"file:{old}", "--to", f"file:{new}", "--items", str(file), "--weights", "open",
                 "--store", str(tmp_path / "st")]  # fmt: skip
    assert main(arguments) == 0
    told = capsys.readouterr().out
    assert "worse by more than the margin" in told
    assert "60 items get worse, 0 better" in told
    assert "… and 40 more" in told
    assert main([*arguments, "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert [one["item_id"] for one in body["worse"]] == [f"q{i:04d}" for i in range(0, 300, 5)]
    assert body["change"] == pytest.approx(-20)


def test_a_switch_says_which_side_each_model_is_on_and_by_which_rule(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = questions(tmp_path / "mine.jsonl", 60)
    old, new = (answers(tmp_path / name, [i % 2 == 0 for i in range(60)]) for name in ("old.jsonl", "new.jsonl"))
    arguments = ["switch", "--from", f"file:{old}", "--to", f"file:{new}", "--items", str(file), "--weights", "closed",
                 "--weights", "restricted", "--store", str(tmp_path / "st")]  # fmt: skip
    assert main(arguments) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert (
        "from closed to open (restricted); open = weights can be had, restricted licences included; --open-from" in told
    )
    assert "open_weights would leave 0 of 1 open system" in told
    assert main([*arguments, "--open-from", "open_weights"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "from closed to not open by this rule (restricted); open = weights can be had under a licence" in told
    assert main([*arguments, "--open-from", "open_weights", "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert (body["weights_before"], body["weights_after"], body["open_from"]) == (
        "closed",
        "restricted",
        "open_weights",
    )


def test_switching_between_equals_needs_many_items(tmp_path: Path) -> None:
    file = questions(tmp_path / "mine.jsonl", 300)
    same = answers(tmp_path / "a.jsonl", [i % 2 == 0 for i in range(300)])
    other = answers(tmp_path / "b.jsonl", [i % 2 == 0 for i in range(300)])
    execution = Execution(store=tmp_path / "st", say=quiet)
    found = switch(Asked(models=(f"file:{same}", f"file:{other}"), items=file, weights=("open",)), execution)
    assert (found.verdict, found.worse, found.change) == ("not worse by the margin", (), 0)
    assert math.isnan(found.cost_after_usd)
    part = answers(tmp_path / "c.jsonl", [True] * 280 + [None] * 20)
    found = switch(Asked(models=(f"file:{same}", f"file:{part}"), items=file, weights=("open",)), execution)
    assert (found.verdict, found.missing_after, found.exit_code) == ("undecided", 20, 1)


def test_a_handful_of_partial_losses_decides_no_switch(tmp_path: Path) -> None:
    write_run(tmp_path, "old", "closed", {"t": Task([1.0] * 300)})
    write_run(tmp_path, "new", "open_weights", {"t": Task([0.9] * 2 + [1.0] * 298)})
    old, new = sorted(gather(tmp_path)[0], key=lambda one: one.name, reverse=True)
    found = compare_change([align(new, old)], margin=0.2)
    assert found.low > -0.2
    assert found.verdict == "undecided"
    assert "2 of 300 items differ" in found.warnings[0]
    assert found.ci_before[0] < found.score_before <= found.ci_before[1]


def test_switching_to_a_server(tmp_path: Path) -> None:
    file = questions(tmp_path / "mine.jsonl", 60)
    old = answers(tmp_path / "old.jsonl", [i % 2 == 0 for i in range(60)])
    with fault_server() as server:
        asked = Asked(models=(f"file:{old}", server.address), items=file, scorer="numeric", weights=("open",))
        found = switch(asked, Execution(store=tmp_path / "st", say=quiet))
    assert found.verdict == "not worse by the margin"
    assert (found.score_after, found.better) == (100, 30)


def test_switch_fails_on_the_verdict_that_was_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Twelve of twenty answers get lost: 5 where that was to fail; unanswered items (1) yield to it."""
    file = questions(tmp_path / "mine.jsonl", 400)
    good = answers(tmp_path / "good.jsonl", [True] * 400)
    bad = answers(tmp_path / "bad.jsonl", [None, *(i % 2 == 0 for i in range(399))])
    few = questions(tmp_path / "few.jsonl", 10)
    command = ["switch", "--from", f"file:{good}", "--to", f"file:{bad}", "--weights", "closed", "--weights", "open"]
    command += ["--store", str(tmp_path / "st")]
    long = [*command, "--items", str(file)]
    assert main(long) == 1
    assert main([*long, "--again", "--fail-on", "worse by more than the margin"]) == 5
    assert main([*long, "--again", "--fail-on", "not worse by the margin"]) == 1
    short = [*command, "--items", str(few), "--margin", "50"]
    assert main([*short, "--fail-on", "worse by more than the margin"]) == 6
    assert main([*short, "--again", "--fail-on", "worse by more than the margin", "--allow-undecided"]) == 1
    capsys.readouterr()
