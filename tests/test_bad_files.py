"""Every file that says something else than it should ends in one line, through the real command line."""

from __future__ import annotations

import json
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from bad_world import Bad, BadInputs, World
from test_traits import SOUND

TABLE = BadInputs()
bad = TABLE.bad

EXPERIMENT = "settings: [loud]\ninterventions: [none]\n"
CLAIM = """title: A study
source: made up
claims:
  - {name: a, setting: loud, says: s, source: p, family: f, compare: [COMPARE]}
"""


def sweep(world: World, text: str | bytes) -> list[str]:
    """`harness sweep --dry-run` of an experiment file of this text."""
    return ["sweep", str(put(world, "loud.yaml", text)), "--dry-run", "--runs", str(world.runs)]


def claims(world: World, compare: str, head: str = CLAIM) -> list[str]:
    """`harness claims` of a file of this text."""
    file = put(world, "claims.yaml", head.replace("COMPARE", compare))
    world.runs.mkdir()
    return ["claims", str(world.runs), "--file", str(file)]


def trait(world: World, content: object) -> list[str]:
    """`harness vectors --trait` of this file, text, or JSON value."""
    text = content if isinstance(content, str | bytes) else json.dumps(content)
    return ["vectors", "loud", "--trait", str(put(world, "glum.json", text)), "--runs", str(world.runs)]


def balance(world: World, content: object) -> list[str]:
    """`harness balance` of a file of targets."""
    text = content if isinstance(content, str | bytes) else json.dumps(content)
    world.started()
    return ["balance", "--runs", str(world.runs), "--targets", str(put(world, "targets.json", text))]


def put(world: World, name: str, text: str | bytes) -> Path:
    file = world.folder / name
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


# Experiments


@bad("loud.yaml:1: UTF-16 or UTF-32, not UTF-8 text")
def an_experiment_in_utf_16(world: World) -> list[str]:
    return sweep(world, EXPERIMENT.encode("utf-16"))


@bad("loud.yaml:2: not UTF-8 text")
def an_experiment_in_latin_1(world: World) -> list[str]:
    return sweep(world, f"{EXPERIMENT}summary: é\n".replace("interventions", "# é\ninterventions").encode("latin-1"))


@bad("loud.yaml:2: a NUL byte")
def an_experiment_with_a_nul(world: World) -> list[str]:
    return sweep(world, EXPERIMENT.replace("none", "no\0ne"))


@bad("loud.yaml:2: the character U+001B")
def an_experiment_with_an_escape(world: World) -> list[str]:
    return sweep(world, EXPERIMENT.replace("none", '"\\e[31m"'))


@bad("loud.yaml:2: the character U+D800")
def an_experiment_with_half_a_surrogate_pair(world: World) -> list[str]:
    return sweep(world, EXPERIMENT.replace("none", '"\\ud800"'))


@bad("loud.yaml:3: these are 9,000,000 cells, and at most 10,000 are planned at once; ask for fewer")
def an_experiment_of_millions_of_cells(world: World) -> list[str]:
    seeds, doses = ([str(n) for n in range(3000)] for _ in range(2))
    return sweep(world, f"# many\n\n{EXPERIMENT}seeds: [{','.join(seeds)}]\ndoses: [{','.join(doses)}]\n")


@bad("these are 10,500 cells, and at most 10,000")
def grids_that_are_too_many_together(world: World) -> list[str]:
    grids = "".join(f"  - seeds: [{','.join(map(str, range(n, n + 3500)))}]\n" for n in (0, 4000, 8000))
    return sweep(world, f"{EXPERIMENT}grids:\n{grids}")


@bad("may have 262,144; name a YAML file that is there")
def an_experiment_of_a_million_seeds(world: World) -> list[str]:
    return sweep(world, f"{EXPERIMENT}seeds: [{','.join(map(str, range(1_000_000)))}]\n")


@bad("loud.yaml: aliases make more than 100,000 parts of it; write fewer")
def a_bomb_of_aliases(world: World) -> list[str]:
    lines = ["a: &a [x,x,x,x,x,x,x,x,x,x]"]
    lines += [f"{n}: &{n} [{','.join([f'*{chr(ord(n) - 1)}'] * 10)}]" for n in "bcdefghi"]
    return sweep(world, EXPERIMENT + "\n".join(lines))


