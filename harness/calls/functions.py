"""A plugin's function with all that may go wrong in it made one line, and the records that hold such functions."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from harness.calls import steps, waiting
from harness.calls.debugging import HOW
from harness.calls.state import keeping_state
from harness.calls.steps import Stepped
from harness.checks import Checked, Refused, Returns, called_by, functions_of, plain, shown
from harness.errors import HarnessError, gist, way_out

Kind = TypeVar("Kind", bound=Checked)

KEPT = 8
"""So many results of one function are kept, for so many arguments: seeds, splits and scales."""


class PluginFault(HarnessError):
    """A plugin's function raised, or gave what it may not give."""


class AtRandom(PluginFault):
    """A plugin's function gave another result for the same arguments."""


class PluginError(Exception):
    """What an awaited function did that no caller could take for an ordinary failure: an exit, a record refused."""


def called(label: Callable[[], str], function: Callable[..., object], *arguments: object) -> Any:
    """What `function` gives for `arguments`; PluginFault, which begins with its label, for all else but Ctrl-C."""
    number = waiting.begin(label)
    try:
        with keeping_state():
            return function(*arguments)
    except KeyboardInterrupt:
        waiting.interrupt(label())
        raise
    except Refused as error:
        raise PluginFault(f"{label()}: {error}") from error
    except HarnessError:
        raise
    except BaseException as error:
        raise PluginFault(f"{label()} raised {told(error)}; {HOW}") from error
    finally:
        waiting.end(number)


def told(error: BaseException) -> str:
    """Type and message of what a plugin raised, and what to do about it where the system says so."""
    try:
        said = gist(error)
    except Exception:  # an error whose own text cannot be had
        said = type(error).__name__
    advice = way_out(error) if isinstance(error, OSError) else None
    return f"{said}; {advice}" if advice else said


@dataclass(frozen=True, slots=True)
class PluginFunction:
    """A function in a plugin's record, called as itself: `name` is its field, `owner` the record's, `plugin` whose.

    One of plain values alone, such as a seed and a scale, is called twice the first time: it must give the same again.
    What it gave is kept.
    """

    function: Callable[..., Any]
    returns: Returns = field(compare=False, repr=False)
    name: str
    owner: str
    plugin: str = field(default="", compare=False)
    kept: dict[tuple[object, ...], Any] = field(default_factory=dict, compare=False, repr=False)

    def __call__(self, *arguments: Any) -> Any:
        if self.returns.awaited:
            return self._awaited(arguments)
        if not all(isinstance(one, str | int) for one in arguments):
            return self._checked(arguments)
        if arguments not in self.kept:
            made = self._checked(arguments)
            if made != self._checked(arguments):
                label = self._label(arguments)
                raise AtRandom(
                    f"{label} gives something else each time; draw by the seed or the id, as from Random(seed)"
                )
            if len(self.kept) >= KEPT:
                self.kept.pop(next(iter(self.kept)))
            self.kept[arguments] = made
        kept = self.kept[arguments]
        return list(kept) if isinstance(kept, list) else kept

    def _checked(self, arguments: tuple[Any, ...]) -> Any:
        made, said = called(partial(self._label, arguments), self._taken, *arguments)
        if said is not None:
            raise PluginFault(f"{self._label(arguments)} gave what it may not: {said}")
        return guarded(made, self.plugin) if _has_functions(made) else made

    def _taken(self, *arguments: Any) -> tuple[Any, str | None]:
        """What the function gives as ours, or what is wrong with it: all that runs the plugin's code is in here."""
        made = self.function(*arguments)
        if (said := self.returns.check(made)) is not None:
            return None, unmeant(made) or said
        return plain(made), None

    async def _awaited(self, arguments: tuple[Any, ...]) -> Any:
        """What the function gives, also where it does not have to be awaited; an Exception for all that ends it."""
        asks = any(one is not None for one in arguments[2:])  # whoever asks a model may wait in its queue
        label = partial(self._label, arguments)
        number = None if asks else waiting.begin(label)
        try:
            given = await Stepped(self._made(arguments), partial(_stretch, label))
            return given if self.returns.check(given) else plain(given)
        except Refused as error:
            raise PluginError(str(error)) from error
        except (Exception, GeneratorExit):
            raise
        except KeyboardInterrupt:
            waiting.interrupt(label())
            raise
        except BaseException as error:
            task = asyncio.current_task()
            if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                raise
            raise PluginError(told(error)) from error
        finally:
            if number is not None:
                waiting.end(number)

    async def _made(self, arguments: tuple[Any, ...]) -> Any:
        made = self.function(*arguments)
        return await made if inspect.isawaitable(made) else made

    def _label(self, arguments: tuple[Any, ...]) -> str:
        given = ", ".join(filter(None, map(_given, arguments)))
        return f"{self.plugin}{': ' if self.plugin else ''}{self.name}({given}) of {self.owner}"


@contextmanager
def _stretch(label: Callable[[], str]) -> Iterator[None]:
    """One stretch of the work of an awaited function between two waits."""
    steps.last = label
    with keeping_state():
        yield


def guarded(record: Kind, plugin: str = "", owner: str = "") -> Kind:
    """`record`, its functions and those of the records that it holds made into `PluginFunction`.

    `plugin` says whose it is, `owner` what to call it where its own name does not. What is guarded stays as it is.
    """
    owner = owner or _given(record)
    record_type: Any = type(record)
    functions = functions_of(record_type)
    changed: dict[str, Any] = {}
    for name, declared in record.__dataclass_fields__.items():  # type: ignore[attr-defined]
        value = getattr(record, name)
        if name in functions:
            ours = value is declared.default
            if not (ours or isinstance(value, PluginFunction)):
                changed[name] = PluginFunction(value, functions[name], name, owner, plugin)
        elif isinstance(value, Mapping) and any(_has_functions(one) for one in value.values()):
            kind = name.removesuffix("s")
            changed[name] = {
                key: guarded(one, plugin, owner=f"{kind} {key!r} of {owner}") for key, one in value.items()
            }
    return replace(record, **changed) if changed else record  # type: ignore[type-var]


def whose(function: object) -> str:
    """ " of plugin ..." for a plugin's function, "" where that is not known."""
    plugin = function.plugin if isinstance(function, PluginFunction) else ""
    return f" of {plugin}" if plugin else ""


def _has_functions(value: object) -> bool:
    kind: Any = type(value)
    return isinstance(value, Checked) and bool(functions_of(kind))


def _given(argument: object) -> str:
    """An argument as an error names it: plain values as they are, records by their name or id, others not at all."""
    if isinstance(argument, str | int):
        return shown(argument)
    if isinstance(argument, Checked):
        return called_by(argument)
    return ""


def unmeant(made: object) -> str | None:
    """What to do about a coroutine where a value is meant; it is closed."""
    if not inspect.iscoroutine(made):
        return None
    made.close()
    return "a coroutine; write 'def', not 'async def'"
