"""Options that several commands share."""

from __future__ import annotations

from typing import Any

import click

store = click.option("--store", metavar="DIR", help="Results store (default: OPENGAP_STORE, else ./results).")
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program instead of a table.")


def echo_json(value: Any) -> None:
    """Print a value as indented JSON; NaN becomes null."""
    import msgspec

    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=1).decode())


