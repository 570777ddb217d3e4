"""Figures of the package's structure, read off its source: `python tests/house.py [ROOT] [--places]`.

ROOT is the folder of the package, `harness/` beside this one unless named. One line a figure, `name: count`, and the
places below it with `--places`. Nothing of the package is imported.
"""

from __future__ import annotations

import argparse
import ast
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

PACKAGE = "harness"
LONGEST_MODULE, LONGEST_FUNCTION = 300, 40
MANUAL = ("contracts.py",)
"""Modules that may be as long as they like: they are read as a manual."""

FORMATS: tuple[str, ...] = ()
"""Paths below ROOT of the modules that read or write a format of their own, where what comes in is any JSON."""

HEAVY = (
    *("torch", "transformers", "peft", "inspect_ai", "matplotlib", "scipy", "statsmodels", "rich", "jinja2", "ray"),
    *("lm_eval", "datasets", "huggingface_hub", "tokenizers", "psutil", "markupsafe", "pandas"),
    *("wandb", "mlflow", "trackio"),
    *("vllm", "starlette", "safetensors"),
)
"""Libraries that are slow to import, so that a function may do it."""

FLOORS: tuple[tuple[str, ...], ...] = (
    ("errors", "screen", "stats"),
    ("checks",),
    ("contracts", "calls"),
    ("hookspecs",),
    ("moved",),
    ("__init__",),
    ("files",),
    ("documents", "authoring", "models"),
    ("own",),
    ("registry", "engine", "laws"),
    ("cells", "serving"),
    ("runs", "judging"),
    ("graders", "analysis"),
    ("vectors", "prompting", "claims"),
    ("training", "evaluation", "reporting"),
    ("grading", "capabilities", "verifying", "tracking"),
    ("pipeline",),
    ("planning", "calibrating", "checking"),
    ("sweep",),
    ("testing", "doctor"),
    ("notebooks", "scaffolding"),
    ("exporting",),
    ("commands",),
    ("cli",),
    ("__main__",),
)
"""Folders and top-level modules from the ground up. What stands on no floor is above all of them."""

READERS = (
    *("files/reading.py", "files/tensors.py", "documents/yaml.py", "vectors/published.py", "evaluation/logs.py"),
    *("files/digests.py", "engine/loading.py"),
)
"""Modules that open what is on disk; every other reader of a user's or a stored file goes through them."""

OUR_OWN = (
    *("planning.py", "models/references.py", "reporting/html_page.py", "training/learner.py", "files/writing.py"),
    *("graders/wire.py", "runs/outputs.py", "serving/plugin/additions.py"),
)
"""Modules that read model folders, what comes with the package or was written by the same process, what a server
answers, or the first and the last bytes of a file to see whose it is; and what runs where the harness is not."""

READING = frozenset({"read_text", "read_bytes", "safe_open", "load_file", "read_eval_log", "compose", "safe_load"})
PARSERS = frozenset({"json.load", "json.loads", "yaml.load", "torch.load", "pickle.load", "pickle.loads"})

RECORD = "run.json"
MAPPINGS = frozenset({"dict", "Mapping"})


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something was found: a file below ROOT, a line (0 for the whole file), and what it is."""

    file: str
    line: int
    what: str = ""

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"{where} {self.what}".rstrip()


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: its name, and the places that it counts."""

    name: str
    places: tuple[Place, ...]

    @property
    def count(self) -> int:
        return len(self.places)


@dataclass(frozen=True, slots=True)
class Imported:
    """One name that is imported from the package, as a dotted path to a module of it."""

    module: str
    line: int
    inside: bool
    typing: bool


@dataclass(frozen=True)
class Module:
    """A file of the package, parsed."""

    root: Path
    path: Path

    @cached_property
    def file(self) -> str:
        """The path below the root."""
        return self.path.relative_to(self.root).as_posix()

    @cached_property
    def dotted(self) -> str:
        """`harness.reporting.page`; a folder's `__init__` is the folder."""
        parts = [PACKAGE, *Path(self.file).with_suffix("").parts]
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @cached_property
    def room(self) -> str:
        """The folder that it is in, or its own name at the top: what `FLOORS` speaks of."""
        return Path(self.file).parts[0].removesuffix(".py")

    @cached_property
    def folder(self) -> str:
        """The folder of the package that it is in, at any depth the first; "" at the top."""
        parts = Path(self.file).parts
        return parts[0] if len(parts) > 1 else ""

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=self.file)

    def absolute(self, node: ast.ImportFrom) -> str:
        """The module that `node` imports from, relative dots resolved."""
        if not node.level:
            return node.module or ""
        package = [PACKAGE, *Path(self.file).parent.parts]
        return ".".join((*package[: len(package) - node.level + 1], *([node.module] if node.module else [])))


