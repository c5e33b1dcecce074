"""What a command ends with that was asked for a verdict, in one place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import Any, TypeVar

import click

from harness.errors import UsageError

OPPOSITE = 5
"""The opposite of what was asked is shown."""
UNDECIDED = 6
Command = TypeVar("Command", bound=Callable[..., Any])


def exit_code(verdicts: Iterable[str], fail_on: Collection[str], *, allow_undecided: bool, otherwise: int = 0) -> int:
    """5 if a verdict that was to fail is among them, else 6 if one is undecided and may not be, else ``otherwise``."""
    found = set(verdicts)
    if found & set(fail_on):
        return OPPOSITE
    return UNDECIDED if "undecided" in found and not allow_undecided else otherwise


allow_undecided = click.option("--allow-undecided", is_flag=True, help="Exit code 0 where 6 would say: undecided.")


def fail_on(*verdicts: str) -> Callable[[Command], Command]:
    """``--fail-on`` with a command's verdicts, and ``--allow-undecided``."""

    def add(command: Command) -> Command:
        option = click.option(
            "--fail-on", multiple=True, metavar="VERDICT", type=click.Choice(verdicts),
            help=f"Exit code 5 where this is a verdict, 6 where one is undecided; repeatable: {', '.join(verdicts)}.",
        )  # fmt: skip
        return option(allow_undecided(command))

    return add


def asked(fail_on: Collection[str], allow_undecided: bool) -> bool:
    """Whether the exit code follows from verdicts at all. UsageError for options that contradict each other."""
    if allow_undecided and not fail_on:
        raise UsageError("--allow-undecided goes with --fail-on VERDICT")
    if allow_undecided and "undecided" in fail_on:
        raise UsageError("--fail-on undecided and --allow-undecided exclude each other")
    return bool(fail_on)
