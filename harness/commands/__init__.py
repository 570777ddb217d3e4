"""What the commands print. Each module serves one or two of them; `harness.cli` holds their options."""
