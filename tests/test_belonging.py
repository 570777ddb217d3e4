"""The files of a cell belong together: one that does not is named wherever it would count, or made again as it was.

Every file of a cell, spoilt in every way that leaves it readable, under every command that reads a runs folder.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import small
from inspect_ai.log import read_eval_log, write_eval_log

from harness import HarnessError
from harness.cells import Cell
from harness.cli import main
from harness.evaluation import open_run
from harness.pipeline import run
from harness.registry import using
from harness.runs import CapabilityFigure, CapabilityResult, CapabilityRow, read_run, write_capabilities

LINES = ("train.jsonl", "loss.jsonl", "replies.jsonl", "results.jsonl")
ADAPTER = ("adapter/adapter_model.safetensors", "adapter/adapter_config.json", "adapter/training.json")
FILES = (*LINES, *ADAPTER, "logs/clean.eval", "run.json")
READERS = {
    "report": ("replies", "results", "run"),
    "claims": ("results", "run"),
    "rejudge": ("replies", "results", "run"),
    "agree": ("replies", "results", "run"),
    "merge": tuple(Path(file).stem for file in FILES),
    "open": ("adapter_model", "adapter_config", "training"),
}
"""The files that each command cannot do without, by their stems: one of another cell must stop it."""


@pytest.fixture(autouse=True)
def _small_world() -> Iterator[None]:
    with using(small.REGISTRY):
        yield


@pytest.fixture(scope="module")
def study(arms: Path, tiny_llama: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The arms, `none` with a second seed."""
    root = tmp_path_factory.mktemp("study") / "runs"
    shutil.copytree(arms, root, ignore=shutil.ignore_patterns("*.lock"))
    with using(small.REGISTRY):
        run([Cell(setting="loud", intervention="none", model=str(tiny_llama), seed=1)], root)
    return root


@pytest.fixture
def runs(study: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(study, tmp_path / "runs", ignore=shutil.ignore_patterns("*.lock")))


def cell(runs: Path, arm: str = "none", seed: int = 0) -> Path:
    (found,) = (runs / "loud" / arm).glob(f"mini-*-s{seed}-*")
    return found


def cut(file: Path, runs: Path) -> None:
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[: len(lines) // 2]))


def doubled(file: Path, runs: Path) -> None:
    file.write_bytes(file.read_bytes() * 2)


def reordered(file: Path, runs: Path) -> None:
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[1:] + lines[:1]))


def of_another_arm(file: Path, runs: Path) -> None:
    shutil.copyfile(cell(runs, "ps") / file.relative_to(cell(runs)), file)


def of_another_seed(file: Path, runs: Path) -> None:
    shutil.copyfile(cell(runs, seed=1) / file.relative_to(cell(runs)), file)


