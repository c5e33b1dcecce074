"""Estimates, budgets and rescoring, over real sockets and real files."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from harness import address
from harness.asking import RetryPolicy, evaluate
from harness.asking.pricing import price_of
from harness.asking.rescore import rescore
from harness.cli.main import main
from harness.errors import BudgetReached, Preflight, Refused, RunFailed, StoreError
from harness.sealing.hardware import busy_hours
from harness.store import frame, list_runs, read_journal, read_receipt
from harness.store.journal import Place, read_entries
from harness.types import System
from harness.verdict import Store
from tests.asking.test_evaluate import answers, items
from tests.models.wire import MESSAGES, listening
from tests.servers import fault_server

PRICES = {"price_in": 1.0, "price_out": 10.0}


def test_a_budget_stops_before_it_is_passed_and_a_larger_one_goes_on(tmp_path: Path) -> None:
    file = items(tmp_path / "mine.jsonl", 100)
    call = {
        "items": file,
        "scorer": "numeric",
        "weights": "closed",
        "store": tmp_path / "st",
        "concurrency": 8,
        **PRICES,
    }
    # One answer costs 10 prompt tokens + 5 output tokens, but may cost 2,048 output tokens: $0.0205.
    with fault_server() as server:
        with pytest.raises(BudgetReached, match="a larger --budget goes on"):
            evaluate(server.address, budget=0.022, **call)  # type: ignore[arg-type]
        first = server.stats()
        (run,) = list_runs(tmp_path / "st")
        done = read_journal(run.journal).answered
        assert not run.sealed
        assert 5 < len(done) < 100
        (result,) = evaluate(server.address, budget=1.0, **call)  # type: ignore[arg-type]
        assert server.stats()["requests"] == 100
    assert sum(first["answered"].values()) == len(done)
    assert result.run == run
    assert result.receipt.cost_usd is not None
    assert result.receipt.cost_usd < 0.022 * 100 / len(done) * 1.5


def test_the_budget_has_its_own_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = items(tmp_path / "mine.jsonl", 20)
    with fault_server() as server:
        arguments = ["eval", server.address, "--items", str(file), "--scorer", "numeric", "--weights", "closed",
                     "--store", str(tmp_path / "st"), "--budget", "0.001"]  # fmt: skip
        assert main(arguments) == 2
        assert "--price-in and --price-out" in capsys.readouterr().err
        assert main([*arguments, "--price-in", "1", "--price-out", "10"]) == 3
        assert server.stats()["requests"] == 0


def test_without_a_price_the_cost_is_unknown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = items(tmp_path / "mine.jsonl", 5)
    with fault_server() as server:
        shared = ["--items", str(file), "--scorer", "numeric", "--weights", "closed", "--store", str(tmp_path / "st")]
        assert main(["eval", server.address, *shared]) == 0
        assert "cost unknown" in capsys.readouterr().out
        with pytest.raises(Preflight):
            evaluate(server.address, items=file, scorer="numeric", weights="closed", store=tmp_path / "st", budget=1.0)


def test_usage_that_did_not_come_back_makes_the_total_unknown(tmp_path: Path) -> None:
    file = items(tmp_path / "mine.jsonl", 30)
    with fault_server("--rate", "no_usage=0.3") as server:
        (result,) = evaluate(
            server.address,
            items=file,
            scorer="numeric",
            weights="closed",
            store=tmp_path / "st",
            **PRICES,  # type: ignore[arg-type]
        )
    costs = frame([result.run], ("cost_usd",))["cost_usd"]
    assert 0 < costs.isna().sum() < 30
    assert result.receipt.cost_usd is None


def test_an_estimate_asks_nothing_and_knows_earlier_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = items(tmp_path / "mine.jsonl", 40)
    shared = ["--items", str(file), "--scorer", "numeric", "--weights", "closed", "--store", str(tmp_path / "st")]
    with fault_server() as server:
        command = ["estimate", server.address, *shared, "--price-in", "1", "--price-out", "10", "--json"]
        assert main(command) == 0
        before = json.loads(capsys.readouterr().out)[0]
        assert server.stats()["requests"] == 0
        assert before["requests"] == 40
        assert before["output_tokens"] is None
        assert before["most_usd"] == pytest.approx((before["input_tokens"] + 10 * 40 * 2048) / 1e6)
        assert main(["eval", server.address, *shared]) == 0
        capsys.readouterr()
        assert main(command) == 0
        after = json.loads(capsys.readouterr().out)[0]
    assert after["output_tokens"] == 40 * 5
    assert after["list_usd"] == pytest.approx((after["input_tokens"] + 10 * 200) / 1e6)
    assert after["minutes"] is not None
    assert before["least_usd"] == pytest.approx(before["input_tokens"] / 1e6), (
        "the prompts are known, the answers are not"
    )


def test_an_estimate_takes_a_systems_own_answers_before_those_of_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = items(tmp_path / "mine.jsonl", 4)
    shared = ["--items", str(file), "--scorer", "numeric", "--weights", "closed", "--store", str(tmp_path / "st")]
    with fault_server() as short, fault_server("--answer-bytes", "4000") as long:
        for server in (short, long):
            assert main(["eval", server.address, *shared]) == 0
        capsys.readouterr()
        tokens = []
        for address in (short.address, long.address, "openai:gpt-4.1"):
            words = [word for word in shared if address.startswith("server") or word not in ("--weights", "closed")]
            assert main(["estimate", address, *words, "--json"]) == 0
            tokens.append(json.loads(capsys.readouterr().out)[0]["output_tokens"])
    assert tokens[0] == 4 * 5
    assert tokens[1] > 10 * tokens[0]
    assert tokens[2] == pytest.approx((tokens[0] + tokens[1]) / 2, abs=2), "of a stranger the mean of all is expected"


def test_hosted_prices_come_from_the_catalogue_without_a_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = items(tmp_path / "mine.jsonl", 4)
    assert (
        main(["estimate", "openai:gpt-4o", "--items", str(file), "--scorer", "numeric", "--store", str(tmp_path)]) == 0
    )
    out = capsys.readouterr().out
    assert "$2.5 in, $10 out" in out


def test_rescoring_asks_nothing_and_replaces_the_old_scores(tmp_path: Path) -> None:
    from harness.registry import find_task, load_items

    gold = {
        str(item.id): find_task("demo_reasoning").form.gold(item)
        for item in load_items(find_task("demo_reasoning")).items
    }
    address = answers(tmp_path / "a.jsonl", gold)
    (first,) = evaluate(address, tasks=["demo_reasoning"], weights="open", store=tmp_path / "st")
    (tmp_path / "a.jsonl").unlink()
    second = rescore(first.run.run_id, tmp_path / "st")
    third = rescore(second.run.run_id, tmp_path / "st")
    assert second.receipt.answers_run == third.receipt.answers_run == first.run.run_id
    assert second.receipt.started == first.receipt.started
    assert not list(second.run.journal.glob("*"))
    (score,) = Store(tmp_path / "st").scores()
    assert (score.score, score.n, score.run) == (100.0, 240, third.run.run_id)


@pytest.mark.parametrize("harm", ["deleted", "cut", "edited", "added"])
def test_answers_that_are_not_what_was_sealed_are_not_rescored(
    tmp_path: Path, harm: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = items(tmp_path / "mine.jsonl", 10)
    said = answers(tmp_path / "a.jsonl", {str(i): "Answer: 4" for i in range(10)})
    (result,) = evaluate(said, items=file, scorer="numeric", weights="open", store=tmp_path / "st")
    segment = result.run.journal / "0001.jsonl"
    whole = segment.read_bytes()
    if harm == "deleted":
        segment.unlink()
    elif harm == "added":
        segment = result.run.journal / "0002.jsonl"
        segment.write_bytes(whole)
    else:
        segment.write_bytes(whole[:-200] if harm == "cut" else whole.replace(b"Answer: 4", b"Answer: 9"))
    command = ["rescore", result.run.run_id, "--items", str(file), "--store", str(tmp_path / "st")]
    assert main(command) == 4
    assert f"{result.run.run_id} cannot be rescored: journal/{segment.name} " in capsys.readouterr().err
    assert len(list_runs(tmp_path / "st")) == 1, "no new run is made"
    (result.run.journal / "0002.jsonl").unlink(missing_ok=True)
    (result.run.journal / "0001.jsonl").write_bytes(whole)
    assert main(command) == 0


def test_hours_are_paid_where_the_engine_is_in_this_process(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = items(tmp_path / "mine.jsonl", 3)
    Path("configs").mkdir()
    Path("configs/providers.yaml").write_text("openai: {url: 'http://127.0.0.1:9/v1'}\n")
    for model, paid in (("openai:gpt-4.1", "price $2 in"), ("server:x@http://127.0.0.1:9/v1", "price unknown")):
        weights = ["--weights", "open"] if model.startswith("server") else []
        assert main(["estimate", model, "--items", str(file), "--scorer", "numeric", *weights]) == 0
        out = capsys.readouterr().out
        assert paid in out
        assert "accelerator hours" not in out
    assert main(["estimate", "transformers:demo-open", "--items", str(file), "--scorer", "numeric"]) == 0
    assert "accelerator hours, not tokens, are paid" in capsys.readouterr().out


def test_own_questions_are_rescored_by_their_file_and_another_scorer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.jsonl"
    file.write_text("".join(json.dumps({"id": str(i), "input": f"q{i}", "target": "oslo"}) + "\n" for i in range(4)))
    said = answers(tmp_path / "a.jsonl", {str(i): "Oslo" if i else "It is Oslo, of course." for i in range(4)})
    (first,) = evaluate(said, items=file, scorer="exact", weights="open", store=tmp_path / "st")
    again = ["rescore", first.run.run_id[:-2], "--store", str(tmp_path / "st")]
    assert main(again) == 2
    assert "--items mine.jsonl" in capsys.readouterr().err
    assert main([*again, "--items", str(file)]) == 0
    assert "75.0" in capsys.readouterr().out
    assert main([*again, "--items", str(file), "--scorer", "contains"]) == 0
    assert "100.0" in capsys.readouterr().out
    other = answers(tmp_path / "b.jsonl", {str(i): "Oslo" for i in range(4)})
    evaluate(other, items=file, scorer="exact", weights="closed", store=tmp_path / "st")
    assert main(["gap", "--store", str(tmp_path / "st")]) == 4
    assert "metric:" in capsys.readouterr().err


def test_rescoring_other_items_is_refused(tmp_path: Path, test_data: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    rows = (test_data / "suites/gsm8k/test.jsonl").read_text().splitlines()[:5]
    (data / "gsm8k.jsonl").write_text("\n".join(rows))
    address = answers(tmp_path / "a.jsonl", {})
    (first,) = evaluate(address, tasks=["gsm8k"], weights="open", store=tmp_path / "st", data=str(data))
    (data / "gsm8k.jsonl").write_text("\n".join(rows).replace("?", "!"))
    with pytest.raises(Refused, match="no longer those that were asked"):
        rescore(first.run.run_id, tmp_path / "st", data=str(data))


def test_busy_hours_are_the_union_of_the_answers_times() -> None:
    def entry(second: int, latency_s: float) -> Place:
        return Place(1, 0, f"2026-01-01T00:00:{second:02d}Z", latency_s, None)

    system = System("s", "s", "", "open_weights", "vllm", "x", options={"tensor_parallel_size": "2"})
    # [0, 10], [5, 15] and [40, 45]: 15 + 5 seconds on two accelerators.
    spans = [entry(10, 10.0), entry(15, 10.0), entry(45, 5.0)]
    assert busy_hours(spans, system) == pytest.approx(2 * 20 / 3600)


def test_a_local_run_costs_what_its_hours_cost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("configs").mkdir()
    Path("configs/hardware.yaml").write_text("cpu: {usd_per_hour: 3600.0, source: a test}\n")
    pytest.importorskip("transformers", reason="needs an engine: make setup")
    (result,) = evaluate("transformers:demo-open", tasks=["demo_reasoning"], limit=8, store=tmp_path / "st")
    hours = result.receipt.accelerator_hours
    assert hours is not None
    assert result.receipt.cost_usd == pytest.approx(hours * 3600.0)
    assert read_receipt(result.run).cost_usd == result.receipt.cost_usd


def test_a_hung_server_is_given_up(tmp_path: Path) -> None:
    file = items(tmp_path / "mine.jsonl", 40)
    policy = RetryPolicy(attempt_s=0.5, attempts_timed_out=2, first_wait_s=0.01)
    with fault_server("--rate", "hang=0.3", "--seed", "5") as server:
        (result,) = evaluate(
            server.address, items=file, scorer="numeric", weights="closed", store=tmp_path / "st", policy=policy
        )
    counts = result.receipt.counts
    assert counts["answered"] + counts.get("unanswered", 0) == 40
    assert counts["answered"] > 30


def test_batches_are_half_price_where_the_provider_says_so() -> None:
    from harness.asking.batch import at_batch_price
    from harness.types import Usage

    price = price_of(address.resolve("openai:gpt-4o"))
    assert price is not None
    assert (price.input, price.output, price.batch_discount) == (2.5, 10.0, 0.5)
    assert at_batch_price(price)(Usage(1_000_000, 0, 100_000)) == pytest.approx((2.5 + 1.0) / 2)
    stated = price_of(address.resolve("openai:gpt-4o"), price_in=4.0)
    assert stated is not None
    assert (stated.input, stated.output, stated.cached, stated.batch_discount) == (4.0, 10.0, None, 0.5)
    assert price_of(address.resolve("file:x", "open")) is None


def test_a_system_without_a_batch_api_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    from harness.errors import UsageError

    file = items(tmp_path / "mine.jsonl", 3)
    with pytest.raises(UsageError, match="batch"):
        evaluate(answers(tmp_path / "a.jsonl", {}), items=file, weights="open", store=tmp_path / "st", batch=True)
    assert not (tmp_path / "st").exists()


async def test_tokens_written_into_a_cache_are_kept_and_priced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From Anthropic's reply to the journal, the rows, the receipt and the dollars; a host that says nothing stays unknown."""
    monkeypatch.setenv("HOSTED_KEY", "k")
    file = items(tmp_path / "mine.jsonl", 3)
    Path("configs").mkdir()
    async with listening() as wire:
        Path("configs/providers.yaml").write_text(
            f"hosted: {{protocol: anthropic, url: {wire.url}, key: HOSTED_KEY, cache_write_factor: 1.25}}\n"
        )
        wire.reply = {**MESSAGES, "usage": {"input_tokens": 100, "output_tokens": 10, "cache_read_input_tokens": 40,
                                            "cache_creation_input_tokens": 2000}}  # fmt: skip
        call = {"items": file, "scorer": "numeric", "weights": "closed", **PRICES}
        (result,) = await asyncio.to_thread(evaluate, "hosted:m", store=tmp_path / "a", **call)  # type: ignore[arg-type]
        wire.reply = MESSAGES
        (silent,) = await asyncio.to_thread(evaluate, "hosted:m", store=tmp_path / "b", **call)  # type: ignore[arg-type]
    rows = frame([result.run], ("input_tokens", "cached_tokens", "cache_written_tokens", "cost_usd"))
    each = (100 * 1.0 + 40 * 1.0 + 2000 * 1.25 + 10 * 10.0) / 1e6
    assert rows.to_numpy().tolist() == [[2140, 40, 2000, pytest.approx(each)]] * 3
    assert result.receipt.usage.cache_written == 6000
    assert result.receipt.cost_usd == pytest.approx(3 * each)
    assert frame([silent.run], ("cache_written_tokens",))["cache_written_tokens"].isna().all()
    assert silent.receipt.usage.cache_written is None
    entry = next(read_entries(result.run.journal, read_journal(result.run.journal)))
    assert entry.completion.usage.cache_written == 2000


