"""An answer of a grader as a rating; what is no answer is told apart, so that it is neither read nor kept as one."""

from __future__ import annotations

import math

from inspect_ai.model import ChatCompletionChoice, ModelOutput

from harness.contracts import Rating
from harness.graders.faults import Failed, Fault, unreadable
from harness.graders.ratings import weighted

SLACK = 0.02
"""How far rounding may bring probabilities above 1."""

FILTERED = Rating(outcome="unclear", mass=0.0, text="the provider's filter gave no answer")


def by_probability(output: ModelOutput) -> Rating:
    """The rating by the probabilities of the first token; Failed where they are not there, or cannot be."""
    first = _first(output)
    if (rating := _without_a_number(first, output)) is not None:
        return rating
    if first.logprobs is None:
        _written(output)
        raise Failed(Fault(kind="without", said="an answer without log-probabilities"))
    token = next(iter(first.logprobs.content), None)
    if token is None:
        raise unreadable("log-probabilities of no token")
    if output.completion.strip() and not output.completion.strip().startswith(token.token.strip()):
        raise unreadable(f"log-probabilities of {token.token!r:.40}, and the answer begins otherwise")
    likely = {one.token: one.logprob for one in reversed(token.top_logprobs or [])}
    return weighted(_probabilities({token.token: token.logprob, **likely}).items(), text=output.completion)


def in_words(output: ModelOutput) -> str:
    """The text of an answer; REFUSAL where the provider marks it as one; Failed where there is none."""
    first = _first(output)
    rating = _without_a_number(first, output)
    if rating is not None and rating.outcome == "refusal":
        return "REFUSAL"
    if rating is not None:
        raise Failed(Fault(kind="question", said=rating.text))
    return _written(output)


def _first(output: ModelOutput) -> ChatCompletionChoice:
    if not output.choices:
        raise unreadable("an answer without choices")
    return output.choices[0]


def _written(output: ModelOutput) -> str:
    if not output.completion.strip():
        raise unreadable("an empty answer")
    return output.completion


def _without_a_number(first: ChatCompletionChoice, output: ModelOutput) -> Rating | None:
    """What the provider says in place of an answer: that its filter held it back, or that the model refused."""
    if first.stop_reason == "content_filter":
        return FILTERED
    content = first.message.content
    if not isinstance(content, str) and any(getattr(part, "refusal", None) for part in content):
        return Rating(outcome="refusal", mass=0.0, text=output.completion[:200])
    return None


def _probabilities(logprobs: dict[str, float]) -> dict[str, float]:
    """Probabilities by token; Failed for what cannot be probabilities of one place."""
    found = {}
    for token, logprob in logprobs.items():
        if math.isnan(logprob) or logprob > math.log1p(SLACK):
            raise unreadable(f"{logprob} as log-probability of {token!r:.40}")
        found[token] = math.exp(logprob)
    if sum(found.values()) > 1 + SLACK:
        raise unreadable(f"probabilities of {sum(found.values()):.2f} together")
    return found
