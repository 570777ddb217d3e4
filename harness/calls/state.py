"""What a process has once, such as its folder and its environment: no call of a plugin leaves it changed.

What is undone stands in the tables below, one line a thing. Generators of random numbers are not set back to where they
were but seeded anew by what they would have drawn there: what seeds them changes nothing for others, and what draws
from them is still found, for it gives something else the next time. To move them on by a number would not do: who
rejects some of what is drawn, as random.sample does, may reject that one and go on as before.
"""

from __future__ import annotations

import ctypes
import gc
import locale
import logging
import os
import random
import signal
import socket
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

SIGNALS = ("INT", "TERM", "HUP", "ALRM", "CHLD", "PIPE", "QUIT", "USR1", "USR2", "TSTP", "CONT", "WINCH", "XFSZ")
"""Signals that a program may handle in Python, by what follows SIG."""

UNKNOWN: Final = object()

TWISTER_WORDS = 624
"""The words of a Mersenne twister's key (Matsumoto and Nishimura 1998), which its position follows."""


@dataclass(frozen=True, slots=True)
class _State:
    """How one thing is read, how it is put back, and what it is in a library that has just been imported."""

    read: Callable[[], Any]
    write: Callable[[Any], object]
    fresh: Any = UNKNOWN


@contextmanager
def keeping_state() -> Iterator[None]:
    """After the block all that the tables of this module name is as before, whatever was done in it.

    A process that was forked inside and comes out of the block ends there: it would do the rest of the work twice.
    """
    process = os.getpid()
    loaded = [name for name in LIBRARIES if name in sys.modules]
    before = [(state, state.read()) for state in _states(loaded)]
    try:
        yield
    finally:
        if os.getpid() != process:
            os._exit(1)
        late = [name for name in LIBRARIES if name in sys.modules and name not in loaded]
        before += [(state, state.fresh) for state in _states(late, always=()) if state.fresh is not UNKNOWN]
        for state, was in before:
            if state.read() != was:
                state.write(was)


def _states(libraries: Sequence[str], always: Sequence[_State] | None = None) -> list[_State]:
    """The states that are always there, and those of these libraries."""
    found = list(PROCESS if always is None else always)
    for name in libraries:
        found += LIBRARIES[name](sys.modules[name])
    return found


def _folder() -> str:
    """The current folder; "" where it has been removed."""
    try:
        return os.getcwd()
    except FileNotFoundError:
        return ""


def _to_folder(before: str) -> None:
    if before:
        os.chdir(before)


def _environment() -> dict[bytes, bytes]:
    held: dict[bytes, bytes] = vars(os.environ)["_data"]  # as it is: to decode it takes longer than most calls
    return held.copy()


def _to_environment(before: Mapping[bytes, bytes]) -> None:
    for name in os.environb.keys() - before.keys():
        del os.environb[name]
    for name, value in before.items():
        if os.environb.get(name) != value:
            os.environb[name] = value


def _handlers() -> tuple[Any, ...]:
    return tuple(signal.getsignal(one) for one in _SIGNALS)


def _to_handlers(before: Sequence[Any]) -> None:
    if threading.current_thread() is threading.main_thread():  # no other may set them
        for one, handler in zip(_SIGNALS, before, strict=True):
            if handler is not None and signal.getsignal(one) is not handler:
                signal.signal(one, handler)


def _is_timed() -> bool:
    return signal.getitimer(signal.ITIMER_REAL)[0] > 0


def _to_timed(before: bool) -> None:
    if not before:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _umask() -> int:
    """The umask, which is only read by setting it: to what it was last, so that no thread sees another one."""
    umask = os.umask(_last_umask[0])
    if umask != _last_umask[0]:
        _to_umask(umask)
    return umask


def _to_umask(before: int) -> None:
    os.umask(before)
    _last_umask[0] = before


_last_umask = [0o022]


