"""What a judge must give for any reply: its promised scores, each a number or None, the same each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.calls import AtRandom, PluginError, finished, in_own_task, whose
from harness.checks import Refused, shown
from harness.contracts import Case, Judge, Rating, Verdict
from harness.errors import HarnessError, OutOfReach

AWKWARD_REPLIES = ("", " \n\t", "...", "yes " * 200, "42", "\u200b\ufffd{}[]<|im_end|>", "Не знаю. 我不知道。 🤷")
FEW_REPLIES = ("", "42", "Yes, I think so.")


def tried(judge: Judge, case: Case, replies: Sequence[str] = AWKWARD_REPLIES) -> None:
    """Tries `judge` on each of `replies` to `case`; HarnessError for the first law that it breaks.

    One that asks a grader is answered nothing of use. What `judge` raises is raised.
    """
    # Of its own, so that what is changed in place is not what others are given.
    given = replace(case, facts=dict(case.facts))
    for reply in replies:
        where = f"judge {judge.name!r}{whose(judge.grade)}"
        verdict = finished(in_own_task(_graded(judge, given, reply)))
        if (said := wrong_verdict(judge, case, verdict)) is not None:
            raise HarnessError(f"{where} {said}")
        if given.facts != case.facts or given.messages is not case.messages:
            raise HarnessError(f"{where} changes case {case.id!r} in place; the fault is the judge's")
        if verdict != finished(in_own_task(_graded(judge, given, reply))):
            raise AtRandom(f"{where}, case {case.id!r}, reply {reply[:20]!r}: the same reply gets another verdict")


def try_once(judge: Judge, case: Case) -> None:
    """Tries `judge` on `case` as `tried` does, with a few replies, once in a process; it may raise.

    One that asks a grader is tried by its author alone.
    """
    if judge.grader or (judge.grade, case.id) in _tried:
        return
    for reply in FEW_REPLIES:
        try:
            tried(judge, case, (reply,))
        except PluginError as error:
            if isinstance(error.__cause__, Refused):
                said = f"gave for case {case.id!r} what it may not: {error}; the fault is the judge's"
                raise HarnessError(f"judge {judge.name!r}{whose(judge.grade)} {said}") from error
        except OutOfReach:
            return
        except HarnessError:
            raise
        except Exception:
            continue
    _tried.add((judge.grade, case.id))


_tried: set[tuple[object, str]] = set()


def wrong_verdict(judge: Judge, case: Case, verdict: object) -> str | None:
    """What is wrong with what `judge` gave for `case`, or None; that scores are numbers is the verdict's own law."""
    if not isinstance(verdict, Verdict):
        return f"gave {shown(verdict)} for case {case.id!r}, not a Verdict; the fault is the judge's"
    if set(verdict.scores) != set(judge.scores):
        wanted = f"not a number or None for each of {', '.join(judge.scores)}; the fault is the judge's"
        return f"gave {dict(verdict.scores)} for case {case.id!r}, {wanted}"
    return None


async def _graded(judge: Judge, case: Case, reply: str) -> Verdict:
    return await judge.grade(case, reply, _Mumbler() if judge.grader else None)


class _Mumbler:
    """A grader that answers nothing of use."""

    async def ask(self, prompt: str) -> str:
        return "Hm."

    async def rate(self, prompt: str) -> Rating:
        return Rating(outcome="unclear", mass=0.0, text="Hm.")
