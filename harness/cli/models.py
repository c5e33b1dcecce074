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

    With NAME (an id, an alias or an address): what that means on this machine today, with the evidence; with the
    beginning of names, all that begin so. Prices are dollars per million tokens, input/output, at the model's first host.
    """
    from harness import address, catalogue
    from harness.errors import UsageError

    begins = catalogue.names_from(name) if name is not None and catalogue.card_named(name) is None else []
    if name is not None and not begins:
        card = catalogue.card_named(name)
        try:
            system = address.resolve(name)
        except UsageError as error:
            if card is None:
                raise
            options.echo_json({"system": None, "card": card})
            click.echo(str(error), err=True)
            return 0
        options.echo_json({"system": system, "card": catalogue.cards().get(system.card)})
        if warning := catalogue.retired(system):
            click.echo(warning, err=True)
        return 0
    known = catalogue.cards()
    cards = sorted((known[one] for one in begins or known), key=lambda card: (card.developer, card.id))
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
        level = catalogue.weights_at(card) if card.weights else card.status
        rows.append([card.id, card.developer, level, card.released or "", shown, hosts])
    click.echo(table(["model", "developer", "weights", "released", "$/Mtok", "hosts"], rows, right=[4]))
    rule = catalogue.openness_rule(catalogue.weights_at(card) for card in cards if card.weights)
    click.echo(f"\n{rule}")
    return 0
