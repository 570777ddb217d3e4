"""Old places of names: what stood there before the package was put into folders is had from there for one release more.

An old import gives the same object as the new one, and a DeprecationWarning that says what to write instead. The
distribution was called `harness` too, a name that somebody else has on the Python index; who asks for it here, as
Inspect does to find out whether a package is installed, is told of ours.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType
from typing import Any

DISTRIBUTION = "trait-harness"
"""What to install; `harness` on the Python index is somebody else's."""

MODULES: Mapping[str, str] = {
    "agreement": "analysis",
    "algebra": "authoring.algebra",
    "batching": "evaluation",
    "calibration": "analysis",
    "cards": "vectors",
    "chat": "engine.chat",
    "data": "authoring.data",
    "decoding": "engine",
    "importing": "vectors",
    "kernels": "engine.kernels",
    "likelihood": "engine",
    "machine": "runs",
    "merging": "runs",
    "packed": "engine.packed",
    "progress": "screen",
    "prompts": "authoring.prompts",
    "provider": "evaluation",
    "questions": "cells",
    "report": "reporting",
    "sharing": "engine",
    "sizes": "models",
    "steering": "engine.steering",
    "tasks": "evaluation",
    "train": "training",
    "traits": "authoring.traits",
    "variants": "authoring.variants",
    "weights": "authoring.weights",
}
"""Modules that are gone, and where what they offered to others is now."""

NAMES: Mapping[str, Mapping[str, str]] = {
    "engine": {
        "evaluation": "open_run",
        "models": "Dtype as_dtype resolve_dtype",
        "vectors": "vector_lookup",
    },
    "models": {"files": "cache_folder file_sha256 writing"},
    "pipeline": {"cells": "base_folders bases_of grid prepared"},
    "report": {"analysis": "Results Table load tables"},
    "runs": {
        "cells": "Cell Prepared current_key log_name prepare training_rows vector_file vector_key weighted",
        "files": "Busy clear_halves digest_of locked write_json write_rows",
    },
}
"""Names that went from a module to another than the rest of it, which is still there or stands in `MODULES`."""


def forward() -> None:
    """From now on an import from an old place works, once however often this is called."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    """Finds the modules of `MODULES`, and sees to it that those of `NAMES` know what they no longer hold."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        package, _, own = name.partition(".")
        if package != "harness":
            return None
        if own in MODULES:
            return ModuleSpec(name, _Gone(own))
        spec = PathFinder.find_spec(name, path, target) if own in NAMES else None
        if spec is not None and spec.origin is not None:
            spec.loader = _Parted(name, spec.origin)
        return spec

    def find_distributions(self, context: Any) -> Iterable[Any]:
        """Ours, where the name that it had is asked for: what was installed before what a build left in a checkout.

        Only an installed one says whether it is editable, and without that Inspect takes the package for none.
        """
        if context.name != "harness":
            return ()
        found = PathFinder.find_distributions(type(context)(name=DISTRIBUTION))
        return sorted(found, key=lambda one: all(file.name != "INSTALLER" for file in one.files or ()))


class _Gone(Loader):
    """Makes a module that gives what another holds."""

    def __init__(self, own: str) -> None:
        self._own = own

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        module.__doc__ = f"What is in harness.{MODULES[self._own]} now."
        went = _places(self._own)
        _let(module, lambda name: went.get(name, MODULES[self._own]))


class _Parted(SourceFileLoader):
    """Makes the module that is there, and lets it give what went elsewhere."""

    def exec_module(self, module: ModuleType) -> None:
        _let(module, _places(self.name.partition(".")[2]).get)
        super().exec_module(module)


def _places(own: str) -> dict[str, str]:
    """Where the names are that went from a module on their own."""
    return {name: place for place, names in NAMES.get(own, {}).items() for name in names.split()}


def _let(module: ModuleType, place_of: Callable[[str], str | None]) -> None:
    """Lets `module` give the public names that `place_of` knows a place for."""

    def given(name: str) -> object:
        place = None if name.startswith("_") else place_of(name)
        if place is None:
            raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")
        found = getattr(import_module(f"harness.{place}"), name)
        face = f"harness.{place.partition('.')[0]}"
        now = face if vars(import_module(face)).get(name) is found else f"harness.{place}"
        said = f"{module.__name__}.{name} has moved and will be gone; write: from {now} import {name}"
        warnings.warn(said, DeprecationWarning, stacklevel=2)
        return found

    module.__dict__["__getattr__"] = given
