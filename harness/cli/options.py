"""Options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, get_args

import click

from harness.types import OpenFrom

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


def _hold(_context: click.Context, _option: click.Parameter, kind: Any) -> None:
    from harness import sandbox

    sandbox.choose(kind)


_SANDBOXED = (
    click.option("--sandbox", type=click.Choice(["auto", "none"]), default="auto", show_default=True, callback=_hold, expose_value=False, help="What holds code that models write: Landlock and seccomp, or by name only nothing at all."),
    click.option("--allow-code-execution", is_flag=True, expose_value=False, help="Accepted from commands of before; code tasks run in the sandbox without it."),
)  # fmt: skip
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
    *_SANDBOXED,
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


def what_is_asked(command: Command) -> Command:
    """The arguments that make a plan: `estimate` and `eval` share them."""
    for option in reversed(_ASKED):
        command = option(command)
    return command


def echo_json(value: Any) -> None:
    """Print a value as indented JSON; NaN becomes null."""
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=1).decode())