@bad("loud.yaml: aliases make more than 100,000 parts of it; write fewer")
def a_bomb_of_merge_keys(world: World) -> list[str]:
    lines = ["a: &a {k: v, l: w}"]
    lines += [f"{n}: &{n} {{<<: [{','.join([f'*{chr(ord(n) - 1)}'] * 10)}]}}" for n in "bcdefghi"]
    return sweep(world, EXPERIMENT + "\n".join(lines))


@bad("loud.yaml:1: an alias of what it stands in")
def an_alias_of_itself(world: World) -> list[str]:
    return sweep(world, "settings: &s [loud, *s]\ninterventions: [none]\n")


@bad("loud.yaml:1: the tag", "leave it out")
def a_tag_that_would_run_code(world: World) -> list[str]:
    return sweep(world, "settings: !!python/object/apply:os.system ['touch ran']\ninterventions: [none]\n")


@bad("loud.yaml:1: the tag '!!binary'".replace("!!", "tag:yaml.org,2002:"), "leave it out")
def a_tag_of_yaml(world: World) -> list[str]:
    return sweep(world, "settings: [!!binary bG91ZA==]\ninterventions: [none]\n")


@bad("loud.yaml:3: ", "another document")
def an_experiment_of_two_documents(world: World) -> list[str]:
    return sweep(world, f"{EXPERIMENT}---\n{EXPERIMENT}")


@bad("loud.yaml:1: settings.1 should be a valid string, not False")
def a_setting_called_no(world: World) -> list[str]:
    return sweep(world, EXPERIMENT.replace("loud", "no"))


@bad("no setting named '12:30'")
def a_setting_called_by_the_time(world: World) -> list[str]:
    return sweep(world, EXPERIMENT.replace("loud", "12:30"))


@bad("no setting named '2026-01-01'")
def a_setting_called_by_the_day(world: World) -> list[str]:
    return sweep(world, EXPERIMENT.replace("loud", "2026-01-01"))


@bad("loud.yaml:3: seeds.1 should be a valid integer, not '0o17'")
def an_octal_seed(world: World) -> list[str]:
    return sweep(world, f"{EXPERIMENT}seeds: [0o17]\n")


@bad("loud.yaml:3: seeds.1 should be a valid integer, not '017'")
def a_seed_with_a_nought_before_it(world: World) -> list[str]:
    return sweep(world, f"{EXPERIMENT}seeds: [017]\n")


@bad("loud.yaml:3: seeds.1 should be a valid integer, not True")
def a_seed_that_is_true(world: World) -> list[str]:
    return sweep(world, f"{EXPERIMENT}seeds: [true]\n")


@bad("loud.yaml:3: seeds.1 should be a valid integer, not '1_000'")
def a_seed_with_a_bar(world: World) -> list[str]:
    return sweep(world, f"{EXPERIMENT}seeds: [1_000]\n")


@bad("loud.yaml:3: 9999", "is too large a number")
def a_seed_of_5000_digits(world: World) -> list[str]:
    return sweep(world, f"{EXPERIMENT}seeds: [{'9' * 5000}]\n")


@bad("loud.yaml:3: 1e999 is too large a number")
def a_dose_beyond_all_numbers(world: World) -> list[str]:
    return sweep(world, f"{EXPERIMENT}doses: [1e999]\n")


@bad("loud.yaml:3: doses.1 should be a valid number, not '1'")
def a_dose_in_quotes(world: World) -> list[str]:
    return sweep(world, f"{EXPERIMENT}doses: ['1']\n")


@bad("loud.yaml:1: a key that is no text; put it in quotes")
def a_key_that_is_a_number(world: World) -> list[str]:
    return sweep(world, f"1: a\n{EXPERIMENT}")


@bad("loud.yaml:1: nested deeper than 100")
def an_experiment_nested_deep(world: World) -> list[str]:
    return sweep(world, f"settings: {'[' * 5000}{']' * 5000}\n")


@bad("loud.yaml: it is a folder, not a file")
def an_experiment_that_is_a_folder(world: World) -> list[str]:
    (world.folder / "loud.yaml").mkdir()
    return ["sweep", str(world.folder / "loud.yaml"), "--dry-run"]


@bad("loud.yaml: it is a pipe, not a file")
def an_experiment_that_is_a_pipe(world: World) -> list[str]:
    os.mkfifo(world.folder / "loud.yaml")
    return ["sweep", str(world.folder / "loud.yaml"), "--dry-run"]


@bad("/dev/zero: it is a device, not a file")
def an_experiment_that_is_a_device(world: World) -> list[str]:
    return ["sweep", "/dev/zero", "--dry-run"]


