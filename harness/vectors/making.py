"""Vectors as files that all cells share: made once, by whoever comes first, each with a card of its quality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from harness.cells import vector_file
from harness.contracts import Condition, Persona, Setting, Steering, VectorSpec
from harness.engine import Engine, TorchEngine, Vector, chosen_blocks
from harness.errors import HarnessError
from harness.files import Journal, clear_halves, digest_of, locked
from harness.registry import installed
from harness.runs import VECTORS, ChosenReplies, Elicited, Imported, Layer, MadeFrom, VectorCard, is_vector, read_card
from harness.screen import progress
from harness.vectors.activations import extract
from harness.vectors.elicitation import elicitation, verdict
from harness.vectors.quality import quality
from harness.vectors.rollouts import UNFILTERED, Chosen, Journals, OpenedGrader, are_replies, is_grade
from harness.vectors.stored import load_vector, save, vector_lookup

ELICIT_CASES = 12


def ensure(
    engine: TorchEngine,
    setting: Setting,
    scale: str,
    root: Path,
    wanted: Mapping[str, str],
    *,
    grader: OpenedGrader | None = None,
) -> dict[str, Path]:
    """The files of `wanted` (name to key), extracted where they are missing; one process extracts, others wait.

    The engine then steers with them.
    """
    files = {name: vector_file(root, name, key) for name, key in wanted.items()}
    clear_halves(root / VECTORS)
    for name, file in files.items():
        with locked(file, wait=True):
            if not is_vector(file):
                with progress.bar(f"vector {setting.name}/{name}", total=1, unit="vector") as advance:
                    _make(engine, setting, scale, name, wanted[name], file, grader)
                    advance()
    engine.vectors = vector_lookup(files, wanted)
    return files


def opened_grader(name: str) -> OpenedGrader | None:
    """The grader called `name`, nothing asked yet; None without a name."""
    if not name:
        return None
    from harness.graders import opened

    return opened(name)


def default_place(setting: Setting, scale: str, name: str) -> Steering | None:
    """The vector `name` at the setting's default dose; None where the setting steers nowhere."""
    where = setting.recipe(scale).steering
    if where is None:
        return None
    return Condition(kind="vector", name=name, coef=where.coef, unit=where.unit).steering(where)


def steered_blocks(engine: Engine, setting: Setting, scale: str, name: str) -> tuple[int, ...]:
    """The blocks that the setting steers, or the middle one where it steers none."""
    place = default_place(setting, scale, name)
    return chosen_blocks(place, engine.block_count) if place else (engine.block_count // 2,)


def elicited(engine: Engine, setting: Setting, scale: str, place: Steering, limit: int | None) -> tuple[Elicited, ...]:
    """How often `place` brings out the trait, on so many cases; nothing where the trait's judge asks a grader."""
    judge = installed().judge(setting.trait_at(scale).judge)
    if judge.grader:
        return ()
    system = setting.recipe(scale).system
    return elicitation(engine, setting, judge, place, scale=scale, system=system, limit=limit)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A vector, and what its card says of how it was made."""

    vector: Vector
    blocks: tuple[Layer, ...]
    questions: int | None
    replies: ChosenReplies | None = None
    imported: Imported | None = None
    made_from: MadeFrom | None = None


def _make(
    engine: TorchEngine, setting: Setting, scale: str, name: str, key: str, file: Path, grader: OpenedGrader | None
) -> None:
    """Makes the vector `name` in `file`, with a card whose elicitation is measured at the default dose alone."""
    spec = setting.vectors[name]
    found = _read_from(spec, engine) if spec.file else _extracted(engine, spec, setting, scale, file, grader)
    engine.vectors = lambda _: found.vector
    place = default_place(setting, scale, name)
    rows = elicited(engine, setting, scale, place, ELICIT_CASES) if place else ()
    card = VectorCard(
        name=name,
        setting=setting.name,
        scale=scale,
        key=key,
        summary=spec.summary,
        concept=spec.concept,
        source=spec.source,
        questions=found.questions,
        blocks=found.blocks,
        replies=found.replies,
        imported=found.imported,
        made_from=found.made_from,
        elicitation=rows,
        verdict=verdict(found.blocks, rows, steered_blocks(engine, setting, scale, name)),
    )
    save(file, found.vector, card)


def _extracted(
    engine: TorchEngine, spec: VectorSpec, setting: Setting, scale: str, file: Path, grader: OpenedGrader | None
) -> _Found:
    system = setting.recipe(scale).system
    made = extract(engine, spec, scale=scale, system=system, kept=_journals(engine, spec, file), grader=grader)
    replies = None
    if made.chosen is not None and spec.persona is not None:
        replies = chosen_replies(made.chosen, spec.persona(scale))
    return _Found(vector=made.vector, questions=len(made.positive), blocks=quality(made), replies=replies)


def chosen_replies(chosen: Chosen, persona: Persona) -> ChosenReplies:
    """What became of a persona's replies, by what thresholds, for the card of its vector."""
    keep = persona.keep
    if not chosen.filtered or keep is None:
        return ChosenReplies(filtered=chosen.filtered, pairs=dict(chosen.reasons), note=UNFILTERED)
    return ChosenReplies(
        filtered=True,
        pairs=dict(chosen.reasons),
        trait=keep.trait,
        coherence=keep.coherence,
        source=keep.source,
    )


def _journals(engine: Engine, spec: VectorSpec, file: Path) -> Journals:
    """Where a persona's replies and grades are kept: replies of one model, grades for one vector."""
    if spec.persona is None or not engine.digest:
        return Journals()
    model = digest_of([engine.digest, engine.dtype])[:8]
    folder = file.parent / "rollouts"
    return Journals(
        replies=Journal(folder / f"replies-{model}.jsonl", fits=are_replies),
        grades=Journal(folder / f"grades-{file.stem}.jsonl", fits=is_grade),
    )


def _read_from(spec: VectorSpec, engine: Engine) -> _Found:
    """The vector in the spec's file and what its card says of how it was made."""
    file = Path(spec.file)
    made, card = load_vector(file), read_card(file)
    if made.value.shape != (engine.block_count, engine.width):
        raise HarnessError(
            f"{file} has shape {tuple(made.value.shape)}, and this model has {engine.block_count} blocks of width "
            f"{engine.width}; name a vector of this model"
        )
    return _Found(
        vector=made,
        questions=card.questions,
        blocks=card.blocks,
        replies=card.replies,
        imported=card.imported,
        made_from=MadeFrom(file=str(file), sha256=card.sha256),
    )
