"""Functions to complete, judged by running their tests in the sandbox."""

from __future__ import annotations

import re
import textwrap
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

from harness import sandbox
from harness.questions.fences import defines, extract_code, only_declares
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


def assemble(item: Code, code: str) -> str:
    """The candidate module: the prompt (its imports and helpers), continued or redefined by ``code``."""
    # Imports from __future__ must come first of all.
    future = re.findall(r"^from __future__ import .*$", code, re.MULTILINE)
    if future:
        code = re.sub(r"^from __future__ import .*$", "", code, flags=re.MULTILINE)
    if defines(code, item.entry_point):
        return "\n".join([*future, f"{item.prompt}\n    pass\n\n{code}\n"])
    imports, body = _imports_first(code)
    return "\n".join([*future, *imports, f"{item.prompt}{_fitted(body, item.prompt)}\n"])


def _imports_first(code: str) -> tuple[list[str], str]:
    """Lines at the margin before an indented body, which cannot stand inside the function."""
    lines = code.split("\n")
    at = next((index for index, line in enumerate(lines) if line[:1] in (" ", "\t") and line.strip()), 0)
    head = "\n".join(lines[:at])
    return (lines[:at], "\n".join(lines[at:])) if head.strip() and only_declares(head) else ([], code)


def _fitted(body: str, prompt: str) -> str:
    """``body`` as deep as the prompt's last line, where it is the rest of a function that lost its indent."""
    last = next((line for line in reversed(prompt.split("\n")) if line.strip()), "")
    depth = last[: len(last) - len(last.lstrip())] or "    "
    if _compiles(f"{prompt}{body}\n"):
        return body
    first = body.lstrip("\n")
    candidates = [textwrap.indent(textwrap.dedent(first), depth), depth + first]
    return next((one for one in candidates if _compiles(f"{prompt}{one}\n")), body)


def _compiles(module: str) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(module, "candidate", "exec")
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True


class CodeForm(Form[Code]):
    """pass@1: the candidate passes all tests within its CPU time, or it does not."""

    name = "code"
    item_type = Code
    headline = "pass@1"
    placeholders = ("prompt",)
    wording = (
        "Complete the Python function below. Reply with the whole function, its imports included, in one Markdown code block.\n"
        "\n"
        "```python\n"
        "{prompt}\n"
        "```"
    )
    max_tokens = 2048
    version = 3
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
