"""The run folder: its typed records, its gates, and folders of several machines made one."""

from harness.runs import machine, stored
from harness.runs.capabilities_file import (
    CapabilityFigure,
    CapabilityResult,
    CapabilityRow,
    read_capabilities,
    write_capabilities,
)
from harness.runs.folders import finished, folders, read
from harness.runs.gates import COULD_TELL, LEARNED, outcome_gates, was_plain
from harness.runs.machine import hardware
from harness.runs.merging import Outcome, Side, merge
from harness.runs.places import FILE
from harness.runs.replies import Reply, read_replies, write_replies
from harness.runs.results import Check, Result, Scores, read_checks, read_observations, read_results, write_results
from harness.runs.run_record import (
    AskedGrader,
    Gate,
    Hardware,
    Made,
    RunRecord,
    Steered,
    Step,
    is_finished,
    read_run,
    run_folders,
    write_run,
)
from harness.runs.stored import Stored
from harness.runs.training_record import TrainingRecord, is_trained, read_training, write_training
from harness.runs.vector_cards import (
    VECTORS,
    ChosenReplies,
    Elicited,
    Imported,
    Layer,
    MadeFrom,
    VectorCard,
    card_of,
    read_card,
    write_card,
)

__all__ = [
    "COULD_TELL",
    "FILE",
    "LEARNED",
    "VECTORS",
    "AskedGrader",
    "CapabilityFigure",
    "CapabilityResult",
    "CapabilityRow",
    "Check",
    "ChosenReplies",
    "Elicited",
    "Gate",
    "Hardware",
    "Imported",
    "Layer",
    "Made",
    "MadeFrom",
    "Outcome",
    "Reply",
    "Result",
    "RunRecord",
    "Scores",
    "Side",
    "Steered",
    "Step",
    "Stored",
    "TrainingRecord",
    "VectorCard",
    "card_of",
    "finished",
    "folders",
    "hardware",
    "is_finished",
    "is_trained",
    "machine",
    "merge",
    "outcome_gates",
    "read",
    "read_capabilities",
    "read_card",
    "read_checks",
    "read_observations",
    "read_replies",
    "read_results",
    "read_run",
    "read_training",
    "run_folders",
    "stored",
    "was_plain",
    "write_capabilities",
    "write_card",
    "write_replies",
    "write_results",
    "write_run",
    "write_training",
]
