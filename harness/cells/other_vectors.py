"""What is installed, with other vectors than the settings': from a file, or from a trait file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.authoring import Trait, trait_spec
from harness.contracts import VectorSpec
from harness.registry import Registry


def with_vectors(registry: Registry, settings: Sequence[str], files: Mapping[str, str]) -> Registry:
    """`registry`, where `settings` read the vectors of these names from `files`; unchanged without any."""
    if not files:
        return registry
    changed = {}
    for setting in (registry.setting(name) for name in settings):
        specs = {
            name: VectorSpec(
                summary=f"read from {file}",
                file=file,
                concept=setting.vectors[name].concept if name in setting.vectors else "",
                source=file,
            )
            for name, file in files.items()
        }
        changed[setting.name] = replace(setting, vectors={**setting.vectors, **specs})
    return replace(registry, settings={**registry.settings, **changed})


def with_trait(registry: Registry, setting: str, trait: Trait, *, name: str, source: str) -> Registry:
    """`registry`, where `setting` has the vector of `trait`, called `name`."""
    found = registry.setting(setting)
    changed = replace(found, vectors={**found.vectors, name: trait_spec(trait, source=source)})
    return replace(registry, settings={**registry.settings, found.name: changed})
