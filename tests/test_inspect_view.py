"""What `inspect view` shows of a log, read from the page in headless Chromium."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from browsing import NEEDS_BROWSER, chromium, until
from evaluating import RECIPE, Engine, choir, opened, registry_of, run_folder

from harness import Condition, registry
from harness.evaluation import tasks
from harness.reporting import write_bundle

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

pytestmark = NEEDS_BROWSER


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The logs of one run under two conditions."""
    run = run_folder(tmp_path_factory.mktemp("runs") / "mini-fake-s0")
    setting = choir()
    with pytest.MonkeyPatch.context() as patch, opened(Engine(say=lambda request: "LA LA LA")):
        found = registry_of(setting)
        patch.setattr(registry, "installed", lambda: found)
        tasks.evaluate(
            setting,
            [Condition.parse(condition) for condition in ("clean", "prompt:shout")],
            scale="mini",
            recipe=RECIPE,
            run=run,
            digest="0123456789ab",
            logs=run / "logs",
        )
    return run / "logs"


@pytest.fixture(scope="module")
def address(logs: Path) -> Iterator[str]:
    """Where `inspect view` serves `logs`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "inspect_ai", "view", "start", "--log-dir", str(logs), "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until(lambda: answers(port), f"inspect view does not answer at port {port}")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """A browser with a profile of its own."""
    with chromium(tmp_path_factory.mktemp("profile")) as chrome:
        yield chrome


def test_the_list_tells_the_conditions_apart(browser: Chrome, address: str) -> None:
    browser.get(address)
    until_shown(browser, ("\nclean\n", "\nprompt:shout\n"))


def test_a_sample_shows_the_prompt_that_was_put_back_and_the_judges_reason(
    browser: Chrome, address: str, tmp_path: Path
) -> None:
    browser.get(sample_page(address, "prompt-shout.eval", "high/case0"))
    wanted = ("SYSTEM\nShout, please.\n", "USER\nhigh note 0?\n", "ASSISTANT\nLA LA LA\n", "heard 'LA LA LA'")
    until_shown(browser, wanted)
    assert browser.save_screenshot(str(tmp_path / "sample.png"))


def test_a_sample_shows_what_the_template_added_and_that_a_judge_could_not_tell(browser: Chrome, address: str) -> None:
    browser.get(sample_page(address, "clean.eval", "high/case1"))
    wanted = ('"<system>DEFAULT<user>high note 1?<assistant>"', "the secret drowns it out", "loud\n[null]")
    until_shown(browser, wanted)


def test_a_bundle_beside_a_page_shows_the_log_that_the_page_links_to(
    browser: Chrome, logs: Path, tmp_path: Path
) -> None:
    run = logs.parent
    write_bundle(run.parent, tmp_path / "report-logs")
    assert [one.name for one in tmp_path.iterdir()] == ["report-logs"]
    serve = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        browser.get(f"http://127.0.0.1:{server.server_port}/report-logs/index.html#/logs/{run.name}/logs/clean.eval")
        until_shown(browser, ("high note 0?", "high note 1?"))
        server.shutdown()


def sample_page(address: str, log: str, sample: str) -> str:
    return f"{address}/#/logs/{quote(log)}/samples/sample/{quote(sample, safe='')}/1/"


def shown(browser: Chrome) -> str:
    """The text of the page as a reader sees it, without empty lines."""
    text = str(browser.execute_script("return document.body.innerText"))
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def until_shown(browser: Chrome, wanted: Sequence[str]) -> None:
    until(lambda: all(text in shown(browser) for text in wanted), f"not all of {wanted} are on the page")
