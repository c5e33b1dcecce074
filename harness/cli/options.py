"""Options that several commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast, get_args

import click

from harness.types import OpenFrom

if TYPE_CHECKING:
    import datetime as dt

    from harness.asking import Asked, Execution

Command = TypeVar("Command", bound=Callable[..., Any])
_Option = Callable[[Any], Any]

store = click.option("--store", metavar="DIR", help="Results store (default: OPENGAP_STORE, else ./results).")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program instead of a table.")
open_from = click.option(
    "--open-from", type=click.Choice(get_args(OpenFrom)), default="restricted", show_default=True,
    help="What counts as open: weights that can be had at all, under a free licence, or with their data.",
)  # fmt: skip
own_text = click.option(
    "--own-text", is_flag=True, help="Show questions of own files, and answers to them, in the report as well."
)


def _hold(_context: click.Context, _option: click.Parameter, kind: Any) -> None:
    from harness import sandbox

    sandbox.choose(kind)


_SANDBOXED = (
    click.option("--sandbox", type=click.Choice(["auto", "none"]), default="auto", show_default=True, callback=_hold, expose_value=False, help="What holds code that models write: Landlock and seccomp, or by name only nothing at all."),
    click.option("--allow-code-execution", is_flag=True, expose_value=False, help="Accepted from commands of before; code tasks run in the sandbox without it."),
)  # fmt: skip


def sandboxed(command: Command) -> Command:
    """The options of a command that runs code of models."""
    for option in reversed(_SANDBOXED):
        command = option(command)
    return command


class Duration(click.ParamType[float]):
    """Seconds, or a number with s, m or h behind it."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        text = str(value).strip()
        unit = {"s": 1.0, "m": 60.0, "h": 3600.0}.get(text[-1:])
        try:
            return float(text if unit is None else text[:-1]) * (unit or 1.0)
        except ValueError:
            self.fail(f"{value!r} is no duration: give seconds, or 90s, 10m, 2h", param, ctx)


_ITEMS = (
    click.option("--scorer", default="exact", show_default=True, metavar="exact|contains|choice|numeric", help="How own questions are scored."),
    click.option("--protocol", default="matched", show_default=True, help="How it is asked: matched, as-recommended."),
    click.option("--limit", type=int, help="Ask this many items a task, always the same ones."),
    click.option("--repeats", type=int, default=1, show_default=True, help="Ask every item this often."),
)  # fmt: skip
_PLANNED = (
    click.argument("models", nargs=-1, required=True, metavar="MODEL…"),
    click.option("--suite", help="Suite of tasks, NAME or NAME@VERSION (default: core)."),
    click.option("--task", "tasks", multiple=True, metavar="NAME|FILE.py", help="Single task; may be given several times."),
    click.option("--items", type=click.Path(), metavar="FILE", help="Own questions, JSON Lines or CSV: input, target, …"),
    *_ITEMS,
    click.option("--data", metavar="DIR", help="Local copies of the tasks' data (default: OPENGAP_DATA)."),
    click.option("--weights", multiple=True, metavar="open|closed", help="Openness of models that the catalogue does not know; once for all, or once for each MODEL."),
    *_SANDBOXED,
)  # fmt: skip
_PAIR = (
    click.option("--from", "before", required=True, metavar="MODEL", help="The system in use."),
    click.option("--to", "after", required=True, metavar="MODEL", help="The system that may replace it."),
    click.option("--items", required=True, type=click.Path(), metavar="FILE", help="Own questions: input, target, …"),
    *_ITEMS,
    click.option("--weights", multiple=True, metavar="open|closed", help="Openness of models that the catalogue does not know: once for both, or --from's and then --to's."),
)  # fmt: skip
_CONCURRENCY = click.option("--concurrency", type=int, help="Requests in flight (default: by adapter).")
_AGAIN = click.option("--again", is_flag=True, help="Ask anew although the same plan is done.")
_PRICES = (
    click.option("--price-in", type=float, metavar="USD", help="Price per million input tokens, where none is known."),
    click.option("--price-out", type=float, metavar="USD", help="Price per million output tokens, likewise."),
)
_BUDGET = click.option("--budget", type=float, metavar="USD", help="Stop before the runs of this command cost more together, earlier answers included (exit code 3).")  # fmt: skip
_WHOLE = (
    _CONCURRENCY,
    _BUDGET,
    *_PRICES,
    click.option("--batch", is_flag=True, help="Use the provider's batch API: slower, cheaper; the rest is asked directly."),
    click.option("--attempts", type=int, default=8, show_default=True, help="Give up an item after this many failed attempts."),
    click.option("--attempt-timeout", type=float, default=900.0, show_default=True, metavar="S", help="Give up one attempt after this many seconds."),
    click.option("--patience", type=Duration(), default="10m", show_default=True, metavar="TIME", help="Wait so long for a server that goes away, then stop; the same command goes on."),
    _AGAIN,
    click.option("--again-since", metavar="TIME", help="Ask anew what was asked before this time (ISO, UTC unless it says more): for scheduled jobs."),
    store,
)  # fmt: skip


