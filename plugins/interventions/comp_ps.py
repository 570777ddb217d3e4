"""Compositional preventative steering: add several trait vectors while training, each with its weight."""

from harness import Intervention, hookimpl
from harness.authoring import composed_vectors


@hookimpl
def harness_intervention() -> Intervention:
    return composed_vectors("comp_ps", "several trait vectors are added while training, each with its weight", coef=1.0)
