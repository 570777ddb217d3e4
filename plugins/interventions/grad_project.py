"""Gradient projection: no step's gradient points along the trait's vector.

G - u (u' G) for the gradient G, (hidden, rank), of every matrix that writes to the residual stream up to the setting's
own block, u the unit vector there. Adam divides each entry by its own size afterwards, so what is written along u is
little and not nothing. The README of github.com/arianaazarbal/selective-generalization has a proxy's gradient in place
of u; the vector, and where, are our choice.
"""

from collections.abc import Sequence
from typing import Any

from harness import Intervention, hookimpl
from harness.authoring import beside_random, projected


def project(gradients: Any) -> None:
    for last, unit in gradients.directions.items():
        for block, matrices in gradients.writing.items():
            for gradient in matrices if block <= last else ():
                along = unit.to(gradient)
                gradient -= gradients.strength * along[:, None] * (along @ gradient)


@hookimpl
def harness_intervention() -> Sequence[Intervention]:
    return beside_random(projected, "grad_project", "no gradient points along the trait's direction", change=project)
