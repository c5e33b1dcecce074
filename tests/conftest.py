"""Shared fixtures: real items, real engines, one of each a session."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Real benchmark items and published results, which are not part of the project."""
    folder = Path(os.environ.get("OPENGAP_TEST_DATA", "../shared/data"))
    if not folder.is_absolute():
        folder = (ROOT / folder).resolve()
    if not folder.is_dir():
        pytest.skip(f"no test data at {folder}: set OPENGAP_TEST_DATA to the folder that holds suites/ and published/")
    return folder


@pytest.fixture(autouse=True)
def _own_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings, stores or keys of the person who runs the tests."""
    for name in list(os.environ):
        if name.endswith("_API_KEY") or name in ("OPENGAP_STORE", "OPENGAP_DATA", "OPENGAP_SERVER_KEY"):
            monkeypatch.delenv(name)
    folder = tmp_path / "cwd"
    folder.mkdir()
    monkeypatch.chdir(folder)
