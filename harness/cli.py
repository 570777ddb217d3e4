"""The command line: what a command ends with. The commands are in `harness.commands`, one a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from harness import __version__
from harness.commands import COMMANDS
from harness.errors import HarnessError, way_out

app = typer.Typer(
    name="harness",
    help="Benchmark training-time interventions against unwanted traits.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

# The click that typer raises from is its own copy in newer versions: found through the one public name.
CommandError: type[Exception] = typer.BadParameter.__mro__[2]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and gives the exit status: 0; 1 when doctor finds a lack; 2 with one line on stderr; 130."""
    try:
        _check(sys.argv[1:] if arguments is None else arguments)
        status = app(args=None if arguments is None else list(arguments), prog_name="harness", standalone_mode=False)
        sys.stdout.flush()
    except HarnessError as error:
        return _stopped(str(error))
    except (KeyboardInterrupt, typer.Abort):
        status = 130
    except BrokenPipeError:
        # The reader has gone (`harness list | head`); Python must not complain again while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        advice = way_out(error)
        if advice is None:
            raise
        return _stopped(f"{error.strerror}: {error.filename or 'the runs folder'}; {advice}")
    except CommandError as error:
        message = error.format_message() if hasattr(error, "format_message") else str(error)
        return _stopped(message if message.endswith("?") else f"{message.rstrip('.')}; see 'harness --help'")
    if status == 130:  # typer's own answer to Ctrl-C
        print("harness: stopped; the same command goes on where it stopped", file=sys.stderr)
    return status if isinstance(status, int) else 0


def _check(arguments: Sequence[str]) -> None:
    """HarnessError for what no name of a file or anything else may hold."""
    for text in arguments:
        if "\0" in text:
            raise HarnessError(f"{text!r:.80} has a NUL character, which no name may have; leave it out")


def _stopped(message: str) -> int:
    print(f"harness: {' '.join(message.split())}", file=sys.stderr)
    return 2


@app.callback(invoke_without_command=True)
def harness(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    """Benchmark training-time interventions against unwanted traits."""
    if version:
        print(f"harness {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


for name, command in COMMANDS.items():
    app.command(name)(command)

if __name__ == "__main__":
    sys.exit(main())
