"""Graders: a model that judges ask for numbers, what its answers are worth, what they cost, and where they are kept."""
