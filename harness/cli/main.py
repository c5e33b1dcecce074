"""The ``opengap`` command: finds the subcommand, and turns every error into one message and an exit code."""

from __future__ import annotations

import gc
import importlib
import signal
import sys
from collections.abc import Sequence
from types import FrameType

import click

from harness import __version__
from harness.cli import streams
from harness.errors import OpenGapError, ServerGone

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Ask": {
        "estimate": ("harness.cli.estimate", "What a plan would cost, before anything is sent."),
        "eval": ("harness.cli.eval", "Ask one or more models the same items the same way."),
        "rescore": ("harness.cli.rescore", "Score a run's stored answers anew, into a new run."),
    },
    "Compare": {
        "gap": ("harness.cli.gap", "How far apart open and closed models are, and how sure that is."),
        "power": ("harness.cli.power", "How many items or repeats a gap needs."),
        "check": ("harness.cli.check", "Whether the newest run is worse than the one before it."),
        "switch": ("harness.cli.switch", "Whether to go from one model to another, on your own items."),
        "import": ("harness.cli.importing", "Take results made elsewhere into the store."),
        "export": ("harness.cli.export", "Write what counts in a store for other programs."),
        "publish": ("harness.cli.publish", "Copy what may leave this machine: receipts, scores, the report."),
        "report": ("harness.cli.report", "Write what people read: a page, charts and tables."),
        "view": ("harness.cli.view", "Show the report in a browser, and follow runs."),
    },
    "Look up": {
        "models": ("harness.cli.models", "Known models: how open, where served, at what price."),
        "tasks": ("harness.cli.tasks", "Known tasks and suites."),
        "runs": ("harness.cli.runs", "Runs of a store, sealed or not."),
        "samples": ("harness.cli.samples", "Answers of a store, such as those that were not read."),
        "sandbox": ("harness.cli.sandbox", "Run one Python program in the sandbox."),
    },
}
"""Section -> command -> (module, one-line help); the modules are imported only when their command runs."""


class Sections(click.Group):
    """A group whose help lists the commands by section, without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for section in COMMANDS.values() for name in section]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        for section in COMMANDS.values():
            if name in section:
                command: click.Command = importlib.import_module(section[name][0]).command
                return command
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        from harness.errors import UnknownName

        if args and not args[0].startswith("-") and args[0] not in self.list_commands(ctx):
            raise UnknownName("command", args[0], self.list_commands(ctx))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for title, section in COMMANDS.items():
            with formatter.section(title):
                formatter.write_dl([(name, text) for name, (_, text) in section.items()])


@click.group(cls=Sections, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="opengap")
def cli() -> None:
    """How far apart open-weight and closed language models are, on the same items, asked the same way.

    A gap is closed minus open, in points; positive: closed ahead. Tables go to standard output, progress and messages
    to standard error. Exit codes: 0 done, 1 some items unanswered, 2 wrong usage, 3 stopped by the budget, 4 failed,
    130 interrupted (129 and 143 where a hang-up or SIGTERM did it). Of `check` and --fail-on: 0 what was asked is shown,
    5 the opposite is shown, 6 undecided (0 with --allow-undecided); 5 goes before 6, and 6 before 1.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        outcome = cli.main(
            args=None if arguments is None else list(arguments), prog_name="opengap", standalone_mode=False
        )
        sys.stdout.flush()
        return int(outcome or 0)
    except OpenGapError as error:
        click.echo(f"opengap: {error}", err=True)
        if isinstance(error, ServerGone):
            _say_what_goes_on(arguments)
        return error.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except click.ClickException as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("opengap: interrupted; every answer so far is kept.", err=True)
        _say_what_goes_on(arguments)
        return 128 + (_ended_by[0] if _ended_by else signal.SIGINT)
    except Exception as error:  # a crash is 4, never mistaken for "some unanswered"
        import traceback

        traceback.print_exc()
        click.echo(
            f"opengap: internal error ({type(error).__name__}); answers that are in the store stay there", err=True
        )
        return 4


def _say_what_goes_on(arguments: Sequence[str] | None) -> None:
    import shlex

    command = shlex.join(["opengap", *(sys.argv[1:] if arguments is None else arguments)])
    click.echo(f"The same command again goes on from there:\n  {command}", err=True)


_ended_by: list[int] = []
"""Signals other than Ctrl-C that asked this process to end."""


def _end(number: int, _frame: FrameType | None) -> None:
    """A run ends in one way, whoever asks: what Ctrl-C sets off closes the journal and stops servers that were started."""
    _ended_by.append(number)
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in a shell's background job
        raise KeyboardInterrupt
    signal.raise_signal(signal.SIGINT)


def run() -> None:
    """Entry point of the console script."""
    # Imports make half a million objects that all stay: at the usual 700 the collector looks at them hundreds of times.
    gc.set_threshold(50_000, 20, 100)
    streams.prepare()
    for number in (signal.SIGTERM, signal.SIGHUP):
        # `nohup` has a hang-up ignored, and it stays so.
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)
    sys.exit(main())


if __name__ == "__main__":
    run()
