"""From results to tables, doses, the conditionalization matrix, balances, agreement."""

from harness.analysis.along import Course, Waypoint
from harness.analysis.arms import PLAIN, Arm, plain_of, untrained_of
from harness.analysis.balance_errors import Balances, Control, Reached, balances, paired
from harness.analysis.blocks import Block
from harness.analysis.calibration import Model, Point, choose, distance, fit
from harness.analysis.corrections import CorrectedFigure, Erring
from harness.analysis.differences import Difference, NotRun, difference, least_seeds, shared_conditions, sound
from harness.analysis.doses import Curve, DosePoint, DoseSweep, by_seed
from harness.analysis.grouping import grouped
from harness.analysis.labelled import Corrected, candidates, corrected, metric_for
from harness.analysis.leak_matrix import Matrix, matrix, triggers
from harness.analysis.ledger import Cost, costs
from harness.analysis.needed_gates import all_gates, needed_gates, taught_gates
from harness.analysis.placebos import ALIKE, against_placebo, beyond_placebo, placebo_words, placebos_of
from harness.analysis.prompt_gains import PromptFit, PromptPoint
from harness.analysis.references import Published, groups
from harness.analysis.result_tables import Agreed, Table, tables
from harness.analysis.results import Capability, Results, Run, load, load_run, pooled
from harness.analysis.score_agreement import CANNOT_TELL, NO, YES, ComparedScore, Confusion, TwoJudges, two_judges
from harness.analysis.scorecard import MARGIN, SUPPRESSES, Scores
from harness.analysis.studies import Study, studies
from harness.analysis.targets import Target, read_targets
from harness.analysis.tradeoffs import Place, Tradeoff, tradeoffs, trait_of
from harness.analysis.verdict_agreement import Agreement, agreement

__all__ = [
    "ALIKE",
    "CANNOT_TELL",
    "MARGIN",
    "NO",
    "PLAIN",
    "SUPPRESSES",
    "YES",
    "Agreed",
    "Agreement",
    "Arm",
    "Balances",
    "Block",
    "Capability",
    "ComparedScore",
    "Confusion",
    "Control",
    "Corrected",
    "CorrectedFigure",
    "Cost",
    "Course",
    "Curve",
    "Difference",
    "DosePoint",
    "DoseSweep",
    "Erring",
    "Matrix",
    "Model",
    "NotRun",
    "Place",
    "Point",
    "PromptFit",
    "PromptPoint",
    "Published",
    "Reached",
    "Results",
    "Run",
    "Scores",
    "Study",
    "Table",
    "Target",
    "Tradeoff",
    "TwoJudges",
    "Waypoint",
    "against_placebo",
    "agreement",
    "all_gates",
    "balances",
    "beyond_placebo",
    "by_seed",
    "candidates",
    "choose",
    "corrected",
    "costs",
    "difference",
    "distance",
    "fit",
    "grouped",
    "groups",
    "least_seeds",
    "load",
    "load_run",
    "matrix",
    "metric_for",
    "needed_gates",
    "paired",
    "placebo_words",
    "placebos_of",
    "plain_of",
    "pooled",
    "read_targets",
    "shared_conditions",
    "sound",
    "studies",
    "tables",
    "taught_gates",
    "tradeoffs",
    "trait_of",
    "triggers",
    "two_judges",
    "untrained_of",
]
