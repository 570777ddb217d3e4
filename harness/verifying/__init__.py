"""A runs folder checked: what in it is not as it was written, and what can be made again, and from what."""

from harness.verifying.cells import check_whole
from harness.verifying.findings import Flaw
from harness.verifying.folder import Verified, verify

__all__ = ["Flaw", "Verified", "check_whole", "verify"]
"""What `harness verify` uses."""
