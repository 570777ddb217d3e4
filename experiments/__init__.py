"""Experiments that come with the harness, and the claims that they decide."""
