"""Laws of vector expressions: what they mean, and that nothing else is understood."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from harness import HarnessError
from harness.authoring import algebra

A = torch.tensor([[3.0, 4.0], [0.0, 2.0]])
B = torch.tensor([[1.0, 0.0], [1.0, 1.0]])
VECTORS = {"a": A, "b": B}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a", A),
        ("a - b", A - B),
        ("0.8*a + 0.4*b", 0.8 * A + 0.4 * B),
        ("-(a - 2*b)", 2 * B - A),
        ("unit(a)", torch.tensor([[0.6, 0.8], [0.0, 1.0]])),
        ("orth(a, b)", torch.tensor([[0.0, 4.0], [-1.0, 1.0]])),
        ("+a * 2 * 0.5", A),
    ],
)
def test_an_expression_means_what_is_written(expression: str, expected: torch.Tensor) -> None:
    assert torch.allclose(algebra.evaluate(expression, VECTORS.__getitem__), expected)


def test_names_are_read_without_evaluating() -> None:
    assert algebra.names("0.5*unit(b) - orth(a, b)") == ("a", "b")


def test_a_random_direction_has_the_norm_of_its_vector_and_is_the_same_each_time() -> None:
    first, again = (algebra.evaluate("random(a)", VECTORS.__getitem__) for _ in range(2))
    assert torch.equal(first, again)
    assert torch.allclose(first.norm(dim=-1), A.norm(dim=-1))
    assert not torch.allclose(first, A)
    assert not torch.allclose(first, algebra.evaluate("random(2*a)", VECTORS.__getitem__) / 2)


def test_what_is_left_of_a_vector_is_orthogonal_to_what_was_taken() -> None:
    rest = algebra.evaluate("orth(a, b)", VECTORS.__getitem__)
    assert torch.allclose((rest * B).sum(-1), torch.zeros(2), atol=1e-6)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("a +", "does not parse"),
        ("", "does not parse"),
        ("a * b", "multiplies two vectors"),
        ("a + 1", "adds a number to a vector"),
        ("2 * 3", "is a number, not a vector"),
        ("1e999 * a", "a weight that is not finite"),
        ("unit(2)", "takes vectors, not numbers"),
        ("unit(a, b)", "is not a name, a number"),
        ("a / 2", "is not a name, a number"),
        ("__import__('os')", "is not a name, a number"),
        ("a.real", "is not a name, a number"),
        ("True * a", "is not a name, a number"),
        ("unit(a - a)", "a value that is not finite"),
    ],
)
def test_anything_else_is_refused_in_one_line(expression: str, message: str) -> None:
    with pytest.raises(HarnessError, match=message) as raised:
        algebra.evaluate(expression, VECTORS.__getitem__)
    assert "\n" not in str(raised.value)


def test_an_unknown_vector_is_named_with_the_nearest() -> None:
    with pytest.raises(HarnessError, match="no vector named 'spanich'; did you mean 'spanish'"):
        algebra.check("spanich - french", {"spanish", "french"})


def test_vectors_of_different_models_do_not_mix() -> None:
    with pytest.raises(HarnessError, match="mixes vectors of different models"):
        algebra.evaluate("a + b", {"a": A, "b": torch.ones(3, 2)}.__getitem__)


@given(st.text(max_size=30))
def test_no_text_does_anything_but_give_names_or_an_error(text: str) -> None:
    try:
        found = algebra.names(text)
    except HarnessError:
        return
    assert all(name.isidentifier() for name in found)
