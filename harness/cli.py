"""The command line: what a command ends with. The commands are in `harness.commands`, one a file."""

from __future__ import annotations

import errno
import functools
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Annotated

import typer

from harness import __version__
from harness.calls import DEBUG, HOW, debugging, interrupted, is_debugging
from harness.commands import COMMANDS, Typed
from harness.errors import MORE_MEMORY, WAYS_OUT, HarnessError, gist, way_out
from harness.screen import INTERRUPTED, Ends, NotPrinted, ReaderGone, flush, own_stdout, put, say

app = typer.Typer(
    name="harness",
    help="Benchmark training-time interventions against unwanted traits.",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

COMPLETE = "_HARNESS_COMPLETE"
NO_MEMORY = ("failed to map segment", "annot allocate memory", "not enough memory", "out of memory")
NO_THREAD = "can't start new thread"

# The click that typer raises from is its own copy in newer versions: found through the one public name.
CommandError: type[Exception] = typer.BadParameter.__mro__[2]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and gives the exit status.

    0; 1 when doctor finds a lack; 2 with one line on stderr; 130, 143 or 129 when it was interrupted, ended or left by
    its terminal. Without `arguments` it is the program: signals are then its own.
    """
    ends = Ends() if arguments is None else None
    typed = list(sys.argv[1:] if arguments is None else arguments)
    with debugging(asked=DEBUG in typed), nullcontext() if _is_completion(typed) else own_stdout():
        status = _ended([word for word in typed if word != DEBUG])
    return status if ends is None else ends.last(status)


def _is_completion(typed: Sequence[str]) -> bool:
    """Whether a shell asks for words, or somebody for the shell's part in it: typer prints both by itself."""
    return COMPLETE in os.environ or bool({"--show-completion", "--install-completion"} & set(typed[:1]))


def _ended(arguments: list[str]) -> int:
    try:
        _check(arguments)
        status = _program()(args=arguments, prog_name="harness", standalone_mode=False)
        flush()
    except (HarnessError, NotPrinted) as error:
        if is_debugging():
            traceback.print_exc()
        status = _stopped(str(error))
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    except ReaderGone:
        status = 0  # `harness list | head` has what it wants
    except OSError as error:
        status = _stopped(_of_system(error))
    except (MemoryError, ImportError, RuntimeError) as error:
        status = _stopped(_lacking(error))
    except CommandError as error:
        message = error.format_message() if hasattr(error, "format_message") else str(error)
        status = _stopped(message if message.endswith("?") else f"{message.rstrip('.')}; see 'harness --help'")
    if status == INTERRUPTED:  # typer's own answer to Ctrl-C
        during = interrupted()
        stopped = f"stopped while waiting for {during}" if during else "stopped"
        say(f"harness: {stopped}; the same command goes on where it stopped")
    return status if isinstance(status, int) else 0


def _of_system(error: OSError) -> str:
    """What the system would not do, with what, and the way out."""
    if is_debugging():
        traceback.print_exc()
    what = "" if error.filename is None else f": {error.filename}"
    gone = "it went while it was in use; give the same command again" if isinstance(error, FileNotFoundError) else HOW
    return f"{error.strerror or gist(error)}{what}; {way_out(error) or gone}"


def _lacking(error: MemoryError | ImportError | RuntimeError) -> str:
    """What the system has too little of, as libraries say it; the error itself where it is another."""
    if isinstance(error, MemoryError) or any(said in str(error) for said in NO_MEMORY):
        return f"out of memory; {MORE_MEMORY}"
    if NO_THREAD in str(error):
        return f"no more threads; {WAYS_OUT[errno.EAGAIN]}"
    raise error


def _check(arguments: Sequence[str]) -> None:
    """HarnessError for what no name of a file or anything else may hold, and where no name can be meant."""
    try:
        os.getcwd()
    except FileNotFoundError:  # where torch, when it multiplies, ends the process
        raise HarnessError("the current folder has been removed; change to one that is there, as by: cd") from None
    for text in arguments:
        if "\0" in text:
            raise HarnessError(f"{text!r:.80} has a NUL character, which no name may have; leave it out")


def _stopped(message: str) -> int:
    say(f"harness: {' '.join(message.split())}")
    return 2


@app.callback(invoke_without_command=True)
def harness(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    debug: Annotated[bool, typer.Option(DEBUG, help="Show where an error was raised; also HARNESS_DEBUG=1.")] = False,
) -> None:
    """Benchmark training-time interventions against unwanted traits."""
    if version:
        put(f"harness {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        put(context.get_help())


for name, command in COMMANDS.items():
    app.command(name, cls=Typed)(command)


@functools.cache
def _program() -> Callable[..., object]:
    """All commands as typer makes them of their signatures, which takes as long as a short command does."""
    return typer.main.get_command(app)


if __name__ == "__main__":
    sys.exit(main())
