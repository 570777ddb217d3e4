"""Which blocks are worth a trial: a coarse grid over the depth, by what the cards of the vectors say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.calibrating.trials import Subject
from harness.cells import Prepared
from harness.contracts import Steering
from harness.engine import chosen_blocks, open_model
from harness.errors import HarnessError
from harness.models import as_dtype
from harness.runs import Layer, read_card
from harness.vectors import ensure

GRID = 6
"""Into how many parts the depth is cut: a block at each cut."""
MOST_BLOCKS = 3
LEAST_AUROC, LEAST_COSINE = 0.7, 0.5
"""What a card must say of a block for a trial there: below it the trait is hardly linearly there."""


def blocks_to_try(steered: Prepared, subject: Subject) -> tuple[int, ...]:
    """The blocks at which doses are tried, first that of the recipe, then the best of a grid.

    The vectors of the `steered` cell are extracted where they are missing, and their cards decide: nothing is trained.
    HarnessError where at no block every vector is a direction of its trait.
    """
    own = subject.recipe.steering
    assert own is not None
    engine = open_model(steered.model, dtype=as_dtype(steered.dtype))
    files = ensure(engine, subject.setting, subject.scale, subject.root, steered.vectors)
    cards = {name: read_card(file).blocks for name, file in files.items()}
    place = Steering(vector=own.vector, coef=own.coef, blocks=own.blocks, depth=own.depth)
    return ranked(cards, chosen_blocks(place, engine.block_count), engine.block_count, setting=subject.setting.name)


def ranked(
    cards: Mapping[str, Sequence[Layer]], own: Sequence[int], count: int, *, setting: str = ""
) -> tuple[int, ...]:
    """Of the recipe's `own` blocks and a grid over `count`, those where every vector is a direction of its trait.

    The middle one of its own comes first. The others follow by the worst AUROC of the vectors there, then by the worst
    split-half cosine; those that an imported card does not have count as met.
    """
    middle = own[len(own) // 2]
    others = [block for part in range(1, GRID) if (block := round(count * part / GRID)) != middle and block < count]
    quality = {block: _quality(cards, block) for block in (middle, *others)}
    kept = [block for block, (auroc, cosine) in quality.items() if auroc >= LEAST_AUROC and cosine >= LEAST_COSINE]
    if not kept:
        best = max(quality, key=lambda block: quality[block])
        auroc, cosine = quality[best]
        raise HarnessError(
            f"no vector of {setting} to calibrate: the trait is hardly linearly there at any block tried, at best at "
            f"{best} (AUROC {auroc:.2f}, split-half cosine {cosine:.2f}); give the setting another vector, or name "
            "another model"
        )
    first = [block for block in kept if block == middle]
    rest = sorted(
        (block for block in kept if block != middle), key=lambda block: (-quality[block][0], -quality[block][1], block)
    )
    return tuple([*first, *rest][:MOST_BLOCKS])


def _quality(cards: Mapping[str, Sequence[Layer]], block: int) -> tuple[float, float]:
    """The worst AUROC and the worst split-half cosine of the vectors at `block`, in hundredths."""
    layers = [blocks[block] for blocks in cards.values()]
    if any(not layer.norm for layer in layers):
        return 0.0, 0.0
    aurocs = [1.0 if layer.auroc is None else layer.auroc for layer in layers]
    cosines = [1.0 if layer.split_half_cosine is None else layer.split_half_cosine for layer in layers]
    return round(min(aurocs), 2), round(min(cosines), 2)
