"""Laws of a sweep on Ray: a real cluster of this machine gives what processes give, whatever dies on the way."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Thread

import psutil
import pytest
from sweeping import ARMS, content, experiment, holder, in_training, swept

from harness import HarnessError
from harness.sweep import Where
from harness.sweep.cluster import HERE

ray = pytest.importorskip("ray", reason="needs the extra `cluster`")

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray opens sockets and files that it leaves to the collector


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))  # where the workers find the small world


def test_a_worker_killed_half_way_on_a_cluster_costs_one_attempt_and_no_difference(
    tiny_llama: Path, tmp_path: Path
) -> None:
    file = experiment(tmp_path, tiny_llama)
    swept(file, tmp_path / "local", Where(jobs=1))
    runs = tmp_path / "cluster"
    killed: list[str] = []
    finished: dict[Path, int] = {}

    def kill() -> None:
        folder = in_training(runs)
        finished.update({path: path.stat().st_mtime_ns for path in adapters(runs)})
        killed.append(folder.parent.name)
        holder(folder, list(psutil.process_iter())).kill()

    thread = Thread(target=kill)
    thread.start()
    done = swept(file, runs, Where(jobs=2, cluster=HERE))
    thread.join()
    assert not done.failed
    assert {one.job.cell.intervention: one.attempts for one in done.finished} == {
        arm: 2 if arm in killed else 1 for arm in ("base", *ARMS)
    }
    assert all(path.stat().st_mtime_ns == when for path, when in finished.items()), "a finished cell was trained again"
    assert content(runs) == content(tmp_path / "local")
    assert len(adapters(runs)) == len(ARMS)


def adapters(runs: Path) -> list[Path]:
    return [
        path for path in runs.glob("loud/*/mini-*/adapter/training.json") if json.loads(path.read_text())["steps"] == 8
    ]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("127.0.0.1:1", "no Ray cluster at '127.0.0.1:1' (ConnectionRefusedError"),
        ("auto", "no Ray cluster at 'auto' (ConnectionError"),
        ("127.0.0.1", "--cluster '127.0.0.1' is not HOST:PORT, auto or local"),
    ],
)
def test_an_address_without_a_cluster_is_one_line(
    tiny_llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, said: str
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with pytest.raises(HarnessError) as raised:
        swept(experiment(tmp_path, tiny_llama), tmp_path / "runs", Where(jobs=1, cluster=address))
    assert str(raised.value).startswith(said)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "runs").exists()
