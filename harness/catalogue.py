"""Cards and endpoints: who made a model, how open it was at a date, where it is served and at what price."""

from __future__ import annotations

import dataclasses
import datetime as dt
import functools
import math
import urllib.parse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from harness import adapters, settings
from harness.adapters import Adapter
from harness.errors import UnknownName, UsageError
from harness.types import Endpoint, ModelCard, OpenFrom, Price, Sampling, System, WeightsFact, WeightsLevel

LEVELS: tuple[WeightsLevel, ...] = ("closed", "restricted", "open_weights", "open_with_data")
"""From the least open to the most open."""
OPEN_FROM: OpenFrom = "restricted"
"""What counts as open unless a command says otherwise: whatever weights can be had, as the word is used in the debate."""
OPEN_RULES: Mapping[OpenFrom, str] = {
    "restricted": "open = weights can be had, restricted licences included",
    "open_weights": "open = weights can be had under a licence that does not limit use",
    "open_with_data": "open = weights, training data and code can be had",
}
"""Each rule in words, from the widest to the strictest."""

T = TypeVar("T")

ImageTokens = Literal["tiles", "patches", "flat"]
"""Rules by which hosts count an image; see ``prompt_tokens``."""
Parameter = Literal["max_tokens", "temperature", "top_p", "top_k", "seed"]


@dataclass(frozen=True, slots=True)
class Provider:
    """A host of models, as ``providers.yaml`` describes it."""

    name: str
    protocol: str
    """Which entry of the table of adapters speaks with it."""
    url: str | None = None
    url_variable: str | None = None
    """Environment variable that holds the base URL, where each user has their own; ``url`` is then None."""
    key: str | None = None
    """Environment variable that holds the key; None: no key is needed."""
    serves: Literal["closed", "any"] = "any"
    """``closed``: only closed models, so that a new snapshot needs no flag."""
    rejects: tuple[str, ...] = ()
    """Parameters that no model there accepts."""
    renames: Mapping[Parameter, str] = field(default_factory=dict)
    """What the host calls a parameter that has another name there."""
    requests_per_minute: int | None = None
    """What the run keeps to; None: what the replies' headers and refusals say."""
    tokens_per_minute: int | None = None
    """The same for tokens of prompts and answers together."""
    cache_write_factor: float | None = None
    """Price of tokens put into the prompt cache, as a multiple of the input price; None: as input."""
    batch_discount: float | None = None
    """Share that its batch API takes off every price, where a price does not state its own; None: not known."""
    image_tokens: ImageTokens = "tiles"
    """How it counts an image; ``tiles`` is OpenAI's way, which is taken where none is known."""
    launch: str | None = None
    """Python module of a server that is started on loopback for the run and stopped with it."""
    leaves_machine: bool = True
    source: str = ""


def providers() -> Mapping[str, Provider]:
    """Providers by name. UsageError names the file and the key that is wrong."""
    return _providers(tuple(settings.config_folders()))


@functools.cache
def _providers(folders: tuple[Path, ...]) -> Mapping[str, Provider]:
    found = {}
    for name, (data, path) in settings.load("providers", completes=True).items():
        if not isinstance(data, dict):
            raise UsageError(f"{path}: {name}: expected a mapping of settings")
        provider = in_range(settings.build(Provider, {"name": name, **data}, f"{path}: {name}"), f"{path}: {name}")
        if provider.url is not None and (fault := url_fault(provider.url)):
            raise UsageError(f"{path}: {name}: url {fault}")
        if provider.url is None and provider.url_variable is None and provider.launch is None:
            raise UsageError(f"{path}: {name}: needs 'url' (or 'url_variable'), where its requests go")
        try:
            adapters.find(provider.protocol)
        except UnknownName as error:
            raise UsageError(f"{path}: {name}: {error}") from None
        found[name] = provider
    return found


def provider_named(name: str, url: str | None = None) -> Provider:
    """A host by name; what has no entry of its own (``server:``, an adapter of another distribution) is one by itself."""
    return providers().get(name) or Provider(name, name, url=url)


def adapter_of(name: str) -> Adapter:
    """The adapter of what begins an address: the one that speaks a host's protocol, else the one of this very name.

    UnknownName lists all that may begin one.
    """
    if host := providers().get(name):
        return adapters.find("launched" if host.launch else host.protocol)
    if name not in adapters.TABLE and name not in adapters.addressed():
        known = [*adapters.addressed(), *providers()]
        raise UnknownName("provider", name, known, hint="(an address is [provider:]name[@revision][,key=value])")
    return adapters.find(name)


