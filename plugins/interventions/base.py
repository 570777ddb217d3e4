"""The untrained model: what each condition does by itself, to be subtracted from every arm."""

from harness import Intervention, hookimpl


@hookimpl
def harness_intervention() -> Intervention:
    return Intervention(name="base", summary="the untrained model under the same conditions", trains=False)
