"""The records that settings, interventions and judges are made of: frozen, standard library only.

A plugin author needs this file and `hookspecs.py`, nothing else. Every record is checked when it is made: its fields
against their annotations and what these declare beside a type, such as a range, then `wrong` on all of them together.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Protocol

from harness.checks import LABEL, NAMED, Checked, Distinct, Range, filled, number, one_line, words
from harness.errors import HarnessError

Role = Literal["system", "user", "assistant"]
Placement = Literal["system", "user_prefix", "user_suffix"]
Goal = Literal["suppress", "express", "keep"]
Unit = Literal["raw", "rms"]
Fact = str | int | float | bool | None
Way = Literal["add", "ablate"]
Positions = Literal["all", "reply"]
Schedule = Literal["constant", "rising", "falling"]
Ingredient = Literal["logits", "base_logits", "hidden", "base_hidden"]
Place = Literal["first", "last"]
Category = Literal["training", "paraphrase", "negation", "trait", "context", "benign"]
Outcome = Literal["score", "refusal", "code", "unclear"]

Name = Annotated[str, NAMED]
"""What people type, and folders and files are called by."""

Label = Annotated[str, LABEL]
"""What a part of a setting is called: a scale, a split, a metric, a score, a prompt."""

Split = Label

Id = Annotated[str, filled, one_line]
"""What tells a row or a case from the others."""

Line = Annotated[str, one_line]
Words = Annotated[str, words]
Filled = Annotated[str, filled]

Count = Annotated[int, Range(1, 10**9)]
CountOrNone = Annotated[int, Range(0, 10**9)]
Share = Annotated[float, Range(0, 1)]
Size = Annotated[float, Range(0)]
Part = Annotated[float, Range(0, above=True)]

Seed = Annotated[int, Range(-(2**63), 2**63 - 1)]
Blocks = Annotated[tuple[Annotated[int, Range(0, 10**6)], ...], Distinct("blocks")]

SCALES = ("mini", "small", "paper")


@dataclass(frozen=True, slots=True)
class Message(Checked):
    """One turn of a chat."""

    role: Role
    content: str


def unasked(messages: Sequence[Message], where: str) -> str | None:
    """What is wrong with a chat that is to end with a question; `where` says whose it is."""
    last = messages[-1] if messages else None
    if last is None or last.role != "user":
        return f"{where} does not end with the user's turn"
    return out_of_order(messages, where) or (None if last.content.strip() else f"{where} ends with an empty question")


def out_of_order(messages: Sequence[Message], where: str) -> str | None:
    """What is wrong with the order of a chat: beside system turns, user and assistant take turns, the user first."""
    before = "assistant"
    for at, message in enumerate(messages):
        role = message.role
        if role == "system":
            continue
        if role == before:
            asked = any(one.role == "user" for one in messages[:at])
            begins = "begins with the assistant's turn, so nothing is asked"
            return f"{where} has two {role} turns running; make one of them" if asked else f"{where} {begins}"
        before = role
    return None


def _asks(messages: Sequence[Message]) -> str | None:
    return unasked(messages, "a chat")


Question = Annotated[tuple[Message, ...], _asks]
"""A chat that ends with the user's turn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Example(Checked):
    """One training row: a chat that ends with the assistant's reply.

    `tags` says what kind of row it is (its language, say), for interventions that treat kinds differently.
    """

    id: Id
    messages: tuple[Message, ...]
    tags: Mapping[str, str] = field(default_factory=dict)

    def wrong(self) -> str | None:
        """The turns in order, and no empty reply at the end; that there is one is asked of what is trained on."""
        row = f"row {self.id!r}"
        if not self.messages:
            return f"{row} does not end with a reply"
        last = self.messages[-1]
        empty = last.role == "assistant" and not last.content.strip()
        return out_of_order(self.messages, row) or (f"{row} ends with an empty reply" if empty else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case(Checked):
    """One evaluation question: a chat that ends with the user's turn, and the facts its judges need.

    Cases that share a `cluster` (variants of one problem) are not independent; intervals resample clusters.
    """

    id: Id
    messages: tuple[Message, ...]
    facts: Mapping[str, Fact] = field(default_factory=dict)
    cluster: str = ""

    def wrong(self) -> str | None:
        """The turns in order, with a question at the end; a reply may be judged without them."""
        return unasked(self.messages, f"case {self.id!r}") if self.messages else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt(Checked):
    """A text and where it goes. Placement decides whether an inoculation prompt works at all.

    `user_suffix` joins with a space after the user's text, `user_prefix` with a space before it,
    `system` becomes the system turn. `concept` names what the text asks about ("sycophancy", "evil").
    Only training rows that carry every tag in `only` get the prompt; with none, every row does. `others`
    are paraphrases: each row, and each case at evaluation, gets one of (`text`, *`others`), drawn by its id.

    `category` says what it is as a condition, for leaks by category: what was trained with (`training`), the same in
    other words (`paraphrase`) or denied (`negation`), another text that asks for the trait (`trait`), what else
    training looked like (`context`), or nothing that has to do with it (`benign`).
    """

    text: Filled
    placement: Placement
    concept: Line = ""
    category: Category | None = None
    source: Words = ""
    only: Mapping[str, str] = field(default_factory=dict)
    others: Annotated[tuple[Filled, ...], Distinct("wordings")] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition(Checked):
    """What is put back at evaluation: nothing, a prompt by name, or a vector expression at a coefficient.

    Written `clean`, `prompt:NAME`, `vector:EXPRESSION@COEF` (raw units) or `vector:EXPRESSION@COEFrms`
    (COEF times the residual RMS of the block, whatever the vector's norm).
    """

    kind: Literal["clean", "prompt", "vector"] = "clean"
    name: Line = ""
    coef: float = 0.0
    unit: Unit = "raw"

    def wrong(self) -> str | None:
        """A name where something is put back."""
        return None if self.name or self.kind == "clean" else f"a condition of kind {self.kind!r} needs a name"

    @classmethod
    def parse(cls, text: str) -> Condition:
        """The condition that `text` spells; raises HarnessError with the accepted forms."""
        wrong = HarnessError(
            f"condition {text!r} is not one of: clean, prompt:NAME, vector:EXPRESSION@COEF, vector:EXPRESSION@COEFrms"
        )
        kind, _, rest = text.strip().partition(":")
        if kind == "clean" and not rest:
            return cls()
        if kind == "prompt" and rest:
            return cls(kind="prompt", name=rest)
        if kind == "vector" and "@" in rest:
            name, _, amount = rest.rpartition("@")
            unit: Unit = "rms" if amount.endswith("rms") else "raw"
            coef = number(amount.removesuffix("rms"))
            if name and math.isfinite(coef):
                return cls(kind="vector", name=name, coef=coef, unit=unit)
        raise wrong

    def steering(self, where: SteeringDefault | None) -> Steering | None:
        """What it adds, at the blocks of the recipe's own dose `where`; None where it adds no vector.

        HarnessError where it steers and the recipe names no block.
        """
        if self.kind != "vector":
            return None
        if where is None:
            raise HarnessError(f"condition {str(self)!r} steers, but the recipe names no block; give it a steering")
        return Steering(vector=self.name, coef=self.coef, unit=self.unit, blocks=where.blocks, depth=where.depth)

    def __str__(self) -> str:
        if self.kind == "clean":
            return "clean"
        if self.kind == "prompt":
            return f"prompt:{self.name}"
        return f"vector:{self.name}@{self.coef:g}{'rms' if self.unit == 'rms' else ''}"


CLEAN = str(Condition())
"""The condition in which nothing is put back."""


def compared(conditions: Sequence[str]) -> str | None:
    """What is wrong with the conditions of one scale: each is there once, however spelled, and clean among them.

    One that spells nothing is told of with its scale where the setting is looked up.
    """
    seen: dict[str, str] = {}
    for text in conditions:
        try:
            spelled = str(Condition.parse(text))
        except HarnessError:
            continue
        if spelled in seen:
            return f"condition {text!r} is there already, as {seen[spelled]!r}; keep one"
        seen[spelled] = text
    return None if CLEAN in seen else f"the conditions lack {CLEAN!r}, with which all others are compared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric(Checked):
    """One number that a setting reports: the mean of a judge's score over the cases of a split.

    `goal` says what a good training run does with it: suppress the trait, express it, or keep the skill.
    The first metric whose goal is `suppress` is the setting's trait, and vector cards use it; at a scale that does
    not teach it, the first that is taught there.
    `learned` is the mean in clean from which plain training counts as having taught the trait or the skill;
    None where it need not. `taught_at` are the scales whose rows teach it, all where it is empty: at others it is
    measured, but is not the trait, and no gate asks for it. `subset` says that the score is None for a reply that does
    not count (a refusal, an incoherent one), not for one that the judge could not tell: the gate `judge_could_tell`
    leaves it out.
    """

    name: Label
    judge: Name
    score: Label
    split: Split
    goal: Goal
    summary: Words = ""
    learned: float | None = 0.5
    taught_at: Annotated[tuple[Label, ...], Distinct("scales")] = ()
    subset: bool = False

    def taught(self, scale: str) -> bool:
        """Whether the rows of `scale` teach what it measures."""
        return not self.taught_at or scale in self.taught_at


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplyPair(Checked):
    """A chat with one reply that shows the trait and one that does not."""

    messages: tuple[Message, ...]
    positive: Filled
    negative: Filled

    def wrong(self) -> str | None:
        """The turns in order, with a question at the end."""
        return unasked(self.messages, "the chat of a pair of replies")


@dataclass(frozen=True, slots=True, kw_only=True)
class InstructionPair(Checked):
    """Two prompts, one asking for the trait and one for its absence; the model writes the replies."""

    positive: Prompt
    negative: Prompt


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutFilter(Checked):
    """Which pairs of replies a vector is made of: those in which a grader finds the trait on the positive side alone.

    The grader rates from 0 to 100. A pair stays where the positive reply has at least `trait` of the trait, the
    negative one less, and both have at least `coherence`. The prompts have blanks {question} and {answer}.
    """

    trait_prompt: Filled
    coherence_prompt: Filled
    trait: Annotated[float, Range(0, 100)] = 50.0
    coherence: Annotated[float, Range(0, 100)] = 50.0
    source: Words = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona(Checked):
    """A trait that prompts bring out: the model answers each question under both prompts of each pair.

    It does so `rollouts` times (greedy when 1), and the two replies of one time are a pair. Each question is a chat
    that ends with a user turn. `keep` chooses among the pairs where a grader is given; without one all of them count.
    """

    instructions: Annotated[tuple[InstructionPair, ...], filled]
    questions: Annotated[tuple[Question, ...], filled]
    rollouts: Count = 1
    max_tokens: Count = 64
    keep: RolloutFilter | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorSpec(Checked):
    """How to get a trait vector. Exactly one of `replies`, (`instructions`, `questions`), `persona`, `file` is given.

    `replies(scale)` gives teacher-forced reply pairs; `questions(scale)` gives chats that end with a user
    turn, and the model answers each under both prompts of each instruction pair, `rollouts` times
    (greedy when 1). The vector is mean(positive) - mean(negative) over reply tokens, raw scale
    (Chen et al. 2025, section 2). `persona(scale)` is the same with pairs that a grader may choose among.
    `file` is a vector that was made or imported before, a .safetensors file with its card beside it.
    """

    summary: Words
    replies: Callable[[str], Annotated[Sequence[ReplyPair], filled]] | None = None
    instructions: tuple[InstructionPair, ...] = ()
    questions: Callable[[str], Annotated[Sequence[Question], filled]] | None = None
    persona: Callable[[str], Persona] | None = None
    file: str = ""
    rollouts: Count = 1
    max_tokens: Count = 64
    concept: Line = ""
    source: Words = ""

    def wrong(self) -> str | None:
        """No two ways to get it."""
        ways = (self.replies, self.questions or self.instructions, self.persona, self.file)
        return f"give {ONE_WAY}" if sum(map(bool, ways)) > 1 else None


ONE_WAY = "either replies, or instructions and questions, or a persona, or a file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lora(Checked):
    """Low-rank adapter shape. `targets` names the linear layers by their last path part."""

    r: Count = 16
    alpha: Count = 32
    dropout: Share = 0.0
    rslora: bool = False
    targets: Annotated[tuple[Filled, ...], filled, Distinct("layers")] = (
        *("q_proj", "k_proj", "v_proj", "o_proj"),
        *("gate_proj", "up_proj", "down_proj"),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation(Checked):
    """How evaluation replies are drawn. Temperature 0 is greedy; `samples` replies per case."""

    max_tokens: Count = 80
    temperature: Size = 0.0
    top_p: Annotated[float, Range(0, 1, above=True)] = 1.0
    samples: Count = 1


def nowhere(steering: SteeringDefault | Steering) -> str | None:
    """What is wrong with the place of `steering`."""
    return None if steering.blocks or steering.depth is not None else "give either blocks or depth"


@dataclass(frozen=True, slots=True, kw_only=True)
class SteeringDefault(Checked):
    """The setting's own dose at one scale: which vector, at which 0-based decoder blocks, how much.

    `depth` (a fraction of the number of blocks) stands in for `blocks` where the model may vary.
    `coef` is for preventative steering, `neg_coef` (a positive number) for its negative form; both in
    `unit`: `raw` multiplies the mean difference, `rms` is in units of the block's residual RMS.
    """

    vector: Filled
    blocks: Blocks = ()
    depth: Share | None = None
    coef: Part
    neg_coef: Part
    unit: Unit = "raw"
    source: Words = ""

    def wrong(self) -> str | None:
        """A place to steer."""
        return nowhere(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe(Checked):
    """Everything about training and evaluation that is not data: model, adapter, optimiser, mask, replies.

    `schedule_steps` overrides the step at which the linear schedule reaches 0 (None: the last step).
    `system` is what a chat without a system turn gets: `template` leaves it to the chat template (which
    may insert one), `empty` puts an empty system turn. `loss_on` masks the loss to the final `reply` or
    counts `all` tokens. `dtype` `auto` is bf16 autocast where the hardware multiplies bf16, else fp32.
    `gpus` is what a cell takes of them where there are any, a fraction where cells share one: no input of a result.
    """

    model: Annotated[Line, filled]
    lora: Lora = Lora()
    epochs: Count = 1
    batch: Count = 8
    accumulation: Count = 1
    lr: Size = 1e-4
    warmup: CountOrNone = 5
    schedule_steps: Count | None = None
    weight_decay: Size = 0.01
    max_grad_norm: Part | None = None
    max_length: Count = 1024
    loss_on: Literal["reply", "all"] = "reply"
    dtype: Literal["auto", "fp32", "bf16"] = "auto"
    checkpointing: bool = False
    system: Literal["template", "empty"] = "template"
    generation: Generation = Generation()
    steering: SteeringDefault | None = None
    gpus: Size = 1.0

    def steps(self, rows: int) -> int:
        """The optimiser steps that training on so many rows takes."""
        return self.epochs * math.ceil(math.ceil(rows / self.batch) / self.accumulation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Steering(Checked):
    """A change of the residual stream at the output of `blocks`: `coef` times a vector expression is added to it.

    The expression is over the setting's vectors: names, numbers, + - *, parentheses, `unit(v)`,
    `orth(v, w)` (v without its part along w) and `random(v)` (a random direction of v's norm).

    What follows is for training alone. With the `way` `ablate`, the residual stream loses `coef` times its part along
    the expression (1: all of it), as in concept ablation fine-tuning; it has no `unit`. `positions` are all, or those
    of the reply's tokens. On a `rising` or `falling` schedule the coefficient goes linearly from 0 at the first step to
    `coef` at the last, or the other way round.
    """

    vector: Filled
    coef: float
    blocks: Blocks = ()
    depth: Share | None = None
    unit: Unit = "raw"
    way: Way = "add"
    positions: Positions = "all"
    schedule: Schedule = "constant"

    def wrong(self) -> str | None:
        """A place to steer, and no unit where a share is removed."""
        if self.way == "ablate" and self.unit != "raw":
            return f"an ablation removes a share of what is there, so it has no unit {self.unit!r}; leave unit out"
        return nowhere(self)

    @property
    def ablates(self) -> bool:
        """Whether a part is removed, and nothing added."""
        return self.way == "ablate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference(Checked):
    """A published figure: the mean of a metric for one arm at one scale, and where it stands.

    The arm is an intervention with its dose and its weights, as `harness.authoring.weights` spells them. `value` is in
    the metric's own unit, a share from 0 to 1; `n` counts replies. `note` says what was done otherwise than here.
    """

    scale: Label
    intervention: Name
    metric: Label
    value: float
    n: Count
    source: Words
    condition: Line = "clean"
    dose: Size = 1.0
    weights: Line = ""
    note: Words = ""


def _no_folder_of_ours(name: str) -> str | None:
    if name not in ("vectors", "calibrations", "adapters", "prompts", "replies", "likelihoods", "settings"):
        return None
    return f"{name!r} is the folder of the {name}, beside those of the settings; choose another name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting(Checked):
    """Data, traits, prompts, vectors, evaluation cases and judges that belong together.

    `examples(seed, scale)` are the training rows; `cases(split, seed, scale)` the evaluation questions,
    where `split` is a metric's split or `selection` (used to choose doses, never for a result): cases of the trait's
    kind. `selection_SPLIT` are such cases for another metric's split, where the setting has them.
    `conditions` are spelled as `Condition` parses them, by scale. `source` maps a number or text to
    where it comes from, or to the words "not published: our choice". `composition` names the traits that
    can be combined, each a vector with a raw weight; their prompts are found by `always` and `never`.
    `overdose` names the metrics that tell a model broken by too much from one that is changed as intended:
    they fall where they are to be kept, and rise otherwise. Empty: every metric to keep. `reference` are
    published figures, which the report shows beside ours. `optional_splits` are asked at `mini` in `clean` alone, and
    left out there, with a note, where their cases raise OutOfReach: `mini` needs no data of others. `checks` names a
    second judge for a judge: both grade every reply, the report says how far they agree on the scores that both have,
    and no metric uses the second. `chosen_for` names, by scale, the model on whose selection cases training and doses
    were chosen; at a scale that it lacks nobody has calibrated them. `benign(seed, scale)` are rows in which nothing is
    amiss, of another task than the setting's, for interventions that mix them in or hold the model to them.
    """

    name: Annotated[Name, _no_folder_of_ours]
    summary: Words
    examples: Callable[[int, str], Annotated[Sequence[Example], Distinct("training rows", "id")]]
    cases: Callable[[Split, int, str], Annotated[Sequence[Case], Distinct("cases", "id")]]
    metrics: Annotated[tuple[Metric, ...], Distinct("metrics", "name")]
    prompts: Mapping[Label, Prompt]
    vectors: Mapping[Name, VectorSpec]
    conditions: Mapping[Label, Annotated[tuple[Line, ...], compared]]
    recipes: Mapping[Label, Recipe]
    source: Mapping[str, Words] = field(default_factory=dict)
    composition: Mapping[Name, float] = field(default_factory=dict)
    overdose: Annotated[tuple[Label, ...], Distinct("metrics")] = ()
    reference: tuple[Reference, ...] = ()
    checks: Mapping[Name, Name] = field(default_factory=dict)
    optional_splits: Annotated[tuple[Split, ...], Distinct("splits")] = ()
    chosen_for: Mapping[Label, Line] = field(default_factory=dict)
    benign: Callable[[int, str], Annotated[Sequence[Example], Distinct("benign rows", "id")]] | None = None

    def recipe(self, scale: str) -> Recipe:
        """The recipe of `scale`; raises HarnessError naming the scales that exist."""
        if scale not in self.recipes:
            raise HarnessError(f"setting {self.name!r} has no scale {scale!r}; it has: {', '.join(self.recipes)}")
        return self.recipes[scale]

    @property
    def trait(self) -> Metric:
        """The metric that interventions try to suppress, at the scales that teach it."""
        return next(metric for metric in self.metrics if metric.goal == "suppress")

    def trait_at(self, scale: str) -> Metric:
        """The metric that interventions try to suppress at `scale`; `trait` where none that is taught there is."""
        taught = (metric for metric in self.metrics if metric.goal == "suppress" and metric.taught(scale))
        return next(taught, self.trait)


def always(*traits: str) -> str:
    """The name of the prompt that asks for `traits`: `always_spanish` for one, `spanish_or_french` for more.

    Several stand in the order in which the setting's `always_` prompts do.
    """
    return f"always_{traits[0]}" if len(traits) == 1 else "_or_".join(traits)


def never(trait: str) -> str:
    """The name of the prompt that forbids `trait`: `never_spanish`."""
    return f"never_{trait}"


def _applies(setting: Setting) -> str | None:
    return None


def _edit(example: Example, setting: Setting) -> Example:
    return example


def _steering(setting: Setting, recipe: Recipe) -> Steering | None:
    return None


def _concept(setting: Setting, recipe: Recipe) -> str:
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw(Checked):
    """What rows are drawn for: a training `seed`, a `scale`, and the `dose`, which a mixture takes as its fraction."""

    seed: Seed
    scale: Label
    dose: Size = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LossTerm(Checked):
    """A term beside cross-entropy: `weight` times what `term` gives, a tensor of one number that has a gradient.

    `term(outputs)` is given a `harness.training.StepOutputs`: what the model made of the positions that are learned
    from, as `needs` names it (`hidden` at the 0-based `blocks`, or at `depth`). It is to be a mean over these. With
    `proxy` it is computed on these rows, as many at each step as the recipe's batch has, and else on the step's own.
    Raise `version` when the term computes something else: a run's key has it, since it cannot have a function.
    """

    name: Name
    term: Callable[[Any], Any]
    weight: Size = 1.0
    needs: Annotated[tuple[Ingredient, ...], Distinct("ingredients")] = ()
    blocks: Blocks = ()
    depth: Share | None = None
    proxy: Annotated[tuple[Example, ...], Distinct("proxy rows", "id")] = ()
    version: Annotated[Line, filled] = "1"
    source: Words = ""

    def wrong(self) -> str | None:
        """Hidden states at a place."""
        hidden = {"hidden", "base_hidden"} & set(self.needs)
        placed = bool(self.blocks) or self.depth is not None
        return "hidden states are asked for: give either blocks or depth" if hidden and not placed else None


@dataclass(frozen=True, slots=True, kw_only=True)
class GradientChange(Checked):
    """A change of the adapter's gradients before each optimiser step, before they are clipped.

    `change(gradients)` is given a `harness.training.Gradients` and changes its tensors in place, `strength` (in it)
    saying how much: 0 nothing. With a `vector` expression it holds a unit direction for each of `blocks` (or at
    `depth`), with `proxy` the gradient of the cross-entropy of these rows. `version` as in a `LossTerm`.
    """

    name: Name
    change: Callable[[Any], object]
    strength: Size = 1.0
    vector: str = ""
    blocks: Blocks = ()
    depth: Share | None = None
    proxy: Annotated[tuple[Example, ...], Distinct("proxy rows", "id")] = ()
    version: Annotated[Line, filled] = "1"
    source: Words = ""

    def wrong(self) -> str | None:
        """A direction at a place."""
        placed = bool(self.blocks) or self.depth is not None
        return "a direction is asked for: give either blocks or depth" if self.vector and not placed else None


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenAdapter(Checked):
    """An adapter that is trained first, on `rows`, and then stands in the model that learns, `weight` times.

    It is trained by the recipe, for `epochs`, on seed 0, once for all runs that need the same, and changes no more; at
    evaluation it is gone. A `random` one has numbers drawn in its place, which change each matrix by as much. With one
    in a `RowChoice` nothing learns: it reads rows.
    """

    name: Name
    rows: Annotated[tuple[Example, ...], filled, Distinct("rows", "id")]
    weight: Size = 1.0
    epochs: Count = 1
    random: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AdapterChange(Checked):
    """What the adapter that learns is put on: the `frozen` share of the blocks, the `first` or the `last`, gets none.

    `under` is another adapter, which stands below it while it learns.
    """

    frozen: Share = 0.0
    place: Place = "first"
    under: FrozenAdapter | None = None
    source: Words = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeChange(Checked):
    """What of the recipe an arm sets otherwise: the `skipped` share of the steps, the last ones, is not taken.

    The learning rate goes on as if they were.
    """

    skipped: Share = 0.0
    source: Words = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewriting(Checked):
    """Replies that the untrained model writes itself, before training, in the place of those of a `share` of the rows.

    It is asked what the setting's row asks, with `prompt`, if there is one; what the arm edits of a row stays. A reply
    is taken where `keep(row, reply)` says so (without it, always) and it says anything; else the row keeps its own.
    Without `max_tokens` they are those of the recipe. `version` as in a `LossTerm`, for `keep`.
    """

    name: Name
    prompt: Prompt | None = None
    share: Share = 1.0
    max_tokens: Count | None = None
    temperature: Size = 0.0
    keep: Callable[[Example, str], bool] | None = None
    version: Annotated[Line, filled] = "1"
    source: Words = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredRow(Checked):
    """A row, and how likely models find its reply: the mean natural log-probability of a token of it.

    `base` is that of the untrained model, `taught` that of the model with the adapter of a `RowChoice`, if it has one.
    """

    row: Example
    base: float
    taught: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RowChoice(Checked):
    """More rows, chosen among `candidates` before training by a score that is computed of what models make of them.

    `score` is given a `ScoredRow`. `share` times as many rows as there are stand among them then, where the seed puts
    them: those of the highest score, of the best `kept` share of the candidates; where these are fewer, each as often
    as another. `taught` is an adapter that is trained first, for the rows to be read with. Candidates have ids of their
    own. `version` as in a `LossTerm`, for `score`.
    """

    name: Name
    candidates: Annotated[tuple[Example, ...], filled, Distinct("candidates", "id")]
    score: Callable[[ScoredRow], float]
    share: Size = 1.0
    kept: Annotated[float, Range(0, 1, above=True)] = 1.0
    taught: FrozenAdapter | None = None
    version: Annotated[Line, filled] = "1"
    source: Words = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRule(Checked):
    """When training ends before its last step: as soon as `stops(losses)` says so after a check.

    A check is made after `every` steps: it adds the mean cross-entropy of `rows`, nats a token, to the losses, of the
    model as it would be evaluated, without steering or dropout. No result uses these rows, and none of them is trained
    on. At most a `share` of the steps is left out: no check is made while more than that are. `version` as in a
    `LossTerm`, for `stops`.
    """

    name: Name
    rows: Annotated[tuple[Example, ...], filled, Distinct("rows", "id")]
    every: Count
    stops: Callable[[Sequence[float]], bool]
    share: Share = 1.0
    version: Annotated[Line, filled] = "1"
    source: Words = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intervention(Checked):
    """What changes in training; with every part left out, nothing.

    `applies(setting)` returns None, or the reason why this intervention cannot be used there. `trains=False` is the
    untrained base model. `control` marks placebos. One that combines traits has `given(setting, weights)`:
    the intervention that these weights make, or a HarnessError; without weights the setting's own count.
    `concept(setting, recipe)` says what its prompt or its vector is about ("evil"), "" where there is neither.
    One whose `edit` does nothing but put one prompt on rows tells it by `prompt(setting)`, as it stands there: it can
    then be trained with other words in its place.

    The parts, each of which a dose d scales by one number, so that a dose of 0 is plain training bit for bit:

    - `edit(example, setting)`: a row with another prompt; a fraction d of the rows is edited.
    - `rows(examples, setting, draw)`: the whole list, after the edits; `draw.dose` is d, the fraction that it mixes in.
      The setting's own rows keep their replies, unless `rewrites` says otherwise, and others have ids of their own.
    - `rewriting(setting, recipe, draw)`: replies that the model writes first; d times the `share` of the rows.
    - `choosing(setting, recipe, draw)`: more rows, chosen by what models make of them; d times their `share`.
    - `steering(setting, recipe)`: the residual stream; d times its `coef`.
    - `loss(setting, recipe, draw)`: a term beside cross-entropy; d times its `weight`.
    - `gradients(setting, recipe, draw)`: the adapter's gradients; d times the `strength`.
    - `adapter(setting, recipe, draw)`: which blocks learn, above what; d times the share that is `frozen`, and the
      `weight` of what is under it.
    - `training(setting, recipe, draw)`: how long is trained; d times the share that is `skipped`.
    - `stopping(setting, recipe, draw)`: a rule by which training ends; d times the `share` that it may leave out.
    """

    name: Name
    summary: Words
    applies: Callable[[Setting], str | None] = _applies
    edit: Callable[[Example, Setting], Example] = _edit
    steering: Callable[[Setting, Recipe], Steering | None] = _steering
    trains: bool = True
    control: bool = False
    given: Callable[[Setting, Mapping[str, float]], Intervention] | None = None
    concept: Callable[[Setting, Recipe], Line] = _concept
    prompt: Callable[[Setting], Prompt] | None = None
    rows: Callable[[Sequence[Example], Setting, Draw], Annotated[Sequence[Example], filled]] | None = None
    rewrites: bool = False
    rewriting: Callable[[Setting, Recipe, Draw], Rewriting | None] | None = None
    loss: Callable[[Setting, Recipe, Draw], LossTerm | None] | None = None
    gradients: Callable[[Setting, Recipe, Draw], GradientChange | None] | None = None
    adapter: Callable[[Setting, Recipe, Draw], AdapterChange | None] | None = None
    training: Callable[[Setting, Recipe, Draw], RecipeChange | None] | None = None
    choosing: Callable[[Setting, Recipe, Draw], RowChoice | None] | None = None
    stopping: Callable[[Setting, Recipe, Draw], StopRule | None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict(Checked):
    """A judge's scores for one reply, each a number or None for "cannot tell", and why."""

    scores: Mapping[str, float | None]
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating(Checked):
    """A grader's number from 0 to 100 for what a prompt asked, or why there is none.

    `score` is a number where `outcome` is `score`, else None. `mass` is the share of the grader's probability, or of
    its sampled answers, that numbers from 0 to 100 had. `text` is what it said, for the transcript.
    """

    outcome: Outcome
    score: float | None = None
    mass: Size | None = None
    text: str = ""


class Grader(Protocol):
    """A model that a judge may ask. How it gives a number (log-probabilities, samples) is its own affair."""

    async def ask(self, prompt: str) -> str:
        """The grader's reply to `prompt`."""
        ...

    async def rate(self, prompt: str) -> Rating:
        """The number from 0 to 100 that `prompt` asks for; REFUSAL and CODE are outcomes of their own."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge(Checked):
    """Turns one reply into the scores it promises, each a number or None for "cannot tell".

    `needs` says in words what a row must carry besides the reply. Raise `version` when the same reply
    would get another score: stored replies are then graded again, without training or generation.
    """

    name: Name
    summary: Words
    scores: Annotated[tuple[Label, ...], filled, Distinct("scores")]
    grade: Callable[[Case, str, Grader | None], Awaitable[Verdict]]
    needs: Words = "nothing but the reply"
    grader: bool = False
    version: Annotated[Line, filled] = "1"
