"""One reply, one judge, one verdict; which judges a setting asks, and what asking costs."""

from harness.judging.estimate import GradingCost, estimate, total
from harness.judging.judges import (
    JudgeOfSplit,
    asking,
    compared,
    judge_versions,
    judges_of,
    rule_judges,
    up_to_date,
)
from harness.judging.prices import Ledger, price_of, tokens_of
from harness.judging.verdicts import Place, Verdicts, judged

__all__ = [
    "GradingCost",
    "JudgeOfSplit",
    "Ledger",
    "Place",
    "Verdicts",
    "asking",
    "compared",
    "estimate",
    "judge_versions",
    "judged",
    "judges_of",
    "price_of",
    "rule_judges",
    "tokens_of",
    "total",
    "up_to_date",
]
