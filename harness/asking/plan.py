"""A plan: which system is asked which items, how; complete and hashed before the first request."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from harness import models, settings
from harness.errors import UnknownName, UsageError
from harness.models import Ready
from harness.questions import FORMS, Form, brought
from harness.questions.images import facts
from harness.registry import LoadedTask
from harness.registry.items import content_hash
from harness.sealing.grader import Answers
from harness.store import JournalState, RunFolder
from harness.store.hashes import protocol_hash, task_protocol_hash, used_by
from harness.store.journal import Key
from harness.types import UNKNOWN, Item, Plan, PlannedTask, Protocol, Request, Sampling


@dataclass(frozen=True, slots=True)
class Owed:
    """One request of a plan, not yet rendered: rendering waits until it is sent, so that memory holds no prompts."""

    task: int
    """Index into the job's tasks."""
    item: Item
    repeat: int
    prompt_hash: str


@dataclass(frozen=True, slots=True)
class Job:
    """A plan with what carrying it out needs."""

    plan: Plan
    tasks: Sequence[LoadedTask]
    owed: Sequence[Owed]
    """All requests of the plan in the order in which they are sent."""
    sampling: Sampling
    not_applicable: Mapping[str, str] = field(default_factory=dict)
    """Tasks that the system cannot take, with the reason: planned, and never sent."""

    def key(self, owed: Owed) -> Key:
        """Identity of one request in the journal."""
        return self.tasks[owed.task].name, str(owed.item.id), owed.repeat, owed.prompt_hash

    def answers(self, source: RunFolder, state: JournalState, asked: Sequence[Owed] | None = None) -> Answers:
        """What is to be sealed: the stored answers in ``source`` to all requests, or to those that were ``asked``."""
        return Answers(
            self.plan, self.tasks, frozenset(map(self.key, self.owed if asked is None else asked)), source, state,
            models.leaves_machine(self.plan.system), models.asked_elsewhere(self.plan.system), self.not_applicable,
        )  # fmt: skip

    def request(self, owed: Owed) -> Request:
        """Render one request. Repeats differ by their seed alone."""
        seed = self.sampling.seed
        sampling = self.sampling if seed is None else replace(self.sampling, seed=seed + owed.repeat)
        task = self.tasks[owed.task]
        assert owed.item.id is not None
        return Request(
            task=task.name,
            item_id=owed.item.id,
            repeat=owed.repeat,
            messages=task.task.form.ask(owed.item, self.plan.protocol),
            max_tokens=limit_of(task, self.plan.protocol),
            sampling=sampling,
            prompt_hash=owed.prompt_hash,
            options=self.plan.system.options,
            images=tuple(owed.item.images),
        )


def find_protocol(name: str) -> Protocol:
    """A protocol by ``name@version``, or its newest version by name. UnknownName lists the others."""
    known = settings.load("protocols")
    full = name
    if name not in known:
        versions = [key for key in known if key.partition("@")[0] == name]
        if not versions:
            raise UnknownName("protocol", name, known)
        full = max(versions, key=lambda key: key.partition("@")[2].rjust(9))
    data, path = known[full]
    if not full.partition("@")[2].isdecimal():
        raise UsageError(f"{path}: {full!r} has no version; write name@1")
    label, _, version = full.partition("@")
    sampling = settings.build(Sampling, data.get("sampling") or {}, f"{path}: {full}: sampling")
    body = {"wording": {}, "max_tokens": {}, **data, "name": label, "version": int(version or 1)}
    body.pop("sampling", None)
    protocol = replace(settings.build(Protocol, body, f"{path}: {full}"), sampling=sampling)
    if protocol.shots:
        raise UsageError(
            f"{path}: {full}: 'shots: {protocol.shots}' would have no effect, since examples cannot be asked yet; leave it out"
        )
    for form in FORMS.values():
        _check_wording(protocol, form, f"{path}: {full}")
    return protocol


def _check_wording(protocol: Protocol, form: Form[Any], where: str) -> None:
    """UnknownName for a placeholder that the form does not fill."""
    unknown = set(re.findall(r"\{(\w+)\}", protocol.wording.get(form.name, ""))) - set(form.placeholders)
    if unknown:
        raise UnknownName("placeholder", min(unknown), form.placeholders, hint=f"({where}: {form.name})")


