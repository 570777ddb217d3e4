"""Which texts are read together: prompts that begin alike, and texts of like length.

Three cuts, since what they save differs. `families` reads a shared beginning once. `alike` parts unlike lengths where
less padding is worth one more pass: for prompts, which all come at once and of which memory holds the whole. `within`
keeps each group under a size: for texts that are only read, of which there may be any number. Batches of training are
drawn at random, so they are cut in `harness.training`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from harness.engine.interface import Tokens

LEAST_SHARED = 4
"""Tokens that prompts must share before these are read once for all."""

PASS = 32
"""Tokens that take a CPU as long as one more pass: prompts of unlike lengths part where that saves more padding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Prompts, by their place, whose first `head` tokens are the same; each has at least one token more."""

    head: int
    members: tuple[int, ...]


def families(prompts: Sequence[Tokens]) -> list[Family]:
    """`prompts` parted so that the fewest tokens are read when each family's head is read once.

    Prompts that begin alike are neighbours when sorted, so the families are the best cut of that order.
    """
    order = sorted(range(len(prompts)), key=lambda i: prompts[i])
    shared = [len(common_prefix([prompts[one], prompts[other]])) for one, other in pairwise(order)]
    best: list[tuple[int, tuple[Family, ...]]] = [(0, ())]  # tokens read, families, of the first prompts in order
    for end in range(1, len(order) + 1):
        whole, head = 0, len(prompts[order[end - 1]]) - 1
        options = []
        for start in reversed(range(end)):
            whole += len(prompts[order[start]])
            if start < end - 1:
                head = min(head, shared[start])
                if head < LEAST_SHARED:
                    break
            read, before = best[start]
            family = Family(head=head, members=tuple(order[start:end]))
            options.append((read + whole - (len(family.members) - 1) * head, (*before, family)))
        best.append(min(options, key=lambda option: option[0]))
    return list(best[-1][1])


def alike(widths: Sequence[int]) -> list[list[int]]:
    """The places of `widths` in groups that cost least when each is padded to its widest and adds a `PASS`."""
    order = sorted(range(len(widths)), key=lambda i: (-widths[i], i))
    best: list[tuple[int, int]] = [(0, 0)]  # the cost of the first in order, and where their last group starts
    for end in range(1, len(order) + 1):
        costs = ((best[at][0] + (end - at) * widths[order[at]] + PASS, at) for at in range(end))
        best.append(min(costs))
    groups, end = [], len(order)
    while end:
        start = best[end][1]
        groups.append(sorted(order[start:end]))
        end = start
    return groups[::-1]


def within(lengths: Sequence[int], most: int) -> list[list[int]]:
    """The places of `lengths`, shortest first, in groups whose padded size is at most `most`, or of one."""
    groups: list[list[int]] = []
    for at in sorted(range(len(lengths)), key=lambda i: (lengths[i], i)):
        if not groups or lengths[at] * (len(groups[-1]) + 1) > most:
            groups.append([])
        groups[-1].append(at)
    return groups


def common_prefix(prompts: Sequence[Tokens]) -> Tokens:
    """What all `prompts` begin with, short of the last token of any: the next token is told by what is read last."""
    first, last = min(prompts), max(prompts)
    most = min(len(prompt) for prompt in prompts) - 1
    same = next((at for at, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), most)
    return first[: min(same, most)]
