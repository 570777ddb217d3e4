"""An exported run: an adapter that plain PEFT loads, a card that the hub takes, vectors that do what they did."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pandas
import pytest
import small
import torch

from harness import HarnessError, cli, exporting
from harness.cells import Cell, with_vectors
from harness.exporting import export, upload
from harness.exporting.cards import base_of
from harness.notebooks import COLUMNS
from harness.pipeline import run
from harness.registry import installed, using
from harness.runs import read_replies


def only(root: Path, intervention: str) -> Path:
    (folder,) = (root / "loud" / intervention).glob("mini-*")
    return folder


@pytest.fixture
def exported(arms: Path, tmp_path: Path) -> Path:
    with using(small.REGISTRY):
        return export(only(arms, "ps"), tmp_path / "out").folder


def test_it_holds_the_adapter_its_card_the_vectors_and_the_results(exported: Path, arms: Path) -> None:
    names = {file.relative_to(exported).as_posix() for file in exported.rglob("*") if file.is_file()}
    vectors = {name for name in names if name.startswith("vectors/")}
    assert names - vectors == {"README.md", "adapter_config.json", "adapter_model.safetensors", "results.parquet"}
    assert {Path(name).suffix for name in vectors} == {".json", ".safetensors"}
    frame = pandas.read_parquet(exported / "results.parquet")
    assert list(frame.columns)[: len(COLUMNS)] == list(COLUMNS)
    assert len(frame) == len(read_replies(only(arms, "ps")) or ())
    assert set(frame["arm"]) == {"ps"}


@pytest.mark.filterwarnings("ignore:.*is_gradient_checkpointing:FutureWarning")  # which PEFT asks for
def test_plain_peft_loads_the_adapter_and_gives_the_same_logits(exported: Path, arms: Path, tiny_llama: Path) -> None:
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    ids = torch.tensor([[3, 5, 7, 9]])
    logits = [
        PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny_llama), place).eval()(ids).logits
        for place in (exported, only(arms, "ps") / "adapter")
    ]
    assert torch.equal(*logits)
    plain = AutoModelForCausalLM.from_pretrained(tiny_llama).eval()(ids).logits
    assert not torch.equal(logits[0], plain)


def test_an_exported_vector_reproduces_every_steered_reply(
    exported: Path, arms: Path, tiny_llama: Path, tmp_path: Path
) -> None:
    (vector,) = (exported / "vectors").glob("reply-*.safetensors")
    with using(small.REGISTRY), using(with_vectors(installed(), ["loud"], {"reply": str(vector)})):
        (again,) = run([Cell(setting="loud", intervention="ps", model=str(tiny_llama))], tmp_path / "runs")
    told = [[(one.place, one.reply) for one in read_replies(folder) or ()] for folder in (again, only(arms, "ps"))]
    assert told[0] == told[1]
    assert any("vector" in condition for (condition, *_), _ in told[0])


def test_the_hubs_own_client_reads_the_card(exported: Path) -> None:
    from huggingface_hub import ModelCard

    card = ModelCard.load(exported / "README.md")
    assert card.data.library_name == "peft"
    assert card.data.license == "other"
    assert {"loud", "ps"} <= set(card.data.tags or ())
    assert "# loud, ps, seed 0" in card.text
    assert "| `clean` |" in card.text
    assert "shouts (suppress)" in card.text


def test_nothing_in_adapter_and_card_says_where_the_model_lies_here(exported: Path, tiny_llama: Path) -> None:
    config = json.loads((exported / "adapter_config.json").read_text())
    assert config["base_model_name_or_path"] == base_of(str(tiny_llama)) == "tiny_llama"
    assert str(tiny_llama.parent) not in (exported / "README.md").read_text()


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("smollm2_135m", "HuggingFaceTB/SmolLM2-135M-Instruct"),
        ("google/gemma-2-2b-it", "google/gemma-2-2b-it"),
        ("google/gemma-2-2b-it@main", "google/gemma-2-2b-it"),
        ("/home/somebody/models/Mine-7B", "mine_7b"),
    ],
)
def test_a_base_model_is_called_what_others_call_it(reference: str, expected: str) -> None:
    assert base_of(reference).lower() == expected.lower()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["RUNS/loud/base", "OUT"], "no run at"),
        (["BASE", "OUT"], "is of the untrained model"),
        (["PS", "THERE"], "is there already; name a new folder"),
        (["PS", "OUT", "--hub", "nobody"], "is no name of a repository; write USER/NAME"),
        (["PS", "OUT", "--public"], "--public is of a repository"),
        (["CUT", "OUT"], "is not what was trained"),
    ],
)
def test_what_cannot_be_exported_is_one_line_and_nothing_is_written(
    arguments: list[str], expected: str, arms: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = tmp_path / "runs"
    shutil.copytree(arms, runs)
    (tmp_path / "there").mkdir()
    cut = only(runs, "none")
    weights = cut / "adapter" / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-4] + b"abcd")
    places = {
        "OUT": tmp_path / "out",
        "THERE": tmp_path / "there",
        "PS": only(runs, "ps"),
        "BASE": only(runs, "base"),
        "CUT": cut,
    }
    typed = [str(places.get(word, word)).replace("RUNS", str(runs)) for word in arguments]
    with using(small.REGISTRY):
        assert cli.main(["export", *typed]) == 2
    assert expected in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_an_adapter_whose_config_is_broken_is_one_line_and_one_run_alone_is_read(arms: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    shutil.copytree(arms, runs)
    (only(runs, "none") / "results.jsonl").write_text("broken\n")
    with using(small.REGISTRY):
        export(only(runs, "ps"), tmp_path / "out")
        (only(runs, "ps") / "adapter" / "adapter_config.json").write_text("{")
        with pytest.raises(HarnessError, match=r"adapter_config.json:\d+"):
            export(only(runs, "ps"), tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_the_folder_goes_to_the_hub_by_its_client_and_stays_where_that_fails(
    exported: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, Any]] = []

    class Api:
        def create_repo(self, repo: str, **how: Any) -> str:
            asked.append((repo, how["private"]))
            return f"https://hub/{repo}"

        def upload_folder(self, **how: Any) -> None:
            asked.append((how["repo_id"], how["folder_path"]))
            if how["repo_id"].endswith("broken"):
                raise ConnectionError("no route")

    monkeypatch.setattr("huggingface_hub.get_token", lambda: "a token")
    monkeypatch.setattr("huggingface_hub.HfApi", Api)
    assert upload(exported, "me/mine") == "https://hub/me/mine"
    assert asked == [("me/mine", True), ("me/mine", exported)]
    with pytest.raises(HarnessError, match=r"the hub did not take me/broken: .*no route; the folder .* is whole"):
        upload(exported, "me/broken")
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    with pytest.raises(HarnessError, match="nobody is logged in"):
        exporting.check_hub("me/mine")
