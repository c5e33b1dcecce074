"""Adapters: one file per wire protocol or engine. They send, map errors and report; they do not retry.

What each of them is stands in the table, ``harness.adapters``; here it is put to use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

from harness import catalogue, extensions
from harness.errors import UsageError
from harness.models.base import BatchSide, Model
from harness.types import Protocol, Sampling, System

__all__ = ["BatchSide", "Model", "Ready", "batch_side", "leaves_machine", "open_model", "ready"]


@dataclass(frozen=True, slots=True)
class Ready:
    """What has to be known of a system before it is asked."""

    system: System
    """Completed with what only this machine knows (weights hash, dtype, revision), unless something is missing."""
    sampling: Sampling
    """What the protocol asks of it."""
    problems: tuple[str, ...] = ()
    """What has to be there and is not, or what it cannot be asked: one line each, with what to do. Empty: ask it."""
    cannot: Mapping[Literal["images"], str] = field(default_factory=dict)
    """What it cannot take, with the reason; it can be asked what does without."""


def ready(systems: Sequence[System], protocol: Protocol, *, check: bool = True, complete: bool = True) -> list[Ready]:
    """Make systems ready to be asked by a protocol: the one way from an address to a plan.

    ``check`` looks for packages, keys and weights; a plan that is looked at only does without. ``complete`` fetches and
    reads weights, but not while anything is missing for any of the systems.
    """
    missing = [tuple(_missing(system)) if check else () for system in systems]
    complete = complete and not any(missing)
    return [_ready(system, protocol, lines, complete) for system, lines in zip(systems, missing, strict=True)]


def _ready(system: System, protocol: Protocol, problems: tuple[str, ...], complete: bool) -> Ready:
    entry, sampling = catalogue.adapter_of(system.provider), _asked(system, protocol)
    cannot = _cannot(system)
    if problems:
        return Ready(system, sampling, problems, cannot)
    try:
        if complete and entry.complete:
            system = extensions.resolve(entry.complete)(system)
        check = getattr(open_model(system), "check", None)
        if check is not None:
            check(sampling)
    except UsageError as error:
        problems = (str(error),)
    return Ready(system, sampling, problems, cannot)


def _missing(system: System) -> list[str]:
    """What has to be there before a run and is not: packages, keys, weights."""
    entry = catalogue.adapter_of(system.provider)
    if lacks := entry.lacks():
        return [f"{system.name}: {package} is not installed: {entry.install}" for package in lacks]
    return list(extensions.resolve(entry.problems)(system)) if entry.problems else []


def _asked(system: System, protocol: Protocol) -> Sampling:
    """The protocol's own sampling, or what the model's card recommends."""
    card = catalogue.cards().get(system.card)
    if protocol.sampling_source == "card":
        return card.recommended if card else Sampling()
    return protocol.sampling


def _cannot(system: System) -> dict[Literal["images"], str]:
    """What a system cannot be asked; that nobody knows is no reason."""
    entry = catalogue.adapter_of(system.provider)
    if not entry.images:
        why = "it has images, which an in-process engine does not take: serve the model and name it server:NAME@URL"
        return {"images": why if entry.in_process else f"it has images, which {system.provider} does not take"}
    card = catalogue.cards().get(system.card)
    # Of answers that exist already it does not matter what was sent.
    if entry.named == "file" or card is None or "image" in card.modalities:
        return {}
    names = ", ".join(card.modalities)
    return {"images": f"it has images, and the card of {card.id} names no image among its modalities ({names})"}


def leaves_machine(system: System) -> bool:
    """Whether prompts to this system leave this machine: not to an engine, a file, or a server on loopback."""
    if not catalogue.adapter_of(system.provider).leaves_machine:
        return False
    from harness.models.hosted import base_url, is_loopback

    provider = catalogue.provider_named(system.provider, system.url)
    return provider.leaves_machine and not is_loopback(base_url(provider, system.url))


def asked_elsewhere(system: System) -> bool:
    """Whether a system's answers exist already, so that how it was asked is not known."""
    return catalogue.adapter_of(system.provider).named == "file"


def open_model(system: System) -> Model:
    """The adapter of a system, not yet started. UsageError on an option that it does not have."""
    entry = catalogue.adapter_of(system.provider)
    made = entry.model_class(system.options.get("api"), system.name)
    if entry.named in ("url", "host"):
        return cast(Model, made(system, catalogue.provider_named(system.provider, system.url)))
    return cast(Model, made(system))


def batch_side(model: Model) -> BatchSide:
    """The batch API of a started adapter. UsageError if it has none."""
    batch = catalogue.adapter_of(model.system.provider).batch
    if batch is None:
        raise UsageError(f"{model.system.name} has no batch API: leave --batch out")
    return cast(BatchSide, extensions.resolve(batch)(model))
