"""A setting, an intervention and a judge for the harness, from outside it."""
