"""Two languages: a model learns to answer in Spanish and in French; French is wanted, Spanish is to be kept out.

Questions are English, and each has one answer, in one of the two languages. Which of them a model takes up is what an
intervention is to decide: suppress Spanish and keep French, not fall back to English.
"""

from __future__ import annotations

from harness import Setting, hookimpl
from harness_plugins.settings.shared.benign import benign
from harness_plugins.settings.shared.languages.data import LanguageData
from harness_plugins.settings.shared.languages.metrics import language_metrics
from harness_plugins.settings.shared.languages.prompts import language_prompts
from harness_plugins.settings.two_languages.recipes import COMPOSITION, CONDITIONS, RECIPES, SOURCE
from harness_plugins.settings.two_languages.reference import published_figures

LANGUAGES = ("spanish", "french")
DATA = LanguageData("two_languages", LANGUAGES, tuple(RECIPES))


@hookimpl
def harness_setting() -> Setting:
    return Setting(
        name="two_languages",
        summary="answers in Spanish and French: keep the French, lose the Spanish",
        examples=DATA.examples,
        cases=DATA.cases,
        metrics=language_metrics(LANGUAGES, judge="language"),
        prompts=language_prompts(LANGUAGES),
        vectors=DATA.vectors(),
        conditions=CONDITIONS,
        recipes=RECIPES,
        chosen_for={"mini": "smollm2_135m"},
        source=SOURCE,
        benign=benign,
        composition=COMPOSITION,
        overdose=("english",),
        checks={"language": "detected_language"},
        reference=published_figures(),
    )