@bad("loud.yaml: it is a link to what is not there")
def an_experiment_that_is_a_link_to_nothing(world: World) -> list[str]:
    (world.folder / "loud.yaml").symlink_to("gone.yaml")
    return ["sweep", str(world.folder / "loud.yaml"), "--dry-run"]


@bad("File name too long")
def claims_in_a_file_of_an_impossible_name(world: World) -> list[str]:
    return sweep(world, f"{EXPERIMENT}claims: '{'x' * 300}'\n")


@bad("loud.yaml:3: ", "nested deeper than 100")
def a_condition_nested_deep(world: World) -> list[str]:
    return sweep(world, f"{EXPERIMENT}conditions: [clean, 'vector:{'-' * 500}reply@1']\n")


@bad("loud.yaml:3: ", "a weight that is not finite")
def a_condition_with_a_weight_beyond_all_numbers(world: World) -> list[str]:
    return sweep(world, f"{EXPERIMENT}conditions: [clean, 'vector:1{'0' * 400}*reply@1']\n")


# Claims


@bad("claims.yaml:4: claims.0.compare.0.smallest: input should be a valid number")
def a_smallest_effect_in_quotes(world: World) -> list[str]:
    return claims(world, "{arm: ps, against: none, direction: less, smallest: '0.05'}")


@bad("claims.yaml:4: claims.0.compare.0.smallest: input should be a valid number")
def a_smallest_effect_that_is_true(world: World) -> list[str]:
    return claims(world, "{arm: ps, against: none, direction: less, smallest: yes}")


@bad("claims.yaml:4: ", "an arm without a name")
def an_arm_of_blanks(world: World) -> list[str]:
    return claims(world, "{arm: ' ', against: none, direction: less, smallest: 0.05}")


@bad("claims.yaml:4: claims.0.compare.0: no key 'agianst'; did you mean 'against'?")
def a_comparison_with_a_slip(world: World) -> list[str]:
    return claims(world, "{arm: ps, agianst: none, against: none, direction: less, smallest: 0.05}")


@bad("claims.yaml:1: write keys and values")
def claims_that_are_a_list(world: World) -> list[str]:
    return claims(world, "", head="[a, b]\n")


@bad("targets.json: it is a pipe, not a file")
def targets_of_a_claim_that_are_a_pipe(world: World) -> list[str]:
    os.mkfifo(world.folder / "targets.json")
    world.started()
    return ["balance", "--runs", str(world.runs), "--targets", str(world.folder / "targets.json")]


# Targets


ENTRY = {"setting": "loud", "intervention": "ps", "weights": "a=1", "target": {"a": 1, "b": 1}}


@bad("targets.json:1 is not JSON (a number of 401 digits)")
def a_share_of_400_digits(world: World) -> list[str]:
    return balance(world, [{**ENTRY, "target": {"a": 10**400, "b": 1}}])


@bad("targets.json:1 is not JSON (Infinity is no JSON number)")
def an_infinite_share(world: World) -> list[str]:
    return balance(world, [{**ENTRY, "target": {"a": float("inf"), "b": 1}}])


@bad("target 1: 'target' gives two or more traits their shares")
def shares_that_add_up_to_infinity(world: World) -> list[str]:
    return balance(world, [{**ENTRY, "target": {"a": 1e308, "b": 1e308}}])


@bad("target 1: 'target' gives two or more traits their shares")
def a_share_that_is_true(world: World) -> list[str]:
    return balance(world, [{**ENTRY, "target": {"a": True, "b": 1}}])


@bad("the key 'setting' is there twice")
def a_target_with_a_key_twice(world: World) -> list[str]:
    return balance(world, json.dumps([ENTRY]).replace("{", '{"setting": "other", ', 1))


@bad("target 1: no key of a target named 'wieghts'; did you mean 'weights'?")
def a_target_with_a_slip(world: World) -> list[str]:
    return balance(world, [{**ENTRY, "wieghts": "a=1"}])


@bad("is no list of targets")
def targets_that_are_an_object(world: World) -> list[str]:
    return balance(world, ENTRY)


@bad("nested deeper than 100")
def targets_nested_deep(world: World) -> list[str]:
    return balance(world, "[" * 100_000)


# Traits


@bad("glum.json:1: UTF-16 or UTF-32")
def a_trait_file_in_utf_16(world: World) -> list[str]:
    return trait(world, json.dumps(SOUND).encode("utf-16"))


@bad("half a surrogate pair")
def a_trait_with_half_a_surrogate_pair(world: World) -> list[str]:
    return trait(world, {**SOUND, "questions": ["\ud800?", "b?"]})


