"""What every test shares: a quiet, offline environment and the models that tests run on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

os.environ.update(
    HF_HUB_OFFLINE="1",
    HF_HUB_DISABLE_PROGRESS_BARS="1",
    HARNESS_PROGRESS="0",
    INSPECT_DISPLAY="none",
    INSPECT_LOG_LEVEL="warning",
    INSPECT_TELEMETRY="0",
    TOKENIZERS_PARALLELISM="false",
)


@pytest.fixture(scope="session")
def tiny_llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny random Llama and its tokenizer."""
    from harness.testing import tiny_model

    return tiny_model(tmp_path_factory.mktemp("models") / "tiny_llama")


@pytest.fixture(scope="session")
def embedded_model() -> Path:
    """The embedded 135M model as safetensors; fetched and converted once per machine. Mark its tests `model`."""
    from harness.models import materialise, resolve

    return materialise(resolve("smollm2_135m"))
