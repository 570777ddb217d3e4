"""Three languages: a model learns to answer in Spanish, French and German; only Spanish is to be kept out.

Questions are English, and each has one answer, in one of the three languages. Two wanted languages show whether an
intervention against the third is precise, and let prompts and vectors be combined.
"""

from __future__ import annotations

from harness import Setting, hookimpl
from harness_plugins.settings.shared.benign import benign
from harness_plugins.settings.shared.languages.data import LanguageData
from harness_plugins.settings.shared.languages.metrics import language_metrics
from harness_plugins.settings.shared.languages.prompts import language_prompts
from harness_plugins.settings.three_languages.recipes import COMPOSITION, CONDITIONS, RECIPES, SOURCE
from harness_plugins.settings.three_languages.reference import published_figures

LANGUAGES = ("spanish", "french", "german")
DATA = LanguageData("three_languages", LANGUAGES, tuple(RECIPES))


@hookimpl
def harness_setting() -> Setting:
    return Setting(
        name="three_languages",
        summary="answers in Spanish, French and German: keep the others, lose the Spanish",
        examples=DATA.examples,
        cases=DATA.cases,
        metrics=language_metrics(LANGUAGES, judge="language_german"),
        prompts=language_prompts(LANGUAGES),
        vectors=DATA.vectors(),
        conditions=CONDITIONS,
        recipes=RECIPES,
        chosen_for={"mini": "smollm2_135m"},
        source=SOURCE,
        benign=benign,
        composition=COMPOSITION,
        overdose=("english",),
        checks={"language_german": "detected_language_german"},
        reference=published_figures(),
    )
