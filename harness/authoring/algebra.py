"""Vector algebra as text: `spanish - french`, `0.8*french + 0.4*german`, `unit(v)`, `orth(v, w)`, `random(v)`.

Parsed by Python's own parser, walked by ours: nothing is ever executed. Reading names needs no torch.
"""

from __future__ import annotations

import ast
import hashlib
import sys
import warnings
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from harness.errors import HarnessError, unknown

if TYPE_CHECKING:
    from torch import Tensor

LONGEST, DEEPEST = 2000, 100
"""The most characters of an expression, and how deep it may be nested: it is walked by recursion."""

ARITY = {"unit": 1, "orth": 2, "random": 1}


def names(expression: str) -> tuple[str, ...]:
    """The vectors that `expression` is over, sorted; HarnessError when it does not parse."""
    found: set[str] = set()
    _walk(_parse(expression), expression, found.add)
    return tuple(sorted(found))


def leading(expression: str) -> str:
    """The vector that `expression` names first, `spanish` of `spanish - french`; "" where it names none."""
    found: list[str] = []
    _walk(_parse(expression), expression, found.append)
    return found[0] if found else ""


def check(expression: str, known: Collection[str]) -> None:
    """Raises HarnessError when `expression` does not parse or names a vector that is not `known`."""
    for name in names(expression):
        if name not in known:
            raise unknown("vector", name, known)


def evaluate(expression: str, vector: Callable[[str], Tensor]) -> Tensor:
    """The value of `expression`, (blocks, hidden), each name looked up by `vector`.

    `unit`, `orth` and `random` work block by block. `random(v)` is one fixed Gaussian direction per
    expression text and block count, scaled to the norm of v in every block: the same in every run.
    """
    parsed = _parse(expression)
    _walk(parsed, expression, lambda _: None)
    value = _value(parsed, expression, vector)
    if isinstance(value, float):
        raise HarnessError(f"vector expression {expression!r} is a number, not a vector")
    if not bool(value.isfinite().all()):
        raise HarnessError(f"vector expression {expression!r} has a value that is not finite")
    return value


def _parse(expression: str) -> ast.expr:
    if len(expression) > LONGEST:
        raise HarnessError(f"vector expression {expression:.40}... has more than {LONGEST:,} characters; shorten it")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's own remarks on what is refused below
            parsed = ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise HarnessError(f"vector expression {expression!r} does not parse") from None
    level: list[ast.AST] = [parsed]
    for _ in range(DEEPEST):
        level = [below for node in level for below in ast.iter_child_nodes(node)]
    if level:
        raise HarnessError(f"vector expression {expression:.40}... is nested deeper than {DEEPEST}; simplify it")
    return parsed


def _walk(node: ast.expr, whole: str, name: Callable[[str], object]) -> None:
    match node:
        case ast.Name():
            name(node.id)
        case ast.Constant(value=bool()):
            raise _refused(whole, node)
        case ast.Constant(value=int() | float() as number):
            if not abs(number) <= sys.float_info.max:
                raise HarnessError(f"vector expression {whole!r} has a weight that is not finite")
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() | ast.Mult(), right=right):
            _walk(left, whole, name)
            _walk(right, whole, name)
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            _walk(operand, whole, name)
        case ast.Call(func=ast.Name(id=function), args=arguments, keywords=[]) if ARITY.get(function) == len(arguments):
            for argument in arguments:
                _walk(argument, whole, name)
        case _:
            raise _refused(whole, node)


def _value(node: ast.expr, whole: str, vector: Callable[[str], Tensor]) -> Tensor | float:
    """What `node` comes to, once it has been walked."""
    match node:
        case ast.Name():
            return vector(node.id)
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, whole, vector)
        case ast.UnaryOp(operand=operand):
            return _value(operand, whole, vector)
        case ast.BinOp(left=left, op=operator, right=right):
            return _combined(_value(left, whole, vector), operator, _value(right, whole, vector), whole)
        case ast.Call(func=ast.Name(id=function), args=arguments):
            values = [_value(argument, whole, vector) for argument in arguments]
            if any(isinstance(value, float) for value in values):
                raise HarnessError(f"vector expression {whole!r}: {function}() takes vectors, not numbers")
            return _applied(function, [value for value in values if not isinstance(value, float)], ast.unparse(node))
    raise _refused(whole, node)


def _combined(left: Tensor | float, operator: ast.operator, right: Tensor | float, whole: str) -> Tensor | float:
    vectors = [value for value in (left, right) if not isinstance(value, float)]
    if isinstance(operator, ast.Mult):
        if len(vectors) == 2:
            raise HarnessError(f"vector expression {whole!r} multiplies two vectors; multiply by a number")
        return left * right
    if len(vectors) == 1:
        raise HarnessError(f"vector expression {whole!r} adds a number to a vector")
    if len(vectors) == 2 and vectors[0].shape != vectors[1].shape:
        raise HarnessError(f"vector expression {whole!r} mixes vectors of different models")
    return left + right if isinstance(operator, ast.Add) else left - right


def _applied(function: str, values: list[Tensor], text: str) -> Tensor:
    import torch

    first = values[0]
    norm = first.norm(dim=-1, keepdim=True)
    if function == "unit":
        unit: Tensor = first / norm
        return unit
    if function == "orth":
        away = values[1]
        rest: Tensor = first - away * ((first * away).sum(-1, keepdim=True) / (away * away).sum(-1, keepdim=True))
        return rest
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big")
    drawn = torch.randn(first.shape, generator=torch.Generator().manual_seed(seed))
    scaled: Tensor = drawn / drawn.norm(dim=-1, keepdim=True) * norm
    return scaled


def _refused(whole: str, node: ast.expr) -> HarnessError:
    return HarnessError(
        f"vector expression {whole!r}: {ast.unparse(node)!r} is not a name, a number, + - *, "
        "unit(v), orth(v, w) or random(v)"
    )
