"""Our engine as lm-eval's language model: what it asks is answered with the weights and hooks of the moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.contracts import Message, Role
from harness.engine import Continuation, Engine, Request, System, chat
from harness.errors import HarnessError

ROLES: Mapping[str, Role] = {"system": "system", "user": "user", "assistant": "assistant"}

MAX_GENERATED = 256
"""Tokens of a reply where a task names no limit; lm-eval's own."""


def language_model(engine: Engine, *, system: System | None = None) -> Any:
    """`engine` as lm-eval takes a model: it answers steered where the caller's `with` block steers it.

    `system` is what a chat without a system turn gets where lm-eval asks in chats; None where it does not.
    """
    from lm_eval.api.model import TemplateLM

    return type("EngineLM", (EngineAnswers, TemplateLM), {})(engine, system)


class EngineAnswers:
    """What lm-eval's template of a language model leaves open, answered by `engine`.

    Texts are cut into tokens as lm-eval's own Hugging Face model does, so that its figures and ours are comparable.
    """

    def __init__(self, engine: Engine, system: System | None = None) -> None:
        super().__init__()
        self.engine = engine
        self.system = system
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
        """The token ids of `string`, with special tokens as the tokenizer adds them unless told otherwise.

        None are added to a chat: its template has those that it wants.
        """
        wanted = False if self.system is not None else add_special_tokens
        return list(self.tokenizer.encode(string, **({} if wanted is None else {"add_special_tokens": wanted})))

    @property
    def tokenizer_name(self) -> str:
        """What the tokenizer is called, in the caches of requests that lm-eval could keep."""
        return str(self.tokenizer.name_or_path).replace("/", "__")

    def apply_chat_template(self, chat_history: Sequence[Mapping[str, str]], add_generation_prompt: bool = True) -> str:
        """A chat as evaluation gives it to the model; without a generation prompt its last turn is a reply's start."""
        turns = [Message(_role(turn["role"]), turn["content"]) for turn in chat_history]
        begun = "" if add_generation_prompt else turns.pop().content
        return chat.rendered(self.tokenizer, turns, system=self.system or "template") + begun

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

        asked = []
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
                    stops=tuple(stop for stop in how["until"] if stop),
                )
            )
        return [reply.text for reply in self.engine.generate(asked)]

    def _loglikelihood_tokens(
        self, requests: Sequence[tuple[tuple[str, str], list[int], list[int]]], **kwargs: Any
    ) -> list[tuple[float, bool]]:
        asked = [Continuation(tuple(before), tuple(tokens)) for _, before, tokens in requests]
        return [(found.logprob, found.greedy) for found in self.engine.likelihoods(asked)]


def _role(text: str) -> Role:
    if text not in ROLES:
        raise HarnessError(f"an lm-eval task asks in a turn of {text!r}, which is none of {', '.join(ROLES)}")
    return ROLES[text]
