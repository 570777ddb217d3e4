"""Inspect's model provider `harness/RUN`: the model of a run folder, or an untrained one by its name or folder.

Constructing it loads no weights, because Inspect builds a second provider only to look up model information.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from inspect_ai._util.error import PrerequisiteError
from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    ContentText,
    GenerateConfig,
    ModelAPI,
    ModelOutput,
    ModelUsage,
)
from inspect_ai.tool import ToolChoice, ToolInfo

from harness.contracts import Condition, Generation, Message, Role, Steering, SteeringDefault
from harness.errors import HarnessError
from harness.evaluation.gathering import Answer, Gathering, Question
from harness.evaluation.opening import ModelSource, is_model
from harness.files import digest_of
from harness.models import resolve
from harness.runs import read_run

MAX_CONNECTIONS = 4096
DIGEST = 12  # digits in a name
UNSUPPORTED = (
    "best_of",
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "num_choices",
    "presence_penalty",
    "response_schema",
    "top_k",
    "top_logprobs",
)


class EvaluationError(PrerequisiteError, HarnessError):
    """A HarnessError that `inspect eval` too prints in one line, without a traceback."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Respondent:
    """Who answers: which weights, how the recipe talks to them, and where a vector is put back."""

    source: ModelSource
    scale: str
    generation: Generation
    steering: SteeringDefault | None


def respondent(folder: Path) -> Respondent:
    """Who answers for the run in `folder`, or for an untrained model's name or folder.

    A run's digest is the first 12 digits of its key, a hash of every input.
    """
    if is_model(folder):
        digest = digest_of(resolve(str(folder)).digest)[:DIGEST]
        return Respondent(
            source=ModelSource(folder=folder, digest=digest), scale="mini", generation=Generation(), steering=None
        )
    try:
        record = read_run(folder)
    except HarnessError as error:
        raise EvaluationError(str(error)) from error
    if record is None:
        raise EvaluationError(_no_run(folder))
    if record.recipe is None:
        raise EvaluationError(f"the record of {folder} says nothing of its recipe, so it cannot be evaluated")
    return Respondent(
        source=ModelSource(folder=folder, digest=record.key[:DIGEST], system=record.recipe.system),
        scale=record.cell.scale,
        generation=record.recipe.generation,
        steering=record.recipe.steering,
    )


def _no_run(folder: Path) -> str:
    return f"no run in {folder}: it has no run.json; name a folder that `harness run` made"


def note(condition: Condition, *, expect: int) -> dict[str, object]:
    """The `extra_body` that tells the provider what steers a request, and how many requests come together."""
    return {"harness": {"condition": str(condition), "expect": expect}}


class HarnessAPI(ModelAPI):
    """A run folder as a model. `harness/RUN@DIGEST` insists on the run's digest; `harness/RUN` looks it up.

    The digest is part of the name because Inspect's output cache knows a model by its name alone. A name that has one
    may be that of a run that is elsewhere: Inspect builds the model of a log to score it, and asks it nothing.
    """

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = GenerateConfig(),  # noqa: B008
        **model_args: Any,
    ) -> None:
        if model_args:
            raise EvaluationError(f"a harness model takes no model arguments, got: {', '.join(sorted(model_args))}")
        folder, wanted = _parsed(model_name)
        self._folder = Path(folder)
        elsewhere = wanted and not self._folder.exists() and not is_model(self._folder)
        self._respondent = None if elsewhere else respondent(self._folder)
        digest = wanted[:DIGEST] if self._respondent is None else self._respondent.source.digest
        if not digest.startswith(wanted[: len(digest)]):
            raise EvaluationError(
                f"{folder} holds the run {digest}, not {wanted}: it was made again since; "
                "name it without a digest to evaluate what is there now"
            )
        super().__init__(f"{folder}@{digest}", base_url, api_key, [], config)
        self._gatherings: dict[tuple[str, int], Gathering] = {}

    @property
    def respondent(self) -> Respondent:
        """Who answers; EvaluationError where the run's folder is not here."""
        if self._respondent is None:
            raise EvaluationError(_no_run(self._folder))
        return self._respondent

    async def generate(
        self, input: list[ChatMessage], tools: list[ToolInfo], tool_choice: ToolChoice, config: GenerateConfig
    ) -> ModelOutput:
        """The reply to `input`, once the batch that it belongs to has been generated."""
        try:
            _refuse(tools, config)
            condition, expect = _noted(config)
            if (condition, expect) not in self._gatherings:
                self._gatherings[condition, expect] = Gathering(
                    self.respondent.source, _steering(self.respondent, condition)
                )
            question = _question(input, config, self.respondent.generation)
            answer = await self._gatherings[condition, expect].answer(
                question, expect=min(expect, config.max_connections or MAX_CONNECTIONS)
            )
        except HarnessError as error:
            raise EvaluationError(str(error)) from error
        return _output(self.model_name, answer)

    def max_connections(self) -> int:
        """So many that Inspect sends every sample of an evaluation at once."""
        return MAX_CONNECTIONS

    def max_tokens(self) -> int:
        """The recipe's limit; EvaluationError where the run's folder is not here."""
        return self.respondent.generation.max_tokens

    def connection_key(self) -> str:
        """A pool of connections of its own: a condition's requests must not wait for those of another."""
        return f"{self.model_name} {id(self)}"


