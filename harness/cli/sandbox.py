"""``opengap sandbox``: run one program as the answers of models are run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from harness.cli import options
from harness.text import inert

if TYPE_CHECKING:
    from harness.sandbox import Outcome

SHOWN = 16_000
"""Bytes of each output that are shown."""


@click.command("sandbox")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE.py")
@click.option("--cpu-s", type=click.FloatRange(min=0.05), default=2.0, show_default=True, help="CPU seconds that it may use.")  # fmt: skip
@click.option("--memory-mb", type=click.IntRange(min=64), default=512, show_default=True, help="Memory that it may use, libraries included.")  # fmt: skip
@click.option("--stdin", type=click.File("rb"), metavar="FILE", help="What it reads as its standard input (default: nothing; - for our own).")  # fmt: skip
@options.sandboxed
@options.as_json
def command(file: Path, cpu_s: float, memory_mb: int, stdin: BinaryIO | None, as_json: bool) -> int:
    """Run one Python program in the sandbox.

    Shows how it ended, what it printed, what was refused to it, and what held it. The exit
    code is 0 if the program ended with 0, else 4.
    """
    from harness import sandbox

    limits = sandbox.Limits(cpu_s=cpu_s, memory_mb=memory_mb)
    outcome = sandbox.run(file.read_bytes(), stdin=stdin.read() if stdin else b"", limits=limits, watched=True)
    said = {
        "ending": outcome.ending, "code": outcome.code, "level": outcome.level, "cpu_s": round(outcome.cpu_s, 3),
        "wall_s": round(outcome.wall_s, 3), "memory_mb": round(outcome.memory_mb, 1), "refused": dict(outcome.refused),
    }  # fmt: skip
    texts = {"stdout": outcome.stdout, "stderr": outcome.stderr}
    shown = {name: text[:SHOWN].decode("utf-8", "replace") for name, text in texts.items()}
    cut = {f"{name}_bytes": len(text) for name, text in texts.items()}
    if as_json:
        options.echo_json({**said, **shown, **cut})
    else:
        for name, text in shown.items():
            if text:
                click.echo(f"{name} ({len(texts[name])} bytes{', the beginning' if len(texts[name]) > SHOWN else ''}):")
                click.echo("\n".join(inert(line) for line in text.splitlines()))
        click.echo(
            f"{_ended(outcome)} after {outcome.cpu_s:.2f} s of CPU, {outcome.wall_s:.2f} s in all, {outcome.memory_mb:.0f} MB; "
            f"held by {outcome.level}"
        )
        if outcome.refused:
            click.echo(f"refused: {', '.join(f'{name} ({times})' for name, times in outcome.refused.items())}")
    return 0 if outcome.ok else 4


def _ended(outcome: Outcome) -> str:
    if outcome.ending == "exited":
        return f"ended with exit code {outcome.code}"
    if outcome.ending == "signal":
        return f"ended by signal {outcome.code}"
    return f"ended at its limit ({outcome.ending})"
