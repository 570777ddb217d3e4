"""One verb a file: what the command is called, its options with their help, and the stage that it calls.

Importing them is quick: whatever takes time to import is imported by the command that needs it.
"""

from collections.abc import Callable, Mapping

from harness.commands.agree import agree
from harness.commands.balance import balance
from harness.commands.calibrate import calibrate
from harness.commands.check import check
from harness.commands.claims import claims
from harness.commands.describe import describe
from harness.commands.doctor import doctor
from harness.commands.engine import engine
from harness.commands.export import export
from harness.commands.judge import judge
from harness.commands.list import list_
from harness.commands.merge import merge
from harness.commands.new import new
from harness.commands.prompts import prompts
from harness.commands.rejudge import rejudge
from harness.commands.report import report
from harness.commands.reproduce import reproduce
from harness.commands.run import run
from harness.commands.schema import schema
from harness.commands.sweep import sweep
from harness.commands.typed import Typed
from harness.commands.vectors import vectors
from harness.commands.verify import verify

COMMANDS: Mapping[str, Callable[..., None]] = {
    "list": list_,
    "describe": describe,
    "new": new,
    "check": check,
    "calibrate": calibrate,
    "run": run,
    "sweep": sweep,
    "reproduce": reproduce,
    "vectors": vectors,
    "prompts": prompts,
    "report": report,
    "balance": balance,
    "claims": claims,
    "merge": merge,
    "verify": verify,
    "export": export,
    "judge": judge,
    "rejudge": rejudge,
    "agree": agree,
    "schema": schema,
    "doctor": doctor,
    "engine": engine,
}
"""Every command by its name, as `harness --help` lists them."""

__all__ = ["COMMANDS", "Typed"]
