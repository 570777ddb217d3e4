"""vLLM's server as a child that never outlives its parent: `python -m harness_steering.serve ARGUMENTS`.

The parent holds the other end of standard input. However it ends, that end closes, and the whole process group goes.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

GOODBYE_SECONDS = 15.0
SERVER = "vllm.entrypoints.openai.api_server"


def end_with_parent() -> None:
    """Ends this process and all of its group once nobody holds the other end of standard input."""

    def watch() -> None:
        while os.read(0, 4096):
            pass
        os.killpg(0, signal.SIGTERM)
        time.sleep(GOODBYE_SECONDS)
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, name="harness-parent", daemon=True).start()


if __name__ == "__main__":
    end_with_parent()
    sys.argv[0] = SERVER
    runpy.run_module(SERVER, run_name="__main__", alter_sys=True)