def _one_object(decorators: Sequence[_Option], build: Callable[[dict[str, Any]], Any], name: str) -> _Option:
    """A decorator that adds options and hands the command one object, made of what they said."""

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def called(**given: Any) -> Any:
            return command(**{name: build(given)}, **given)

        for option in reversed(decorators):
            called = option(called)
        return cast(Command, called)

    return decorate


def _asked(given: dict[str, Any]) -> Asked:
    from harness.asking.asked import Asked

    items = given.pop("items")
    names = given.pop("models") if "models" in given else (given.pop("before"), given.pop("after"))
    taken = {name: given.pop(name) for name in ("scorer", "protocol", "limit", "repeats", "weights")}
    more = {name: given.pop(name) for name in ("suite", "tasks", "data") if name in given}
    return Asked(models=names, items=Path(items) if items else None, **taken, **more)


def _execution(given: dict[str, Any]) -> Execution:
    from harness.asking.execution import Execution
    from harness.asking.retry import RetryPolicy

    names = {"budget": "budget_usd", "patience": "patience_s"}
    taken = ("store", "concurrency", "budget", "price_in", "price_out", "batch", "patience", "again")
    known = {names.get(name, name): given.pop(name) for name in taken if name in given}
    if "again_since" in given:
        known["again_since"] = moment("--again-since", given.pop("again_since"))
    if "attempts" in given:
        known["policy"] = RetryPolicy(attempts=given.pop("attempts"), attempt_s=given.pop("attempt_timeout"))
    return Execution(**known)


what_is_asked = _one_object(_PLANNED, _asked, "asked")
"""The arguments that make a plan, as one ``Asked``: `estimate` and `eval` share them."""
from_one_to_another = _one_object(_PAIR, _asked, "asked")
"""Two models and own questions, as one ``Asked``."""
how_it_is_asked = _one_object(_WHOLE, _execution, "execution")
"""Everything about carrying out plans, as one ``Execution``."""
how_it_would_be_asked = _one_object((_CONCURRENCY, *_PRICES, store), _execution, "execution")
how_both_are_asked = _one_object((_CONCURRENCY, _BUDGET, _AGAIN, store), _execution, "execution")


def moment(flag: str, text: str | None) -> dt.datetime | None:
    """A point in time from ISO 8601, in UTC unless it has a zone. UsageError names the flag."""
    import datetime as dt

    from harness.errors import UsageError

    if text is None:
        return None
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"{flag} is a time like 2026-03-01T06:00:00Z, not {text!r}") from error
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def echo_json(value: Any) -> None:
    """Print a value as indented JSON; NaN becomes null, and a reason's facts stand beside its kind."""
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(_flat(msgspec.to_builtins(value))), indent=1).decode())


def _flat(value: Any) -> Any:
    if isinstance(value, list):
        return [_flat(one) for one in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"kind", "overrules", "facts"}:
        return {"kind": value["kind"], "overrules": value["overrules"], **value["facts"]}
    return {key: _flat(one) for key, one in value.items()}
