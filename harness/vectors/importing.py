"""Published vectors, converted: rows of hidden states or of blocks, made one of ours with a card."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from torch import Tensor

from harness.cells import FORMAT, vector_file
from harness.contracts import Message, Setting
from harness.engine import Request, TorchEngine, Vector, chat, open_model
from harness.files import digest_of, locked
from harness.models import resolve, resolve_dtype
from harness.registry import installed
from harness.runs import Imported, VectorCard
from harness.vectors.activations import ReplySide, residual_rms
from harness.vectors.elicitation import verdict
from harness.vectors.making import steered_blocks
from harness.vectors.published import PublishedRows, RowsAre, read_published, to_blocks
from harness.vectors.quality import sizes
from harness.vectors.stored import save

RMS_CASES, RMS_TOKENS = 12, 48
"""The residual RMS is read off so many greedy replies to the setting's selection cases. Our choice."""


def import_vector(
    source: Path,
    name: str,
    setting: str,
    root: Path,
    *,
    scale: str = "mini",
    model: str = "",
    rows_are: RowsAre | None = None,
    layer: int | None = None,
) -> Path:
    """The file in the vectors folder of `root` that `source`, published for the setting's model, was converted to.

    `rows_are` says what the numbers of its rows count, where that cannot be told, and `layer` which a row alone is of.
    HarnessError where it holds anything but finite rows of this model; nothing is written then.
    """
    vector_file(root, name, "")  # refuses a name that is none
    published = read_published(source, layer=layer)
    found = installed().setting(setting)
    recipe, ref = found.recipe(scale), resolve(model or found.recipe(scale).model)
    engine = open_model(ref, dtype=resolve_dtype(recipe.dtype))
    value = to_blocks(published, source, blocks=engine.block_count, width=engine.width, rows_are=rows_are)
    made = Vector(value=value, rms=_residual(engine, found, scale))
    said = () if rows_are is None and layer is None else (rows_are, layer)
    key = digest_of([FORMAT, "imported", published.sha256, ref.digest, engine.dtype, recipe.system, *said])
    file, layers = vector_file(root, name, key), sizes(made)
    card = VectorCard(
        name=name,
        setting=found.name,
        scale=scale,
        key=key,
        summary=f"imported from {source.name}",
        source=str(source),
        blocks=layers,
        imported=_told_of(source, published, rows_are),
        verdict=verdict(layers, [], steered_blocks(engine, found, scale, name)),
    )
    with locked(file, wait=True):
        save(file, made, card)
    return file


def _told_of(source: Path, published: PublishedRows, rows_are: RowsAre | None) -> Imported:
    first = "that of block 0" if rows_are == "blocks" else "left out"
    return Imported(file=str(source), sha256=published.sha256, shape=published.shape, first_row=first)


def _residual(engine: TorchEngine, setting: Setting, scale: str) -> Tensor:
    """The residual RMS of the untouched model over its own replies, (blocks,)."""
    chats: Sequence[tuple[Message, ...]] = [case.messages for case in setting.cases("selection", 0, scale)[:RMS_CASES]]
    system = setting.recipe(scale).system
    requests = [
        Request(tokens=tuple(chat.prompt_ids(engine.tokenizer, messages, system=system)), max_tokens=RMS_TOKENS)
        for messages in chats
    ]
    replies = engine.generate(requests)
    # An empty reply still has its end-of-turn token.
    sides = [
        ReplySide(i, True, messages, reply.text) for i, (messages, reply) in enumerate(zip(chats, replies, strict=True))
    ]
    return residual_rms(engine, sides, system)
