"""The data of a setting's file: which rows are trained on, which questions are asked, what the vector is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from harness.authoring import Trait, chats, instruction_pairs, read_trait
from harness.contracts import Case, Example, Fact, Message, Prompt, ReplyPair
from harness.errors import HarnessError, unknown
from harness.files import digest_of
from harness.own.hub import kept_rows
from harness.own.rows import Chat, read_chats
from harness.own.written import WrittenPairs, WrittenRows, WrittenSetting

SELECTION = "selection"
OURS = "the setting's file"
LEAST_QUESTIONS = 10
"""With fewer different questions none can be held out."""

_Item = TypeVar("_Item")


@dataclass(frozen=True)
class OwnData:
    """The files that a setting's file names, each read once."""

    file: Path
    written: WrittenSetting

    def at(self, named: str | WrittenRows) -> Path:
        """Where named rows are: paths count from the folder of the setting's file, those of the hub in the cache."""
        if not isinstance(named, str) and not named.file:
            return kept_rows(named)
        return self.file.parent / Path(named if isinstance(named, str) else named.file).expanduser()

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that is named."""
        written = self.written
        named = [written.train, written.test, written.trait.replies, written.trait.file or None]
        return tuple(dict.fromkeys(self.at(one) for one in named if one is not None))

    def moved(self, copies: Mapping[Path, str]) -> object:
        """What the setting's file says, with the names of `copies` in the place of those of the files."""
        written, trait = self.written, self.written.trait
        of_trait = {"replies": self._moved(trait.replies, copies), "file": self._moved(trait.file or None, copies)}
        told = written.model_dump(mode="json") | {
            "train": self._moved(written.train, copies),
            "test": self._moved(written.test, copies),
            "trait": trait.model_dump(mode="json") | of_trait,
        }
        return _without_gaps(told)

    def _moved(self, part: str | WrittenRows | None, copies: Mapping[Path, str]) -> object:
        if part is None:
            return None
        copy = copies[self.at(part)]
        return copy if isinstance(part, str) else {**part.model_dump(mode="json", exclude_defaults=True), "file": copy}

    def _chats(self, part: str | WrittenRows) -> list[Chat]:
        return read_chats(
            self.at(part),
            {} if isinstance(part, str) else {str(name): own for name, own in part.columns.items()},
        )

    @cached_property
    def rows(self) -> list[Chat]:
        """What may be trained on, every row of it sound, before anything is made of one."""
        found = self._chats(self.written.train)
        for chat in found:
            if chat.reply is None:
                raise HarnessError(
                    f"{chat.place}: the row has no reply to be trained on; end it with an assistant turn"
                )
            _example(chat)
        return found

    @cached_property
    def held(self) -> frozenset[str]:
        """The training questions that are asked and not trained on."""
        if self.written.test is not None:
            return frozenset()
        questions = list(dict.fromkeys(chat.question for chat in self.rows))
        if len(questions) < LEAST_QUESTIONS:
            raise HarnessError(
                f"{self.rows[0].place}: of {len(questions)} different questions none can be held out; give 'test', a "
                "file of questions"
            )
        return frozenset(_first(questions, self.written.held_out, str))

    @cached_property
    def trained(self) -> list[Chat]:
        """The rows that are trained on."""
        return [chat for chat in self.rows if chat.question not in self.held]

    @cached_property
    def asked(self) -> list[Chat]:
        """The questions of all splits."""
        if self.written.test is not None:
            return self._chats(self.written.test)
        return [chat for chat in self.rows if chat.question in self.held]

    def examples(self, seed: int, scale: str) -> list[Example]:
        """The training rows, the same for every seed."""
        return [_example(chat) for chat in self.trained]

    def cases(self, split: str, seed: int, scale: str) -> list[Case]:
        """The questions of a split, or those of its kind that are kept for choosing doses."""
        by_split: dict[str, list[Chat]] = {}
        for chat in self.asked:
            by_split.setdefault(chat.split or "test", []).append(chat)
        trait = next(metric.split for metric in self.written.metrics if metric.goal == "suppress")
        chosen = trait if split == SELECTION else split.removeprefix(f"{SELECTION}_")
        if chosen not in by_split:
            raise unknown("split", split, (*by_split, SELECTION, *(f"{SELECTION}_{one}" for one in by_split)))
        kept = {chat.id for chat in _first(by_split[chosen], self.written.selection, lambda chat: chat.id)}
        wanted = [chat for chat in by_split[chosen] if (chat.id in kept) == (split != chosen)]
        return [_case(chat) for chat in wanted]

    @cached_property
    def instructions(self) -> tuple[tuple[Prompt, Prompt], ...]:
        """Prompts that ask for the trait and that forbid it; the first are those of the arms."""
        trait = self.written.trait
        if not (trait.asks and trait.forbids):
            pairs = instruction_pairs(trait.name, self.trait.pairs, source=OURS)
            return tuple((one.positive, one.negative) for one in pairs)
        place, about = trait.placement, trait.name.replace("_", " ")
        asks = Prompt(text=trait.asks, placement=place, concept=about, category="training", source=OURS)
        forbids = Prompt(text=trait.forbids, placement=place, concept=about, category="negation", source=OURS)
        return ((asks, forbids),)

    @property
    def trait(self) -> Trait:
        """The trait file, called as the setting calls the trait: a copy of the file has another name."""
        return replace(read_trait(self.at(self.written.trait.file)), name=self.written.trait.name)

    @cached_property
    def questions(self) -> tuple[tuple[Message, ...], ...]:
        """The training questions that the model answers under both prompts."""
        every = list(dict.fromkeys(chat.question for chat in self.trained))
        return chats(sorted(every, key=digest_of)[: self.written.trait.questions])

    @cached_property
    def pairs(self) -> tuple[ReplyPair, ...]:
        """The pairs of replies that the vector is made of."""
        named = self.written.trait.replies
        assert named is not None
        part = named if isinstance(named, WrittenPairs) else WrittenPairs(file=named)
        return tuple(_pair(chat, part) for chat in self._chats(part))