def test_the_price_of_writing_is_the_cards_else_the_providers_else_that_of_input() -> None:
    def price(name: str, **stated: float) -> tuple[float | None, float | None]:
        found = price_of(address.resolve(name, "closed" if "fault" in name else None), **stated)
        assert found is not None
        return found.input, found.cache_write

    assert price("openai:gpt-4o") == (2.5, 2.5)
    assert price("anthropic:claude-opus-4-8") == (5.0, 6.25)
    assert price("openrouter:anthropic/claude-sonnet-4.6") == (3.0, 3.75)
    assert price("openai:gpt-6", price_in=4.0, price_out=8.0) == (4.0, 5.0)
    assert price("google:gemini-3.1-pro") == (2.0, None)
    assert price("server:fault-1@http://127.0.0.1/v1", price_in=4.0, price_out=8.0) == (4.0, None)


def test_a_run_keeps_to_the_requests_a_minute_that_are_stated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOSTED_KEY", "k")
    file = items(tmp_path / "mine.jsonl", 16)
    Path("configs").mkdir()
    with fault_server() as server:
        Path("configs/providers.yaml").write_text(
            f"hosted: {{protocol: openai, url: {server.url}/v1, key: HOSTED_KEY, requests_per_minute: 1200}}\n"
        )
        (result,) = evaluate("hosted:fault-1", items=file, scorer="numeric", weights="closed", store=tmp_path / "st")
        assert server.stats()["most_in_flight"] <= 3, "16 at once without the limit"
    times = [dt.datetime.fromisoformat(at) for at in sorted(frame([result.run], ("at",))["at"])]
    assert (times[-1] - times[0]).total_seconds() >= 15 * 0.05 - 0.1