def url_fault(url: str) -> str | None:
    """What is wrong with a base URL, in words that follow its name; None: requests can be sent there."""
    try:
        parts = urllib.parse.urlsplit(url)
        port = parts.port
    except ValueError as error:
        parts, port, reason = urllib.parse.SplitResult("", "", "", "", ""), None, f" ({error})"
    else:
        reason = ""
    # Port 0 is no port that can be reached.
    usable = parts.scheme in ("http", "https") and parts.hostname and port != 0 and url.isprintable() and " " not in url
    if usable:
        return None
    shown = "what is given" if "@" in url else repr(url)  # before an @ there may stand a password
    return f"must be http(s)://HOST[:PORT][/PATH], and {shown} is not{reason}"


SHARE = (0.0, 1.0)
NOT_NEGATIVE = (0.0, math.inf)
RANGES: Mapping[str, tuple[float, float]] = {
    "requests_per_minute": (1, math.inf), "tokens_per_minute": (1, math.inf), "batch_discount": SHARE,
    "cache_write_factor": NOT_NEGATIVE, "input": NOT_NEGATIVE, "output": NOT_NEGATIVE, "cached": NOT_NEGATIVE,
    "cache_write": NOT_NEGATIVE, "usd_per_hour": NOT_NEGATIVE,
}  # fmt: skip
"""Least and most of the numbers that money and limits rest on, by their key."""


def in_range(built: T, where: str) -> T:
    """The same object. UsageError names the number that makes no sense."""
    for key, (least, most) in RANGES.items():
        value = getattr(built, key, None)
        if value is not None and not (math.isfinite(value) and least <= value <= most):
            span = f"from {least:g} to {most:g}" if most < math.inf else f"of at least {least:g}"
            raise UsageError(f"{where}: {key} must be a number {span}, not {value:g}")
    return built


def cards() -> Mapping[str, ModelCard]:
    """All cards by id, from ``catalogue/<developer>.yaml`` of every configuration folder.

    UsageError where a card's alias is a name of another card as well.
    """
    return _cards(tuple(settings.config_folders()))


@functools.cache
def _cards(folders: tuple[Path, ...]) -> Mapping[str, ModelCard]:
    found: dict[str, ModelCard] = {}
    for folder in folders:
        for path in sorted((folder / "catalogue").glob("*.yaml")):
            for card in _read(path):
                found[card.id] = card
    owners = {card.id: card.id for card in found.values()}
    for card in found.values():
        for alias in map(str.casefold, card.aliases):
            if owners.setdefault(alias, card.id) != card.id:
                raise UsageError(
                    f"the catalogue gives the name {alias!r} to {owners[alias]} and to {card.id}: an alias means one model, so rename one"
                )
    return found


def card_named(name: str) -> ModelCard | None:
    """The one card that a name means: its id, its repository or an alias that it declares, in any case."""
    wanted = name.casefold()
    for card in cards().values():
        if wanted in (card.id.casefold(), (card.repository or "").casefold(), *map(str.casefold, card.aliases)):
            return card
    return None


def names_from(start: str) -> list[str]:
    """Ids of the cards that begin like that: what a prefix could mean."""
    return sorted(name for name in cards() if start and name.startswith(start.casefold()))


def _read(path: Path) -> list[ModelCard]:
    data = settings.read_yaml(path)
    unknown = set(data) - {"developer", "cards"}
    if unknown:
        raise UnknownName("key", min(unknown), ["developer", "cards"], hint=f"(in {path})")
    if not isinstance(data.get("cards"), dict) or "developer" not in data:
        raise UsageError(f"{path}: needs 'developer' and a mapping 'cards'")
    return [_card(str(name), str(data["developer"]), body, f"{path}: {name}") for name, body in data["cards"].items()]


def _card(name: str, developer: str, body: Any, where: str) -> ModelCard:
    if not isinstance(body, dict):
        raise UsageError(f"{where}: expected a mapping")
    parts: dict[str, Any] = dict(body)
    parts["weights"] = [settings.build(WeightsFact, fact, f"{where}: weights") for fact in parts.get("weights") or []]
    announced = parts.get("status") == "announced"
    if announced == bool(parts["weights"]):
        raise UsageError(
            f"{where}: a model that is only announced has no 'weights' yet"
            if announced
            else f"{where}: 'weights' needs at least one dated level with its evidence"
        )
    endpoints = []
    for data in parts.get("endpoints") or []:
        prices = [
            in_range(settings.build(Price, price, f"{where}: prices"), f"{where}: prices")
            for price in data.get("prices") or []
        ]
        endpoint = in_range(
            settings.build(Endpoint, {**data, "prices": []}, f"{where}: endpoints"), f"{where}: endpoints"
        )
        endpoints.append(dataclasses.replace(endpoint, prices=tuple(prices)))
    parts["endpoints"] = endpoints
    if "recommended" in parts:
        parts["recommended"] = settings.build(Sampling, parts["recommended"], f"{where}: recommended")
    return settings.build(ModelCard, {"id": name, "developer": developer, **parts}, where)


