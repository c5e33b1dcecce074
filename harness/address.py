"""Text to System: the only parser of model addresses.

    [provider:]name[@revision][,key=value…]

``openai:gpt-5.2,effort=high`` · ``vllm:Qwen/Qwen3-8B@main,dtype=bfloat16`` · ``server:NAME@URL`` · ``file:answers.jsonl``

A bare name is a catalogue id, an alias that a card declares, or ``org/name``; the beginning of one means nothing. A
bare open model never leaves this machine; a bare closed one means its developer's own API; any other host is spelt out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness import adapters, catalogue
from harness.adapters import OptionKind
from harness.errors import UnknownName, UsageError
from harness.types import ModelCard, System, WeightsLevel

WEIGHTS_FLAG: Mapping[str, WeightsLevel] = {
    "open": "open_weights",
    "closed": "closed",
    "restricted": "restricted",
    "open_weights": "open_weights",
    "open_with_data": "open_with_data",
}


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of an address, before anything is looked up."""

    provider: str | None
    name: str
    revision: str | None = None
    url: str | None = None
    options: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        text = f"{self.provider}:{self.name}" if self.provider else self.name
        if self.url:
            text += f"@{self.url}"
        elif self.revision:
            text += f"@{self.revision}"
        return text + "".join(f",{key}={value}" for key, value in sorted(self.options.items()))


def parse(text: str) -> Address:
    """Split an address into its parts. UsageError on a malformed one, UnknownName on an unknown provider or option."""
    text = text.strip()
    head, separator, rest = text.partition(":")
    provider = head if separator and re.fullmatch(r"[A-Za-z][\w.-]*", head) else None
    body = rest if provider else text
    adapter = catalogue.adapter_of(provider) if provider else None
    named = adapter.named if adapter else None
    if named == "file":
        if not body:
            raise UsageError(f"{provider}: needs the path of a file, as in {provider}:answers.jsonl")
        return Address(provider, body)
    body, *pairs = re.split(r",(?=\w+=)", body)
    options = _options(pairs, adapter.options if adapter else adapters.all_options(), text)
    # A server's URL comes after the last @, since names may hold one; an existing folder may too.
    name, at, suffix = body.rpartition("@") if named == "url" and "@" in body else body.partition("@")
    if named != "url" and at and Path(body).is_dir():
        name, at, suffix = body, "", ""
    if not name:
        raise UsageError(f"the address {text!r} names no model; write [provider:]name[@revision][,key=value]")
    if named == "url":
        if "://" in name or "?" in suffix:
            # Addresses stand in plans, receipts and tables, so this one is not even repeated in the message.
            raise UsageError(
                f"the URL of a {provider}: holds a user name, a password or a query, which would be kept with the results; "
                "give host and path alone, and the key by the environment variable OPENGAP_SERVER_KEY"
            )
        if not re.match(r"https?://[^/\s]+", suffix) or not name:
            raise UsageError(
                f"{text!r}: a server is written {provider}:NAME@URL, as in {provider}:my-model@http://127.0.0.1:8000/v1"
            )
        if fault := catalogue.url_fault(suffix):
            raise UsageError(f"{text!r}: the URL {fault}")
        return Address(provider, name, url=suffix.rstrip("/"), options=options)
    if at and not suffix:
        raise UsageError(f"{text!r}: nothing stands after '@'; write name@revision")
    return Address(provider, name, revision=suffix or None, options=options)


def _options(pairs: Sequence[str], valid: Mapping[str, OptionKind], text: str) -> dict[str, str]:
    """The options of an address. UnknownName for one that is not ``valid``, UsageError for a value that is none."""
    options: dict[str, str] = {}
    for pair in pairs:
        key, _, value = pair.partition("=")
        if key not in valid:
            raise UnknownName("option", key, valid, hint=f"(in the address {text!r})")
        if not value or key in options:
            raise UsageError(f"{text!r}: the option {key} is {'empty' if not value else 'given twice'}")
        if valid[key] == "number" and not re.fullmatch(r"\d+(\.\d+)?", value):
            raise UsageError(f"{text!r}: the option {key} needs a number, not {value!r}")
        options[key] = value
    return options


def resolve(text: str, weights: str | None = None, engine: str | None = None) -> System:
    """Find out what an address means today.

    ``weights`` is the user's own word (``open`` or ``closed``) on a model that the catalogue does not know. ``engine`` is
    taken for a bare open model in place of the one that is installed, so that a name can be checked where none is.

    Raises: UsageError (malformed, openness unknown, no engine installed), UnknownName (with the nearest valid names).
    """
    address = parse(text)
    if weights is not None and weights not in WEIGHTS_FLAG:
        raise UnknownName("weights level", weights, WEIGHTS_FLAG)
    if address.provider is None:
        address = _place(address, engine)
    assert address.provider is not None
    adapter = catalogue.adapter_of(address.provider)
    # What stood behind a bare name could not be judged before its adapter was known.
    if unknown := set(address.options) - set(adapter.options):
        raise UnknownName("option", min(unknown), adapter.options, hint=f"(in {text!r}, which means {address})")
    if adapter.named == "weights":
        return _local(address, weights)
    if adapter.named == "host":
        return _hosted(address, catalogue.provider_named(address.provider), weights)
    card = catalogue.card_for(address.provider, address.name)
    return _system(address, card, _level(address, card, weights), api_name=address.name, url=address.url)


