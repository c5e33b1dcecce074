"""What the hashes of a protocol, a task and a plan cover: what was used, and nothing else."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from harness.asking import RetryPolicy
from harness.asking.budget import Budget, Purse
from harness.asking.drive import Driving, ask
from harness.asking.limits import limiter_for
from harness.asking.plan import find_protocol, prepare
from harness.asking.progress import Progress
from harness.asking.reach import Reach
from harness.cli.main import main
from harness.errors import UnknownName, UsageError
from harness.models import Ready, ready
from harness.models.answers_file import AnswersFile
from harness.questions import ExactForm, Text
from harness.registry import LoadedTask, Task, find_task, load_items
from harness.registry.task import Row
from harness.store import Journal, plan_hash
from harness.store.hashes import protocol_hash, task_protocol_hash
from harness.types import Item, Message, Plan, PlannedTask, Protocol, Request, Sampling, System, TaskCard

SYSTEM = System("file:a", "a", "", "open_weights", "file", "a.jsonl")
MATCHED = find_protocol("matched")


def asked(protocol: Protocol) -> Ready:
    return ready([SYSTEM], protocol, check=False)[0]


def plan(protocol: Protocol, *tasks: str) -> Plan:
    return prepare(asked(protocol), protocol, [load_items(find_task(name), limit=3) for name in tasks]).plan


def reworded(form: str) -> Protocol:
    return dataclasses.replace(MATCHED, wording={**MATCHED.wording, form: "Now then! " + MATCHED.wording[form]})


def test_matched_keeps_its_hash() -> None:
    assert protocol_hash(MATCHED) == "0e036f4105e7f431ca95d44097ef06270e81c860f6f9335d795b36b3911cec77"


def test_a_new_wording_of_another_form_changes_no_hash_of_a_task_or_a_plan() -> None:
    now, other, own = (plan(one, "demo_reasoning") for one in (MATCHED, reworded("numeric"), reworded("choice")))
    assert other.tasks == now.tasks
    assert plan_hash(other) == plan_hash(now)
    assert own.tasks[0].protocol_sha256 != now.tasks[0].protocol_sha256
    assert plan_hash(own) != plan_hash(now)


def test_a_form_that_a_protocol_gains_changes_no_hash_of_a_task_or_a_plan() -> None:
    less = dataclasses.replace(MATCHED, wording={"choice": MATCHED.wording["choice"]}, max_tokens={})
    assert plan_hash(plan(less, "demo_reasoning")) == plan_hash(plan(MATCHED, "demo_reasoning"))


def test_a_task_is_hashed_alike_alone_and_in_a_suite() -> None:
    alone, both = plan(MATCHED, "demo_reasoning"), plan(MATCHED, "demo_summarization", "demo_reasoning")
    assert both.tasks[1] == alone.tasks[0]
    assert both.tasks[0].protocol_sha256 != alone.tasks[0].protocol_sha256


@pytest.mark.parametrize(
    "changed",
    [{"sampling": Sampling(temperature=0.7)}, {"sampling_source": "card"}, {"system_prompt": "Be brief."}, {"shots": 3},
     {"max_tokens": {"text": 7}}],
)  # fmt: skip
def test_all_that_changes_how_a_task_is_asked_changes_its_hash(changed: dict[str, object]) -> None:
    card = TaskCard("t", 1, "d", "s", "text", "m", True)
    assert task_protocol_hash(dataclasses.replace(MATCHED, **changed), card) != task_protocol_hash(MATCHED, card)  # type: ignore[arg-type]


def test_a_name_and_a_purpose_ask_nothing() -> None:
    card = TaskCard("t", 1, "d", "s", "text", "m", True)
    renamed = dataclasses.replace(MATCHED, name="mine", version=4, purpose="another")
    assert task_protocol_hash(renamed, card) == task_protocol_hash(MATCHED, card)
    limited = dataclasses.replace(card, max_tokens=64)
    other = dataclasses.replace(MATCHED, max_tokens={**MATCHED.max_tokens, "text": 9})
    assert task_protocol_hash(other, limited) == task_protocol_hash(MATCHED, limited), "the task's own limit is used"


def test_an_import_keeps_its_hash() -> None:
    """Nothing of a protocol is known there, so the hash is that of before: importing again finds what was imported."""
    card = TaskCard("t", 1, "d", "file:x.csv", "text", "m", False, n=1)
    unknown = Protocol("unknown", 0, {}, {}, purpose="Asked elsewhere; nobody here knows how.")
    one = Plan(SYSTEM, unknown, "unknown", (PlannedTask(card, ("1",), "i", "", "sha256:r"),), 1, 0, False)
    assert plan_hash(one)[:16] == "afa967a3eda5884f"


class Shout(ExactForm):
    name = "shout"
    wording = "{question}!"
    max_tokens = 77


def shouting(form: ExactForm) -> LoadedTask:
    def make_items(rows: Iterable[Row]) -> Iterable[Item]:
        return ()

    card = TaskCard("loud", 1, "reasoning", "bundled:none", form.name, form.headline, True)
    return LoadedTask(Task(card, form, make_items), [Text(id="1", question="2 + 2", target="4")], None)


def test_a_form_brings_its_wording_and_limit_where_the_protocol_names_none() -> None:
    job = prepare(asked(MATCHED), MATCHED, [shouting(Shout())])
    request = job.request(job.owed[0])
    assert (request.messages[-1].content, request.max_tokens) == ("2 + 2!", 77)
    assert (job.plan.protocol.wording, job.plan.protocol.max_tokens) == ({"shout": "{question}!"}, {"shout": 77})
    louder = dataclasses.replace(MATCHED, wording={"shout": "{question}!!"})
    own = prepare(asked(louder), louder, [shouting(Shout())])
    assert own.request(own.owed[0]).messages[-1].content == "2 + 2!!"
    assert own.plan.tasks[0].protocol_sha256 != job.plan.tasks[0].protocol_sha256


def test_a_form_without_wording_needs_a_protocol_that_has_one() -> None:
    class Mute(Shout):
        wording = ""

    with pytest.raises(UsageError, match="matched@1 has no wording for 'shout', and the form brings none"):
        prepare(asked(MATCHED), MATCHED, [shouting(Mute())])


def test_a_wording_for_no_form_is_an_error() -> None:
    with pytest.raises(UnknownName, match=r"'chioce'.*choice"):
        plan(dataclasses.replace(MATCHED, wording={"chioce": "{question}"}), "demo_reasoning")


@pytest.mark.parametrize(
    ("line", "says"),
    [("shots: 3", "'shots: 3' would have no effect"), ("wording: {text: '{query}'}", "query")],
)
def test_what_would_have_no_effect_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, says: str
) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs/protocols.yaml").write_text(f"mine@1:\n  {line}\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=says):
        find_protocol("mine")


def test_a_kind_of_request_that_no_adapter_sends_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"item_id": "1", "text": "4"}) + "\n")
    model = AnswersFile(dataclasses.replace(SYSTEM, api_name=str(tmp_path / "a.jsonl")))
    driving = Driving(
        model=model, journal=Journal(tmp_path), limiter=limiter_for(SYSTEM, 1),
        budget=Budget(None, None, 0.0, "file", Purse()), policy=RetryPolicy(), pricing=lambda usage: None,
        progress=Progress("a", 1, 0), reach=Reach("a", None),
    )  # fmt: skip
    request = Request("t", "1", 0, (Message("user", "2 + 2"),), 8, Sampling(), "h", kind="loglikelihood")
    with pytest.raises(UsageError, match="file:a cannot be asked by loglikelihood, only by generate"):
        asyncio.run(ask(request, driving))
    driving.journal.close()


def test_prove_proves_the_example_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without access to the data it is all that can be proved; a row of which nothing comes is an error."""
    (tmp_path / "tasks/mine").mkdir(parents=True)
    file = tmp_path / "tasks/mine/sums.py"
    text = (
        "from harness import Numeric, task\n"
        "@task(dimension='mine', version=1, source='bundled:harness.demo.world', redistributable=True, item=Numeric,\n"
        "      example={'q': '2 + 2', 'a': 'EXAMPLE'})\n"
        "def sums(rows):\n"
        "    yield from (Numeric(id=row['q'], question=row['q'], answer=row['a']) for row in rows if 'q' in row)\n"
    )
    monkeypatch.chdir(tmp_path)
    file.write_text(text.replace("EXAMPLE", "4"))
    assert main(["tasks", "--prove", str(file)]) == 0
    assert "and the example, 0 failures" in capsys.readouterr().out
    broken = tmp_path / "tasks/mine/more.py"
    broken.write_text(text.replace("'q':", "'other':").replace("def sums", "def more"))
    assert main(["tasks", "--prove", str(broken)]) == 2
    assert "its example makes no item" in capsys.readouterr().err
