"""On which side of the gap an imported model stands: told by the file, the catalogue or the user, never guessed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from harness import catalogue
from harness.errors import UnknownName, UsageError
from harness.types import WeightsLevel

WORDS: Mapping[str, WeightsLevel] = {
    "true": "open_weights", "1": "open_weights", "yes": "open_weights", "open": "open_weights",
    "open_weights": "open_weights", "open_with_data": "open_with_data", "restricted": "restricted",
    "false": "closed", "0": "closed", "no": "closed", "closed": "closed",
}  # fmt: skip
FLAGS = ("open", "closed", "restricted", "open_weights", "open_with_data")


def levels(told: Mapping[str, Iterable[object]], weights: str | None) -> tuple[dict[str, WeightsLevel], list[str]]:
    """Level by model, and a line about each model whose file contradicts the catalogue (whose evidence is dated).

    ``told`` holds, for each model, what the file says (several values, or none); ``weights`` is the user's word on
    those of which neither file nor catalogue knows. UsageError names the models of which nothing is known.
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
        card = catalogue.card_for("", model)
        known = catalogue.weights_at(card) if card else None
        if known and said and catalogue.is_open(known) != catalogue.is_open(next(iter(said))):
            notes.append(
                f"{model}: the file says {next(iter(said))}, the catalogue {known} with evidence; the catalogue counts"
            )
        if known:
            found[model] = known
        elif said:
            found[model] = said.pop()
        elif weights is not None:
            found[model] = WORDS[weights]
        else:
            unknown.append(model)
    if unknown:
        raise UsageError(
            f"nothing says whether these are open: {', '.join(sorted(unknown))}. Give --weights open or --weights closed "
            "(for all of them), or a column open_weights"
        )
    return found, notes


def _level(value: object, model: str) -> WeightsLevel:
    word = str(value).strip().lower()
    if word not in WORDS:
        raise UsageError(f"open_weights of {model!r} is {value!r}: expected true, false, or one of {', '.join(FLAGS)}")
    return WORDS[word]