def asking(tmp_path: Path, n: int, **more: Any) -> dict[str, Any]:
    """What `evaluate` is called with, over a file of n items."""
    file = items(tmp_path / "mine.jsonl", n)
    return {"items": file, "scorer": "numeric", "weights": "closed", "store": tmp_path / "st", **more}


def test_replies_that_nobody_can_read_count_in_the_budget_also_after_a_restart(tmp_path: Path) -> None:
    """A provider bills the tokens of a reply whether or not it makes sense."""
    call = asking(tmp_path, 30, **PRICES)
    quick = RetryPolicy(first_wait_s=0.001, longest_wait_s=0.001)
    with fault_server("--rate", "no_choices=1.0") as server:
        for _ in range(2):
            # Each attempt may cost 2,048 output tokens, $0.0205: four of them fit.
            with pytest.raises(BudgetReached):
                evaluate(server.address, budget=0.09, policy=quick, **call)
            assert server.stats()["requests"] == 4


def test_one_budget_holds_for_all_models_of_a_command(tmp_path: Path) -> None:
    call = asking(tmp_path, 40, concurrency=1, **PRICES)
    with fault_server() as server:
        (alone,) = evaluate(server.address, **call)
        cost = alone.receipt.cost_usd
        assert cost is not None
        asked = []
        for _ in range(2):
            # Room for the first, and beside it for one answer at its most, $0.0205 and its prompt, and some as they are.
            with pytest.raises(BudgetReached):
                evaluate(
                    [server.address, server.address.replace("fault-1@", "fault-1-mini@")],
                    budget=cost + 0.0215,
                    **call,
                )
            asked.append(server.stats()["requests"] - 40)
    assert 1 <= asked[0] < 40
    assert asked[1] == asked[0]


def test_a_wait_of_days_ends_the_run_and_says_so(tmp_path: Path) -> None:
    call = asking(tmp_path, 30)
    with (
        fault_server("--rate", "429=1.0", "--retry-after", "100000") as server,
        pytest.raises(RunFailed, match="left alone for 100,000 seconds"),
    ):
        evaluate(server.address, **call)


def test_the_same_command_twice_at_once_pays_once(tmp_path: Path) -> None:
    call = asking(tmp_path, 40)

    def one(_: int) -> str:
        try:
            evaluate(server.address, **call)
        except StoreError as error:
            return str(error)
        return "done"

    with fault_server("--latency", "0.3") as server, ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(one, range(2)))
        assert server.stats()["requests"] == 40
    assert outcomes[1] == "done"
    assert "another process is at work" in outcomes[0]
    assert len(list_runs(tmp_path / "st")) == 1
