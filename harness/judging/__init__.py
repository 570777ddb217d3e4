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
from harness.judging.labels import (
    Candidate,
    DrawnReply,
    LabelDraw,
    Labels,
    digest,
    draw_of,
    drawn,
    has_key,
    key_of,
    read_labels,
    sheet_of,
)
from harness.judging.prices import Ledger, OverLimit, Reservation, limit, price_of, tokens_of
from harness.judging.verdicts import NOT_JUDGED, NoVerdict, Place, Unjudged, Verdicts, judged, no_verdict

__all__ = [
    "NOT_JUDGED",
    "Candidate",
    "DrawnReply",
    "GradingCost",
    "JudgeOfSplit",
    "LabelDraw",
    "Labels",
    "Ledger",
    "NoVerdict",
    "OverLimit",
    "Place",
    "Reservation",
    "Unjudged",
    "Verdicts",
    "asking",
    "compared",
    "digest",
    "draw_of",
    "drawn",
    "estimate",
    "has_key",
    "judge_versions",
    "judged",
    "judges_of",
    "key_of",
    "limit",
    "no_verdict",
    "price_of",
    "read_labels",
    "rule_judges",
    "sheet_of",
    "tokens_of",
    "total",
    "up_to_date",
]
