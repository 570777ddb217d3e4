"""What `python -m benchmarks coverage` measures, in a version of seconds: intervals hold, families do not cry wolf."""

from __future__ import annotations

import pytest

from benchmarks.coverage import EFFECTS, Effects, simulate

BY_NAME = {one.name: one for one in EFFECTS}


@pytest.mark.parametrize("effects", [BY_NAME["mild"], BY_NAME["strong"]], ids=lambda one: one.name)
def test_95_percent_intervals_hold_the_truth_and_a_family_without_effects_has_few_findings(effects: Effects) -> None:
    for found in simulate([effects], experiments=400, seed=1, questions=(8, 60), seeds=(3, 10), rates=(0.1, 0.5)):
        # 400 experiments: three standard errors of 95 % are 3.3 points.
        assert found.rate >= 0.92, found
        assert found.difference >= 0.92, found
        assert found.single <= 0.06, found
        assert found.family <= 0.088, found


def test_intervals_are_not_wide_for_safety_where_the_design_carries_them() -> None:
    (found,) = simulate([BY_NAME["alike"]], experiments=400, seed=2, questions=(60,), seeds=(10,), rates=(0.5,))
    independent = 2 * 1.96 * (0.25 / 600) ** 0.5
    assert found.width < 1.8 * independent
    assert found.difference < 0.995