def _parsed(model_name: str) -> tuple[str, str]:
    found = re.fullmatch(r"(?P<folder>.+?)(?:@(?P<digest>[0-9a-f]{8,64}))?", model_name, re.DOTALL)
    if not found:
        raise EvaluationError("name a run folder: harness/RUN")
    return found["folder"], found["digest"] or ""


def _refuse(tools: Sequence[ToolInfo], config: GenerateConfig) -> None:
    if tools:
        raise HarnessError(f"a harness model calls no tools, and it was given {tools[0].name!r}")
    for name in UNSUPPORTED:
        if getattr(config, name):
            raise HarnessError(f"a harness model does not know the generation option {name!r}; leave it out")


def _noted(config: GenerateConfig) -> tuple[str, int]:
    told: Mapping[str, object] = (config.extra_body or {}).get("harness", {})
    return str(told.get("condition", "clean")), int(str(told.get("expect", MAX_CONNECTIONS)))


def _steering(answers: Respondent, condition: str) -> Steering | None:
    try:
        return Condition.parse(condition).steering(answers.steering)
    except HarnessError as error:
        raise HarnessError(f"{answers.source.folder}: {error}") from error


def _question(messages: Sequence[ChatMessage], config: GenerateConfig, default: Generation) -> Question:
    return Question(
        messages=tuple(_message(message) for message in messages),
        max_tokens=default.max_tokens if config.max_tokens is None else config.max_tokens,
        temperature=default.temperature if config.temperature is None else config.temperature,
        top_p=default.top_p if config.top_p is None else config.top_p,
        seed=config.seed or 0,
        candidates=tuple((config.extra_body or {}).get("harness", {}).get("candidates", ())),
        stops=_stops(config.stop_seqs or ()),
    )


def _stops(texts: Sequence[str]) -> tuple[str, ...]:
    if not all(texts):
        raise HarnessError("a stop sequence is empty, so that no reply could be written; leave it out")
    return tuple(texts)


def _message(message: ChatMessage) -> Message:
    roles: dict[str, Role] = {"system": "system", "user": "user", "assistant": "assistant"}
    if message.role not in roles:
        raise HarnessError(f"a harness model reads system, user and assistant turns, not {message.role!r}")
    parts = [] if isinstance(message.content, str) else message.content
    other = next((part.type for part in parts if not isinstance(part, ContentText)), None)
    if other:
        raise HarnessError(f"a harness model reads text alone, and a {message.role} turn holds {other!r}")
    return Message(roles[message.role], message.text)


def _output(model: str, answer: Answer) -> ModelOutput:
    reply = answer.reply
    return ModelOutput(
        model=model,
        choices=[
            ChatCompletionChoice(
                message=ChatMessageAssistant(content=reply.text, model=model, source="generate"),
                stop_reason="stop" if reply.finish == "stop" else "max_tokens",
            )
        ],
        usage=ModelUsage(
            input_tokens=reply.prompt_tokens,
            output_tokens=reply.tokens,
            total_tokens=reply.prompt_tokens + reply.tokens,
        ),
        metadata={"rendered_prompt": answer.prompt}
        | ({"probabilities": dict(answer.probabilities)} if answer.probabilities else {}),
    )
