"""Trait vectors: extracted or imported, kept by content, each with a card."""

from harness.vectors import cards, extraction, importing
from harness.vectors.cards import ensure, make_vectors
from harness.vectors.rollouts import rollouts
from harness.vectors.stored import vector_lookup

__all__ = [
    "cards",
    "ensure",
    "extraction",
    "importing",
    "make_vectors",
    "rollouts",
    "vector_lookup",
]
