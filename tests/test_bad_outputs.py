"""Whatever is in the place of an output and is no output stays as it is, and one line says why and what to do."""

from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from bad_world import Bad, BadInputs, World, opened
from runs_made_up import cell, registry, write_run

from harness.cli import main
from harness.registry import using
from harness.runs import is_output

REPLIES = '{"id": "a", "reply": "Yes, 4."}\n{"id": "b", "reply": "No."}\n'
TABLE = BadInputs()
Place = Callable[[World], Path]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """A runs folder made up by hand, replies beside it, and nothing that needs a model."""
    with opened(tmp_path, tmp_path, tmp_path, monkeypatch) as made:
        made.registry = registry()
        write_run(made.runs, cell("none"), {"clean": 0.5})
        write_run(made.runs, cell("ps"), {"clean": 0.25})
        write_run(made.runs, cell("ps", dose=0.5), {"clean": 0.4})
        (tmp_path / "replies.jsonl").write_text(REPLIES)
        (tmp_path / "targets.json").write_text("[]")
        (tmp_path / "claims.yaml").write_text("title: A study\nsource: made up\nclaims: []\n")
        yield made


OPTIONS: dict[str, Callable[[World], list[str]]] = {
    "output": lambda world: [*world.report(), "--output"],
    "html": lambda world: [*world.report(), "--html"],
    "judge": lambda world: ["judge", "claim_affirmation", "--replies", str(world.folder / "replies.jsonl"), "--output"],
    "calibrate": lambda world: ["calibrate", "gcd", "--targets", str(world.folder / "targets.json"), "--output"],
}
"""Every option that names a file to be written, whatever its command."""


def own(world: World, name: str = "mine.csv") -> Path:
    """A report of our own making."""
    file = world.folder / name
    with using(registry()):
        assert main([*world.report(), "--csv", "--output", str(file)]) == 0
    return file


def holding(content: str | bytes) -> Place:
    def put(world: World) -> Path:
        file = world.folder / "there"
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    return put


def read_only(world: World) -> Path:
    own(world).chmod(0o444)
    return world.folder / "mine.csv"


def of_another_user(world: World) -> Path:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(own(world), 12345, 12345)
    return world.folder / "mine.csv"


def link(to: str) -> Place:
    def put(world: World) -> Path:
        own(world)
        (world.folder / "folder").mkdir()
        (world.folder / "link").symlink_to(to)
        return world.folder / "link"

    return put


def device(world: World) -> Path:
    file = world.folder / "device"
    try:
        os.mknod(file, 0o666 | stat.S_IFCHR, os.makedev(1, 7))  # that of /dev/full
    except PermissionError:
        pytest.skip("only root can make a device")
    return file


def pipe(world: World) -> Path:
    os.mkfifo(world.folder / "pipe")
    return world.folder / "pipe"


def endpoint(world: World) -> Path:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(world.folder / "socket"))
    return world.folder / "socket"


def folder(world: World) -> Path:
    (world.folder / "folder").mkdir()
    return world.folder / "folder"


def hard_link(world: World) -> Path:
    os.link(world.folder / "replies.jsonl", world.folder / "linked")
    return world.folder / "linked"


def within_a_file(world: World) -> Path:
    (world.folder / "file").write_text("notes")
    return world.folder / "file" / "report"


def within_a_broken_link(world: World) -> Path:
    (world.folder / "link").symlink_to("nowhere")
    return world.folder / "link" / "report"