@bad("half a surrogate pair")
def a_trait_with_half_a_surrogate_pair_for_a_key(world: World) -> list[str]:
    return trait(world, {**SOUND, "\udfff": 1})


@bad("no key of a trait file named 'question'; did you mean 'questions'?")
def a_trait_with_a_slip(world: World) -> list[str]:
    return trait(world, {**SOUND, "question": []})


@bad("may have 16,777,216")
def a_trait_file_of_100_mb(world: World) -> list[str]:
    file = put(world, "glum.json", b"")
    os.truncate(file, 100 << 20)
    return ["vectors", "loud", "--trait", str(file), "--runs", str(world.runs)]


# Replies that were made anywhere


@bad("replies.jsonl:1: cut, or not JSON: the key 'reply' is there twice")
def a_reply_that_is_there_twice(world: World) -> list[str]:
    return world.judge('{"reply": "A", "reply": "B"}')


@bad("replies.jsonl:1: cut, or not JSON", "NaN is no JSON number")
def a_fact_that_is_not_a_number(world: World) -> list[str]:
    return world.judge('{"reply": "A", "facts": {"n": NaN}}')


@bad("replies.jsonl:2: cut, or not JSON", "1e999 is too large a number")
def a_fact_beyond_all_numbers(world: World) -> list[str]:
    return world.judge('{"reply": "A"}', '{"reply": "A", "facts": {"n": 1e999}}')


@bad("replies.jsonl:1: cut, or not JSON", "half a surrogate pair")
def a_reply_with_half_a_surrogate_pair(world: World) -> list[str]:
    return world.judge('{"reply": "\\ud83d"}')


@bad("/dev/zero: it is a device, not a file")
def replies_from_a_device(world: World) -> list[str]:
    return ["judge", "capitals", "--replies", "/dev/zero", "--output", str(world.folder / "scores.jsonl")]


@bad("replies.jsonl: it is a pipe, not a file")
def replies_from_a_pipe(world: World) -> list[str]:
    os.mkfifo(world.folder / "replies.jsonl")
    return ["judge", "capitals", "--replies", str(world.folder / "replies.jsonl")]


# Stored records


@bad("run.json: not a run record (cut, or not JSON: nested deeper than 100)", "move the folder away")
def a_run_record_nested_deep(world: World) -> list[str]:
    world.started()
    deep = json.loads("[" * 400 + "]" * 400)
    world.record(world.cell("ps"), inputs={"a": deep})
    return world.report()


@bad("run.json: not a run record (cut, or not JSON: the key 'status' is there twice)")
def a_run_record_with_a_key_twice(world: World) -> list[str]:
    world.started()
    file = world.cell("ps") / "run.json"
    file.write_text(file.read_text().replace("{", '{"status": "done", ', 1))
    return world.report()


@bad("run.json:1: UTF-16 or UTF-32")
def a_run_record_in_utf_16(world: World) -> list[str]:
    world.started()
    file = world.cell("ps") / "run.json"
    file.write_bytes(file.read_text().encode("utf-16"))
    return world.report()


@bad("run.json: it is a link to what is not there")
def a_run_record_that_is_a_link_to_nothing(world: World) -> list[str]:
    world.started()
    file = world.cell("ps") / "run.json"
    file.unlink()
    file.symlink_to("gone.json")
    return world.report()


@bad("run.json: it is a pipe, not a file")
def a_run_record_that_is_a_pipe(world: World) -> list[str]:
    world.started()
    file = world.cell("ps") / "run.json"
    file.unlink()
    os.mkfifo(file)
    return world.report()


@bad("run.json: not a run record (line 4: 'cell.seed' should be a valid integer")
def a_run_record_with_a_seed_in_words(world: World) -> list[str]:
    world.started()
    file = world.cell("ps") / "run.json"
    record = json.loads(file.read_text())
    order = {"cell": {"setting": "loud", "seed": "0", **{k: v for k, v in record["cell"].items() if k != "seed"}}}
    file.write_text(json.dumps({**order, **{k: v for k, v in record.items() if k != "cell"}}, indent=1))
    return world.report()


@bad("results.jsonl:1: 'sample' cannot be 0", "'harness rejudge' writes it again")
def a_result_of_no_sample(world: World) -> list[str]:
    world.started()
    file = world.cell("ps") / "results.jsonl"
    file.write_text(file.read_text().replace('"sample": 1', '"sample": 0', 1))
    return world.report()


