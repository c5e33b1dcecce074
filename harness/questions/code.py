"""Functions to complete, judged by running their tests in the sandbox."""

from __future__ import annotations

import ast
import contextlib
import functools
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

from harness import sandbox
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


_BLOCK = re.compile(
    r"^[ \t]*(?:```|~~~)[ \t]*([A-Za-z0-9_+-]*)[^\n]*\n(.*?)(?:^[ \t]*(?:```|~~~)[ \t]*$|\Z)", re.DOTALL | re.MULTILINE
)
_DECLARES = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)


def extract_code(text: str, entry_point: str) -> str:
    """The last code block that defines ``entry_point``, after earlier blocks that only declare what it may need; else
    the last Python block, else the whole text.
    """
    found = _BLOCK.findall(text)
    blocks = [textwrap.dedent(body) for language, body in found if language.lower() in ("", "python", "py", "python3")]
    defines = [index for index, block in enumerate(blocks) if _defines(block, entry_point)]
    if not defines:
        return str(blocks[-1]) if blocks else text
    earlier = [b for b in blocks[: defines[-1]] if not _defines(b, entry_point) and _only_declares(b)]
    return "\n".join([*earlier, blocks[defines[-1]]])


def _defines(code: str, name: str) -> bool:
    return re.search(rf"^[ \t]*(?:async[ \t]+)?def[ \t]+{re.escape(name)}\b", code, re.MULTILINE) is not None


def _only_declares(code: str) -> bool:
    try:
        return all(isinstance(node, _DECLARES) for node in ast.parse(code).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def assemble(item: Code, code: str) -> str:
    """The candidate module: the prompt (its imports and helpers), continued or redefined by ``code``."""
    if not _defines(code, item.entry_point):
        return f"{item.prompt}{code}\n"
    # Imports from __future__ must come first of all.
    future = re.findall(r"^from __future__ import .*$", code, re.MULTILINE)
    rest = re.sub(r"^from __future__ import .*$", "", code, flags=re.MULTILINE)
    return "\n".join([*future, f"{item.prompt}\n    pass\n\n{rest}\n"])


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
    version = 2
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
