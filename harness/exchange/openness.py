"""On which side of the gap an imported model stands: told by the file, the catalogue or the user, never guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from harness import catalogue
from harness.errors import UnknownName, UsageError
from harness.exchange import numbers
from harness.types import ModelCard, WeightsLevel

WORDS: Mapping[str, WeightsLevel] = {
    "true": "open_weights", "1": "open_weights", "1.0": "open_weights", "yes": "open_weights", "open": "open_weights",
    "open_weights": "open_weights", "open_with_data": "open_with_data", "restricted": "restricted",
    "false": "closed", "0": "closed", "0.0": "closed", "no": "closed", "closed": "closed", "closed_weights": "closed",
    "open_weight": "open_weights", "open_source": "open_weights", "proprietary": "closed", "closed_source": "closed",
}  # fmt: skip
FLAGS = ("open", "closed", "restricted", "open_weights", "open_with_data")
HOSTS = frozenset(
    [
        "azure",
        "azureai",
        "azure-ai",
        "openrouter",
        "bedrock",
        "aws",
        "amazon-bedrock",
        "vertex",
        "vertex-ai",
        "vertexai",
        "litellm",
        "litellm-proxy",
        "openai-api",
        "together",
        "togetherai",
        "together-ai",
        "fireworks",
        "fireworks-ai",
        "accounts",
        "models",
        "groq",
        "hf",
        "huggingface",
        "vllm",
        "hosted-vllm",
        "sglang",
        "ollama",
        "replicate",
        "deepinfra",
        "inference",
        "openai-chat",
        "chat",
        "server",
        "transformers",
    ]
)
"""Words before a model's name that say where it is served, and not who made it."""
SNAPSHOT = re.compile(r"[-@]((19|20)\d{2}-?\d{2}-?\d{2}|latest)(-v\d+)?(:\d+)?$|:[a-z]+$")
"""How the name of a dated snapshot ends, or of one variant of the service."""


def card_of(name: str, developer: str = "") -> tuple[ModelCard | None, bool]:
    """The catalogue's card of a model by the name that others gave it, and whether that very name stands there.

    Other tools put a developer or a host before the name (``openai/gpt-4o``, ``openrouter/anthropic/…``,
    ``anthropic:…``) and a date behind it. Such a name is taken only where the developer is the card's own; without one,
    where nothing but the date is added.
    """
    if card := catalogue.card_for("", name):
        return card, True
    known = [card for card in catalogue.cards().values() if card.weights]
    whole = _plain(name)
    *before, last = re.split(r"[/:](?=.)", whole)
    makers = {part for part in (*before, developer) if part and part not in HOSTS}
    for card in known:
        own = {
            _plain(card.id),
            *map(_plain, card.aliases),
            *(_plain(e.name).rpartition("/")[2] for e in card.endpoints),
        }
        if card.repository:
            own.add(_plain(card.repository).rpartition("/")[2])
        if whole in own or whole in {_plain(e.name) for e in card.endpoints}:
            return card, False
        named = last in own or SNAPSHOT.sub("", last) in own or SNAPSHOT.sub("", whole.rpartition("/")[2]) in own
        if named and (not makers or any(_same(maker, card) for maker in makers)):
            return card, False
    return None, False


def _plain(name: str) -> str:
    return re.sub(r"[\s_.]+", "-", name.strip().lower())


def _same(maker: str, card: ModelCard) -> bool:
    """Whether a word names the developer of a card: ``mistralai`` and ``Mistral AI``, ``google`` and ``Google``."""
    return _letters(maker) in {_letters(card.developer), _letters((card.repository or "").partition("/")[0])} - {""}


def _letters(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower()).removesuffix("ai")


def level_of(name: str, developer: str = "") -> WeightsLevel | None:
    """What the catalogue says of a model of that name today; None: it does not know it."""
    card, _ = card_of(name, developer)
    return catalogue.weights_at(card) if card else _only_closed(name)


def _only_closed(name: str) -> WeightsLevel | None:
    """Closed, where the name begins with a developer that publishes no weights: its own API serves closed models only."""
    makers = re.split(r"[/:](?=.)", _plain(name))[:-1]
    for maker in makers:
        provider = catalogue.providers().get(maker)
        cards = [card for card in catalogue.cards().values() if card.weights and _same(maker, card)]
        levels = {catalogue.weights_at(card) for card in cards}
        if provider is not None and provider.serves == "closed" and levels == {"closed"}:
            return "closed"
    return None


def levels(told: Mapping[str, Iterable[object]], weights: str | None) -> tuple[dict[str, WeightsLevel], list[str]]:
    """Level by model, and a line about each model whose file contradicts the catalogue (whose evidence is dated).

    ``told`` holds, for each model, what the file says (several values, or none); ``weights`` is the user's word on
    those of which neither file nor catalogue knows. UsageError names the models of which nothing is known, and those
    that the user calls open and the catalogue, by their developer's name, closed.
    """
    if weights is not None and weights not in FLAGS:
        raise UnknownName("weights level", weights, FLAGS)
    found: dict[str, WeightsLevel] = {}
    notes: list[str] = []
    unknown: list[str] = []
    for model, values in told.items():
        said = {_level(value, model) for value in values if str(value if value is not None else "").strip()}
        if len(said) > 1:
            raise UsageError(
                f"the file calls {model!r} both {' and '.join(sorted(said))}: correct it, or choose rows by --where"
            )
        file = next(iter(said), None)
        user = WORDS[weights] if weights is not None and file is None else None
        card, exact = card_of(model)
        known = level_of(model)
        word = file or user
        if known and word and catalogue.is_open(known) != catalogue.is_open(word):
            if user and not exact:
                who = f"{card.id} of {card.developer}" if card else "all models of that developer"
                raise UsageError(
                    f"{model}: --weights says {weights}, and the catalogue says that {who} is {known}. Give the word that "
                    "is right, or the model another name (its developer's name stands in this one)"
                )
            source = "the file" if file else "--weights"
            notes.append(f"{model}: {source} says {word}, the catalogue {known} with evidence; the catalogue counts")
        if known or word:
            found[model] = known or word  # type: ignore[assignment]  # one of the two is there
        else:
            unknown.append(model)
    if unknown:
        raise UsageError(
            f"nothing says whether these are open: {', '.join(sorted(unknown))}. Give --weights open or --weights closed "
            "(for all of them), or a column open_weights"
        )
    return found, notes


def _level(value: object, model: str) -> WeightsLevel:
    word = re.sub(r"[\s_-]+", "_", str(value).strip().lower())
    if word in numbers.RIGHT or word in numbers.WRONG:
        return "open_weights" if word in numbers.RIGHT else "closed"
    if word not in WORDS:
        raise UsageError(f"open_weights of {model!r} is {value!r}: expected true, false, or one of {', '.join(FLAGS)}")
    return WORDS[word]