def _streams() -> tuple[object, object, object]:
    return sys.stdin, sys.stdout, sys.stderr


def _to_streams(before: tuple[Any, Any, Any]) -> None:
    sys.stdin, sys.stdout, sys.stderr = before


def _to_collecting(before: bool) -> None:
    (gc.enable if before else gc.disable)()


def _raising() -> list[object]:
    """The filters that make errors of warnings; others say only what is shown."""
    return [one for one in warnings.filters if one[0] == "error"]


def _to_raising(before: Sequence[object]) -> None:
    kept = [one for one in warnings.filters if one[0] != "error" or one in before]
    warnings.resetwarnings()  # which also forgets what was decided by the filters that go
    warnings.filters[:] = kept  # type: ignore[index]


def _to_random(before: Any) -> None:
    random.setstate(before)
    random.seed(random.getrandbits(256))


_SIGNALS = tuple(getattr(signal, f"SIG{name}") for name in SIGNALS)

PROCESS = (
    _State(_folder, _to_folder),
    _State(_environment, _to_environment),
    _State(_handlers, _to_handlers),
    _State(_is_timed, _to_timed),
    _State(_umask, _to_umask),
    _State(_streams, _to_streams),
    _State(sys.getrecursionlimit, sys.setrecursionlimit),
    _State(gc.isenabled, _to_collecting),
    _State(_raising, _to_raising),
    _State(lambda: locale.setlocale(locale.LC_ALL), lambda before: locale.setlocale(locale.LC_ALL, before)),
    _State(socket.getdefaulttimeout, socket.setdefaulttimeout),
    _State(lambda: logging.root.manager.disable, logging.disable),
    _State(random.getstate, _to_random),
)


@cache
def _of_numpy(np: Any) -> Sequence[_State]:
    def drawn() -> bytes:
        # To read where the state lies is a hundred times faster than by its name, and it is done twice a call.
        generator = np.random.get_bit_generator()
        twister = isinstance(generator, np.random.MT19937)  # others are nobody's but who put them there
        return ctypes.string_at(generator.ctypes.state_address, (TWISTER_WORDS + 1) * 4) if twister else b""

    def write(before: bytes) -> None:
        if not before:
            return
        *key, at = np.frombuffer(before, dtype=np.uint32)
        np.random.set_state(("MT19937", np.array(key, dtype=np.uint32), int(at), 0, 0.0))
        np.random.seed(np.random.randint(1 << 32, size=8, dtype=np.uint32))

    return _State(np.geterr, lambda before: np.seterr(**before)), _State(drawn, write)


@cache
def _of_torch(torch: Any) -> Sequence[_State]:
    def drawn() -> bytes:
        return bytes(torch.get_rng_state().numpy().tobytes())

    def write(before: bytes) -> None:
        torch.set_rng_state(torch.frombuffer(bytearray(before), dtype=torch.uint8))
        torch.default_generator.manual_seed(int(torch.randint(1 << 62, (), device="cpu")))

    def deterministic() -> tuple[bool, bool]:
        return torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()

    return (
        _State(torch.is_grad_enabled, torch.set_grad_enabled, True),
        # Another thread may load a model in its own dtype meanwhile: what is put back is torch's own.
        _State(torch.get_default_dtype, lambda before: torch.set_default_dtype(torch.float32), torch.float32),
        _State(torch.get_default_device, torch.set_default_device, torch.device("cpu")),
        _State(deterministic, lambda was: torch.use_deterministic_algorithms(was[0], warn_only=was[1]), (False, False)),
        _State(torch.get_num_threads, torch.set_num_threads),
        _State(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision, "highest"),
        _State(torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly, False),
        _State(drawn, write),
    )


LIBRARIES: Mapping[str, Callable[[Any], Sequence[_State]]] = {"numpy": _of_numpy, "torch": _of_torch}
"""What to keep of a library; one that is imported in the block is put as it begins, where that is known."""
