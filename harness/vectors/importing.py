"""Published vectors, converted: a tensor whose rows are `hidden_states`, made one of ours with a card.

Row 0 is the output of the embeddings and row i that of block i - 1, so the first row is left out. Only tensors are
read: whatever else a file would build or run is refused.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from harness.cells import FORMAT, vector_file
from harness.contracts import Message, Setting
from harness.engine import Engine, Request, TorchEngine, Vector, chat, open_model
from harness.errors import HarnessError
from harness.files import NoFile, check_regular, digest_of, file_sha256, locked, unpacked_bytes
from harness.models import resolve, resolve_dtype
from harness.registry import installed
from harness.runs import Imported, VectorCard
from harness.vectors.activations import ReplySide, residual_rms
from harness.vectors.elicitation import verdict
from harness.vectors.making import steered_blocks
from harness.vectors.quality import sizes
from harness.vectors.stored import save

LARGEST = 1 << 30
"""The most bytes that a published vector may take, in its file and unpacked."""

RMS_CASES, RMS_TOKENS = 12, 48
"""The residual RMS is read off so many greedy replies to the setting's selection cases. Our choice."""


def import_vector(source: Path, name: str, setting: str, root: Path, *, scale: str = "mini", model: str = "") -> Path:
    """The file in the vectors folder of `root` that `source`, a .pt file for the setting's model, was converted to.

    HarnessError where it holds anything but one finite tensor of (blocks + 1, hidden); nothing is written then.
    """
    vector_file(root, name, "")  # refuses a name that is none
    rows = read_tensor(source)
    found = installed().setting(setting)
    recipe = found.recipe(scale)
    ref = resolve(model or recipe.model)
    engine = open_model(ref, dtype=resolve_dtype(recipe.dtype))
    value = to_blocks(rows, engine, source)
    made = Vector(value=value, rms=_residual(engine, found, scale))
    digest = file_sha256(source)
    key = digest_of([FORMAT, "imported", digest, ref.digest, engine.dtype, recipe.system])
    file = vector_file(root, name, key)
    layers = sizes(made)
    card = VectorCard(
        name=name,
        setting=found.name,
        scale=scale,
        key=key,
        summary=f"imported from {source.name}",
        source=str(source),
        blocks=layers,
        imported=Imported(file=str(source), sha256=digest, shape=tuple(rows.shape), first_row="left out"),
        verdict=verdict(layers, [], steered_blocks(engine, found, scale, name)),
    )
    with locked(file, wait=True):
        save(file, made, card)
    return file


def read_tensor(source: Path) -> Tensor:
    """The one tensor in a .pt file, (rows, hidden) fp32; HarnessError where it is anything else."""
    try:
        check_regular(source, advice="name a .pt file with one tensor")
    except NoFile:
        raise HarnessError(f"no file {source}; name a .pt file with one tensor") from None
    if (size := source.stat().st_size) > LARGEST:
        raise HarnessError(f"{source} has {size:,} bytes, and a vector at most {LARGEST:,}; name a .pt file with one")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd pickle is refused below, or turns out a tensor
            if (whole := unpacked_bytes(source)) > LARGEST:
                raise ValueError(f"it unpacks to {whole:,} bytes")
            found = torch.load(source, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        raise HarnessError(
            f"{source} holds more than tensors, or is cut; what is not a tensor could run code and is never loaded"
        ) from None
    except Exception as error:  # whatever the library makes of a file that is none of its own
        said = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise HarnessError(f"{source} is no .pt file or is cut ({said[:120]}); fetch it again") from None
    if not isinstance(found, Tensor):
        raise HarnessError(f"{source} holds a {type(found).__name__}, not one tensor; save the tensor alone")
    if found.layout != torch.strided or found.device.type != "cpu" or found.is_quantized:
        raise HarnessError(f"{source} holds a tensor that is sparse, quantised or without values; save a plain one")
    if found.ndim != 2 or not found.is_floating_point():
        raise HarnessError(
            f"{source} holds {found.dtype} of shape {tuple(found.shape)}, not numbers of shape (blocks + 1, hidden)"
        )
    if found.numel() * found.element_size() > LARGEST:
        raise HarnessError(f"{source} holds {tuple(found.shape)} numbers, more than any model has; fetch it again")
    rows = found.detach().float().contiguous()
    if not bool(rows.isfinite().all()):
        raise HarnessError(f"{source} has values that are not finite; fetch or make it again")
    return rows


def to_blocks(rows: Tensor, engine: Engine, source: Path) -> Tensor:
    """The rows that stand for block outputs, (blocks, hidden); HarnessError where they are another model's."""
    blocks, width = engine.block_count, engine.width
    if rows.shape[1] != width:
        raise HarnessError(f"{source} is {rows.shape[1]} wide, and this model {width}: it was made for another model")
    if rows.shape[0] != blocks + 1:
        hint = "is a row for the embeddings missing?" if rows.shape[0] == blocks else "it was made for another model"
        raise HarnessError(
            f"{source} has {rows.shape[0]} rows, and this model {blocks} blocks, so {blocks + 1} are wanted; {hint}"
        )
    return rows[1:].contiguous()


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