OURS = "not written by this command; nothing was changed, name another file, move it away, or replace it with --force"
RUNS = "runs are kept there"
IN_THE_WAY: dict[str, tuple[Place, str]] = {
    "notes": (holding("remember the milk\n"), OURS),
    "a program": (holding("#!/bin/sh\n\ninspect view --log-dir runs\n"), OURS),
    "another page": (holding("<!doctype html>\n<html><title>Home</title></html>\n"), OURS),
    "another table": (holding("setting,scale,model\na,b,c\n"), OURS),
    "other JSON": (holding('{\n  "tables": []\n}\n'), OURS),
    "other JSON lines": (holding('{"reply": "Yes", "scores": 3}\n'), OURS),
    "an essay with a report in it": (holding("# Thesis\n\n...\n\nTranscripts: `inspect view --log-dir runs`\n"), OURS),
    "an essay on our tables": (holding("# On [95 % interval, clustered by case]\ninspect view --log-dir r\n"), OURS),
    "a picture": (holding(b"\x89PNG\r\n\x1a\n" + bytes(range(256))), OURS),
    "no text": (holding(b"\x00\xff" * 600), OURS),
    "a database": (holding(b"SQLite format 3\x00" + b"\x00" * 80), OURS),
    "one blank": (holding(" "), OURS),
    "what may only be read": (read_only, "it may only be read"),
    "what is another user's": (of_another_user, "it belongs to another user"),
    "a link to an output": (link("mine.csv"), "it is a link to mine.csv"),
    "a link to nothing": (link("nothing"), "it is a link to nothing"),
    "a link to a folder": (link("folder"), "it is a link to folder"),
    "a link to itself": (link("link"), "it is a link to link"),
    "a device": (device, "it is a device or a pipe"),
    "a pipe": (pipe, "it is a device or a pipe"),
    "a socket": (endpoint, "it is a device or a pipe"),
    "a folder": (folder, "it is a folder; nothing was changed, name a file"),
    "a record of a run": (lambda world: next(world.runs.glob("gcd/ps/*/run.json")), RUNS),
    "results of a run": (lambda world: next(world.runs.glob("gcd/ps/*/results.jsonl")), RUNS),
    "replies that a run lacks": (lambda world: next(world.runs.glob("gcd/ps/*")) / "replies.jsonl", RUNS),
    "a new file in a run": (lambda world: next(world.runs.glob("gcd/ps/*")) / "notes.txt", RUNS),
    "a new folder in a run": (lambda world: next(world.runs.glob("gcd/ps/*")) / "logs" / "new" / "report", RUNS),
    "a way round into a run": (lambda world: next(world.runs.glob("gcd/ps/*")) / "x" / ".." / "notes", RUNS),
    "a lock of claims": (lambda world: world.runs / "claims.lock.json", RUNS),
    "a record of no run": (lambda world: world.folder / "run.json", RUNS),
    "a file in a file": (within_a_file, "Not a directory"),
    "a file behind a broken link": (within_a_broken_link, "No such file or directory"),
    "a name too long": (lambda world: world.folder / ("x" * 300), "File name too long"),
    "a name too long to be written beside": (lambda world: world.folder / ("x" * 250), "File name too long"),
    "a path too long": (lambda world: world.folder.joinpath(*["x" * 200] * 30), "File name too long"),
    "the folder above": (lambda world: world.folder / "..", "it names no file"),
    "the root": (lambda world: Path("/"), "names no file"),
    "a file where nothing can be made": (lambda world: Path("/proc/here/report"), "/proc/here/report"),
}


LATE = {"calibrate"}
"""What looks at its output first, and then at much else that this world has not."""


def spoiler(option: str, name: str) -> Callable[[World], list[str]]:
    def spoil(world: World) -> list[str]:
        place = IN_THE_WAY[name][0](world)
        return [*OPTIONS[option](world), str(place)]

    spoil.__name__ = f"{option}-{name}"
    return spoil


for option in OPTIONS:
    for name, (_, said) in IN_THE_WAY.items():
        if option not in LATE or name != "a file where nothing can be made":
            TABLE.bad(said)(spoiler(option, name))


@TABLE.bad("it is what the command reads; nothing was changed, name another file")
def the_replies_that_are_judged(world: World) -> list[str]:
    return [*OPTIONS["judge"](world), str(world.folder / "replies.jsonl"), "--force"]


@TABLE.bad("it is what the command reads")
def the_replies_by_another_name(world: World) -> list[str]:
    return [*OPTIONS["judge"](world), str(hard_link(world)), "--force"]


