"""A cell, what goes into it, its key, its questions; grids of cells."""

from harness.cells.cell import Cell, Prepared
from harness.cells.checking import check_names, check_scale
from harness.cells.fits import Fit, command_for, fitted
from harness.cells.grids import BASE, base_folders, bases_of, check_count, grid, prepared
from harness.cells.keys import FORMAT, log_name, training_rows, vector_file, vector_key
from harness.cells.other_vectors import with_trait, with_vectors
from harness.cells.preparing import current_key, prepare, weighted
from harness.cells.questions import asked, left_out, splits
from harness.cells.rendering import check_prompts, rendered_rows
from harness.cells.spelled import recipe_digest

__all__ = [
    "BASE",
    "FORMAT",
    "Cell",
    "Fit",
    "Prepared",
    "asked",
    "base_folders",
    "bases_of",
    "check_count",
    "check_names",
    "check_prompts",
    "check_scale",
    "command_for",
    "current_key",
    "fitted",
    "grid",
    "left_out",
    "log_name",
    "prepare",
    "prepared",
    "recipe_digest",
    "rendered_rows",
    "splits",
    "training_rows",
    "vector_file",
    "vector_key",
    "weighted",
    "with_trait",
    "with_vectors",
]
