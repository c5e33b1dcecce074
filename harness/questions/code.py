"""Functions to complete, judged by running their tests in the sandbox."""

from __future__ import annotations

import ast
import contextlib
import functools
import re
import textwrap
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

from harness import sandbox
from harness.questions.fences import defines, extract_code, only_declares
from harness.questions.form import Form
from harness.types import Item, Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Code(Item):
    """A function to complete, in HumanEval's convention: ``test`` defines ``check(candidate)``."""

    prompt: str
    entry_point: str
    test: str
    solution: str
    """A right completion: the rest of the function after ``prompt``, or the whole function."""
    cpu_limit_s: float = 10.0
    whole: bool = False
    """Whether the test has to run in the program's own process, since its values cannot cross a pipe. Such a verdict can
    be forged by a program written for it; else test and program are split.
    """


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


def setup_of(item: Code) -> str:
    """What of the prompt the test's own process needs: helpers and classes, the function itself being a stub there."""
    for ending in ("\n    pass\n", "\n"):
        with contextlib.suppress(SyntaxError, ValueError):
            ast.parse(item.prompt + ending)
            return item.prompt + ending
    return ""


@functools.lru_cache(maxsize=4096)
def _tests_look_at_arguments(item: Code) -> bool:
    """Whether the tests ask for a change of the arguments: the item's own solution fails if they do not see it."""
    return not CodeForm()._verdict(item, item.solution, write_back=False).passed


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
        return self.result(item, answer).values

    def result(self, item: Code, answer: str) -> Score:
        verdict = self._verdict(item, answer)
        if verdict.passed and verdict.wrote_back and not _tests_look_at_arguments(item):
            # It changed its arguments, and the test may have compared the answer with what it made of them.
            verdict = self._verdict(item, answer, write_back=False)
        values = {"pass@1": float(verdict.passed)}
        return Score("scored", values, reason=verdict.reason or None, sandbox=verdict.level)

    def _verdict(self, item: Code, answer: str, write_back: bool = True) -> sandbox.Verdict:
        return sandbox.check(
            candidate=assemble(item, answer), test=item.test, entry_point=item.entry_point, setup=setup_of(item),
            split=not item.whole, write_back=write_back, limits=sandbox.Limits(cpu_s=item.cpu_limit_s),
        )  # fmt: skip

    def gold(self, item: Code) -> str:
        return item.solution

    def wrong(self, item: Code) -> str:
        return f"def {item.entry_point}(*arguments, **named):\n    raise NotImplementedError\n"
