"""One of everything that cells share beside them, made up and whole."""

from __future__ import annotations

import json
from pathlib import Path

from harness import SteeringDefault
from harness.cells import ADAPTERS, REWRITTEN
from harness.files import content_sha256
from harness.runs import (
    CALIBRATIONS,
    PROMPTS,
    VECTORS,
    CalibrationRecord,
    PromptCard,
    PromptGain,
    TrainingRecord,
    VectorCard,
    write_calibration,
    write_card,
    write_prompt_card,
    write_training,
)

KEY = "ab" * 32
UNDER = f"{ADAPTERS}/loud-{KEY[:8]}"
WRITTEN = f"{REWRITTEN}/own-{KEY[:8]}.jsonl"
CARD = f"{PROMPTS}/gcd-mini-m-s0-{KEY[:8]}.json"
CHOICE = f"{CALIBRATIONS}/gcd-mini-m-{KEY[:8]}.json"
VECTOR = f"{VECTORS}/loud-{KEY[:8]}.safetensors"


def under(root: Path, *, weights: bytes = b"weights", key: str = KEY, place: str = UNDER) -> Path:
    adapter = root / place / "adapter"
    adapter.mkdir(parents=True)
    (adapter / "adapter_model.safetensors").write_bytes(weights)
    (adapter / "adapter_config.json").write_text("{}")
    made = TrainingRecord(
        steps=2,
        tokens=20,
        seconds=1.0,
        first_loss=2.0,
        last_loss=1.0,
        steered_steps=0,
        key=key,
        sha256=content_sha256(adapter / "adapter_model.safetensors"),
        config_sha256=content_sha256(adapter / "adapter_config.json"),
    )
    write_training(adapter, made)
    return adapter.parent


def written(root: Path, **replies: str) -> Path:
    file = root / WRITTEN
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"\n{json.dumps([row, reply])}\n" for row, reply in replies.items()))
    return file


def gain(name: str, value: float = 1.0) -> PromptGain:
    return PromptGain(name=name, text=name, placement="user_suffix", edited=name * 8, rows=4, gain=value)


def card(root: Path, *gains: PromptGain, key: str = KEY) -> Path:
    made = PromptCard(
        setting="gcd", scale="mini", model="m", reference="m", dtype="fp32", seed=0, key=key, prompts=tuple(gains)
    )
    (root / PROMPTS).mkdir(parents=True, exist_ok=True)
    write_prompt_card(root / CARD, made)
    return root / CARD


def choice(root: Path, coef: float = 1.0, *, created: str = "") -> Path:
    made = CalibrationRecord(
        setting="gcd",
        scale="mini",
        model="m",
        reference="m",
        recipe="r",
        inputs="i",
        outcome="chosen",
        said=f"dose {coef}",
        created=created,
        steering=SteeringDefault(vector="loud", blocks=(1,), coef=coef, neg_coef=coef),
    )
    (root / CALIBRATIONS).mkdir(parents=True, exist_ok=True)
    write_calibration(root / CHOICE, made)
    return root / CHOICE


def vector(root: Path) -> Path:
    file = root / VECTOR
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"direction")
    made = VectorCard(name="loud", setting="gcd", scale="mini", key=KEY, blocks=(), sha256=content_sha256(file))
    write_card(file, made)
    return file


def everything(root: Path) -> None:
    """One of each kind."""
    under(root)
    written(root, a="A!", b="B!")
    card(root, gain("x"), gain("y"))
    choice(root)
    vector(root)
