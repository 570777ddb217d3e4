"""The linear layers that a recipe or a command names, and those that a model's family has for them."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from harness.errors import HarnessError

ALL_LINEAR = "all-linear"
"""Stands for every linear layer of the decoder's blocks, as peft calls them; the head is none of these."""

LAYER = re.compile(r"\w+(\.\w+)*", re.ASCII)

_INPUT = ("qkv_proj", "query_key_value", "Wqkv", "c_attn")
_UP = ("gate_up_proj", "fc1", "fc_in", "c_fc", "dense_h_to_4h")
ALSO_CALLED: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("q_proj", "k_proj", "v_proj"), _INPUT),
    "o_proj": ("out_proj", "dense", "c_proj"),
    "gate_proj": (*_UP, "up_proj"),  # where a family has no gate, what it has in its place
    "up_proj": _UP,
    "down_proj": ("fc2", "fc_out", "dense_4h_to_h", "c_proj"),
}
"""What other families call the layers of Llama, fused with others where they are so."""

EXPERTS = ("gate_proj", "up_proj", "down_proj")
"""The layers that are left as they are where a mixture of experts keeps the matrices of all experts as one.

peft takes these names for the experts', and leaves out dense layers of the same name.
"""


def named_layers(text: str) -> str:
    """The layers that `text` names, with commas, in the one way that a cell spells them: each once, sorted.

    HarnessError where it holds what is no name, or `all-linear` beside others.
    """
    names = sorted({name.strip() for name in text.split(",")})
    for name in names:
        if name != ALL_LINEAR and not LAYER.fullmatch(name):
            raise HarnessError(
                f"{name[:60]!r} is no name of a layer; write names with commas, as q_proj,v_proj, or {ALL_LINEAR}"
            )
    if ALL_LINEAR in names and len(names) > 1:
        raise HarnessError(f"{ALL_LINEAR} has every layer in it already; write it alone, or leave it out")
    return ",".join(names)


def lora_targets(wanted: Sequence[str], there: Collection[str], *, experts: bool = False) -> tuple[str, ...]:
    """The ends of the paths `there` to linear layers that the names `wanted` mean, each once, in that order.

    With `experts`, those that may be of experts are left out. HarnessError, with what there is, for a name that means
    none.
    """
    found: dict[str, None] = {}
    for name in _ends(there) if tuple(wanted) == (ALL_LINEAR,) else wanted:
        if experts and _end(name) in EXPERTS:
            continue
        meant = next((one for one in (name, *ALSO_CALLED.get(name, ())) if _among(one, there)), None)
        if meant is None:
            raise HarnessError(f"no linear layer is called {name!r}; {_are(there)}")
        found[meant] = None
    if not found:
        raise HarnessError(f"nothing but experts is called {', '.join(wanted)}; {_are(there)}")
    return tuple(found)


def check_named(wanted: Sequence[str], there: Collection[str], *, experts: bool = False) -> None:
    """HarnessError, with what there is, unless each name that a user gave is itself the end of a path `there`."""
    for name in wanted:
        if name != ALL_LINEAR and not _among(name, there):
            raise HarnessError(f"no linear layer is called {name!r}; {_are(there)}")
        if experts and _end(name) in EXPERTS:
            raise HarnessError(
                f"{name!r} is what its experts are called too, and these get no adapter; leave it out, or write "
                f"{ALL_LINEAR} for all other layers"
            )


def means(name: str, path: str) -> bool:
    """Whether `path` to a layer is, or ends with, the steps of `name`."""
    return path == name or path.endswith(f".{name}")


def _among(name: str, there: Collection[str]) -> bool:
    return any(means(name, path) for path in there)


def _are(there: Collection[str]) -> str:
    return f"there are: {', '.join(_ends(there)) or 'none'}"


def _ends(there: Collection[str]) -> list[str]:
    return sorted({_end(path) for path in there})


def _end(path: str) -> str:
    return path.rpartition(".")[2]