@dataclass(frozen=True)
class House:
    """A package's folder with all of its modules."""

    root: Path

    @cached_property
    def modules(self) -> tuple[Module, ...]:
        return tuple(Module(self.root, path) for path in sorted(self.root.rglob("*.py")))

    @cached_property
    def known(self) -> frozenset[str]:
        """Every module and folder, dotted."""
        return frozenset(module.dotted for module in self.modules)

    @cached_property
    def folders(self) -> frozenset[str]:
        return frozenset(module.folder for module in self.modules if module.folder)

    @cached_property
    def faces(self) -> dict[str, frozenset[str]]:
        """What the `__init__` of each folder hands on, modules as well, by the folder's dotted path."""
        return {
            module.dotted: frozenset(
                alias.asname or alias.name
                for node in module.tree.body
                if isinstance(node, ast.ImportFrom)
                for alias in node.names
            )
            for module in self.modules
            if module.path.name == "__init__.py" and module.folder
        }

    def meant(self, base: str, name: str) -> str:
        """The module that `from base import name` reads: `base`, where it hands `name` on itself."""
        if name in self.faces.get(base, ()):
            return base
        return f"{base}.{name}" if f"{base}.{name}" in self.known else base

    def imports(self, module: Module) -> Iterator[Imported]:
        """What `module` imports from its own package, name by name where a name is a module."""
        for node, inside, typing in placed(module.tree):
            names = [alias.name for alias in node.names]
            if isinstance(node, ast.ImportFrom):
                base = module.absolute(node)
                names = [self.meant(base, name) for name in names]
            for name in dict.fromkeys(names):
                if name == PACKAGE or name.startswith(f"{PACKAGE}."):
                    yield Imported(name, node.lineno, inside, typing)


Import = ast.Import | ast.ImportFrom
Function = ast.FunctionDef | ast.AsyncFunctionDef


def placed(tree: ast.AST, *, inside: bool = False, typing: bool = False) -> Iterator[tuple[Import, bool, bool]]:
    """Every import, whether it is inside a function, and whether for type checkers alone."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Import):
            yield node, inside, typing
        elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for part in node.body:
                yield from placed(ast.Module([part], []), inside=inside, typing=True)
            for part in node.orelse:
                yield from placed(ast.Module([part], []), inside=inside, typing=typing)
        else:
            yield from placed(node, inside=inside or isinstance(node, Function), typing=typing)


def room_of(dotted: str) -> str:
    """The folder or top-level module that a dotted path leads into; the package itself is `__init__`."""
    return dotted.split(".")[1] if "." in dotted else "__init__"


# ---- the figures


def top_level(house: House) -> Iterator[Place]:
    for path in house.root.iterdir():
        if path.is_file():
            yield Place(path.name, 0)


def long_modules(house: House) -> Iterator[Place]:
    for module in house.modules:
        lines = len(module.text.splitlines())
        if lines > LONGEST_MODULE and module.file not in MANUAL:
            yield Place(module.file, 0, f"{lines} lines")


def long_functions(house: House) -> Iterator[Place]:
    for module in house.modules:
        for node in ast.walk(module.tree):
            if isinstance(node, Function):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > LONGEST_FUNCTION:
                    yield Place(module.file, node.lineno, f"{node.name}, {lines} lines")


def loose_mappings(house: House) -> Iterator[Place]:
    """`dict[str, Any]` and `Mapping[str, Any]`, in annotations and aliases, outside `FORMATS`."""
    for module in house.modules:
        if module.file in FORMATS:
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Subscript) and is_loose(node):
                yield Place(module.file, node.lineno, ast.unparse(node))


def is_loose(node: ast.Subscript) -> bool:
    name = ast.unparse(node.value).rpartition(".")[2]
    inside = node.slice.elts if isinstance(node.slice, ast.Tuple) else []
    return name in MAPPINGS and [ast.unparse(one).rpartition(".")[2] for one in inside] == ["str", "Any"]


def record_openers(house: House) -> Iterator[Place]:
    """String constants that name a run's record in code; what a text says to people is none."""
    for module in house.modules:
        told = told_to_people(module.tree)
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in told:
                continue
            if node.value == RECORD or node.value.endswith(f"/{RECORD}"):
                yield Place(module.file, node.lineno, repr(node.value))


def told_to_people(tree: ast.AST) -> set[int]:
    """The ids of constants that are docstrings, or inside what is raised."""
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            found.add(id(node.value))
        elif isinstance(node, ast.Raise):
            found |= {id(one) for one in ast.walk(node)}
    return found


def deep_imports(house: House) -> Iterator[Place]:
    """Imports inside functions that stand at no border: neither of a slow library nor of another folder's face."""
    for module in house.modules:
        for node, inside, typing in placed(module.tree):
            if not inside or typing:
                continue
            for name in border_names(house, module, node):
                yield Place(module.file, node.lineno, name)


