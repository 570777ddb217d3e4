"""Trait vectors: extracted or imported, kept by content, each with a card."""

from harness.vectors import cards, extraction, importing
from harness.vectors.cards import ensure, make_vectors, opened_grader
from harness.vectors.extraction import relative
from harness.vectors.importing import import_vector
from harness.vectors.rollouts import rollouts
from harness.vectors.step import extract_missing
from harness.vectors.stored import vector_lookup

__all__ = [
    "cards",
    "ensure",
    "extract_missing",
    "extraction",
    "import_vector",
    "importing",
    "make_vectors",
    "opened_grader",
    "relative",
    "rollouts",
    "vector_lookup",
]
