"""`harness list`: what is installed."""

from __future__ import annotations

from harness.commands import catalogue
from harness.commands.options import Json


def list_(as_json: Json = False) -> None:
    """Settings, interventions and judges that are installed."""
    from harness.registry import installed

    catalogue.show_list(installed(), as_json=as_json)
