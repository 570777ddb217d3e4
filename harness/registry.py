"""Finds the installed plugins, checks what they offer, and looks things up by name.

Every plugin, built-in or a stranger's, is a module named under the entry-point group `harness`. Pluggy's
own loader lets a duplicate win in silence, names no plugin when an import fails and takes a module that
forgot `@hookimpl` for an empty plugin; here each of these is a one-line error that names the plugin.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from inspect import isroutine
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pluggy

from harness import authoring, hookspecs
from harness.calls import HOW, PluginFault, called, guarded, keeping_state, told, unmeant, waited_for
from harness.checks import Refused, plain
from harness.contracts import Intervention, Judge, Setting, SteeringDefault
from harness.errors import HarnessError, unknown

if TYPE_CHECKING:
    from harness.own import Own

GROUP = "harness"
SETTINGS = "HARNESS_SETTINGS"
"""Names files of settings of one's own, parted as the entries of PATH are, in this process and in what it starts."""

HOOKS: Mapping[str, type[Setting] | type[Intervention] | type[Judge]] = {
    "harness_setting": Setting,
    "harness_intervention": Intervention,
    "harness_judge": Judge,
}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a record comes from: entry-point name, module, distribution and its version."""

    plugin: str
    module: str
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.plugin!r} ({self.module}, from {self.distribution} {self.version})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What a calibration came to for one setting, scale and model: it stands for what the recipe says.

    `epochs` and `steering` are None where nothing was found; `said` is its outcome in a line, `record` names its file.
    """

    setting: str
    scale: str
    model: str
    record: str
    said: str
    epochs: int | None = None
    steering: SteeringDefault | None = None


@dataclass(frozen=True, slots=True)
class Registry:
    """All settings, interventions and judges by name, and the origin of each; and what calibrations chose.

    Their functions are guarded: whoever calls one gets what the contract says, or a line that names the plugin.
    """

    settings: Mapping[str, Setting]
    interventions: Mapping[str, Intervention]
    judges: Mapping[str, Judge]
    origins: Mapping[tuple[str, str], Origin]
    chosen: tuple[Calibration, ...] = ()

    def __post_init__(self) -> None:
        for kind in ("settings", "interventions", "judges"):
            records = {name: guarded(record, self._whose(record)) for name, record in getattr(self, kind).items()}
            object.__setattr__(self, kind, records)

    def setting(self, name: str) -> Setting:
        """The setting called `name`, its judges, metrics and conditions checked."""
        if name not in self.settings:
            raise unknown("setting", name, self.settings)
        setting = self.settings[name]
        authoring.check_fit(setting, self.judges)
        return setting

    def chosen_for(self, setting: str, scale: str, model: str) -> Calibration | None:
        """What a calibration chose for `setting` at `scale` with the model of this digest; None where there is none."""
        wanted = (setting, scale, model)
        return next((one for one in self.chosen if (one.setting, one.scale, one.model) == wanted), None)

    def intervention(self, name: str) -> Intervention:
        """The intervention called `name`."""
        if name not in self.interventions:
            raise unknown("intervention", name, self.interventions)
        return self.interventions[name]

    def judge(self, name: str) -> Judge:
        """The judge called `name`."""
        if name not in self.judges:
            raise unknown("judge", name, self.judges)
        return self.judges[name]

    def origin(self, record: Setting | Intervention | Judge) -> Origin:
        """The plugin that offers `record`."""
        return self.origins[type(record).__name__, record.name]

    def _whose(self, record: Setting | Intervention | Judge) -> str:
        origin = self.origins.get((type(record).__name__, record.name))
        return f"plugin {origin}" if origin else ""


def installed() -> Registry:
    """The registry of everything that is installed. Read once per process."""
    if _in_place:
        return _in_place[-1]
    files = os.environ.get(SETTINGS, "")
    return _beside_files(files) if files else _read()


@contextmanager
def using(registry: Registry) -> Iterator[None]:
    """Inside the block `registry` stands for everything that is installed: to try a plugin without installing it."""
    _in_place.append(registry)
    try:
        yield
    finally:
        _in_place.pop()


_in_place: list[Registry] = []


@cache
def _read() -> Registry:
    return load(entry_points(group=GROUP))


@cache
def _beside_files(files: str) -> Registry:
    """Every plugin, and the settings of these files, parted as the entries of PATH are."""
    from harness import own

    found = _read()
    for file in map(Path, files.split(os.pathsep)):
        found = _with(found, file, own.load(file, found.judges))
    return found


def _with(found: Registry, file: Path, own: Own) -> Registry:
    """`found`, and what `file` describes beside it."""
    name = own.setting.name
    if name in found.settings:
        raise HarnessError(f"{file}: a setting called {name!r} is installed, or described by another file; rename it")
    origin = Origin(plugin=file.name, module=str(file), distribution="a file", version="0")
    records: list[Setting | Judge] = [own.setting, *own.judges]
    return replace(
        found,
        settings={**found.settings, name: own.setting},
        judges={**found.judges, **{judge.name: judge for judge in own.judges}},
        origins={**found.origins, **{(type(record).__name__, record.name): origin for record in records}},
    )


