"""A scheduled evaluation from end to end: the scripts of ``configs/cloud`` with a local process in place of the cloud."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.store import RunFolder, list_runs, read_journal
from tests.asking.test_evaluate import answers, items

ROOT = Path(__file__).resolve().parent.parent
CLOUD = ROOT / "configs/cloud"
ENVIRONMENT = Path(sys.executable).parent.parent


class Machine:
    """A rented machine: a home folder, and processes that end with it."""

    def __init__(self, home: Path, **variables: str) -> None:
        self.home = home
        home.mkdir()
        self.variables = {
            **os.environ, "HOME": str(home), "HF_HUB_OFFLINE": "1", "OPENGAP_ENV": str(ENVIRONMENT),
            "OPENGAP_SOURCE": "unused: the environment is there", "OPENGAP_HOME": str(home / "run"),
            "OPENGAP_OUT": str(home / "published"), "GIT_CONFIG_GLOBAL": "/dev/null", **variables,
        }  # fmt: skip

    def start(self, script: str, *arguments: str) -> subprocess.Popen[str]:
        """In a session of its own, as a job of the machine."""
        return subprocess.Popen(
            ["bash", str(CLOUD / script), *arguments], cwd=self.home, env=self.variables, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip

    def run(self, script: str, *arguments: str) -> tuple[int, str]:
        process = self.start(script, *arguments)
        out, err = process.communicate(timeout=600)
        assert not left(process.pid), "nothing is left running"
        return process.returncode, out + err

    @property
    def runs(self) -> list[RunFolder]:
        return list_runs(self.home / "run/store")

    def output(self, name: str) -> str:
        """What a step handed to later ones by $GITHUB_OUTPUT."""
        lines = dict(line.split("=", 1) for line in (self.home / "outputs").read_text().splitlines())
        return lines[name]


def left(session: int) -> list[int]:
    """Processes of this session; one that ended and waits for its parent is none."""
    shown = subprocess.run(["ps", "-eo", "sid=,pid=,stat="], capture_output=True, text=True, check=True).stdout
    rows = map(str.split, shown.splitlines())
    return [int(pid) for sid, pid, stat in rows if int(sid) == session and not stat.startswith("Z")]


def kill(process: subprocess.Popen[str]) -> None:
    """End the machine's whole session at once, as a power cut does; `timeout` has put itself into a group of its own."""
    while found := left(process.pid):
        for pid in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    process.communicate()


