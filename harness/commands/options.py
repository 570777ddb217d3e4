"""Options that several commands share, and what their texts mean."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from harness.checks import MOST, MOST_EPOCHS, NAME, number
from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.serving import EngineChoice
    from harness.sweep import Where

SEED_DIGITS = 18  # what a generator takes, 64 bits, holds them all
NONE: Final[list[str]] = []
"""The default of an option that may be repeated."""

MOST_TOKENS = 1e12
"""More tokens a second than this nothing does."""

AT_ONCE = 10_000
"""More questions or cells than this no machine has under way."""

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print Markdown.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the plan and train nothing.")]
Measure = Annotated[
    bool, typer.Option("--measure", help="With --dry-run: measure how fast this machine is, for the plan's time.")
]
Speeds = Annotated[
    list[str],
    typer.Option(
        "--speed",
        help="With --dry-run: the tokens a second that a worker trains on and writes, TRAIN,WRITE for any model or "
        "MODEL=TRAIN,WRITE for one; repeat it.",
    ),
]
PlanPrice = Annotated[
    str, typer.Option(help="With --dry-run: a grader's price, IN,OUT in US dollars for a million tokens.")
]
HourlyPrice = Annotated[float | None, typer.Option(help="With --dry-run: of one worker, for the plan's cost.")]


def named_file(text: str) -> Path:
    """The file that an option names to be written; HarnessError where it is spelled as a folder, or not at all."""
    if text == "-":
        raise HarnessError("'-' is no name of a file here; leave the option out to print")
    if not text or text.endswith(os.sep):
        raise HarnessError(f"{text!r} names no file; write the name of a file there")
    return Path(text)


def runs_folder(text: str | Path) -> Path:
    """The folder that runs are written to; HarnessError where its name is no text, as which records have it."""
    try:
        str(text).encode()
    except UnicodeEncodeError:
        raise HarnessError(f"the name of the folder {str(text)!r} is not UTF-8; name one that is") from None
    return Path(text)


def with_its_settings(runs: Path) -> Path:
    """The folder, after which the settings that are described in it are there beside those that are installed."""
    from harness.runs import offer_kept

    offer_kept(runs)
    return runs


Runs = Annotated[
    Path,
    typer.Option(parser=runs_folder, metavar="FOLDER", help="Folder of run folders.", callback=with_its_settings),
]
RunsFolder = Annotated[Path, typer.Argument(help="Folder of run folders.", callback=with_its_settings)]
Output = Annotated[
    Path | None, typer.Option(parser=named_file, metavar="FILE", help="Write to this file, not to the terminal.")
]
Replace = Annotated[bool, typer.Option("--force", help="Replace files that are there and were not written by this.")]
Several = Annotated[list[str], typer.Option(help="Repeat it, or put commas.")]
OnlyThese = Annotated[list[str], typer.Option(help="Only these; repeat it, or put commas.")]
Scale = Annotated[str, typer.Option(help="mini, small or paper.")]
Model = Annotated[str, typer.Option(help="smollm2_135m, a hub id or a local folder; else the recipe's own.")]
Grader = Annotated[str, typer.Option(help="Model that judges may ask, as Inspect names it: openai/gpt-4o-mini.")]
Connections = Annotated[int | None, typer.Option(help="Questions to the grader at once; 10 if not given.", max=AT_ONCE)]
MaxCost = Annotated[float | None, typer.Option(help="Stop asking the grader before it has cost so many US dollars.")]
Price = Annotated[str, typer.Option(help="The grader's price, IN,OUT in US dollars for a million tokens.")]
VectorGrader = Annotated[
    str, typer.Option(help="The model that chooses among a persona's replies, as Inspect names it; none: all count.")
]
NoCalibration = Annotated[
    bool, typer.Option("--no-calibration", help="Train by the recipes as they stand, whatever was calibrated.")
]
LoraTargets = Annotated[
    str,
    typer.Option(
        help="Put the adapter on these layers, as q_proj,v_proj or all-linear, and not on those of the recipe."
    ),
]
Engine = Annotated[
    str, typer.Option(help="What writes the replies: torch, vllm, or the address of a vLLM server, http://HOST:PORT.")
]
Track = Annotated[
    str,
    typer.Option(help="Tell losses, speed and results to trackio, wandb or mlflow, by its own client."),
]
Jobs = Annotated[int | None, typer.Option(help="Cells at once; else one for each GPU, or one.", max=AT_ONCE)]
Cluster = Annotated[str, typer.Option(help="Address of a Ray cluster; `local` starts one here.")]


def tracker_of(name: str) -> str:
    """The tracker of `--track`, empty for none; HarnessError for one that is not there."""
    from harness import tracking

    tracking.check(name)
    return name


def chosen_engine(text: str) -> EngineChoice | None:
    """The engine of `--engine`, None for torch; HarnessError for one that is not there."""
    if text == "torch":
        return None
    from harness import serving

    return serving.engine_choice(text)


def keep_settings(settings: Sequence[str], runs: Path) -> None:
    """Keeps those of `settings` that files describe beside their runs, so that these can be reported on alone."""
    from harness.runs import keep_used

    keep_used(settings, runs)


def setting_named(text: str) -> str:
    """The name of the setting that `text` means, by its name or by a file that describes it."""
    from harness.runs import setting_named as named

    return named(text)


def setting_names(values: Sequence[str]) -> tuple[str, ...]:
    """The settings of `--setting`, at least one, each by its name or by a file that describes it."""
    return tuple(dict.fromkeys(map(setting_named, several("--setting", values))))


def several(option: str, values: Sequence[str]) -> tuple[str, ...]:
    """The distinct names of an option that may be repeated or hold commas; HarnessError when there is none."""
    names = [name.strip() for value in values for name in value.split(",")]
    if not names or not all(names):
        raise HarnessError(f"{option} has an empty name; write {option} A,B or repeat it")
    return tuple(dict.fromkeys(names))


def any_of(option: str, values: Sequence[str]) -> tuple[str, ...]:
    """The same of an option that may be left out."""
    return several(option, values) if values else ()


def seeds(values: Sequence[str]) -> tuple[int, ...]:
    """The seeds of `--seed`, whole numbers from 0 up."""
    texts = several("--seed", values)
    for text in texts:
        if not (text.isascii() and text.isdigit()) or len(text) > SEED_DIGITS:
            raise HarnessError(
                f"--seed {text!r} is not a whole number from 0 up, of at most {SEED_DIGITS} digits; write 0,1,2"
            )
    return tuple(dict.fromkeys(int(text) for text in texts))


def balances(values: Sequence[str]) -> tuple[str, ...]:
    """The balances of `--weights` in canonical form, one for each time it is given; ("",) for none."""
    from harness import authoring

    parse, spelled = authoring.weights.parse, authoring.weights.spelled
    return tuple(dict.fromkeys(spelled(parse(value)) for value in values)) or ("",)


def doses(value: str) -> tuple[float, ...]:
    """The doses of `--dose`, finite numbers from 0 up."""
    found = []
    for text in several("--dose", [value]):
        dose = number(text)
        if not 0 <= dose <= MOST:
            raise HarnessError(f"--dose {text!r} is not a finite number from 0 up to {MOST:,}; write --dose 0.5,1,2")
        found.append(dose)
    return tuple(dict.fromkeys(found))


def epochs_of(value: str) -> int:
    """The epochs of `--epochs`, 0 for those of the recipe."""
    if not value:
        return 0
    if not (value.isascii() and value.isdigit() and len(value) < SEED_DIGITS and 1 <= int(value) <= MOST_EPOCHS):
        raise HarnessError(f"--epochs {value!r} is not a whole number from 1 to {MOST_EPOCHS:,}; write --epochs 4")
    return int(value)


def layers_of(value: str) -> str:
    """The layers of `--lora-targets`, as a cell has them; "" for those of the recipe."""
    from harness.models import named_layers

    return named_layers(value) if value else ""


def shares(option: str, value: str) -> tuple[float, ...]:
    """The shares of an option, above 0 and at most 1."""
    found = []
    for text in several(option, [value]):
        share = number(text)
        if not 0 < share <= 1:
            raise HarnessError(f"{option} {text!r} is not a share above 0 and at most 1; write {option} 0.25,0.5,1")
        found.append(share)
    return tuple(dict.fromkeys(found))


def vector_files(values: Sequence[str]) -> dict[str, str]:
    """The files of `--vector` by the name that each is given, whole and with a card."""
    return dict(_vector_file(text) for text in values)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanAsked:
    """What a plan's time and money are reckoned by."""

    measure: bool = False
    stated: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    price: str = ""
    hourly_price: float | None = None

    @classmethod
    def of(
        cls,
        *,
        dry_run: bool,
        measure: bool,
        speed: Sequence[str],
        price: str = "",
        hourly_price: float | None = None,
    ) -> PlanAsked:
        """What the options ask for; HarnessError for one that means nothing, or that no plan would show."""
        if hourly_price is not None and not 0 <= hourly_price < float("inf"):
            raise HarnessError(f"--hourly-price {hourly_price:g} is not a sum of US dollars, 0 or more")
        given = {"measure": measure, "speed": speed, "price": price, "hourly-price": hourly_price is not None}
        for option, is_given in given.items():
            if is_given and not dry_run:
                raise HarnessError(f"--{option} is for a plan; give --dry-run with it, or leave it out")
        if price:
            from harness.judging import price_of

            price_of("", price)
        return cls(measure=measure, stated=dict(map(_speed, speed)), price=price, hourly_price=hourly_price)


