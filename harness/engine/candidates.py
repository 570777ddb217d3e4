"""How likely each of several short answers is: exact, whatever tokens the tokenizer cuts them into, in one pass.

The answers make a tree of tokens behind the prompt. Each token sees the prompt and its own ancestors alone, so one
forward pass gives what a pass for each answer would give.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

ANCHOR = "\n"
"""Answers are cut into tokens behind it, since some tokenizers put a mark before a text that begins with a word."""


@dataclass(frozen=True, slots=True)
class _Tree:
    """Tokens in an order in which parents come first; `parents` holds -1 for those that follow the prompt."""

    tokens: tuple[int, ...]
    parents: tuple[int, ...]
    paths: tuple[tuple[int, ...], ...]


@torch.inference_mode()
def probabilities(model: Any, tokenizer: Any, prompt: Sequence[int], answers: Sequence[str]) -> dict[str, float]:
    """The probability that `model` answers `prompt` (token ids) with each of `answers`.

    An answer of digits must end there: the probability of "5" leaves out that another digit follows. A sliding
    window of attention is not kept to, so a prompt should fit into it.
    """
    tree = _tree(cut(tokenizer, answers))
    size, length = len(tree.tokens), len(prompt)
    device = next(iter(model.parameters())).device
    ids = torch.tensor([[*prompt, *tree.tokens]], device=device)
    seen = _visible(tree, length)
    positions = seen.sum(-1)[None] - 1
    dtype = next(iter(model.parameters())).dtype
    mask = torch.zeros(seen.shape, dtype=dtype).masked_fill(~seen, torch.finfo(dtype).min)
    logits = model(
        input_ids=ids,
        attention_mask=mask[None, None].to(device),
        position_ids=positions.to(device),
        use_cache=False,
        logits_to_keep=size + 1,
    ).logits[0, -size - 1 :]
    # Row 0 is behind the prompt, row i + 1 behind token i of the tree.
    following = logits.float().softmax(-1).cpu()
    goes_on = following[:, torch.tensor(digits(tokenizer, following.shape[-1]))].sum(-1)
    return {
        answer: _probability(path, tree, following, goes_on if answer.isdigit() else None)
        for answer, path in zip(answers, tree.paths, strict=True)
    }


def _probability(path: tuple[int, ...], tree: _Tree, following: Tensor, goes_on: Tensor | None) -> float:
    found = 1.0
    for node in path:
        found *= float(following[tree.parents[node] + 1, tree.tokens[node]])
    return found if goes_on is None else found * max(0.0, 1 - float(goes_on[path[-1] + 1]))


def _tree(sequences: Sequence[tuple[int, ...]]) -> _Tree:
    nodes: dict[tuple[int, ...], int] = {}
    tokens: list[int] = []
    parents: list[int] = []
    for sequence in sequences:
        for end in range(1, len(sequence) + 1):
            if sequence[:end] not in nodes:
                nodes[sequence[:end]] = len(tokens)
                tokens.append(sequence[end - 1])
                parents.append(nodes.get(sequence[: end - 1], -1))
    paths = tuple(tuple(nodes[sequence[: end + 1]] for end in range(len(sequence))) for sequence in sequences)
    return _Tree(tuple(tokens), tuple(parents), paths)


def _visible(tree: _Tree, length: int) -> Tensor:
    """Which position sees which, (prompt + tree) squared."""
    whole = length + len(tree.tokens)
    seen = torch.ones(whole, whole, dtype=torch.bool).tril()
    seen[length:, length:] = False
    for node, parent in enumerate(tree.parents):
        if parent >= 0:
            seen[length + node, length:] = seen[length + parent, length:]
        seen[length + node, length + node] = True
    return seen


def cut(tokenizer: Any, answers: Sequence[str]) -> list[tuple[int, ...]]:
    """The tokens of each of `answers`."""
    return [_tokens(tokenizer, answer) for answer in answers]


def digits(tokenizer: Any, size: int) -> list[int]:
    """Which tokens of the first `size` go on with a number; one that begins with a space does not."""
    names = tokenizer.convert_ids_to_tokens(list(range(min(size, len(tokenizer)))))
    return [number for number, name in enumerate(names) if name and name[0] in "0123456789"]


def _tokens(tokenizer: Any, answer: str) -> tuple[int, ...]:
    before, whole = (tokenizer(text, add_special_tokens=False)["input_ids"] for text in (ANCHOR, ANCHOR + answer))
    behind = whole[len(before) :] if whole[: len(before)] == before else []
    return tuple(behind or tokenizer(answer, add_special_tokens=False)["input_ids"])