def load(points: Sequence[EntryPoint]) -> Registry:
    """The registry of the plugins at `points`; the first fault stops with a HarnessError that names it."""
    manager = pluggy.PluginManager("harness")
    manager.add_hookspecs(hookspecs)
    found: dict[str, Origin] = {}
    for point in _distinct(points):
        origin = _origin(point)
        if point.name in found:
            raise HarnessError(
                f"two plugins are called {point.name!r}: {found[point.name]} and {origin}; uninstall one"
            )
        module = _import(point, origin)
        _check_hooks(manager, module, origin)
        if manager.is_registered(module):
            raise HarnessError(f"plugin {origin} names a module that another entry point already names")
        _register(manager, module, origin)
        found[point.name] = origin
    return _collect(manager, found)


def _distinct(points: Sequence[EntryPoint]) -> list[EntryPoint]:
    # An editable install can show one distribution twice on sys.path; one that was renamed may be there twice too.
    seen = {(point.name, point.value): point for point in reversed(points)}
    return sorted(seen.values(), key=lambda point: (point.name, point.value))


def _origin(point: EntryPoint) -> Origin:
    if point.dist is None:
        return Origin(point.name, point.value, "no distribution", "0")
    return Origin(point.name, point.value, point.dist.name, point.dist.version)


def _import(point: EntryPoint, origin: Origin) -> ModuleType:
    try:
        with waited_for(f"plugin {origin} to be imported"), keeping_state():
            module = point.load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        said = str(error) if isinstance(error, HarnessError) else f"{told(error)}; {HOW}"
        raise HarnessError(f"plugin {origin} failed to import: {said}") from error
    if not isinstance(module, ModuleType):
        raise HarnessError(f"plugin {origin} is not a module; let its entry point name the module alone")
    return module


def _check_hooks(manager: pluggy.PluginManager, module: ModuleType, origin: Origin) -> None:
    own = {name: value for name, value in vars(module).items() if isroutine(value) and not name.startswith("__")}
    marked = [name for name, value in own.items() if hasattr(value, "harness_impl")]
    for name in HOOKS:
        if name in vars(module) and name not in own:
            raise HarnessError(f"plugin {origin}: {name!r} is no function; write 'def {name}():' after @hookimpl")
    for name in marked:
        if name not in HOOKS:
            near = difflib.get_close_matches(name, HOOKS, n=1, cutoff=0.0)[0]
            raise HarnessError(f"plugin {origin} implements an unknown hook {name!r}; did you mean {near!r}?")
    for name, value in own.items():
        if name in HOOKS and name not in marked and getattr(value, "__module__", "") == module.__name__:
            raise HarnessError(
                f"plugin {origin} defines {name!r} without @hookimpl; add 'from harness import hookimpl'"
            )
    if not marked:
        raise HarnessError(f"plugin {origin} implements no hook; decorate one of {', '.join(HOOKS)} with @hookimpl")


def _register(manager: pluggy.PluginManager, module: ModuleType, origin: Origin) -> None:
    try:
        manager.register(module, name=origin.plugin)
    except pluggy.PluginValidationError as error:
        raise HarnessError(f"plugin {origin} has a hook that does not fit: {told(error)}") from error


def _collect(manager: pluggy.PluginManager, found: Mapping[str, Origin]) -> Registry:
    offered: dict[str, dict[str, Setting | Intervention | Judge]] = {hook: {} for hook in HOOKS}
    origins: dict[tuple[str, str], Origin] = {}
    for hook, kind in HOOKS.items():
        for implementation in manager.subset_hook_caller(hook, []).get_hookimpls():
            origin = found[implementation.plugin_name]
            for record in _call(implementation.function, hook, origin):
                key = (kind.__name__, record.name)
                if key in origins:
                    raise HarnessError(
                        f"two plugins offer the {kind.__name__.lower()} {record.name!r}: {origins[key]} and {origin}"
                    )
                origins[key] = origin
                offered[hook][record.name] = record
    return Registry(
        settings={n: r for n, r in sorted(offered["harness_setting"].items()) if isinstance(r, Setting)},
        interventions={n: r for n, r in sorted(offered["harness_intervention"].items()) if isinstance(r, Intervention)},
        judges={n: r for n, r in sorted(offered["harness_judge"].items()) if isinstance(r, Judge)},
        origins=origins,
    )


def _call(function: object, hook: str, origin: Origin) -> list[Setting | Intervention | Judge]:
    assert callable(function)
    label = f"plugin {origin}: {hook}"
    try:
        return list(called(lambda: label, _offered, function, hook, origin))
    except HarnessError as error:
        if isinstance(error.__cause__, Refused):  # the record's own words say which field of which record it is
            raise PluginFault(f"plugin {origin}: {error.__cause__}") from error
        raise error if isinstance(error, PluginFault) else PluginFault(f"{label}: {error}") from error


def _offered(function: Callable[[], object], hook: str, origin: Origin) -> list[object]:
    """The records that a hook gives, as ours: all that runs the plugin's code is in here."""
    result = function()
    records = list(result) if isinstance(result, list | tuple) else [result]
    for record in records:
        if not isinstance(record, HOOKS[hook]):
            seen = unmeant(record) or f"{record!r:.80}"
            raise PluginFault(f"plugin {origin}: {hook} returned {seen} instead of {HOOKS[hook].__name__}")
    return [plain(record) for record in records]
