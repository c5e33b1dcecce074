"""The table of adapters says what its classes do, and is the only place that knows an adapter by name."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest

import harness
from harness import adapters, catalogue, extensions
from harness.address import parse
from harness.asking.plan import find_protocol
from harness.errors import UnknownName, UsageError
from harness.models import ready
from harness.types import System

HARNESS = Path(harness.__file__).parent


@pytest.mark.parametrize("name", adapters.TABLE)
def test_an_entry_says_what_its_class_does(name: str) -> None:
    entry = adapters.TABLE[name]
    for reference in {entry.model, *entry.apis.values()}:
        assert extensions.resolve(reference).kinds == entry.kinds
    for reference in filter(None, (entry.batch, entry.problems, entry.complete)):
        assert callable(extensions.resolve(reference))
    assert bool(entry.needs) == bool(entry.install)


def named(node: ast.expr) -> set[str]:
    """Text constants of an expression, those in a tuple, list or set included."""
    return {one.value for one in ast.walk(node) if isinstance(one, ast.Constant) and isinstance(one.value, str)}


def comparisons(path: Path) -> Iterator[str]:
    """Places of a file that compare something with the name of an adapter or of a host."""
    known = {*adapters.TABLE, *catalogue.providers()}
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        about = [ast.unparse(side) for side in sides if isinstance(side, (ast.Name, ast.Attribute))]
        asks = any(word.rpartition(".")[2].lower() in ("provider", "protocol", "engines") for word in about)
        if (asks or "provider.name" in about) and any(named(side) & known for side in sides):
            yield f"{path.name}:{node.lineno}"
        if any(word.rpartition(".")[2] == "ENGINES" for word in about):
            yield f"{path.name}:{node.lineno}"


def test_nobody_compares_a_provider_outside_the_table(tmp_path: Path) -> None:
    files = [path for path in HARNESS.rglob("*.py") if path.name != "adapters.py" and "bundled" not in path.parts]
    assert [place for path in sorted(files) for place in comparisons(path)] == []
    bad = tmp_path / "bad.py"
    bad.write_text(
        "if system.provider == 'vllm': pass\nif provider in ('file', 'server'): pass\n"
        "if provider.name != 'openai': pass\nif system.provider in ENGINES: pass\n"
    )
    assert list(comparisons(bad)) == ["bad.py:1", "bad.py:2", "bad.py:3", "bad.py:4"]


def test_an_option_that_an_adapter_does_not_have_is_an_error() -> None:
    for text in ("openai:gpt-4.1,budget=2000", "anthropic:claude-opus-4-8,api=chat", "vllm:a/b,effort=high"):
        with pytest.raises(UnknownName, match="option"):
            parse(text)


def test_a_protocol_that_no_adapter_speaks_is_an_error(tmp_path: Path) -> None:
    (Path.cwd() / "configs").mkdir()
    (Path.cwd() / "configs" / "providers.yaml").write_text("mine: {protocol: opnai, url: 'http://127.0.0.1/'}\n")
    with pytest.raises(UsageError, match=r"providers.yaml: mine: .*'opnai'.*openai"):
        catalogue.providers()


def test_one_call_says_all_that_is_missing_and_reads_no_weights_while_something_is(tmp_path: Path) -> None:
    answers = tmp_path / "a.jsonl"
    answers.write_text("")
    file = System("file:a", "a", "", "closed", "file", str(answers))
    keyless = System("openai:gpt-4.1", "gpt-4.1", "", "closed", "openai", "gpt-4.1", url="http://127.0.0.1:1/v1")
    matched = find_protocol("matched")
    first, second = ready([file, keyless], matched)
    assert (first.problems, first.system) == ((), file)
    assert second.problems == ("openai:gpt-4.1: openai needs a key: set the environment variable OPENAI_API_KEY",)
    [alone] = ready([file], matched)
    assert alone.system == dataclasses.replace(file, weights_sha256=alone.system.weights_sha256)
    assert alone.system.weights_sha256 is not None
    [looked_at] = ready([keyless], matched, check=False)
    assert (looked_at.problems, looked_at.sampling) == ((), matched.sampling)
