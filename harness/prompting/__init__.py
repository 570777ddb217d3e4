"""What a prompt does to the training rows before anything is trained on them."""

from harness.prompting.gains import gains
from harness.prompting.making import make_cards

__all__ = ["gains", "make_cards"]