@TABLE.bad("it is what the command reads")
def the_claims_that_a_page_opens_with(world: World) -> list[str]:
    claims = str(world.folder / "claims.yaml")
    return [*OPTIONS["html"](world), claims, "--claims", claims, "--force"]


@TABLE.bad("runs are kept there")
def a_record_of_a_run_by_force(world: World) -> list[str]:
    return [*OPTIONS["html"](world), str(next(world.runs.glob("gcd/ps/*/run.json"))), "--force"]


@TABLE.bad("it is a device or a pipe")
def a_pipe_by_force(world: World) -> list[str]:
    return [*OPTIONS["output"](world), str(pipe(world)), "--force"]


@TABLE.bad("it is a folder")
def a_folder_by_force(world: World) -> list[str]:
    return [*OPTIONS["output"](world), str(folder(world)), "--force"]


@TABLE.bad("it is a link to")
def a_link_by_force(world: World) -> list[str]:
    return [*OPTIONS["output"](world), str(link("mine.csv")(world)), "--force"]


@TABLE.bad("names no file")
def a_name_that_ends_as_that_of_a_folder(world: World) -> list[str]:
    return [*OPTIONS["output"](world), f"{world.folder}/report/"]


@TABLE.bad("names no file")
def a_name_of_nothing(world: World) -> list[str]:
    return [*OPTIONS["html"](world), ""]


@TABLE.bad("would both be written to")
def one_file_for_two_outputs(world: World) -> list[str]:
    place = str(world.folder / "report")
    return [*OPTIONS["output"](world), place, "--html", place]


@TABLE.bad("would both be written to")
def figures_in_the_bundle(world: World) -> list[str]:
    page = str(world.folder / "report.html")
    return [*OPTIONS["html"](world), page, "--bundle", "--figures", str(world.folder / "report-logs" / "figures")]


@TABLE.bad("cannot write a figure at", "Not a directory")
def figures_into_a_file(world: World) -> list[str]:
    return [*world.report(), "--figures", str(world.folder / "replies.jsonl")]


@TABLE.bad("cannot write a figure at", "runs are kept there")
def figures_into_a_run(world: World) -> list[str]:
    return [*world.report(), "--figures", str(next(world.runs.glob("gcd/ps/*")))]


