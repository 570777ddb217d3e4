"""Published shares of misaligned replies after training on obvious lies."""

from __future__ import annotations

from harness_plugins.settings.shared.misalignment import em_figures

REFERENCE = em_figures({"none": 0.026, "ip": 0.0, "ps": 0.0})
