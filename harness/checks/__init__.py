"""Records that are checked where they are made: each field by its annotation and the rules that are declared on it."""

from harness.checks.annotations import Returns, functions_of
from harness.checks.checked import Checked, Refused, called_by
from harness.checks.numbers import MOST, MOST_EPOCHS, number
from harness.checks.plain import plain
from harness.checks.rules import (
    LABEL,
    NAME,
    NAMED,
    REPOSITORY,
    Distinct,
    Matching,
    Range,
    filled,
    one_line,
    shown,
    words,
)

__all__ = [
    "LABEL",
    "MOST",
    "MOST_EPOCHS",
    "NAME",
    "NAMED",
    "REPOSITORY",
    "Checked",
    "Distinct",
    "Matching",
    "Range",
    "Refused",
    "Returns",
    "called_by",
    "filled",
    "functions_of",
    "number",
    "one_line",
    "plain",
    "shown",
    "words",
]
