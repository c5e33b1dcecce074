"""``opengap models``: the catalogue."""

from __future__ import annotations

import click

from harness.cli import options
from harness.cli.tables import table


@click.command("models")
@click.argument("name", required=False)
@options.as_json
def command(name: str | None, as_json: bool) -> int:
    """Known models: how open, where served, at what price.

    With NAME (an id or an address): what that means on this machine today, with the evidence. Prices are dollars per
    million tokens, input/output, at the model's first host.
    """
    from harness import address, catalogue

    if name is not None:
        system = address.resolve(name)
        card = catalogue.cards().get(system.card)
        options.echo_json({"system": system, "card": card})
        if warning := catalogue.retired(system):
            click.echo(warning, err=True)
        return 0
    cards = sorted(catalogue.cards().values(), key=lambda card: (card.developer, card.id))
    if as_json:
        options.echo_json(cards)
        return 0
    rows = []
    for card in cards:
        first = card.endpoints[0] if card.endpoints else None
        price = catalogue.price_at(card, first.provider) if first else None
        shown = (
            f"{price.input:g}/{price.output:g}"
            if price and price.input is not None and price.output is not None
            else ""
        )
        hosts = ", ".join(dict.fromkeys(endpoint.provider for endpoint in card.endpoints))
        rows.append([card.id, card.developer, catalogue.weights_at(card), card.released or "", shown, hosts])
    click.echo(table(["model", "developer", "weights", "released", "$/Mtok", "hosts"], rows, right=[4]))
    click.echo(f"\n{catalogue.OPENNESS_RULE}")
    return 0
