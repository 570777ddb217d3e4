"""Trait vectors: extracted or imported, kept by content, each with a card."""

from harness.vectors.activations import Extraction, extract
from harness.vectors.cards import make_vectors
from harness.vectors.importing import import_vector
from harness.vectors.making import ensure, opened_grader
from harness.vectors.published import RowsAre
from harness.vectors.step import extract_missing
from harness.vectors.stored import load_vector, steered_as, vector_lookup

__all__ = [
    "Extraction",
    "RowsAre",
    "ensure",
    "extract",
    "extract_missing",
    "import_vector",
    "load_vector",
    "make_vectors",
    "opened_grader",
    "steered_as",
    "vector_lookup",
]