def resolve_all(
    texts: Sequence[str], weights: str | Sequence[str] | None = None, engine: str | None = None
) -> list[System]:
    """Several addresses; ``weights`` is one word for all of them, or one word each. The rest as :func:`resolve`."""
    words = [weights] if isinstance(weights, str) else list(weights or [])
    if len(words) not in (0, 1, len(texts)):
        raise UsageError(
            f"--weights was given {len(words)} times for {len(texts)} models: give it once, or once for each"
        )
    each = words if len(words) == len(texts) else [words[0] if words else None] * len(texts)
    return [resolve(text, word, engine) for text, word in zip(texts, each, strict=True)]


def _place(address: Address, engine: str | None) -> Address:
    """Give a bare name its provider: this machine for an open model, its developer's API for a closed one."""
    card = catalogue.card_named(address.name)
    if card is None:
        if re.fullmatch(r"[\w.-]+/[\w.-]+", address.name) or Path(address.name).is_dir():
            return _with_provider(address, engine or preferred_engine(), address.name)
        if begins := catalogue.names_from(address.name):
            raise UsageError(
                f"{address.name!r} is no model's whole name, so nothing was asked; names that begin so: {', '.join(begins)}"
            )
        raise UnknownName(
            "model", address.name, catalogue.cards(), hint="(`opengap models` lists them; other hosts: provider:name)"
        )
    if catalogue.weights_at(card) != "closed":
        return _with_provider(address, engine or preferred_engine(), card.id)
    if not card.endpoints:
        raise UsageError(
            f"no host of {card.id} is known to the catalogue; write provider:name or server:NAME@URL if you know one"
        )
    return _with_provider(address, card.endpoints[0].provider, card.endpoints[0].name)


def _with_provider(address: Address, provider: str, name: str) -> Address:
    return Address(provider, name, address.revision, address.url, address.options)


def preferred_engine() -> str:
    """The first in-process engine that is installed. UsageError says how to install one."""
    if engine := adapters.engine():
        return engine
    raise UsageError(
        "no local engine is installed and an open model never leaves this machine by itself; install one: "
        f"{adapters.TABLE[adapters.FIRST_ENGINE].install}; or spell out a host"
    )


def _local(address: Address, weights: str | None) -> System:
    assert address.provider is not None
    card = catalogue.card_for(address.provider, address.name)
    level = _level(address, card, weights)
    source = card.repository if card and card.repository else address.name
    if card and card.repository is None:
        raise UsageError(f"{card.id} has no published weights in the catalogue, so {address.provider} cannot run it")
    if card:
        address = _with_provider(address, address.provider, card.id)
    return _system(address, card, level, api_name=source, url=None)


def _hosted(address: Address, provider: catalogue.Provider, weights: str | None) -> System:
    if address.revision:
        raise UsageError(
            f"{address}: a hosted model has no @revision; write the snapshot's own name, as its provider lists it"
        )
    card = catalogue.card_for(provider.name, address.name)
    name = address.name
    # An alias may be a snapshot's name: it is asked for as it is written.
    if card and name in (card.id, card.repository):
        name = next((e.name for e in card.endpoints if e.provider == provider.name), name)
        address = _with_provider(address, provider.name, name)
    level: WeightsLevel
    level = (
        "closed" if card is None and weights is None and provider.serves == "closed" else _level(address, card, weights)
    )
    return _system(address, card, level, api_name=name, url=provider.url)


def is_folder(provider: str | None, name: str) -> bool:
    """Whether an address means weights in a folder of this machine: who has them can run them."""
    return provider is not None and catalogue.adapter_of(provider).named == "weights" and Path(name).is_dir()


def _level(address: Address, card: ModelCard | None, weights: str | None) -> WeightsLevel:
    if card is not None:
        known = catalogue.weights_at(card)
        if weights is not None and catalogue.is_open(WEIGHTS_FLAG[weights]) != catalogue.is_open(known):
            raise UsageError(
                f"--weights {weights} contradicts the catalogue, where {card.id} is {known}: leave the flag out"
            )
        return known
    if weights is None and is_folder(address.provider, address.name):
        return "open_weights"
    if weights is None:
        raise UsageError(f"nothing is known of {address}: say --weights open or --weights closed")
    return WEIGHTS_FLAG[weights]


def _system(address: Address, card: ModelCard | None, level: WeightsLevel, api_name: str, url: str | None) -> System:
    return System(
        name=str(address),
        card=card.id if card else address.name,
        developer=card.developer if card else "",
        weights=level,
        provider=address.provider or "",
        api_name=api_name,
        url=url,
        revision=address.revision,
        options=dict(sorted(address.options.items())),
        released=card.released if card else None,
    )
