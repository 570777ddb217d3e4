"""A cell, what goes into it, its key, its questions; grids of cells."""

from harness.cells.cell import Cell, Prepared
from harness.cells.changes import SCALED, Changes, changes_of
from harness.cells.checking import check_names, check_scale
from harness.cells.fits import Fit, command_for, fitted
from harness.cells.grids import BASE, base_folders, bases_of, check_count, check_takers, grid, prepared
from harness.cells.keys import (
    ADAPTERS,
    FORMAT,
    LIKELIHOODS,
    REWRITTEN,
    adapter_folder,
    adapter_key,
    likelihoods_file,
    log_name,
    replies_file,
    training_rows,
    vector_file,
    vector_key,
)
from harness.cells.other_vectors import with_trait, with_vectors
from harness.cells.preparing import current_key, model_meant, prepare, weighted, worded
from harness.cells.questions import asked, left_out, splits, told_left_out
from harness.cells.rendering import check_prompts, rendered_row, rendered_rows
from harness.cells.rows import drawn
from harness.cells.spelled import recipe_digest, rows_digest
from harness.cells.wordings import named, texts_of

__all__ = [
    "ADAPTERS",
    "BASE",
    "FORMAT",
    "LIKELIHOODS",
    "REWRITTEN",
    "SCALED",
    "Cell",
    "Changes",
    "Fit",
    "Prepared",
    "adapter_folder",
    "adapter_key",
    "asked",
    "base_folders",
    "bases_of",
    "changes_of",
    "check_count",
    "check_names",
    "check_prompts",
    "check_scale",
    "check_takers",
    "command_for",
    "current_key",
    "drawn",
    "fitted",
    "grid",
    "left_out",
    "likelihoods_file",
    "log_name",
    "model_meant",
    "named",
    "prepare",
    "prepared",
    "recipe_digest",
    "rendered_row",
    "rendered_rows",
    "replies_file",
    "rows_digest",
    "splits",
    "texts_of",
    "told_left_out",
    "training_rows",
    "vector_file",
    "vector_key",
    "weighted",
    "with_trait",
    "with_vectors",
    "worded",
]
