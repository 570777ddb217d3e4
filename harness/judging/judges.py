"""Which judges a setting asks, on which split, about which scores, and in which versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.cells import splits
from harness.contracts import Judge, Setting
from harness.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeOfSplit:
    """One judge on one split, which grades a reply once, whatever it gives.

    `scores` are those that count, by the name under which they are shown: the metric's, or, for a second judge, the
    score's own. `second_of` names the judge beside which a second one is asked.
    """

    split: str
    judge: Judge
    scores: Mapping[str, str]
    second_of: str = ""

    @property
    def name(self) -> str:
        """How its scores are called in a log."""
        return f"{self.judge.name}_of_{self.split}"


def judges_of(setting: Setting, registry: Registry) -> list[JudgeOfSplit]:
    """Every judge of `setting` on every split that it grades, each followed by its second judge, if it has one."""
    found = []
    for split in splits(setting):
        for judge in dict.fromkeys(metric.judge for metric in setting.metrics if metric.split == split):
            scores = {m.name: m.score for m in setting.metrics if (m.split, m.judge) == (split, judge)}
            found.append(JudgeOfSplit(split=split, judge=registry.judge(judge), scores=scores))
            names = compared(setting, judge, registry)
            if names and set(names) <= set(scores.values()):
                second = registry.judge(setting.checks[judge])
                own = {name: name for name in (*names, *beyond(registry.judge(judge), second))}
                found.append(JudgeOfSplit(split=split, judge=second, scores=own, second_of=judge))
    return found


def compared(setting: Setting, judge: str, registry: Registry) -> tuple[str, ...]:
    """The scores of metrics that `judge` and its second judge both give, in the order of the metrics; empty without."""
    if judge not in setting.checks:
        return ()
    both = registry.judge(setting.checks[judge]).scores
    wanted = dict.fromkeys(metric.score for metric in setting.metrics if metric.judge == judge)
    return tuple(score for score in wanted if score in both)


def beyond(judge: Judge, second: Judge) -> tuple[str, ...]:
    """The scores that `second` gives and `judge` has none of: a share of what `judge` does not know, say."""
    return tuple(score for score in second.scores if score not in judge.scores)


def judge_versions(setting: Setting, registry: Registry) -> dict[str, str]:
    """The version of every judge that `setting` asks, second judges with them, by name."""
    names = {metric.judge for metric in setting.metrics} | set(setting.checks.values())
    return {name: registry.judge(name).version for name in sorted(names)}


def asking(setting: Setting, registry: Registry) -> tuple[str, ...]:
    """The judges of `setting` that ask a grader, second judges with them."""
    return tuple(name for name in judge_versions(setting, registry) if registry.judge(name).grader)


def rule_judges(setting: Setting, registry: Registry) -> dict[str, str]:
    """The version of every judge of `setting` that asks nobody, by name."""
    return {name: v for name, v in judge_versions(setting, registry).items() if not registry.judge(name).grader}


def up_to_date(setting: Setting, registry: Registry, graded: Mapping[str, str], *, asked: bool) -> bool:
    """Whether the judges in `graded` are all that `setting` has now, those that ask only if there or `asked`."""
    ask = asking(setting, registry)
    wanted = judge_versions(setting, registry)
    return dict(graded) == {name: v for name, v in wanted.items() if asked or name not in ask or name in graded}