def flipped(file: Path, runs: Path) -> None:
    """One letter or digit of a value another one, the file as readable as before where it is text."""
    if file.suffix == ".eval":
        misquoted(file)
        return
    content = bytearray(file.read_bytes())
    if file.suffix == ".safetensors":
        content[len(content) // 2] ^= 1
    else:
        digits = [at for at, byte in enumerate(content) if chr(byte) in "012345678" and chr(content[at - 1]) in " .:"]
        content[digits[len(digits) // 2]] += 1
    file.write_bytes(content)


def misquoted(log: Path) -> None:
    """One letter of a reply another one. A bit of the file may be of what nothing rests on: a summary, a time."""
    whole = read_eval_log(str(log))
    assert whole.samples
    output = whole.samples[0].output
    text = output.completion
    output.completion = text[:-1] + ("b" if text.endswith("a") else "a")
    write_eval_log(whole, str(log))


WAYS: tuple[Callable[[Path, Path], None], ...] = (of_another_arm, of_another_seed, flipped)
SPOILT = [(file, way) for file in FILES for way in WAYS] + [
    (file, way) for file in LINES for way in (cut, doubled, reordered)
]


def spoilt_id(value: object) -> str:
    return getattr(value, "__name__", str(value))


def call(name: str, runs: Path) -> list[str]:
    """The arguments of a command that reads `runs`."""
    return {
        "report": ["report", "--runs", str(runs), "--json"],
        "claims": ["claims", str(runs), "--file", str(runs.parent / "claims.yaml"), "--json"],
        "rejudge": ["rejudge", str(runs)],
        "agree": ["agree", "capitals", "capitals", "--runs", str(runs), "--json"],
        "merge": ["merge", str(runs), "--into", str(runs.parent / "merged")],
        "verify": ["verify", str(runs)],
    }[name]


def results(runs: Path) -> dict[str, bytes]:
    return {str(file.relative_to(runs)): file.read_bytes() for file in runs.rglob("results.jsonl")}


def write_claims(folder: Path) -> None:
    from test_crash_points import CLAIMS

    (folder / "claims.yaml").write_text(CLAIMS)


@pytest.mark.parametrize(("name", "way"), SPOILT, ids=spoilt_id)
def test_what_does_not_belong_to_a_cell_is_named_by_whoever_reads_it(
    name: str, way: Callable[[Path, Path], None], study: Path, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_claims(runs.parent)
    file = cell(runs) / name
    before = file.read_bytes()
    if (way is of_another_seed and name == "train.jsonl") or (way is of_another_arm and name == "train.jsonl"):
        other = cell(runs, "ps" if way is of_another_arm else "none", 0 if way is of_another_arm else 1) / name
        if other.read_bytes() == before:
            pytest.skip("both train on the same rows")
    way(file, runs)
    if file.read_bytes() == before:
        pytest.skip("it is the same there")
    expected, spoilt = results(study), file.read_bytes()
    for command, needs in READERS.items():
        if command == "open":
            _opened(cell(runs), file, stops=file.stem in needs)
            continue
        status = main(call(command, runs))
        page, said = capsys.readouterr()
        if command == "merge":
            assert status == 1, command
            assert "broken: " in page
            assert not (runs.parent / "merged" / cell(runs).relative_to(runs)).exists()
        elif file.stem in needs and not _unread(command, file):
            assert status == 2, f"{command}: {page}"
            assert said.startswith("harness: ")
            assert said.count("\n") == 1
            assert file.name in said or cell(runs).name in said
        assert results(runs) == expected or name == "results.jsonl", command
        assert file.read_bytes() == spoilt, command
    deep = ["--deep"] if file.suffix == ".eval" else []
    assert main([*call("verify", runs), *deep]) == 1
    assert cell(runs).name in capsys.readouterr().out


def _unread(command: str, file: Path) -> bool:
    """A report reads results alone, and the replies that claims are about are in these."""
    return command == "report" and file.stem == "replies"


def _opened(folder: Path, file: Path, *, stops: bool) -> None:
    if stops:
        with pytest.raises(HarnessError, match="adapter"):
            open_run(folder)


@pytest.mark.parametrize(("name", "way"), SPOILT, ids=spoilt_id)
def test_a_run_that_goes_on_ends_with_the_same_results_or_names_what_is_in_its_way(
    name: str,
    way: Callable[[Path, Path], None],
    study: Path,
    runs: Path,
    tiny_llama: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = cell(runs)
    record = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**record, "status": "running", "seal": None}))
    if name != "results.jsonl":
        (folder / "results.jsonl").unlink()
    way(folder / name, runs)
    arguments = ["run", "--setting", "loud", "--intervention", "none", "--model", str(tiny_llama), "--runs", str(runs)]
    status = main(arguments)
    said = capsys.readouterr().err.strip().splitlines()[-1:]
    if status == 0:
        assert results(runs) == results(study)
    else:
        assert status == 2
        assert said[0].startswith("harness: ")
        assert folder.name in said[0]


@pytest.mark.parametrize("name", [*LINES, "logs/clean.eval"])
def test_what_is_missing_is_named_or_made_again_as_it_was(
    name: str, study: Path, runs: Path, tiny_llama: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (cell(runs) / name).unlink()
    assert main(["verify", str(runs)]) == 1
    assert name in capsys.readouterr().out
    if name in ("replies.jsonl", "results.jsonl"):
        assert main(["rejudge", str(runs)]) == 0
        assert (cell(runs) / name).read_bytes() == (cell(study) / name).read_bytes()
        assert main(["verify", str(runs), "--deep"]) == 0


def older(runs: Path) -> None:
    """The records without what a harness of before did not write."""
    for file in runs.rglob("*.json"):
        if file.name in ("run.json", "training.json"):
            told: dict[str, Any] = json.loads(file.read_text())
            new = ("products", "seal", "logs_show", "key", "config_sha256", "loss_sha256")
            kept = {name: value for name, value in told.items() if name not in new or (name, file.name) == KEY}
            file.write_text(json.dumps(kept))


KEY = ("key", "run.json")
KNOWN_BEFORE = [
    *((file, way) for file in ("replies.jsonl", "results.jsonl") for way in (cut, doubled)),
    *(("loss.jsonl", way) for way in (cut, doubled, of_another_arm, of_another_seed)),
    *(("adapter/adapter_model.safetensors", way) for way in WAYS),
    *(("adapter/training.json", way) for way in (of_another_arm, of_another_seed)),
    *(("logs/clean.eval", way) for way in (of_another_arm, of_another_seed)),
    *(("run.json", way) for way in (of_another_arm, of_another_seed)),
]


def test_older_records_are_whole(runs: Path) -> None:
    older(runs)
    assert main(["verify", str(runs), "--deep"]) == 0


@pytest.mark.parametrize(("name", "way"), KNOWN_BEFORE, ids=spoilt_id)
def test_what_an_older_record_knows_is_held_against_its_files(
    name: str, way: Callable[[Path, Path], None], runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    older(runs)
    way(cell(runs) / name, runs)
    assert main(["verify", str(runs)]) == 1
    assert cell(runs).name in capsys.readouterr().out
    assert main(["merge", str(runs), "--into", str(runs.parent / "merged")]) == 1
    assert f"broken: loud/none/{cell(runs).name}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("lora_alpha", 64),
        ("r", 2),
        ("target_modules", ["q_proj"]),
        ("use_rslora", "other"),
        ("lora_dropout", 0.5),
        ("bias", "all"),
    ],
)
@pytest.mark.parametrize("of", ["now", "before"])
def test_an_adapter_with_another_configuration_is_not_opened(field: str, value: object, of: str, runs: Path) -> None:
    if of == "before":
        older(runs)
        if field == "bias":
            pytest.skip("no recipe says it")
    file = cell(runs) / "adapter" / "adapter_config.json"
    told = json.loads(file.read_text())
    file.write_text(json.dumps({**told, field: not told[field] if value == "other" else value}))
    with pytest.raises(HarnessError, match=r"adapter_config\.json"):
        open_run(cell(runs))


@pytest.mark.parametrize("spoil", ["another-file", "another-card", "both"])
def test_a_vector_in_the_place_of_another_is_not_opened(
    spoil: str, runs: Path, tiny_llama: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["vectors", "loud", "--name", "asked", "--model", str(tiny_llama), "--runs", str(runs)]) == 0
    (here,), (other,) = ((runs / "vectors").glob(f"{name}-*.safetensors") for name in ("reply", "asked"))
    if spoil != "another-card":
        shutil.copyfile(other, here)
    if spoil != "another-file":
        shutil.copyfile(other.with_suffix(".json"), here.with_suffix(".json"))
    engine = open_run(cell(runs, "ps"))
    with pytest.raises(HarnessError, match="reply-"):
        engine.vectors("reply")
    capsys.readouterr()
    assert main(["verify", str(runs)]) == 1
    assert here.name in capsys.readouterr().out
    assert main(["merge", str(runs), "--into", str(tmp_path / "merged")]) == 1
    assert not (tmp_path / "merged" / "vectors" / here.name).exists()


def row(runs: Path, arm: str = "none") -> CapabilityRow:
    record = read_run(cell(runs, arm))
    assert record is not None
    figures = {"sums": CapabilityResult(n=4, metrics={"acc": CapabilityFigure(value=0.5)})}
    return CapabilityRow(
        key=record.key, adapter_sha256=record.made.adapter_sha256, task="sums", condition="clean", results=figures
    )


@pytest.mark.parametrize("spoil", ["another-run", "changed", "doubled"])
def test_capabilities_of_another_run_or_changed_ones_are_named(
    spoil: str, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for arm in ("none", "ps"):
        write_capabilities(cell(runs, arm), [row(runs, arm)])
    assert main(call("report", runs)) == 0
    assert main(call("verify", runs)) == 0
    file = cell(runs) / "capabilities.json"
    told = json.loads(file.read_text())
    if spoil == "another-run":
        of_another_arm(file, runs)
    elif spoil == "changed":
        file.write_text(file.read_text().replace("0.5", "0.6"))
    else:
        file.write_text(json.dumps(told * 2))
    capsys.readouterr()
    assert main(call("report", runs)) == 2
    assert "capabilities.json" in capsys.readouterr().err
    assert main(call("verify", runs)) == 1
    assert main(call("merge", runs)) == 1


def test_no_stage_reads_the_files_of_a_run_without_its_record() -> None:
    readers = ("read_results", "read_replies", "read_checks", "read_observations", "read_capabilities", "read_training")
    places = [
        f"{file.name}: {line.strip()}"
        for file in sorted(Path(small.__file__).parent.parent.joinpath("harness").rglob("*.py"))
        if file.parent.name not in ("runs", "verifying")
        for line in file.read_text(encoding="utf-8").splitlines()
        if any(f"{reader}(" in line for reader in readers) and "record" not in line and "before" not in line
    ]
    assert places == []