def border_names(house: House, module: Module, node: Import) -> Iterator[str]:
    """What `node` imports that a function has no reason to import."""
    names = [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        base = module.absolute(node)
        names = [house.meant(base, name) for name in names]
    for name in dict.fromkeys(names):
        if name.partition(".")[0] in HEAVY or is_face_of_another(name, module):
            continue
        yield name


def is_face_of_another(dotted: str, module: Module) -> bool:
    """Whether `dotted` is `harness.X`, and `module` is no part of X."""
    parts = dotted.split(".")
    return parts[0] == PACKAGE and len(parts) == 2 and parts[1] != module.folder


def upward_imports(house: House) -> Iterator[Place]:
    """Imports of the same or a higher floor, other than from the folder's own; for type checkers alone too.

    The package's own face may name for them what it imports when that is first asked for.
    """
    height = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}
    above = len(FLOORS)
    for module in house.modules:
        for one in house.imports(module):
            there = room_of(one.module)
            if one.typing and module.file == "__init__.py":
                continue
            if there != module.room and height.get(there, above) >= height.get(module.room, above):
                yield Place(module.file, one.line, one.module)


def behind_faces(house: House) -> Iterator[Place]:
    """Imports of what is inside a folder from outside it."""
    for module in house.modules:
        for one in house.imports(module):
            parts = one.module.split(".")
            if len(parts) > 2 and parts[1] in house.folders and parts[1] != module.folder:
                yield Place(module.file, one.line, one.module)


def cycles(house: House) -> Iterator[Place]:
    """Rings of modules of one folder that import each other when they are imported, each ring once."""
    for folder in sorted(house.folders):
        inside = {module.dotted: module for module in house.modules if module.folder == folder}
        arrows = {
            name: sorted(
                {one.module for one in house.imports(module) if not one.inside and not one.typing}
                & set(inside) - {name}
            )
            for name, module in inside.items()
        }
        for ring in rings(arrows):
            yield Place(inside[ring[0]].file, 0, " <-> ".join(ring))


def rings(arrows: Mapping[str, Sequence[str]]) -> list[list[str]]:
    """The sets of names that can all be reached from each other, of two or more, sorted."""
    reached = {name: reachable(name, arrows) for name in arrows}
    together = {frozenset(one for one in reached[name] if name in reached[one]) for name in arrows}
    return sorted(sorted(ring) for ring in together if len(ring) > 1)


def reachable(name: str, arrows: Mapping[str, Sequence[str]]) -> set[str]:
    found: set[str] = set()
    todo = [name]
    while todo:
        for following in arrows[todo.pop()]:
            if following not in found:
                found.add(following)
                todo.append(following)
    return found


def shared_class_names(house: House) -> Iterator[Place]:
    """Names of classes that two or more modules define, each name once."""
    where: dict[str, list[tuple[str, int]]] = {}
    for module in house.modules:
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef):
                where.setdefault(node.name, []).append((module.file, node.lineno))
    for name, places in sorted(where.items()):
        files = sorted({file for file, _ in places})
        if len(files) > 1:
            yield Place(files[0], dict(places)[files[0]], f"{name}, also in {', '.join(files[1:])}")


def bare_readers(house: House) -> Iterator[Place]:
    """Calls that open a file to be read, or parse what was in one, outside `READERS` and `OUR_OWN`."""
    for module in house.modules:
        if module.file in READERS or module.file in OUR_OWN:
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and is_reading(node) and not is_of_the_system(node):
                yield Place(module.file, node.lineno, ast.unparse(node.func))


def is_reading(call: ast.Call) -> bool:
    """`x.read_text()`, `json.loads()`, `safe_open()`, or `open()` without a mode that writes."""
    called = ast.unparse(call.func)
    name = called.rpartition(".")[2]
    if name == "open" and called not in ("os.open", "_SHELF.open"):
        modes = [
            one.value for one in (*call.args, *(one.value for one in call.keywords)) if isinstance(one, ast.Constant)
        ]
        return not any(isinstance(mode, str) and set(mode) & set("wax") and len(mode) <= 3 for mode in modes)
    return called in PARSERS or (name in READING and not (name in ("read_text", "read_bytes") and called == name))


def is_of_the_system(call: ast.Call) -> bool:
    return "/proc/" in ast.unparse(call.func)


FIGURES: Mapping[str, Callable[[House], Iterator[Place]]] = {
    "files at the top": top_level,
    f"modules over {LONGEST_MODULE} lines": long_modules,
    f"functions over {LONGEST_FUNCTION} lines": long_functions,
    "dicts of anything": loose_mappings,
    f"places that open {RECORD}": record_openers,
    "imports inside functions at no border": deep_imports,
    "imports upward or sideways": upward_imports,
    "imports behind a face": behind_faces,
    "cycles inside a folder": cycles,
    "class names used twice": shared_class_names,
    "readers of files of their own": bare_readers,
}


def figures(root: Path) -> list[Figure]:
    """Every figure of the package in the folder `root`."""
    house = House(root)
    return [Figure(name, tuple(sorted(found(house)))) for name, found in FIGURES.items()]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Figures of the package's structure, read off its source.")
    parser.add_argument("root", nargs="?", type=Path, default=Path(__file__).parent.parent / PACKAGE)
    parser.add_argument("--places", action="store_true", help="list the places that each figure counts")
    given = parser.parse_args(arguments)
    for figure in figures(given.root):
        print(f"{figure.name}: {figure.count}")
        if given.places:
            for place in figure.places:
                print(f"  {place}")


if __name__ == "__main__":
    main()