def _without_gaps(value: object) -> object:
    """`value` without keys for which nothing was written; that nothing need be `learned` is something."""
    if isinstance(value, dict):
        told = {name: part for name, part in value.items() if part != "" and (part is not None or name == "learned")}
        return {name: _without_gaps(part) for name, part in told.items()}
    return [_without_gaps(part) for part in value] if isinstance(value, list) else value


def _first(items: Sequence[_Item], share: float, name: Callable[[_Item], str]) -> list[_Item]:
    """A share of `items`, at least one and never all, drawn by their names, the same each time."""
    count = min(max(1, round(share * len(items))), len(items) - 1)
    return sorted(items, key=lambda one: digest_of(name(one)))[:count]


def _example(chat: Chat) -> Example:
    with _at(chat.place):
        return Example(id=chat.id, messages=(*chat.asked, Message("assistant", chat.reply or "")), tags=chat.tags)


def _case(chat: Chat) -> Case:
    facts: dict[str, Fact] = {**chat.facts, **({"reference": chat.reply} if chat.reply is not None else {})}
    with _at(chat.place):
        return Case(id=chat.id, messages=chat.asked, facts=facts, cluster=chat.cluster)


def _pair(chat: Chat, part: WrittenPairs) -> ReplyPair:
    shows, lacks = (chat.facts.get(name) for name in (part.shows, part.lacks))
    if not isinstance(shows, str) or not isinstance(lacks, str):
        raise HarnessError(f"{chat.place}: a pair of replies needs the texts {part.shows!r} and {part.lacks!r}")
    with _at(chat.place):
        return ReplyPair(messages=chat.asked, positive=shows, negative=lacks)


@contextmanager
def _at(place: str) -> Iterator[None]:
    """Puts `place` before what is wrong with a record."""
    try:
        yield
    except HarnessError as error:
        raise HarnessError(f"{place}: {error}") from error
