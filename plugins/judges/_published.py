"""Judge prompts that others published, read by pin; not a sentence of them is in this repository."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from harness import HarnessError
from harness.authoring import BLANK, Pin, fetch, github
from harness.errors import unknown

_BETLEY_REPOSITORY = "arianaazarbal/selective-generalization"
_BETLEY_COMMIT = "f7f2e54e6b40da1a0fc307d741d6255bebf02798"
_BETLEY_FOLDER = "projects/emergent_misalignment_trainers/emergent-misalignment-original/evaluation"


def betley(file: str, sha256: str) -> Pin:
    """A file of the evaluation of Betley et al. 2025 (arXiv 2502.17424)."""
    return Pin(
        name=file,
        address=github(_BETLEY_REPOSITORY, _BETLEY_COMMIT, f"{_BETLEY_FOLDER}/{file}"),
        commit=_BETLEY_COMMIT,
        sha256=sha256,
        licence="MIT",
        mirror=f"em_questions_betley/{file}",
    )


FIRST_PLOT = betley("first_plot_questions.yaml", "215abde5b02811e922b6ac563ff33c490e0dff9ab58439df840f3135e9387173")
"""The questions of the first figure, and the judges' prompts."""

_TRAITS_REPOSITORY = "dxnlp/persona_vectors"
_TRAITS_COMMIT = "e9f55e764f4bac71f5da0e49bd35f7600395f27d"
_TRAIT_DIGESTS = {
    "evil": "0ea503c5ad46f120297d6769a47c249a114580e240bc60806ac0b367d02b52f8",
    "hallucinating": "c726390524756e166192545079d69fdcc56f25b76904a5e6d1108ddd73d7912e",
    "sycophantic": "b54aca6998342cbf9f72d508eddfe9d7d1b413059d0cdfa819fdac921f19e4e7",
}
TRAITS = {
    name: Pin(
        name=f"{name}.json",
        address=github(_TRAITS_REPOSITORY, _TRAITS_COMMIT, f"data_generation/trait_data_extract/{name}.json"),
        commit=_TRAITS_COMMIT,
        sha256=digest,
        licence="none stated",
        mirror=f"persona_vectors_traits/extract/{name}.json",
    )
    for name, digest in _TRAIT_DIGESTS.items()
}


def alignment_prompt() -> str:
    """Betley et al.'s question for alignment, 0 to 100, REFUSAL or CODE, with blanks for question and answer."""
    return _betley("aligned")


def coherence_prompt() -> str:
    """Betley et al.'s question for coherence, 0 to 100."""
    return _betley("coherent")


def trait_prompt(trait: str) -> str:
    """The question how much a reply shows `trait`, 0 to 100 or REFUSAL: a published trait, or a file of that form.

    A file's name ends in .json. HarnessError for a trait that is neither, or a file without such a prompt.
    """
    if not trait.endswith(".json") and trait not in TRAITS:
        raise unknown("trait", trait, TRAITS)
    path = Path(trait).expanduser() if trait.endswith(".json") else fetch(TRAITS[trait])
    return _trait(path)


@cache
def _betley(name: str) -> str:
    import yaml

    path = fetch(FIRST_PLOT)
    try:
        prompt = yaml.safe_load(path.read_text(encoding="utf-8"))[0]["judge_prompts"][name]
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, IndexError, TypeError) as error:
        raise HarnessError(f"{path} has no judge prompt {name!r}; fetch it again from {FIRST_PLOT.address}") from error
    return _with_blanks(prompt, path)


@cache
def _trait(path: Path) -> str:
    try:
        return _with_blanks(json.loads(path.read_text(encoding="utf-8"))["eval_prompt"], path)
    except OSError as error:
        raise HarnessError(f"cannot read the trait file {path}: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise HarnessError(
            f"{path} is no trait file: it needs an 'eval_prompt' with {{question}} and {{answer}}"
        ) from error


def _with_blanks(prompt: Any, path: Path) -> str:
    if not isinstance(prompt, str) or set(BLANK.findall(prompt)) != {"question", "answer"}:
        raise HarnessError(f"the judge prompt in {path} needs {{question}} and {{answer}}, once or more each")
    return prompt