def weights_at(card: ModelCard, date: str | None = None) -> WeightsLevel:
    """Level in force on an ISO date (default: today): the latest fact that is not in the future, else the first.

    UsageError for a model that was announced and nothing more.
    """
    if not card.weights:
        raise UsageError(
            f"{card.id} is only spoken of so far, so nothing can be asked by that name "
            f"(`opengap models {card.id}` says what was seen of it)"
        )
    date = date or dt.date.today().isoformat()
    facts = sorted(card.weights, key=lambda fact: fact.since)
    current = [fact for fact in facts if fact.since <= date]
    return (current or facts)[-1 if current else 0].level


def is_open(level: WeightsLevel, open_from: OpenFrom = OPEN_FROM) -> bool:
    """Whether a level counts as open by a rule; see :data:`OPEN_RULES`. What is neither open nor closed is left out."""
    return LEVELS.index(level) >= LEVELS.index(open_from)


def counts(level: WeightsLevel, open_from: OpenFrom = OPEN_FROM) -> bool:
    """Whether a level stands on a side at all: open by the rule, or closed. Weights that can be had never count as closed."""
    return level == "closed" or is_open(level, open_from)


def side_of(level: WeightsLevel, open_from: OpenFrom = OPEN_FROM) -> str:
    """Where a level stands by a rule, in words."""
    if level == "closed":
        return "closed"
    return f"{'open' if is_open(level, open_from) else 'not open by this rule'} ({level})"


def openness_rule(levels: Iterable[WeightsLevel], open_from: OpenFrom = OPEN_FROM) -> str:
    """The rule in one line, with how many of the open systems stricter rules would leave.

    ``levels`` holds one level a system; those that are not open by the rule are passed over.
    """
    open_ = [level for level in levels if is_open(level, open_from)]
    stricter = list(OPEN_RULES)[list(OPEN_RULES).index(open_from) + 1 :]
    left = [f"--open-from {rule} would leave {sum(is_open(level, rule) for level in open_)}" for rule in stricter]
    if not open_ or not left:
        return OPEN_RULES[open_from]
    systems = f"{len(open_)} open system{'s' * (len(open_) > 1)}"
    return f"{OPEN_RULES[open_from]}; {left[0]} of {systems}" + "".join(f", {one}" for one in left[1:])


def price_at(card: ModelCard, provider: str, date: str | None = None) -> Price | None:
    """Price in force on an ISO date (default: today) at a provider; None where none is known."""
    date = date or dt.date.today().isoformat()
    prices = [price for endpoint in card.endpoints if endpoint.provider == provider for price in endpoint.prices]
    current = sorted((price for price in prices if price.since <= date), key=lambda price: price.since)
    return current[-1] if current else None


def limits_of(system: System) -> tuple[int | None, int | None]:
    """Requests and tokens a minute that are stated for a system: for its model there, else for its provider."""
    card, provider = cards().get(system.card), providers().get(system.provider)
    places: list[Endpoint | Provider] = (
        [one for one in card.endpoints if one.provider == system.provider] if card else []
    )
    places += [provider] if provider else []
    return (
        next((one.requests_per_minute for one in places if one.requests_per_minute), None),
        next((one.tokens_per_minute for one in places if one.tokens_per_minute), None),
    )


def retired(system: System, date: str | None = None) -> str | None:
    """A warning that a hosted system's model was to be gone by an ISO date (default: today); None where it was not."""
    card = cards().get(system.card)
    if card is None or card.retires is None or card.retires > (date or dt.date.today().isoformat()):
        return None
    if adapter_of(system.provider).named != "host":
        return None
    return f"{system.name}: {card.id} was to be retired on {card.retires}, so it may be refused or another model may answer"


def card_for(provider: str, name: str) -> ModelCard | None:
    """The card of what a provider calls ``name``, or that the name means by itself; none that was only announced."""
    for card in cards().values():
        if any(endpoint.provider == provider and endpoint.name == name for endpoint in card.endpoints):
            return card
    for card in cards().values():
        if card.weights and name in (card.repository, card.id, *card.aliases):
            return card
    return None
