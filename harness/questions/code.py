"""Functions to complete, judged by running their tests in the sandbox."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from harness import sandbox
from harness.questions.form import Form
from harness.types import Item


@dataclass(frozen=True, slots=True, kw_only=True)
class Code(Item):
    """A function to complete, in HumanEval's convention: ``test`` defines ``check(candidate)``."""

    prompt: str
    entry_point: str
    test: str
    solution: str
    """A right completion: the rest of the function after ``prompt``, or the whole function."""
    cpu_limit_s: float = 10.0


_BLOCK = re.compile(r"```[ \t]*([A-Za-z0-9_+-]*)[^\n]*\n(.*?)(?:```|\Z)", re.DOTALL)


def extract_code(text: str, entry_point: str) -> str:
    """The code block that defines ``entry_point``, else the last Python block, else the whole text."""
    blocks = [body for language, body in _BLOCK.findall(text) if language.lower() in ("", "python", "py", "python3")]
    defining = [block for block in blocks if re.search(rf"\bdef\s+{re.escape(entry_point)}\b", block)]
    if defining:
        return str(defining[-1])
    return str(blocks[-1]) if blocks else text


def assemble(item: Code, code: str) -> str:
    """The candidate module: the prompt (its imports and helpers), continued or redefined by ``code``."""
    if re.search(rf"^\s*(?:async\s+)?def\s+{re.escape(item.entry_point)}\b", code, re.MULTILINE):
        return f"{item.prompt}\n    pass\n\n{code}\n"
    return f"{item.prompt}{code}\n"


class CodeForm(Form[Code]):
    """pass@1: the candidate passes all tests within its CPU time, or it does not."""

    name = "code"
    item_type = Code
    headline = "pass@1"
    version = 1
    runs_code = True

    def fields(self, item: Code) -> Mapping[str, str]:
        return {"prompt": item.prompt.rstrip()}

    def read(self, item: Code, text: str) -> str | None:
        code = extract_code(text, item.entry_point)
        return code if code.strip() else None

    def score(self, item: Code, answer: str) -> Mapping[str, float]:
        verdict = sandbox.check(
            candidate=assemble(item, answer),
            test=item.test,
            entry_point=item.entry_point,
            cpu_limit_s=item.cpu_limit_s,
        )
        return {"pass@1": float(verdict.passed)}

    def gold(self, item: Code) -> str:
        return item.solution

    def wrong(self, item: Code) -> str:
        return f"def {item.entry_point}(*arguments, **named):\n    raise NotImplementedError\n"
