"""Laws that every plugin must obey, and tiny models to try one on."""

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
