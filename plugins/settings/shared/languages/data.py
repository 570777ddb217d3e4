"""The rows, cases and reply pairs of a language setting, by scale, and its vectors."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from harness import Case, Example, ReplyPair, VectorSpec
from harness.errors import unknown
from harness_plugins.settings.shared.languages import generated, published
from harness_plugins.settings.shared.languages.metrics import SPLIT
from harness_plugins.settings.shared.scales import check_scale
from harness_plugins.settings.shared.sources import OURS


@dataclass(frozen=True, slots=True)
class LanguageData:
    """Rows, cases and reply pairs of the setting `name`: our own at `mini`, the published ones at its other scales."""

    name: str
    languages: tuple[str, ...]
    scales: Collection[str]

    def examples(self, seed: int, scale: str) -> Sequence[Example]:
        """English questions, each answered in one language, in equal shares; the published ones have no seed."""
        return (
            published.examples(self.languages)
            if self._is_published(scale)
            else generated.examples(seed, self.languages)
        )

    def cases(self, split: str, seed: int, scale: str) -> Sequence[Case]:
        """English questions that no row asks, with the right number; the same for every seed."""
        is_published = self._is_published(scale)
        if split not in (SPLIT, "selection"):
            raise unknown("split", split, (SPLIT, "selection"))
        return published.cases(split) if is_published else generated.cases(split)

    def pairs(self, language: str) -> Callable[[str], Sequence[ReplyPair]]:
        """A function that gives, for a scale, parallel answers in `language` and in English."""

        def replies(scale: str) -> Sequence[ReplyPair]:
            return published.reply_pairs(language) if self._is_published(scale) else generated.reply_pairs(language)

        return replies

    def vectors(self) -> dict[str, VectorSpec]:
        """A vector for each language: its answers minus the English answers to the same questions."""
        return {
            language: VectorSpec(
                summary=f"{language.capitalize()} against English answers to the same questions, teacher-forced",
                replies=self.pairs(language),
                concept=language,
                source=f"mini: {OURS}; small, paper: the published 50 questions, IP_Internals at commit 39f3faf",
            )
            for language in self.languages
        }

    def _is_published(self, scale: str) -> bool:
        check_scale(self.name, self.scales, scale)
        return scale != "mini"
