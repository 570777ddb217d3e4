"""Early stopping: the last half of the steps is not taken, on the schedule of all of them.

Schreiber and Goldstein (arXiv 2605.12199) find that stopping early removes misalignment and keeps most of the task; at
which share is our choice.
"""

from harness import Draw, Intervention, Recipe, RecipeChange, Setting, hookimpl


def half(setting: Setting, recipe: Recipe, draw: Draw) -> RecipeChange:
    return RecipeChange(skipped=0.5, source="our choice; arXiv 2605.12199 stops early")


@hookimpl
def harness_intervention() -> Intervention:
    return Intervention(name="early_stop", summary="the last half of the steps is not taken", training=half)
