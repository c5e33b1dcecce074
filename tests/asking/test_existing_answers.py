"""Answers that exist already: letters in the order that their asker showed, asked by a protocol that nobody here knows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.asking import evaluate
from harness.asking.rescore import rescore
from harness.cli.main import main
from harness.store import frame, read_receipt
from harness.verdict import Store

RIGHT = ["rust", "frost", "dew", "hail", "fog", "snow"]


def items(path: Path, **more: Any) -> Path:
    """Six questions, each with another right option of the same four or more, given in one order."""
    rows = [
        {"id": str(at), "input": f"Which is number {at}?", "choices": RIGHT, "target": right, **more}
        for at, right in enumerate(RIGHT)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def answers(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return f"file:{path}"


def score(address: str, file: Path, store: Path) -> list[float]:
    (result,) = evaluate(address, items=file, scorer="choice", weights="open", store=store)
    rows = frame([result.run], ("item_id", "score")).sort_values("item_id")
    return list(rows["score"])


def test_letters_refer_to_the_choices_in_the_order_given(tmp_path: Path) -> None:
    file = items(tmp_path / "mine.jsonl")
    given = answers(tmp_path / "a.jsonl", [{"id": str(at), "text": f"Answer: {'ABCDEF'[at]}"} for at in range(6)])
    assert score(given, file, tmp_path / "st") == [1.0] * 6


def test_a_prompt_proves_which_order_was_shown(tmp_path: Path) -> None:
    file = items(tmp_path / "mine.jsonl")
    order = list(reversed(RIGHT))
    prompt = "Which?\n" + "\n".join(f"({letter}) {text}" for letter, text in zip("ABCDEF", order, strict=True))
    shown = [
        {"id": str(at), "text": "ABCDEF"[order.index(right)], "prompt": prompt if at % 2 else [{"role": "user", "content": prompt}]}
        for at, right in enumerate(RIGHT)
    ]  # fmt: skip
    (result,) = evaluate(answers(tmp_path / "a.jsonl", shown), items=file, scorer="choice", weights="open",
                         store=tmp_path / "st")  # fmt: skip
    rows = frame([result.run], ("item_id", "score"))
    assert rows["score"].sum() == 6
    texts = frame([result.run], ("messages",), file="text")
    assert all(prompt in json.loads(text)[0]["content"] for text in texts["messages"])


def test_a_target_may_be_a_letter(tmp_path: Path) -> None:
    rows = [{"id": "0", "input": "Which?", "choices": RIGHT, "target": "C"}]
    (tmp_path / "mine.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    given = answers(tmp_path / "a.jsonl", [{"id": "0", "text": "dew"}])
    assert score(given, tmp_path / "mine.jsonl", tmp_path / "st") == [1.0]


def test_a_file_of_answers_was_asked_by_an_unknown_protocol(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = items(tmp_path / "mine.jsonl")
    store = tmp_path / "st"
    a = answers(tmp_path / "a.jsonl", [{"id": str(at), "text": "ABCDEF"[at]} for at in range(6)])
    b = answers(tmp_path / "b.jsonl", [{"id": str(at), "text": "A"} for at in range(6)])
    (first,) = evaluate(a, items=file, scorer="choice", weights="closed", store=store)
    evaluate(b, items=file, scorer="choice", weights="open", store=store)
    receipt = read_receipt(first.run)
    assert (receipt.protocol, receipt.protocol_sha256) == ("unknown", "unknown")
    (gap,) = Store(store).gap(closed=a, open=b)
    assert gap.protocol == "unknown"
    assert gap.gap == pytest.approx(100 * 5 / 6)
    assert main(["runs", "--store", str(store)]) == 0
    said = capsys.readouterr().out
    assert "unknown" in said
    assert "matched@1" not in said


def test_a_rescored_file_keeps_its_order_and_its_unknown_protocol(tmp_path: Path) -> None:
    file = items(tmp_path / "mine.jsonl")
    given = answers(tmp_path / "a.jsonl", [{"id": str(at), "text": "ABCDEF"[at]} for at in range(6)])
    (result,) = evaluate(given, items=file, scorer="choice", weights="open", store=tmp_path / "st")
    again = rescore(result.run.run_id, tmp_path / "st", items=file)
    assert again.receipt.protocol == "unknown"
    assert frame([again.run], ("score",))["score"].sum() == 6


def test_a_thought_that_was_cut_off_is_a_cut_off_answer(tmp_path: Path) -> None:
    file = items(tmp_path / "mine.jsonl")
    texts = ["<think>Answer: A", "<think>B?</think>Answer: B", "C", "D", "E", "F"]
    given = answers(tmp_path / "a.jsonl", [{"id": str(at), "text": text} for at, text in enumerate(texts)])
    (result,) = evaluate(given, items=file, scorer="choice", weights="open", store=tmp_path / "st")
    rows = frame([result.run], ("item_id", "status", "score_status", "score")).sort_values("item_id")
    assert list(rows["status"])[:2] == ["truncated", "ok"]
    assert list(rows["score"]) == [0.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    kept = frame([result.run], ("item_id", "reasoning"), file="text").set_index("item_id")["reasoning"]
    assert (kept["0"], kept["1"]) == ("Answer: A", "B?")


def test_rouge_does_not_apply_where_it_cannot_split_the_references(tmp_path: Path) -> None:
    task = tmp_path / "cats.py"
    task.write_text(
        "from harness import Summary, task\n"
        "@task(dimension='summarization', version=1, source='bundled:cats', item=Summary, redistributable=True)\n"
        "def cats(rows):\n    'Cats.'\n    yield Summary(id='0', text='x', reference='猫坐在垫子上。')\n"
    )
    given = answers(tmp_path / "a.jsonl", [{"id": "0", "text": "猫坐在垫子上。"}])
    assert main(["eval", given, "--task", str(task), "--weights", "open", "--store", str(tmp_path / "st")]) == 2
