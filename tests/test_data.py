"""Laws of pinned data: what is read is what was pinned, or the error says how to get it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from harness.authoring import Pin, fetch, github, read_jsonl
from harness.errors import HarnessError, OutOfReach

CONTENT = b'{"a": 1}\n{"a": 2}\n'
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def pin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pin:
    """A pinned file that its address can give, with an empty cache and no mirror."""
    monkeypatch.delenv("HARNESS_DATA_MIRROR", raising=False)
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path / "cache"))
    served = tmp_path / "served.jsonl"
    served.write_bytes(CONTENT)
    return Pin(
        name="rows", address=served.as_uri(), commit="c0ffee", sha256=DIGEST, licence="MIT", mirror="source/rows.jsonl"
    )


def mirror(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> Path:
    path = tmp_path / "mirror" / "source" / "rows.jsonl"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    monkeypatch.setenv("HARNESS_DATA_MIRROR", str(tmp_path / "mirror"))
    return path


def one_line(error: pytest.ExceptionInfo[HarnessError]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def test_a_file_in_the_mirror_is_used_and_nothing_is_downloaded(
    pin: Pin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = mirror(tmp_path, monkeypatch, CONTENT)
    assert fetch(replace(pin, address="file:///nowhere")) == path
    assert not (tmp_path / "cache").exists()


def test_a_wrong_digest_in_the_mirror_names_the_file_both_digests_and_the_way_out(
    pin: Pin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = mirror(tmp_path, monkeypatch, CONTENT + b"{}\n")
    with pytest.raises(HarnessError) as error:
        fetch(pin)
    text = one_line(error)
    seen = hashlib.sha256(path.read_bytes()).hexdigest()
    for part in (str(path), DIGEST, seen, "unset HARNESS_DATA_MIRROR"):
        assert part in text


def test_a_mirror_that_is_no_folder_is_an_error_and_not_a_download(
    pin: Pin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARNESS_DATA_MIRROR", str(tmp_path / "misspelt"))
    with pytest.raises(HarnessError, match="misspelt, which is no folder"):
        fetch(pin)


def test_a_mirror_without_the_file_leads_to_the_cache(
    pin: Pin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mirror(tmp_path, monkeypatch, CONTENT).unlink()
    assert fetch(pin) == tmp_path / "cache" / "data" / "source" / "rows.jsonl"


def test_a_download_happens_once_and_leaves_only_the_file(pin: Pin, tmp_path: Path) -> None:
    path = fetch(pin)
    assert path.read_bytes() == CONTENT
    assert fetch(replace(pin, address="file:///nowhere")) == path
    assert [p.name for p in path.parent.iterdir()] == ["rows.jsonl"]


def test_a_download_with_a_wrong_digest_leaves_nothing_behind(pin: Pin, tmp_path: Path) -> None:
    with pytest.raises(HarnessError) as error:
        fetch(replace(pin, sha256="0" * 64))
    text = one_line(error)
    assert "0" * 64 in text
    assert DIGEST in text
    assert not (tmp_path / "cache" / "data").exists()


def test_a_file_that_cannot_be_had_says_what_from_where_and_where_to_put_it(pin: Pin, tmp_path: Path) -> None:
    gone = (tmp_path / "gone.jsonl").as_uri()
    with pytest.raises(HarnessError) as error:
        fetch(replace(pin, address=gone))
    text = one_line(error)
    for part in ("rows", gone, str(tmp_path / "cache" / "data" / "source" / "rows.jsonl"), "HARNESS_DATA_MIRROR"):
        assert part in text


def test_an_address_that_did_not_answer_is_not_asked_again_but_a_file_put_there_by_hand_is_read(
    pin: Pin, tmp_path: Path
) -> None:
    late = tmp_path / "late.jsonl"
    lost = replace(pin, address=late.as_uri())
    with pytest.raises(OutOfReach):
        fetch(lost)
    late.write_bytes(CONTENT)
    with pytest.raises(OutOfReach, match="fetch it by hand and put it at"):
        fetch(lost)
    target = tmp_path / "cache" / "data" / "source" / "rows.jsonl"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(CONTENT)
    assert fetch(lost) == target


def test_a_file_with_a_wrong_digest_is_not_merely_out_of_reach(pin: Pin) -> None:
    with pytest.raises(HarnessError) as error:
        fetch(replace(pin, sha256="0" * 64))
    assert not isinstance(error.value, OutOfReach)


def test_a_cached_file_that_was_damaged_is_refused(pin: Pin) -> None:
    fetch(pin).write_bytes(CONTENT[:-4])
    with pytest.raises(HarnessError, match="delete it and run again"):
        fetch(pin)


@pytest.fixture
def sized(pin: Pin) -> Pin:
    """The same file, known by its size alone."""
    return replace(pin, sha256=None, size=len(CONTENT))


def test_a_file_without_a_known_digest_is_held_to_the_one_it_had_first(sized: Pin) -> None:
    path = fetch(sized)
    assert path.read_bytes() == CONTENT
    assert path.with_name("rows.jsonl.sha256").read_text() == f"{DIGEST}\n"
    other = CONTENT.replace(b"2", b"3")
    path.write_bytes(other)
    with pytest.raises(HarnessError) as error:
        fetch(sized)
    text = one_line(error)
    for part in (str(path), DIGEST, hashlib.sha256(other).hexdigest(), "rows.jsonl.sha256", "delete it and run again"):
        assert part in text


def test_a_mirrored_file_without_a_known_digest_is_recorded_in_the_cache_and_the_mirror_left_alone(
    sized: Pin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = mirror(tmp_path, monkeypatch, CONTENT)
    assert fetch(sized) == path
    assert [p.name for p in path.parent.iterdir()] == ["rows.jsonl"]
    path.write_bytes(CONTENT.replace(b"2", b"3"))
    with pytest.raises(HarnessError, match="as at its first use"):
        fetch(sized)


def test_a_download_that_differs_from_the_first_one_leaves_nothing_behind(sized: Pin, tmp_path: Path) -> None:
    path = fetch(sized)
    path.unlink()
    (tmp_path / "served.jsonl").write_bytes(CONTENT.replace(b"2", b"3"))
    with pytest.raises(HarnessError, match=f"gave sha256 .* not {DIGEST} as at its first use"):
        fetch(sized)
    assert not path.exists()


def test_a_file_of_another_size_is_refused_before_anything_is_recorded(sized: Pin, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=f"{len(CONTENT)} bytes, not the pinned 7"):
        fetch(replace(sized, size=7))
    assert not (tmp_path / "cache" / "data").exists()


def test_a_pin_says_what_a_file_must_be(pin: Pin) -> None:
    with pytest.raises(AssertionError, match="rows is pinned by nothing"):
        replace(pin, sha256=None)


def test_a_github_address_holds_the_commit() -> None:
    assert (
        github("owner/name", "c0ffee", "a/b.jsonl") == "https://raw.githubusercontent.com/owner/name/c0ffee/a/b.jsonl"
    )


def test_rows_are_read_in_order_and_blank_lines_left_out(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"a": 1}\n\n{"a": "\u2028"}\n', encoding="utf-8")
    assert read_jsonl(path) == [{"a": 1}, {"a": "\u2028"}]


@pytest.mark.parametrize(
    ("content", "line", "words"),
    [
        (b'{"a": 1}\n{"a": ', 2, "cut off"),
        (b'{"a": 1}\n{"a": \n{"a": 3}\n', 2, "not JSON"),
        (b'{"a": 1}\n\n[1, 2]\n', 3, "a list, not a JSON object"),
        (b'"a"\n', 1, "a str, not a JSON object"),
        (b'{"a": "\xff"}\n', 1, "not UTF-8"),
        (b"[" * 100_000 + b"\n", 1, "not JSON"),
    ],
)
def test_a_bad_row_is_named_by_file_and_line(tmp_path: Path, content: bytes, line: int, words: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    with pytest.raises(HarnessError) as error:
        read_jsonl(path)
    text = one_line(error)
    assert text.startswith(f"{path}:{line}: ")
    assert words in text


def test_a_file_of_rows_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"cannot read .*gone\.jsonl: No such file"):
        read_jsonl(tmp_path / "gone.jsonl")