def _speed(text: str) -> tuple[str, tuple[float, float]]:
    model, _, both = text.rpartition("=")
    rates = [number(part) for part in both.split(",")]
    if len(rates) != 2 or not all(0 < rate <= MOST_TOKENS for rate in rates):
        raise HarnessError(
            f"--speed {text!r} is not TRAIN,WRITE nor MODEL=TRAIN,WRITE, "
            "tokens a second above 0; write --speed 2500,900"
        )
    return model, (rates[0], rates[1])


def where(jobs: int | None, cluster: str) -> Where:
    """Where `--jobs` and `--cluster` say that cells are done; HarnessError where none could be done at a time."""
    if jobs is not None and jobs < 1:
        raise HarnessError(f"--jobs {jobs} would do nothing; write --jobs 1 or more")
    from harness.sweep import Where

    return Where(jobs=jobs, cluster=cluster)


def one_of(forms: dict[str, bool]) -> str | None:
    """The one form that is asked for, None for none; HarnessError for two."""
    asked = [form for form, wanted in forms.items() if wanted]
    if len(asked) > 1:
        raise HarnessError(f"--{asked[0]} and --{asked[1]} are two forms of one report; choose one")
    return asked[0] if asked else None


def _vector_file(text: str) -> tuple[str, str]:
    name, _, file = text.partition("=")
    if not NAME.fullmatch(name) or not file:
        raise HarnessError(f"--vector {text!r} is not NAME=FILE, as evil=runs/vectors/evil-0123abcd.safetensors")
    from harness.runs import is_vector

    path = Path(file)
    if path.suffix != ".safetensors" or not is_vector(path):
        raise HarnessError(f"no vector with its card at {file}; make one with 'harness vectors', or import one")
    return name, str(path.resolve())
