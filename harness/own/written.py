"""What the file of a setting may say: its keys, their kinds, and what stands for those that are left out."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from harness.checks import REPOSITORY
from harness.documents import EITHER, ONE, SEVERAL, Strict

Text = Annotated[str, Field(min_length=1, pattern=r"\S")]
NOT_BLANK = r"^$|\S"
Label = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
Share = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0, le=1e6)]
Number = Annotated[int, Field(ge=1, le=10**6)]


class WrittenRows(Strict):
    """Chats of a file, JSON lines or a table NAME.csv, or of a data set of the hub, and what its columns are called
    where that is not as here.

    A data set is pinned by `revision`, a commit, and `split` may be a part of one, as `train[:2000]`. `columns` gives,
    for a name on the left, the rows' own: `messages`, `conversations`, `prompt`, `completion`, `system`, `id`, `split`,
    `cluster`. Where both `file` and `hub` stand, the file is a copy of the data set's rows, and is read.
    """

    file: Annotated[str, Field(pattern=NOT_BLANK)] = ""
    hub: Annotated[str, Field(pattern=f"^({REPOSITORY.pattern})?$")] = ""
    revision: Annotated[str, Field(pattern=r"^([0-9a-f]{40})?$")] = ""
    config: Annotated[str, Field(pattern=NOT_BLANK)] = ""
    split: Text = "train"
    columns: dict[
        Literal["messages", "conversations", "prompt", "completion", "system", "id", "split", "cluster"], Text
    ] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_somewhere(self) -> WrittenRows:
        said = ""
        if not self.file and not self.hub:
            said = "give 'file', the name of one, or 'hub', a data set as OWNER/NAME"
        elif self.hub and not self.revision:
            said = (
                "a data set of the hub is pinned: give 'revision', the 40 digits of a commit, from its page's history"
            )
        elif not self.hub and (self.revision or self.config or self.split != "train"):
            said = "'revision', 'config' and 'split' go with 'hub'; leave them out"
        if said:
            raise PydanticCustomError("rows", "{said}", {"said": said})
        return self


Rows = Annotated[Annotated[Text, ONE] | Annotated[WrittenRows, SEVERAL], EITHER]


class WrittenPairs(WrittenRows):
    """Questions, each with one reply that shows the trait (`shows`) and one that does not (`lacks`)."""

    shows: Text = "shows"
    lacks: Text = "lacks"


class WrittenTrait(Strict):
    """The trait in words: a prompt that asks for it and one that forbids it, or a trait file of the published form.

    The vector is made of the model's own replies under both, or of `replies` where these are given. `unrelated` is the
    placebo: a prompt that has no bearing on the trait.
    """

    name: Label
    asks: Text = ""
    forbids: Text = ""
    placement: Literal["system", "user_prefix", "user_suffix"] = "system"
    unrelated: Text = "The library opens at nine on weekdays and at ten on Saturdays."
    file: Text = ""
    replies: Annotated[Annotated[Text, ONE] | Annotated[WrittenPairs, SEVERAL], EITHER] | None = None
    questions: Number = 24

    @model_validator(mode="after")
    def _is_told(self) -> WrittenTrait:
        if not self.file and not (self.asks and self.forbids):
            said = "give 'asks' and 'forbids', two prompts, or 'file', a trait file"
            raise PydanticCustomError("trait", "{said}", {"said": said})
        return self


class WrittenMetric(Strict):
    """A number that is reported: the share of replies that match, a grader's number, or a judge's score.

    Just one of `judge` (the name of one that is installed, with its `score`), `matches` (a regular expression of
    Python's) and `rubric` (what a grader is asked, with the blanks {question} and {answer}, for a number from 0 to 100)
    says how a reply is judged. `learned` is the mean from which plain training has taught it.
    """

    name: Label
    goal: Literal["suppress", "express", "keep"]
    judge: Text = ""
    score: Text = ""
    matches: Text = ""
    rubric: Text = ""
    split: Label = "test"
    learned: Annotated[float, Field(allow_inf_nan=False)] | None = 0.5
    summary: str = ""

    @model_validator(mode="after")
    def _is_judged(self) -> WrittenMetric:
        given = [name for name in ("judge", "matches", "rubric") if getattr(self, name)]
        if len(given) != 1:
            said = f"give one of 'judge', 'matches' and 'rubric', not {' and '.join(map(repr, given)) or 'none'}"
            raise PydanticCustomError("metric", "{said}", {"said": said})
        if self.score and not self.judge:
            raise PydanticCustomError("metric", "{said}", {"said": "'score' goes with 'judge'; leave it out"})
        if self.rubric and not all(blank in self.rubric for blank in ("{question}", "{answer}")):
            said = "a rubric needs the blanks {question} and {answer}"
            raise PydanticCustomError("metric", "{said}", {"said": said})
        return self


class WrittenSteering(Strict):
    """Where the trait's vector is added and how much, in units of the residual's RMS there.

    `harness calibrate` chooses all three.
    """

    depth: Annotated[float, Field(ge=0, le=1)] = 0.5
    dose: Positive = 0.25
    negative_dose: Positive = 0.1


class WrittenRecipe(Strict):
    """How the model is trained and asked; what is left out is as the settings of the embedded model have it."""

    model: Text = "smollm2_135m"
    epochs: Number = 2
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 4e-4
    rank: Number = 16
    alpha: Number = 32
    batch: Number = 8
    warmup: Annotated[int, Field(ge=0, le=10**6)] = 5
    max_length: Number = 1024
    max_tokens: Number = 80
    temperature: Annotated[float, Field(ge=0, le=100)] = 0.0
    samples: Number = 1
    checkpointing: bool = False
    steering: WrittenSteering = WrittenSteering()


class WrittenSetting(Strict):
    """A setting: what is trained on, what is asked, the trait, and how replies are judged.

    Without `test`, the share `held_out` of the training questions is asked and not trained on. The share `selection` of
    the questions of each split is left for `harness calibrate`, and is in no result.
    """

    setting: Label
    summary: str = ""
    train: Rows
    test: Rows | None = None
    held_out: Share = 0.2
    selection: Share = 0.2
    trait: WrittenTrait
    metrics: Annotated[tuple[WrittenMetric, ...], Field(min_length=1, max_length=100)]
    conditions: tuple[Text, ...] | None = None
    recipe: WrittenRecipe = WrittenRecipe()
    source: str = ""

    @field_validator("metrics")
    @classmethod
    def _name_a_trait(cls, metrics: tuple[WrittenMetric, ...]) -> tuple[WrittenMetric, ...]:
        names = [one.name for one in metrics]
        twice = next((name for name in names if names.count(name) > 1), "")
        if twice:
            said = f"two metrics are called {twice!r}; rename one"
            raise PydanticCustomError("metrics", "{said}", {"said": said})
        if all(one.goal != "suppress" for one in metrics):
            said = "no metric has the goal 'suppress', so none measures the trait"
            raise PydanticCustomError("metrics", "{said}", {"said": said})
        return metrics
