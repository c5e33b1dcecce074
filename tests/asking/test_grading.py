"""Answers graded by asking a model: a second plan over what is stored, with its own journal, budget and resume."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness import address
from harness.asking import Asked, Execution, carry_out, find_protocol
from harness.asking.grading import ByAsking, Question
from harness.asking.rescore import rescore
from harness.errors import BudgetReached, Preflight
from harness.questions import Text
from harness.questions.text import ContainsForm
from harness.registry import Task
from harness.sealing.grader import Answer
from harness.store import RunFolder, frame, list_runs, read_journal, read_receipt
from harness.store.journal import Key
from harness.types import Completion, Item, Score, TaskCard
from tests.asking.test_evaluate import answers, items
from tests.servers import fault_server

ROOT = Path(__file__).resolve().parents[2]
N = 40
CARD = TaskCard("is_it_right", 1, "grading", "a test", ContainsForm.name, ContainsForm.headline, False)


def quiet(_: str) -> None:
    return None


def about(answer: Answer) -> Item | None:
    """Every answer but the empty ones is shown to the judge."""
    if answer.entry.completion.status == "empty":
        return None
    return Text(question=f"Is it right to say {answer.entry.completion.text!r}?", target="yes")


def verdict(answer: Answer, reply: Completion) -> Score:
    return Score("scored", {answer.task.task.card.headline: float("yes" in reply.text)}, answer=reply.text)


def grader(judge: str, **how: object) -> ByAsking:
    (system,) = address.resolve_all([judge], ["closed"])
    question = Question(Task(CARD, ContainsForm(), lambda rows: ()), about, verdict)
    return ByAsking(system, question, find_protocol("matched"), Execution(say=quiet, **how))  # type: ignore[arg-type]


def stored(tmp_path: Path) -> tuple[Path, str]:
    """A file of questions, and one of answers, of which one is empty and one is missing."""
    texts = {str(i): f"answer {i}" for i in range(N - 1)} | {"0": ""}
    return items(tmp_path / "mine.jsonl", N), answers(tmp_path / "answers.jsonl", texts)


def graded_run(tmp_path: Path, judge: str, **how: object) -> RunFolder:
    file, system = stored(tmp_path)
    execution = Execution(store=tmp_path / "st", grader=grader(judge, **how), say=quiet)
    (result,) = carry_out(Asked(models=(system,), weights=("open",), items=file), execution)
    return result.run


def main() -> None:
    """What is killed below: ``python -m tests.asking.test_grading FOLDER JUDGE``."""
    graded_run(Path(sys.argv[1]), sys.argv[2], concurrency=2)


def replies(store: Path) -> set[Key]:
    """Which questions the judge has replied to, as its journal has them."""
    return {key for folder in store.glob("runs/*/grading/*/journal") for key in read_journal(folder).answered}


def test_the_judges_replies_become_the_scores(tmp_path: Path) -> None:
    with fault_server("--answer", "yes") as judge:
        run = graded_run(tmp_path, judge.address)
        assert judge.stats()["requests"] == N - 2, "neither the empty nor the missing answer was shown"
    columns = ("item_id", "status", "score_status", "score")
    rows = {row["item_id"]: tuple(row.values())[1:] for row in frame([run], columns).to_dict("records")}
    assert rows["1"] == ("ok", "scored", 1.0)
    assert rows["0"] == ("empty", "unparsed", 0.0)
    assert rows[str(N - 1)][0] == "unanswered"
    receipt = read_receipt(run)
    facts = receipt.engine["grader"]
    assert (facts["system"], facts["asked"], facts["unanswered"]) == (judge.address, N - 2, 0)
    assert any(name.startswith("grading/") for name in receipt.checksums), "the receipt vouches for the replies"
    assert len(list_runs(tmp_path / "st")) == 1, "the judge's replies are no run"


def test_grading_that_was_killed_asks_nothing_twice(tmp_path: Path) -> None:
    with fault_server("--answer", "yes", "--latency", "0.05") as judge:
        command = [sys.executable, "-m", "tests.asking.test_grading", str(tmp_path), judge.address]
        process = subprocess.Popen(command, env={**os.environ, "PYTHONPATH": str(ROOT)})
        deadline = time.monotonic() + 60
        while len(replies(tmp_path / "st")) < 8 and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.02)
        process.kill()
        process.wait()
        before = replies(tmp_path / "st")
        asked = judge.stats()["requests"]
        assert 8 <= len(before) < N - 2
        assert not list_runs(tmp_path / "st")[0].sealed
        run = graded_run(tmp_path, judge.address)
        assert judge.stats()["requests"] - asked == N - 2 - len(before)
    assert run.sealed
    assert [one.run_id for one in list_runs(tmp_path / "st")] == [run.run_id]


def test_the_budget_of_grading_holds_and_a_larger_one_goes_on(tmp_path: Path) -> None:
    with fault_server("--answer", "yes") as judge:
        prices = {"price_in": 1.0, "price_out": 1.0, "concurrency": 4}
        with pytest.raises(BudgetReached):
            graded_run(tmp_path, judge.address, budget_usd=0.0012, **prices)
        some = judge.stats()["requests"]
        assert 0 < some < N - 2
        assert not list_runs(tmp_path / "st")[0].sealed
        run = graded_run(tmp_path, judge.address, budget_usd=1.0, **prices)
        assert judge.stats()["requests"] == N - 2
    usd = read_receipt(run).engine["grader"]["cost_usd"]
    assert 0 < usd < 0.01
    with pytest.raises(Preflight, match="no price is known"):
        grader(judge.address, budget_usd=1.0)


def test_a_judge_that_does_not_reply_leaves_a_scorer_error(tmp_path: Path) -> None:
    with fault_server("--answer", "yes", "--context", "1") as judge:
        run = graded_run(tmp_path, judge.address)
    rows = frame([run], ("item_id", "score_status", "reason")).set_index("item_id")
    assert rows.loc["1", "score_status"] == "scorer_error"
    assert "the judge did not reply" in str(rows.loc["1", "reason"])


def test_a_rescore_may_ask_too_and_goes_on_where_it_was(tmp_path: Path) -> None:
    file, system = stored(tmp_path)
    (first,) = carry_out(
        Asked(models=(system,), weights=("open",), items=file), Execution(store=tmp_path / "st", say=quiet)
    )
    prices = {"price_in": 1.0, "price_out": 1.0, "concurrency": 4}
    with fault_server("--answer", "no") as judge:
        with pytest.raises(BudgetReached):
            rescore(
                first.run.run_id, tmp_path / "st", items=file,
                grader=grader(judge.address, budget_usd=0.0012, **prices),
            )  # fmt: skip
        result = rescore(first.run.run_id, tmp_path / "st", items=file, grader=grader(judge.address))
        assert judge.stats()["requests"] == N - 2
    assert result.receipt.answers_run == first.run.run_id
    assert len(list_runs(tmp_path / "st")) == 2
    assert set(frame([result.run], ("score",), "status = 'ok'")["score"]) == {0.0}


if __name__ == "__main__":
    main()
