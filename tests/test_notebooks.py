"""The notebooks run from top to bottom, and are kept with what they show. ``python -m tests.test_notebooks`` writes it anew."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import nbclient
import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parent.parent / "notebooks").glob("*.ipynb"))
BYTES_AT_MOST = 250_000


def _read(path: Path) -> nbformat.NotebookNode:
    read: Callable[..., nbformat.NotebookNode] = nbformat.read
    return read(path, as_version=4)


def _executed(path: Path, folder: Path) -> nbformat.NotebookNode:
    notebook = _read(path)
    resources = {"metadata": {"path": str(folder)}}
    client = nbclient.NotebookClient(
        notebook, timeout=120, kernel_name="python3", resources=resources, record_timing=False
    )
    client.execute()
    for cell in notebook.cells:
        if cell.cell_type == "code":
            # Progress goes to standard error, and is another each time.
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return notebook


def _kinds(notebook: nbformat.NotebookNode) -> list[list[str]]:
    """What each code cell shows: the kinds of its outputs."""
    return [
        sorted({kind for output in cell.outputs for kind in output.get("data", {output.output_type: ""})})
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def test_there_are_notebooks() -> None:
    assert [path.stem for path in NOTEBOOKS] == [
        "a_gap_by_hand",
        "add_a_suite",
        "plan_power",
        "read_the_store",
        "the_gap",
    ]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_runs_and_is_kept_with_what_it_shows(path: Path, tmp_path: Path) -> None:
    kept = _read(path)
    assert _kinds(kept) == _kinds(_executed(path, tmp_path)), "run `python -m tests.test_notebooks`"
    assert path.stat().st_size < BYTES_AT_MOST
    assert f"{tempfile.gettempdir()}/" not in path.read_text(), "the path of a machine is in an output"


def test_the_gap_shows_a_picture() -> None:
    (path,) = [path for path in NOTEBOOKS if path.stem == "the_gap"]
    assert ["image/png", "text/plain"] in _kinds(_read(path))


def _keep_outputs() -> None:
    write: Callable[..., None] = nbformat.write
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    for path in NOTEBOOKS:
        with tempfile.TemporaryDirectory() as folder:
            write(_executed(path, Path(folder)), path)


if __name__ == "__main__":
    _keep_outputs()
