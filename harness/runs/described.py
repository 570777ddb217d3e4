"""Which files of settings stand beside what is installed: those that were named, and those that a runs folder keeps.

They are named in the environment, so that every process that is started sees them too. A runs folder keeps a copy of
each setting that was run in it, with its data by content, so that it can be reported on, gone on with and moved.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.documents import read
from harness.errors import HarnessError
from harness.files import ROWS_BYTES, file_sha256, read_bytes, writing
from harness.own import OwnData, WrittenSetting
from harness.registry import SETTINGS

KEPT, FILE = "settings", "setting.yaml"
SUFFIXES = (".yaml", ".yml")
DIGITS = 16  # of a content's digest in a name


def offered() -> tuple[Path, ...]:
    """The files of settings that this process and those that it starts have."""
    return tuple(Path(part) for part in os.environ.get(SETTINGS, "").split(os.pathsep) if part)


def offer(file: Path) -> str:
    """Has `file` stand beside what is installed, in the place of another of that setting; the setting's name."""
    file = file.absolute()
    name = _written(file).setting
    _offer([*(other for other in offered() if other != file and _written(other).setting != name), file])
    return name


def setting_named(text: str, folder: Path = Path()) -> str:
    """The name of the setting that `text` means: a name, or a file in `folder` that describes one, then offered."""
    return offer(folder / Path(text).expanduser()) if text.lower().endswith(SUFFIXES) else text


def offer_kept(runs: Path) -> None:
    """Has the settings that `runs` keeps stand beside what is installed, but for those that a named file describes."""
    named = [file for file in offered() if not _is_kept(file)]
    names = {_written(file).setting for file in named}
    kept = sorted(runs.absolute().glob(f"{KEPT}/*/{FILE}"))
    _offer([*named, *(file for file in kept if file.parent.name not in names)])


def keep_used(settings: Iterable[str], runs: Path) -> None:
    """Copies the files of those of `settings` that files describe into `runs`, data by content."""
    wanted = set(settings)
    for file in offered():
        if not _is_kept(file) and (written := _written(file)).setting in wanted:
            _keep(OwnData(file, written), runs.absolute() / KEPT / written.setting)


def check_kept(folder: Path) -> None:
    """HarnessError where what is kept of a setting in `folder` is no setting, or lacks some of its data."""
    data = OwnData(folder / FILE, _written(folder / FILE))
    for file in data.files:
        if not file.is_file() or not file.name.startswith(file_sha256(file)[:DIGITS]):
            raise HarnessError(f"{file} is not there, or not what {folder / FILE} was made with; restore it")


def kept_digest(folder: Path) -> str:
    """sha256 of what is kept of a setting in `folder`, whose data is named by content."""
    return file_sha256(folder / FILE)


def _keep(data: OwnData, folder: Path) -> None:
    name = data.written.setting
    copies = {file: f"{file_sha256(file)[:DIGITS]}{file.suffix.lower()}" for file in data.files}
    for file, copy in copies.items():
        if not (folder / copy).is_file():
            content = read_bytes(file, limit=ROWS_BYTES, advice="name a file that is there")
            with writing(folder / copy, f"the data of {name}") as part:
                part.write_bytes(content)
    told = json.dumps(data.moved(copies), ensure_ascii=False, indent=2) + "\n"
    with writing(folder / FILE, f"the setting {name}") as part:
        part.write_text(told, encoding="utf-8")


def _offer(files: Sequence[Path]) -> None:
    if files or SETTINGS in os.environ:
        os.environ[SETTINGS] = os.pathsep.join(map(str, files))


def _is_kept(file: Path) -> bool:
    return (file.name, file.parent.parent.name) == (FILE, KEPT)


def _written(file: Path) -> WrittenSetting:
    return read(file, WrittenSetting).value
