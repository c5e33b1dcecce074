"""A thought is never an answer, however a model marks it."""

from __future__ import annotations

import pytest

from harness.thoughts import split_thoughts


@pytest.mark.parametrize(
    ("text", "reasoning", "answer", "cut_off"),
    [
        ("B", "", "B", False),
        ("<think>a</think>\n\nB", "a", "B", False),
        ("<THINKING>a</THINKING>B", "a", "B", False),
        ("<reasoning>a</reasoning>B", "a", "B", False),
        ("[THINK]a[/THINK]B", "a", "B", False),
        ("◁think▷a◁/think▷B", "a", "B", False),
        ("<|START_THINKING|>a<|END_THINKING|>B", "a", "B", False),
        ("<|begin_of_thought|>a<|end_of_thought|>B", "a", "B", False),
        ("<think></think>\n\nB", "", "B", False),
        ("<think>a</think>b<think>c</think>B", "a\nc", "bB", False),
        ("opened by the template</think>B", "opened by the template", "B", False),
        ("a</think>b</think>B", "a\nb", "B", False),
        ("<think>a</think>B</think>", "a", "B", False),
        ("<think>never closed", "never closed", "", True),
        ("[THINK]never closed", "never closed", "", True),
        ("B\n<think>and then", "and then", "B", False),
        ("print('<think>')", "", "print('<think>')", False),
        ("Write it in the <think> tag.", "", "Write it in the <think> tag.", False),
        ("<think>a</think>\n    return x", "a", "    return x", False),
        ("<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>B<|return|>", "a", "B", False),
        ("<|channel|>analysis<|message|>a", "a", "", True),
        ("analysisWe test.assistantfinalB", "We test.", "B", False),
        ("analysisWe test", "We test", "", True),
        ("We test.assistantfinalB", "We test.", "B", False),
        ("analysis of the text", "", "analysis of the text", False),
        ("assistantfinalize(x)", "", "assistantfinalize(x)", False),
        ("<|im_start|>assistant\n    return x", "", "    return x", False),
        ("<|start_header_id|>assistant<|end_header_id|>\n\nB", "", "B", False),
        ("<|im_start|>assistant\n<think>a</think>B", "a", "B", False),
        ("Here is my thought process: a Here is my response: B", "a", "B", False),
    ],
)  # fmt: skip
def test_thought_and_answer_are_told_apart(text: str, reasoning: str, answer: str, cut_off: bool) -> None:
    assert split_thoughts(text) == (reasoning, answer, cut_off)
