"""An installed wheel works outside the checkout: tasks, cards, protocols and demo weights travel in it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.slow
def test_a_wheel_carries_all_it_needs(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)],
        check=True,
    )
    (wheel,) = tmp_path.glob("opengap-*.whl")
    site, work = tmp_path / "site", tmp_path / "work"
    zipfile.ZipFile(wheel).extractall(site)
    work.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(site), "HF_HUB_OFFLINE": "1"}

    def opengap(*arguments: str) -> str:
        command = [sys.executable, "-P", "-m", "harness", *arguments]
        return subprocess.run(command, cwd=work, env=environment, check=True, capture_output=True, text=True).stdout

    assert "demo_reasoning" in opengap("tasks")
    assert "gpt-5.2" in opengap("models")
    opengap("eval", "transformers:demo-open", "--task", "demo_reasoning", "--limit", "5")
    assert "transformers:demo-open" in opengap("runs", "--store", "results/demo")
    where = subprocess.run(
        [sys.executable, "-P", "-c", "import harness; print(harness.__file__)"], env=environment, cwd=work,
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert str(site) in where.stdout
