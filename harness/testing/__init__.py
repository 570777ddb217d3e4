"""Laws that every plugin must obey, and tiny models to try one on: for plugin authors' own tests.

    from harness.testing import check_intervention, check_judge, check_setting

Each `check_` function raises AssertionError with one line that names the record and the broken law.
"""

from harness.testing.laws import check_intervention, check_judge, check_setting
from harness.testing.tiny_models import FAMILIES, VOCABULARY, Family, tiny_model

__all__ = [
    "FAMILIES",
    "VOCABULARY",
    "Family",
    "check_intervention",
    "check_judge",
    "check_setting",
    "tiny_model",
]