def published_text(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


@pytest.mark.slow
def test_two_weeks_on_machines_that_die(tmp_path: Path) -> None:
    """The first machine is killed while it asks and goes on; the second week finds the first on its branch."""
    asked = {"OPENGAP_ASKED": "--task demo_reasoning --limit 25 --concurrency 1", "OPENGAP_MINUTES": "30"}
    both = {"OPENGAP_MODELS": "transformers:demo-open demo-closed"}
    first = Machine(tmp_path / "first", OPENGAP_OCCASION="week-1", **asked, **both)
    process = first.start("run.sh")
    line_count = 0
    while line_count < 5:
        assert process.poll() is None, process.communicate()
        line_count = sum(len(path.read_bytes().splitlines()) for path in first.home.glob("run/store/runs/*/journal/*"))
        time.sleep(0.02)
    kill(process)
    (run,) = first.runs
    assert not run.sealed
    kept = set(read_journal(run.journal).answered)
    assert 5 <= len(kept) < 25
    before = (run.journal / "0001.jsonl").read_bytes()

    code, said = first.run("run.sh")
    assert code == 0, said
    assert f"resuming run {run.run_id}: {len(kept)} of 25 answers are there" in said
    assert [one.sealed for one in first.runs] == [True, True], "one run a model"
    assert (run.journal / "0001.jsonl").read_bytes().startswith(before), "what was paid is kept"
    lines = [json.loads(line) for path in run.journal.glob("*.jsonl") for line in path.read_text().splitlines()]
    assert len({line["item_id"] for line in lines}) == len(lines) == 25, "nothing is asked twice"

    branch = tmp_path / "repository.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(branch)], check=True)
    checked = office(tmp_path / "office-1", first, branch)
    assert (checked.output("asked"), checked.output("checked")) == ("0", "0")
    assert "no earlier run, so there is nothing to check" in (checked.home / "summary").read_text()

    second = Machine(
        tmp_path / "second", OPENGAP_OCCASION="week-2", OPENGAP_MODELS="transformers:demo-open",
        OPENGAP_HISTORY=str(tmp_path / "second/history"), OPENGAP_REPOSITORY=str(branch),
        OPENGAP_BUCKET=str(tmp_path / "second"), **asked,
    )  # fmt: skip
    assert second.run("history.sh", "fetch", "history")[0] == 0
    assert len(list_runs(second.home / "history")) == 2
    code, said = second.run("run.sh")
    assert code == 0, said
    assert len(second.runs) == 3, "a new week asks anew"
    checked = office(tmp_path / "office-2", second, branch)
    summary = (checked.home / "summary").read_text()
    assert (checked.output("asked"), checked.output("checked")) == ("0", "6"), "25 equal answers do not show 3 points"
    assert "| `transformers:demo-open" in summary
    assert "| within the margin |" in summary or "| not shown |" in summary
    whole = published_text(checked.home / "history")
    assert b"journal" not in b" ".join(str(path).encode() for path in (checked.home / "history/runs").rglob("*"))
    assert b"<html" in whole
    assert (tmp_path / "second/since").read_text() == (tmp_path / "second/published/since").read_text(), "the bucket"


def office(home: Path, machine: Machine, branch: Path) -> Machine:
    """The job that checks and publishes: it sees what left the machine, and the branch."""
    checker = Machine(
        home, GITHUB_OUTPUT=str(home / "outputs"), GITHUB_STEP_SUMMARY=str(home / "summary"),
        OPENGAP_REPOSITORY=str(branch),
    )  # fmt: skip
    assert checker.run("history.sh", "fetch", "history")[0] == 0
    code, said = checker.run("check.sh", str(machine.home / "published"))
    assert code == 0, said
    assert (home / "history/report/index.html").is_file()
    code, said = checker.run("history.sh", "push", "history")
    assert code == 0, said
    return checker


def answered(tmp_path: Path, right: int) -> str:
    """A file of 400 answers, the first of them right."""
    return answers(tmp_path / "said.jsonl", {str(i): "Answer: 4" if i < right else "Answer: 9" for i in range(400)})


@pytest.mark.slow
def test_a_regression_is_published_before_it_is_told(tmp_path: Path) -> None:
    """Own questions: their text stays; the code of the check is an output, so that what follows still runs."""
    file = items(tmp_path / "mine.jsonl", 400)
    asked = {
        "OPENGAP_ASKED": f"--items {file} --scorer numeric --weights open",
        "OPENGAP_MODELS": answered(tmp_path, 400),
    }
    branch = tmp_path / "repository.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(branch)], check=True)
    first = Machine(tmp_path / "first", OPENGAP_OCCASION="1", **asked)
    assert first.run("run.sh")[0] == 0
    assert office(tmp_path / "office-1", first, branch).output("checked") == "0"
    answered(tmp_path, 100)
    time.sleep(1.1)  # a run's id tells seconds
    second = Machine(tmp_path / "second", OPENGAP_OCCASION="2", **asked)
    assert second.run("run.sh")[0] == 0
    checked = office(tmp_path / "office-2", second, branch)
    assert checked.output("checked") == "5"
    assert "worse by more than the margin" in (checked.home / "summary").read_text()
    shown = subprocess.run(["git", "--git-dir", str(branch), "ls-tree", "-r", "--name-only", "opengap-results"],
                           capture_output=True, text=True, check=True).stdout  # fmt: skip
    assert "report/index.html" in shown
    assert len(set(re.findall(r"runs/([^/]+)/receipt.json", shown))) == 2
    assert "journal" not in shown


@pytest.mark.slow
def test_a_machine_that_asked_nothing_says_so(tmp_path: Path) -> None:
    """A model that is not there: code 2, and still a store and a report to publish; the check ends with 4."""
    machine = Machine(tmp_path / "m", OPENGAP_OCCASION="1", OPENGAP_MODELS="no-such-model", OPENGAP_ASKED="")
    code, said = machine.run("run.sh")
    assert code == 2, said
    assert "no-such-model" in said
    assert (machine.home / "published/code").read_text() == "2\n"
    checker = Machine(tmp_path / "c", GITHUB_OUTPUT=str(tmp_path / "c/outputs"))
    assert checker.run("check.sh", str(machine.home / "published"))[0] == 0
    assert (checker.output("asked"), checker.output("checked")) == ("2", "4")


@pytest.mark.slow
def test_what_takes_longer_than_its_minutes_is_ended(tmp_path: Path) -> None:
    machine = Machine(
        tmp_path / "m", OPENGAP_OCCASION="1", OPENGAP_MINUTES="0", OPENGAP_MODELS="transformers:demo-open",
        OPENGAP_ASKED="--task demo_reasoning",
    )  # fmt: skip
    code, _ = machine.run("run.sh")
    assert code == 124
    assert (machine.home / "published/code").read_text() == "124\n"


@pytest.mark.parametrize(
    ("cap", "code", "says"),
    [("100", 0, "hosted models: at most $94.00"), ("6.01", 3, "more than the budget"), ("5", 3, "the machine alone")],
)
def test_a_plan_above_its_cap_is_not_run(tmp_path: Path, cap: str, code: int, says: str) -> None:
    """Two hours and one at $2 are $6; the rest is what hosted models may cost."""
    machine = Machine(
        tmp_path / "m", OPENGAP_TASK=str(CLOUD / "eval.yaml"), OPENGAP_MINUTES="120", OPENGAP_MAX_USD=cap,
        OPENGAP_HOSTED="openai:gpt-4.1", OPENGAP_ASKED="--task demo_reasoning", GITHUB_OUTPUT=str(tmp_path / "outputs"),
    )  # fmt: skip
    found, said = machine.run("plan.sh")
    assert found == code, said
    assert says in said
    outputs = (tmp_path / "outputs").read_text() if code == 0 else ""
    assert outputs == ("budget=94.00\n" if code == 0 else "")


def test_without_a_source_nothing_is_installed(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "m", OPENGAP_SOURCE="", OPENGAP_ENV=str(tmp_path / "none"))
    code, said = machine.run("install.sh")
    assert code != 0
    assert "set it to what pip installs" in said


@pytest.mark.slow
def test_a_new_machine_gets_what_the_source_holds(tmp_path: Path) -> None:
    """From a wheel, without what it needs (other tests install that); the second time nothing is installed."""
    wheel = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run(wheel, check=True)
    (built,) = tmp_path.glob("opengap-*.whl")
    home = tmp_path / "m"
    machine = Machine(home, OPENGAP_SOURCE=built.as_uri(), OPENGAP_ENV=str(home / "env"), PIP_NO_DEPS="1")
    code, said = machine.run("install.sh", "vllm")
    assert code == 0, said
    assert (home / "env/bin/opengap").is_file()
    machine.variables["OPENGAP_SOURCE"] = "file:///nowhere.whl"
    assert machine.run("install.sh", "vllm")[0] == 0


def test_again_since_asks_once_an_occasion(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = items(tmp_path / "mine.jsonl", 4)
    said = answers(tmp_path / "a.jsonl", {str(i): "4" for i in range(4)})
    command = [
        "eval",
        said,
        "--items",
        str(file),
        "--scorer",
        "numeric",
        "--weights",
        "open",
        "--store",
        str(tmp_path / "st"),
    ]
    for since, runs in (("2026-01-01", 1), ("2026-01-01T00:00:00Z", 1), ("2999-01-01T06:00+02:00", 2)):
        assert main([*command, "--again-since", since]) == 0
        assert len(list_runs(tmp_path / "st")) == runs, since
    assert main([*command, "--again-since", "next week"]) == 2
    assert "--again-since is a time like" in capsys.readouterr().err


def test_check_since_takes_all_runs_of_an_occasion(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = items(tmp_path / "mine.jsonl", 4)
    for name in ("a", "b"):
        said = answers(tmp_path / f"{name}.jsonl", {str(i): "4" for i in range(4)})
        assert main(["eval", said, "--items", str(file), "--weights", "open", "--store", str(tmp_path / "st")]) == 0
    capsys.readouterr()
    assert main(["check", "--since", "2026-01-01", "--store", str(tmp_path / "st"), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["alone"]) == 2
    assert main(["check", "--since", "2999-01-01", "--store", str(tmp_path / "st")]) == 4
    assert main(["check", "latest", "--since", "2026-01-01", "--store", str(tmp_path / "st")]) == 2
    assert main(["estimate", said, "--items", str(file), "--weights", "open", "--budget", "1"]) == 3
    assert "no price is known" in capsys.readouterr().err
