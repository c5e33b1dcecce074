"""The house's own rules: who may import whom, how much code there is, and what its files are called."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HARNESS = ROOT / "harness"
LINES_AT_MOST = 29_500

LEAVES = {"types", "errors", "rows", "text", "thoughts", "extensions"}
"""Everybody may import these."""
DIRECT: dict[str, set[str]] = {
    "sandbox": set(),
    "stats": set(),
    "questions": {"sandbox"},
    "settings": set(),
    "hub": set(),
    "adapters": set(),
    "catalogue": {"settings", "adapters"},
    "address": {"catalogue", "settings"},
    "registry": {"questions", "settings", "hub"},
    "models": {"catalogue", "settings", "hub"},
    "store": set(),
    "sealing": {"registry", "store", "catalogue"},
    "asking": {"address", "models", "sealing"},
    "exchange": {"sealing", "catalogue"},
    "evidence": {"store", "catalogue", "address"},
    "answered": {"catalogue"},
    "verdict": {"stats", "evidence", "answered"},
    "history": {"stats", "evidence"},
    "studies": {"asking", "verdict", "history"},
    "report": {"verdict", "history", "store"},
    "demo": {"models"},
    "cli": {
        "sandbox",
        "asking",
        "verdict",
        "history",
        "report",
        "registry",
        "models",
        "store",
        "studies",
        "exchange",
        "address",
        "catalogue",
    },
    "__main__": {"cli"},
}
"""Room -> rooms it may import, transitively."""


def allowed(room: str) -> set[str]:
    found: set[str] = set()
    waiting = [room]
    while waiting:
        for other in DIRECT[waiting.pop()]:
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found | {room} | LEAVES


def imports(path: Path) -> set[str]:
    """Rooms of the house that a file imports, wherever in the file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "harness":
            names = [f"harness.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        else:
            continue
        found |= {name.split(".")[1] for name in names if name.startswith("harness.")}
    return found - {"__version__"}


def files() -> list[Path]:
    return sorted(path for path in HARNESS.rglob("*.py") if "bundled" not in path.parts)


def room_of(path: Path) -> str:
    return path.relative_to(HARNESS).parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(HARNESS)))
def test_a_room_imports_only_what_it_may(path: Path) -> None:
    if path.name == "__init__.py" and path.parent == HARNESS:
        return  # the lazy facade
    room = room_of(path)
    if room in LEAVES:
        assert imports(path) <= LEAVES
    else:
        assert imports(path) <= allowed(room)


@pytest.mark.parametrize("room", ["stats", "evidence", "verdict", "history", "report"])
def test_results_of_models_that_nobody_here_ran_can_be_judged(room: str) -> None:
    assert not allowed(room) & {"asking", "sealing", "models"}


def test_whoever_seals_does_not_know_how_it_was_asked() -> None:
    assert not allowed("sealing") & {"asking", "models", "stats", "verdict"}


def test_asking_knows_no_statistics() -> None:
    assert not allowed("asking") & {"stats", "evidence", "verdict", "studies"}


def test_a_judged_result_does_not_make_its_evidence() -> None:
    """Runs become scores, scores a verdict, and never the other way."""
    assert not allowed("evidence") & {"stats", "verdict", "history", "report", "studies"}
    assert not allowed("verdict") & {"history", "report", "studies"}


def test_the_house_can_be_held_in_the_head() -> None:
    assert sum(len(path.read_text().splitlines()) for path in files()) < LINES_AT_MOST


def test_file_names_say_what_is_inside() -> None:
    vague = {"utils.py", "util.py", "helpers.py", "common.py", "misc.py"}
    assert not [path for path in files() if path.name in vague]


def test_help_imports_nothing_heavy() -> None:
    heavy = ("torch", "vllm", "transformers", "datasets", "lm_eval", "matplotlib", "pandas", "numpy", "openai",
             "anthropic", "duckdb", "pyarrow", "scipy", "statsmodels", "msgspec")  # fmt: skip
    program = (
        "import sys\nfrom harness.cli.main import main\nassert main(['--help']) == 0\n"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert "Compare" in done.stdout
