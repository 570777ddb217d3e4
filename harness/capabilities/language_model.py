"""Our engine as lm-eval's language model: what it asks is answered with the weights and hooks of the moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.engine import Continuation, Engine, Request

MAX_GENERATED = 256
"""Tokens of a reply where a task names no limit; lm-eval's own."""


def language_model(engine: Engine) -> Any:
    """`engine` as lm-eval takes a model: it answers steered where the caller's `with` block steers it."""
    from lm_eval.api.model import TemplateLM

    return type("EngineLM", (EngineAnswers, TemplateLM), {})(engine)


class EngineAnswers:
    """What lm-eval's template of a language model leaves open, answered by `engine`.

    Texts are cut into tokens as lm-eval's own Hugging Face model does, so that its figures and ours are comparable.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine
        self.tokenizer = engine.tokenizer

    @property
    def eot_token_id(self) -> int:
        """The token that ends a text."""
        return int(self.tokenizer.eos_token_id)

    @property
    def prefix_token_id(self) -> int:
        """The token before a text that nothing comes before."""
        first = self.tokenizer.bos_token_id
        return self.eot_token_id if first is None else int(first)

    def tok_encode(self, string: str, add_special_tokens: bool | None = None, **kwargs: Any) -> list[int]:
        """The token ids of `string`, with special tokens as the tokenizer adds them unless told otherwise."""
        how = {} if add_special_tokens is None else {"add_special_tokens": add_special_tokens}
        return list(self.tokenizer.encode(string, **how))

    def loglikelihood_rolling(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[float]:
        """The log-probability of each whole text, in windows as long as the model can read."""
        from lm_eval.utils import get_rolling_token_windows, make_disjoint_window

        windows: list[Continuation] = []
        owners: list[int] = []
        for at, request in enumerate(requests):
            pieces = get_rolling_token_windows(
                token_list=self.tok_encode(request.args[0]),
                prefix_token=self.prefix_token_id,
                max_seq_len=self.engine.longest,
                context_len=1,
            )
            for before, tokens in map(make_disjoint_window, pieces):
                windows.append(Continuation(tuple(before), tuple(tokens)))
                owners.append(at)
        totals = [0.0] * len(requests)
        for at, found in zip(owners, self.engine.likelihoods(windows), strict=True):
            totals[at] += found.logprob
        return totals

    def generate_until(self, requests: Sequence[Any], disable_tqdm: bool = False) -> list[str]:
        """Each reply, cut before the first of its stop texts."""
        from lm_eval.models.utils import normalize_gen_kwargs

        asked, stops = [], []
        for at, request in enumerate(requests):
            text, wanted = request.args
            how = normalize_gen_kwargs(wanted, MAX_GENERATED)
            room = max(1, self.engine.longest - how["max_gen_toks"])
            asked.append(
                Request(
                    tokens=tuple(self.tok_encode(text)[-room:]) or (self.prefix_token_id,),
                    max_tokens=int(how["max_gen_toks"]),
                    temperature=float(how.get("temperature", 0.0)),
                    top_p=float(how.get("top_p", 1.0)),
                    seed=at,
                )
            )
            stops.append([stop for stop in how["until"] if stop])
        replies = self.engine.generate(asked)
        return [_before(reply.text, stop) for reply, stop in zip(replies, stops, strict=True)]

    def _loglikelihood_tokens(
        self, requests: Sequence[tuple[tuple[str, str], list[int], list[int]]], **kwargs: Any
    ) -> list[tuple[float, bool]]:
        asked = [Continuation(tuple(before), tuple(tokens)) for _, before, tokens in requests]
        return [(found.logprob, found.greedy) for found in self.engine.likelihoods(asked)]


def _before(text: str, stops: Sequence[str]) -> str:
    ends = [at for stop in stops if (at := text.find(stop)) >= 0]
    return text[: min(ends)] if ends else text
