"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click

from harness.types import OpenFrom

if TYPE_CHECKING:
    import datetime as dt

Command = TypeVar("Command", bound=Callable[..., Any])

store = click.option("--store", metavar="DIR", help="Results store (default: OPENGAP_STORE, else ./results).")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program instead of a table.")
open_from = click.option(
    "--open-from", type=click.Choice(get_args(OpenFrom)), default="restricted", show_default=True,
    help="What counts as open: weights that can be had at all, under a free licence, or with their data.",
)  # fmt: skip
own_text = click.option(
    "--own-text", is_flag=True, help="Show questions of own files, and answers to them, in the report as well."
)

_ASKED = (
    click.argument("models", nargs=-1, required=True, metavar="MODEL…"),
    click.option("--suite", help="Suite of tasks, NAME or NAME@VERSION (default: core)."),
    click.option("--task", "tasks", multiple=True, metavar="NAME|FILE.py", help="Single task; may be given several times."),
    click.option("--items", type=click.Path(), metavar="FILE", help="Own questions, JSON Lines or CSV: input, target, …"),
    click.option("--scorer", default="exact", show_default=True, metavar="exact|contains|choice|numeric", help="How own questions are scored."),
    click.option("--protocol", default="matched", show_default=True, help="How it is asked: matched, as-recommended."),
    click.option("--limit", type=int, help="Ask this many items a task, always the same ones."),
    click.option("--repeats", type=int, default=1, show_default=True, help="Ask every item this often."),
    click.option("--data", metavar="DIR", help="Local copies of the tasks' data (default: OPENGAP_DATA)."),
    click.option("--weights", multiple=True, metavar="open|closed", help="Openness of models that the catalogue does not know; once for all, or once for each MODEL."),
    click.option("--allow-code-execution", is_flag=True, help="Run code that models write, for tasks that need it."),
)  # fmt: skip


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


def what_is_asked(command: Command) -> Command:
    """The arguments that make a plan: `estimate` and `eval` share them."""
    for option in reversed(_ASKED):
        command = option(command)
    return command


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