@TABLE.bad("cannot write a figure at", OURS)
def a_figure_over_another_picture(world: World) -> list[str]:
    figures = world.folder / "figures"
    figures.mkdir()
    (figures / "gcd-mini-smollm2_135m-ps.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return [*world.report(), "--figures", str(figures)]


@TABLE.bad("is no folder to write a report into")
def a_reproduction_into_a_file(world: World) -> list[str]:
    world.registry = None
    return ["reproduce", "--runs", str(world.runs), "--output", str(world.folder / "replies.jsonl")]


@TABLE.bad("cannot write the report at", OURS)
def a_reproduction_over_a_report_of_others(world: World) -> list[str]:
    world.registry = None
    place = world.folder / "report"
    place.mkdir()
    (place / "report.md").write_text("# My own\n")
    return ["reproduce", "--runs", str(world.runs), "--output", str(place)]


def seen(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Everything in a folder: what it is, whose, and what it holds; the figures of a report aside."""
    found = {}
    for file in folder.rglob("*"):
        about = file.lstat()
        content = file.read_bytes() if stat.S_ISREG(about.st_mode) else b""
        found[str(file.relative_to(folder))] = (about.st_mode, about.st_ino, content)
    return {name: about for name, about in found.items() if not name.endswith((".svg", "ps.csv"))}


@pytest.mark.parametrize("given", TABLE, ids=lambda given: given.name)
def test_what_is_in_the_place_of_an_output_stays_as_it_is(
    given: Bad, world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    before: dict[str, tuple[int, int, bytes]] = {}

    def spoil(world: World) -> list[str]:
        arguments = given.spoil(world)
        before.update(seen(world.folder))
        return arguments

    TABLE.check(Bad(given.name, spoil, given.said, given.begins), world, capfd)
    if "figure" not in given.name:
        assert seen(world.folder) == before


def test_the_table_holds_every_option_that_names_a_file_to_be_written() -> None:
    import inspect

    from harness.commands import COMMANDS

    files = {
        (name, option)
        for name, command in COMMANDS.items()
        for option, about in inspect.signature(command, eval_str=True).parameters.items()
        if any(getattr(one, "metavar", None) == "FILE" for one in getattr(about.annotation, "__metadata__", ()))
    }
    begun = {("new", "output"), ("new", "rows")}  # which writes over nothing, and reads the other
    replaced = {("report", "output"), ("report", "html"), ("judge", "output"), ("calibrate", "output")}
    assert files == begun | replaced | {("schema", "output")}


FORMS: dict[str, list[str]] = {
    "text": ["--output"],
    "markdown": ["--markdown", "--output"],
    "json": ["--json", "--output"],
    "csv": ["--csv", "--output"],
    "page": ["--html"],
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("others", [False, True], ids=["runs", "nothing finished"])
def test_an_output_takes_the_place_of_an_earlier_one_and_keeps_its_mode(form: str, others: bool, world: World) -> None:
    if others:
        for file in world.runs.rglob("results.jsonl"):
            file.unlink()
    file = world.folder / "report"
    file.touch()
    arguments = [*world.report(), *FORMS[form], str(file)]
    assert world.call(arguments) == 0
    assert is_output(file)
    file.chmod(0o640)
    written = file.read_bytes()
    assert world.call(arguments) == 0
    assert file.read_bytes() == written
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    for other in FORMS.values():
        assert world.call([*world.report(), *other, str(file)]) == 0


def test_scores_and_figures_take_the_place_of_earlier_ones(world: World) -> None:
    judged = [*OPTIONS["judge"](world), str(world.folder / "scores.jsonl")]
    drawn = [*world.report(), "--figures", str(world.folder / "figures")]
    for arguments in (judged, judged, drawn, drawn):
        assert world.call(arguments) == 0
    figures = sorted((world.folder / "figures").iterdir())
    assert [file.suffix for file in figures] == [".csv", ".png", ".svg"] * (len(figures) // 3)
    assert figures
    assert all(map(is_output, [*figures, world.folder / "scores.jsonl"]))


@pytest.mark.parametrize("option", sorted(OPTIONS.keys() - LATE))
def test_force_replaces_a_file_of_others(option: str, world: World) -> None:
    file = holding("remember the milk\n")(world)
    assert world.call([*OPTIONS[option](world), str(file)]) == 2
    assert world.call([*OPTIONS[option](world), str(file), "--force"]) == 0
    assert is_output(file)


def test_an_output_may_lie_in_the_runs_folder_itself_and_where_no_folder_is_yet(world: World) -> None:
    for place in (world.runs / "report.html", world.runs / "figures" / "report.html", world.folder / "a" / "b" / "c"):
        assert world.call([*OPTIONS["html"](world), str(place)]) == 0
        assert is_output(place)
    assert world.call(world.report()) == 0


def test_a_name_that_is_no_unicode_is_that_of_a_file(world: World, capfd: pytest.CaptureFixture[str]) -> None:
    place = os.fsdecode(os.fsencode(world.folder) + b"/\xff\xfe.html")
    assert world.call([*OPTIONS["html"](world), place]) == 0
    assert is_output(Path(place))
    assert r"\udcff\udcfe.html" in capfd.readouterr().err
    Path(place).write_text("notes")
    assert world.call([*OPTIONS["html"](world), place]) == 2
    assert r"\udcff\udcfe.html" in capfd.readouterr().err


def test_scores_of_a_judge_have_the_form_by_which_they_are_known(world: World) -> None:
    file = world.folder / "scores.jsonl"
    assert world.call([*OPTIONS["judge"](world), str(file)]) == 0
    assert [set(json.loads(line)) for line in file.read_text().splitlines()] == [{"id", "scores", "reason"}] * 2
