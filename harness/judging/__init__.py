"""One reply, one judge, one verdict; which judges a setting asks, and what asking costs."""

from harness.judging.estimate import Estimate, estimate, total
from harness.judging.prices import Ledger, price_of, tokens_of
from harness.judging.verdicts import asking, compared, judge_versions, judged, rule_judges, up_to_date

__all__ = [
    "Estimate",
    "Ledger",
    "asking",
    "compared",
    "estimate",
    "judge_versions",
    "judged",
    "price_of",
    "rule_judges",
    "tokens_of",
    "total",
    "up_to_date",
]
