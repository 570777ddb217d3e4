"""From results to tables, doses, the conditionalization matrix, balances, agreement."""

from harness.analysis import balance
from harness.analysis.agreement import Agreement, Scores, agreement
from harness.analysis.balance import Balances, Control, Reached, Target, paired, read_targets
from harness.analysis.calibration import Model, choose, distance, fit
from harness.analysis.comparison import (
    CANNOT_TELL,
    NO,
    YES,
    Comparison,
    Confusion,
    comparison,
    largest_confusion,
    shares_of_one_whole,
)
from harness.analysis.doses import CLEAN, Curve, Point, Sweep, by_seed
from harness.analysis.ledger import Cost, costs
from harness.analysis.matrix import Matrix, matrix, pooled, triggers
from harness.analysis.references import Published, groups
from harness.analysis.results import Capability, Results, load
from harness.analysis.tables import Agreed, Arm, Block, Table, tables
from harness.analysis.tradeoffs import Place, Tradeoff, tradeoffs, trait_of

__all__ = [
    "CANNOT_TELL",
    "CLEAN",
    "NO",
    "YES",
    "Agreed",
    "Agreement",
    "Arm",
    "Balances",
    "Block",
    "Capability",
    "Comparison",
    "Confusion",
    "Control",
    "Cost",
    "Curve",
    "Matrix",
    "Model",
    "Place",
    "Point",
    "Published",
    "Reached",
    "Results",
    "Scores",
    "Sweep",
    "Table",
    "Target",
    "Tradeoff",
    "agreement",
    "balance",
    "by_seed",
    "choose",
    "comparison",
    "costs",
    "distance",
    "fit",
    "groups",
    "largest_confusion",
    "load",
    "matrix",
    "paired",
    "pooled",
    "read_targets",
    "shares_of_one_whole",
    "tables",
    "tradeoffs",
    "trait_of",
    "triggers",
]