@bad(
    "replies.jsonl:1: no stored reply: 'case' cannot be", "'harness rejudge' writes it again from the logs", begins=True
)
def a_stored_reply_to_no_case(world: World) -> list[str]:
    world.started()
    file = world.cell("ps") / "replies.jsonl"
    first, rest = file.read_text().split("\n", 1)
    file.write_text(json.dumps({**json.loads(first), "case": {"id": 3, "messages": []}}) + "\n" + rest)
    return ["rejudge", str(world.runs)]


# Logs, vectors, checkpoints


def _bomb(file: Path) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("header.json", b"\0" * (64 << 20))


def _logs_spoilt(world: World, spoil: Callable[[Path], object]) -> list[str]:
    world.started()
    cell = world.cell("ps")
    (cell / "replies.jsonl").unlink()
    for log in (cell / "logs").glob("*.eval"):
        spoil(log)
    return ["rejudge", str(world.runs)]


@bad(".eval is not a readable log: ValueError: it unpacks to 67,108,864 bytes; move it away", begins=True)
def a_log_that_is_a_bomb(world: World) -> list[str]:
    return _logs_spoilt(world, _bomb)


@bad(".eval is not a readable log: ", "move it away", begins=True)
def a_log_cut_in_the_middle(world: World) -> list[str]:
    return _logs_spoilt(world, lambda log: os.truncate(log, log.stat().st_size // 2))


def _put_header(world: World, header: bytes) -> list[str]:
    """A run that needs a vector whose file has this header."""
    world.started(unfinished="ps")
    file = world.vector()
    file.write_bytes(header)
    return world.run("ps")


@bad(".safetensors is cut or no safetensors file; move both files of the vector away", begins=True)
def a_vector_with_a_header_beyond_all_files(world: World) -> list[str]:
    return _put_header(world, struct.pack("<Q", 1 << 60) + b"{}")


@bad(".safetensors is cut or no safetensors file; move both files of the vector away", begins=True)
def a_vector_with_tensors_over_each_other(world: World) -> list[str]:
    header = json.dumps(
        {name: {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} for name in ("vector", "rms")}
    ).encode()
    return _put_header(world, struct.pack("<Q", len(header)) + header + b"\0" * 8)


@bad("holds torch.int64 and torch.float32, not real numbers; move both files of the vector away", begins=True)
def a_vector_of_whole_numbers(world: World) -> list[str]:
    import torch

    world.started(unfinished="ps")
    world.put_vector(vector=torch.ones(4, 32, dtype=torch.int64), rms=torch.ones(4))
    return world.run("ps")


def _import(world: World, file: Path) -> list[str]:
    options = ("--name", "evil", "--model", str(world.tiny), "--runs", str(world.runs))
    return ["vectors", "loud", "--import", str(file), *options]


@bad("evil.pt: it is a pipe, not a file")
def an_imported_vector_that_is_a_pipe(world: World) -> list[str]:
    os.mkfifo(world.folder / "evil.pt")
    return _import(world, world.folder / "evil.pt")


@bad("evil.pt is no .pt file or is cut (it unpacks to 1,073,741,825 bytes)")
def an_imported_vector_that_is_a_bomb(world: World) -> list[str]:
    file = world.folder / "evil.pt"
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed,
        packed.open("data", "w", force_zip64=True) as part,
    ):
        for _ in range(64):
            part.write(b"\0" * (16 << 20))
        part.write(b"\0")
    return _import(world, file)


@bad("evil.pt holds (1048576, 1048576) numbers, more than any model has")
def an_imported_vector_of_one_number_spread_out(world: World) -> list[str]:
    import torch

    file = world.folder / "evil.pt"
    torch.save(torch.ones(1, 1).expand(1 << 20, 1 << 20), file)
    return _import(world, file)


@bad("evil.pt holds a tensor that is sparse, quantised or without values")
def an_imported_vector_that_is_sparse(world: World) -> list[str]:
    import torch

    file = world.folder / "evil.pt"
    torch.save(torch.ones(5, 32).to_sparse(), file)
    return _import(world, file)


@bad("evil.pt holds a tensor that is sparse, quantised or without values")
def an_imported_vector_without_values(world: World) -> list[str]:
    import torch

    file = world.folder / "evil.pt"
    torch.save(torch.ones(5, 32, device="meta"), file)
    return _import(world, file)


@pytest.mark.parametrize("given", TABLE, ids=lambda given: given.name)
def test_a_bad_file_ends_in_one_line_with_status_2_and_leaves_nothing_half_written(
    given: Bad, world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    TABLE.check(given, world, capfd)
