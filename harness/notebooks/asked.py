"""What a notebook asks for in many forms: one name or several, a folder, settings that files describe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import HarnessError
from harness.runs import offer_kept, setting_named

if TYPE_CHECKING:
    import pandas


def texts(given: str | Iterable[str]) -> tuple[str, ...]:
    """One text or several as several, each once."""
    return (given,) if isinstance(given, str) else tuple(dict.fromkeys(given))


def numbers(given: float | Iterable[float]) -> tuple[float, ...]:
    """One number or several as several, each once."""
    return (given,) if isinstance(given, int | float) else tuple(dict.fromkeys(given))


def names(given: str | Iterable[str]) -> tuple[str, ...]:
    """Names, each a text of its own or several with commas between, as the command line has them."""
    return tuple(dict.fromkeys(name.strip() for text in texts(given) for name in text.split(",")))


def settings_of(given: str | Path | Sequence[str | Path]) -> tuple[str, ...]:
    """The settings that are named, or described by files; HarnessError where one is neither."""
    several = (given,) if isinstance(given, str | Path) else given
    return tuple(dict.fromkeys(map(setting_named, names([str(one) for one in several]))))


def runs_in(folder: str | Path) -> Path:
    """The runs folder, with the settings that it keeps at hand."""
    found = Path(folder).expanduser()
    offer_kept(found)
    return found


def pandas_here() -> None:
    """HarnessError where frames cannot be made."""
    try:
        import pandas  # noqa: F401
    except ImportError:
        raise HarnessError("frames are pandas'; install it: pip install 'trait-harness[notebook]'") from None


def framed(rows: Sequence[Sequence[object]], kinds: dict[str, str]) -> pandas.DataFrame:
    """Rows as a frame whose columns are `kinds` by name, also where there is no row."""
    import pandas

    frame = pandas.DataFrame(rows, columns=list(kinds))
    return frame.astype(kinds)
