"""``opengap view``: the report in a browser, while runs go on."""

from __future__ import annotations

import click

from harness.cli import options
from harness.text import inert


@click.command("view")
@click.option("--port", type=int, default=8765, show_default=True, help="Port on 127.0.0.1; 0 takes a free one.")
@click.option("--out", metavar="DIR", type=click.Path(file_okay=False), help="The report's folder (default: report/ of the store).")  # fmt: skip
@options.own_text
@options.store
def command(port: int, out: str | None, own_text: bool, store: str | None) -> int:
    """Show the report in a browser, and follow runs.

    Serves on this machine alone. The report is made anew whenever a run has been sealed; /live follows runs that are
    still going on. Ctrl-C ends it.
    """
    from harness import settings
    from harness.errors import StoreError
    from harness.report.make import folder_for
    from harness.report.serve import Viewer, server

    folder = settings.store_folder(store)
    if not folder.is_dir():
        raise StoreError(f"there is no store at {folder}: run `opengap eval` first, or give --store")
    viewer = Viewer(folder, folder_for(folder, out), lambda line: click.echo(inert(line), err=True), own_text=own_text)
    with server(viewer, port) as running:
        address = f"http://127.0.0.1:{running.server_address[1]}/"
        click.echo(f"{address} (report), {address}live (runs under way); Ctrl-C ends it")
        try:
            running.serve_forever(poll_interval=0.2)
        except KeyboardInterrupt:
            return 0
    return 0