def asked_by(protocol: Protocol, tasks: Sequence[LoadedTask]) -> Protocol:
    """The protocol as far as these tasks use it, with the wording and limit that a form brings where it names none.

    UsageError if there is neither, or the protocol words a form that does not exist.
    """
    forms = {form.name: form for form in (*FORMS.values(), *(task.task.form for task in tasks))}
    name = f"protocol {protocol.name}@{protocol.version}"
    for named in (*protocol.wording, *protocol.max_tokens):
        if named not in forms and named not in brought():
            raise UnknownName("form", named, [*forms, *brought()], hint=f"(in {name})")
    wording, limits = dict(protocol.wording), dict(protocol.max_tokens)
    for form in {task.task.form.name: task.task.form for task in tasks}.values():
        if wording.setdefault(form.name, form.wording) == "":
            raise UsageError(f"{name} has no wording for {form.name!r}, and the form brings none")
        limits.setdefault(form.name, form.max_tokens)
        _check_wording(protocol, form, name)
    return used_by(replace(protocol, wording=wording, max_tokens=limits), [task.task.card for task in tasks])


def elsewhere(protocol: Protocol) -> Protocol:
    """The protocol of answers that exist already: not known. The wording is what their questions are shown in."""
    return replace(
        protocol, name=UNKNOWN, version=0, sampling=Sampling(), sampling_source="protocol",
        purpose="Asked elsewhere; nobody here knows how.",
    )  # fmt: skip


def limit_of(task: LoadedTask, protocol: Protocol) -> int:
    """Upper limit of generated tokens: the task's own, else the protocol's for its form."""
    card = task.task.card
    return card.max_tokens or protocol.max_tokens[card.form]


def prepare(
    ready: Ready,
    protocol: Protocol,
    tasks: Sequence[LoadedTask],
    *,
    repeats: int = 1,
    suite: str | None = None,
    code_execution: bool = False,
    not_applicable: Mapping[str, str] | None = None,
    seed: int = 0,
) -> Job:
    """Render every prompt once, hash it, and fix the order in which the requests are sent.

    ``not_applicable``: tasks of the plan that are not asked whatever the system can take, with the reason.

    The order is a seeded shuffle of clusters (single items where there are none) over all tasks, so that a run that
    stops early has not asked one task alone; repeats of an item follow each other too.
    """
    if protocol.name == UNKNOWN:
        tasks = [replace(task, items=[task.task.form.as_shown(item, "") for item in task.items]) for task in tasks]
    if len({task.name for task in tasks}) < len(tasks):
        raise UsageError(f"two tasks bear one name: {', '.join(sorted(task.name for task in tasks))}")
    whole, protocol = protocol_hash(protocol), asked_by(protocol, tasks)
    # How answers that exist already were sampled is not known, whatever the protocol says.
    sampling = protocol.sampling if protocol.name == UNKNOWN else ready.sampling
    without_images = ready.cannot.get("images")
    unfit = dict(not_applicable or {})
    owed: list[Owed] = []
    planned: list[PlannedTask] = []
    for index, task in enumerate(tasks):
        hashes = [_prompt_hash(task, item, protocol, sampling) for item in task.items]
        if without_images and any(item.images for item in task.items):
            unfit[task.name] = without_images
        elif why := task.task.form.not_applicable(task.items):
            unfit[task.name] = why
        owed += [
            Owed(index, item, repeat, digest)
            for item, digest in zip(task.items, hashes, strict=True)
            for repeat in range(0 if task.name in unfit else repeats)
        ]
        planned.append(
            PlannedTask(
                card=task.task.card,
                item_ids=tuple(str(item.id) for item in task.items),
                items_sha256=content_hash(task.items),
                prompts_sha256=hashlib.sha256("".join(sorted(hashes)).encode()).hexdigest(),
                revision=task.revision,
                protocol_sha256=UNKNOWN
                if protocol.name == UNKNOWN
                else task_protocol_hash(protocol, task.task.card) or "",
            )
        )
    owed.sort(key=lambda one: _order(tasks[one.task].name, one, seed))
    plan = Plan(
        system=ready.system,
        protocol=protocol,
        protocol_sha256=UNKNOWN if protocol.name == UNKNOWN else whole,
        tasks=tuple(planned),
        repeats=repeats,
        order_seed=seed,
        code_execution=code_execution,
        suite=suite,
    )
    return Job(plan, tasks, owed, sampling, unfit)


def _order(task: str, owed: Owed, seed: int) -> tuple[bytes, bytes]:
    """Items of one cluster follow each other, since they share a prefix that caches can keep: one passage, one file."""
    group = owed.item.cluster or owed.item.id
    first = hashlib.sha256(f"{seed}\0{task}\0{group}".encode()).digest()
    return first, hashlib.sha256(f"{owed.item.id}\0{owed.repeat}".encode()).digest()


def _prompt_hash(task: LoadedTask, item: Item, protocol: Protocol, sampling: Sampling) -> str:
    asked: dict[str, Any] = {
        "messages": task.task.form.ask(item, protocol),
        "max_tokens": limit_of(task, protocol),
        "sampling": sampling,
    }
    if item.images:  # without any, the hash is the one that it always was
        asked["images"] = [facts(image) for image in item.images]
    return hashlib.sha256(msgspec.json.encode(asked, order="sorted")).hexdigest()
