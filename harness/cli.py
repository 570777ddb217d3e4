"""The command line: options only. What a command does is in `harness.commands`, `harness.report` and `harness.doctor`.

Everything that costs time to import is imported by the command that needs it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from harness import __version__
from harness.errors import HarnessError, way_out

app = typer.Typer(
    name="harness",
    help="Benchmark training-time interventions against unwanted traits.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

# The click that typer raises from is its own copy in newer versions: found through the one public name.
CommandError: type[Exception] = typer.BadParameter.__mro__[2]

Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Runs = Annotated[Path, typer.Option(help="Folder of run folders.")]
Scale = Annotated[str, typer.Option(help="mini, small or paper.")]
Grader = Annotated[str, typer.Option(help="Model that judges may ask, as Inspect names it: openai/gpt-4o-mini.")]
Connections = Annotated[int | None, typer.Option(help="Questions to the grader at once; 10 if not given.")]
MaxCost = Annotated[float | None, typer.Option(help="Stop asking the grader before it has cost so many US dollars.")]
Price = Annotated[str, typer.Option(help="The grader's price, IN,OUT in US dollars for a million tokens.")]
VectorGrader = Annotated[
    str, typer.Option(help="The model that chooses among a persona's replies, as Inspect names it; none: all count.")
]
Jobs = Annotated[int | None, typer.Option(help="Cells at once; else one for each GPU, or one.")]
Cluster = Annotated[str, typer.Option(help="Address of a Ray cluster; `local` starts one here.")]
Model = Annotated[str, typer.Option(help="smollm2_135m, a hub id or a local folder; else the recipe's own.")]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and gives the exit status: 0; 1 when doctor finds a lack; 2 with one line on stderr; 130."""
    try:
        status = app(args=None if arguments is None else list(arguments), prog_name="harness", standalone_mode=False)
        sys.stdout.flush()
    except HarnessError as error:
        return _stopped(str(error))
    except (KeyboardInterrupt, typer.Abort):
        status = 130
    except BrokenPipeError:
        # The reader has gone (`harness list | head`); Python must not complain again while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        advice = way_out(error)
        if advice is None:
            raise
        return _stopped(f"{error.strerror}: {error.filename or 'the runs folder'}; {advice}")
    except CommandError as error:
        message = error.format_message() if hasattr(error, "format_message") else str(error)
        return _stopped(message if message.endswith("?") else f"{message.rstrip('.')}; see 'harness --help'")
    if status == 130:  # typer's own answer to Ctrl-C
        print("harness: stopped; the same command goes on where it stopped", file=sys.stderr)
    return status if isinstance(status, int) else 0


def _stopped(message: str) -> int:
    print(f"harness: {' '.join(message.split())}", file=sys.stderr)
    return 2


@app.callback(invoke_without_command=True)
def harness(
    context: typer.Context, version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False
) -> None:
    """Benchmark training-time interventions against unwanted traits."""
    if version:
        print(f"harness {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


@app.command("list")
def list_(as_json: Json = False) -> None:
    """Settings, interventions and judges that are installed."""
    from harness.commands import catalogue

    catalogue.show_list(as_json=as_json)


@app.command()
def describe(name: Annotated[str, typer.Argument(help="A setting, an intervention or a judge.")]) -> None:
    """One setting, intervention or judge in full."""
    from harness.commands import catalogue

    catalogue.show(name)


@app.command()
def run(
    setting: Annotated[list[str], typer.Option(help="Repeat it, or put commas.")],
    intervention: Annotated[list[str], typer.Option(help="Repeat it, or put commas.")],
    scale: Scale = "mini",
    model: Model = "",
    seed: Annotated[list[str], typer.Option(help="Repeat it, or put commas.")] = ["0"],  # noqa: B006
    dose: Annotated[str, typer.Option(help="Scales each intervention; commas for several.")] = "1",
    weights: Annotated[
        list[str], typer.Option(help="A balance of traits for comp_ arms, as spanish=0.8,french=0.4; repeat it.")
    ] = [],  # noqa: B006
    vector: Annotated[
        list[str],
        typer.Option(help="NAME=FILE: a vector made or imported before, in place of the setting's; repeat it."),
    ] = [],  # noqa: B006
    vector_grader: VectorGrader = "",
    capabilities: Annotated[
        list[str], typer.Option(help="lm-eval tasks to ask the trained and the untrained model; commas for several.")
    ] = [],  # noqa: B006
    capability_conditions: Annotated[
        list[str], typer.Option(help="What these tasks are asked under: clean, or vector:EXPRESSION@COEF.")
    ] = ["clean"],  # noqa: B006
    capability_limit: Annotated[int, typer.Option(help="Ask the first so many of each task; 0 is all.", min=0)] = 0,
    runs: Runs = Path("runs"),
    grader: Grader = "",
    connections: Connections = None,
    max_cost: MaxCost = None,
    price: Price = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and train nothing.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Begin these cells anew.")] = False,
    as_json: Json = False,
) -> None:
    """Train and evaluate what is missing, then print the table."""
    from harness.commands import cells, graders, page

    asked = cells.Asked(
        settings=page.several("--setting", setting),
        interventions=page.several("--intervention", intervention),
        scale=scale,
        model=model,
        seeds=page.seeds(seed),
        doses=page.doses(dose),
        weights=page.balances(weights),
        runs=runs,
        grading=graders.Grading(model=grader, connections=connections, max_cost=max_cost, price=price),
        vectors=tuple(vector),
        vector_grader=vector_grader,
        capabilities=page.several("--capabilities", capabilities) if capabilities else (),
        capability_conditions=page.several("--capability-conditions", capability_conditions),
        capability_limit=capability_limit or None,
    )
    if dry_run:
        cells.plan(asked, as_json=as_json)
    else:
        cells.run(asked, force=force, as_json=as_json)


@app.command()
def sweep(
    file: Annotated[Path, typer.Argument(help="The experiment: settings, interventions, seeds, as YAML.")],
    runs: Runs = Path("runs"),
    jobs: Jobs = None,
    cluster: Cluster = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and train nothing.")] = False,
    hourly_price: Annotated[float | None, typer.Option(help="Of one worker, for the plan's cost.")] = None,
    as_json: Json = False,
) -> None:
    """Train and evaluate the cells of an experiment file, several at once."""
    from harness.commands import sweeping
    from harness.sweep import Where

    where = Where(jobs=jobs, cluster=cluster)
    if dry_run:
        sweeping.plan(file, runs, where, hourly_price=hourly_price, as_json=as_json)
    else:
        raise typer.Exit(sweeping.sweep(file, runs, where, as_json=as_json))


@app.command()
def reproduce(
    scale: Scale = "mini",
    quick: Annotated[bool, typer.Option("--quick", help="One seed instead of three.")] = False,
    setting: Annotated[list[str], typer.Option(help="Only these; repeat it, or put commas.")] = [],  # noqa: B006
    runs: Runs = Path("runs/reproduce"),
    output: Annotated[Path | None, typer.Option(help="Folder for the report; else RUNS-report.")] = None,
    jobs: Jobs = None,
    cluster: Cluster = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the plan and train nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Run the post's experiment, hold its claims against the results, and write the report."""
    from harness.commands import page, reproducing
    from harness.sweep import Where

    asked = reproducing.Asked(
        scale=scale,
        quick=quick,
        settings=page.several("--setting", setting) if setting else (),
        runs=runs,
        output=output,
    )
    where = Where(jobs=jobs, cluster=cluster)
    if dry_run:
        reproducing.plan(asked, where, as_json=as_json)
    else:
        raise typer.Exit(reproducing.reproduce(asked, where, as_json=as_json))


@app.command()
def vectors(
    setting: Annotated[str, typer.Argument(help="The setting whose vectors to extract.")],
    name: Annotated[list[str], typer.Option(help="Only these; repeat it, or put commas.")] = [],  # noqa: B006
    trait: Annotated[Path | None, typer.Option(help="Extract the vector of this trait file (JSON).")] = None,
    import_: Annotated[
        Path | None, typer.Option("--import", help="Convert this published vector (.pt) and call it --name.")
    ] = None,
    vector_grader: VectorGrader = "",
    scale: Scale = "mini",
    model: Model = "",
    runs: Runs = Path("runs"),
    as_json: Json = False,
) -> None:
    """Extract trait vectors and say how good they are."""
    from harness.commands import cards, page

    if trait is not None and import_ is not None:
        raise HarnessError("--trait and --import are two ways to a vector; choose one")
    names = page.several("--name", name) if name else ()
    asked = cards.Asked(setting=setting, names=names, scale=scale, model=model, runs=runs, grader=vector_grader)
    if import_ is not None:
        cards.import_vector(asked, import_, as_json=as_json)
    else:
        cards.vectors(asked, trait=trait, as_json=as_json)


@app.command()
def report(
    runs: Runs = Path("runs"),
    setting: Annotated[list[str], typer.Option(help="Only these; repeat it, or put commas.")] = [],  # noqa: B006
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    as_json: Json = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print every number as CSV, seeds too.")] = False,
    output: Annotated[Path | None, typer.Option(help="Write to this file, not to the terminal.")] = None,
    figures: Annotated[Path | None, typer.Option(help="Draw dose curves into this folder: PNG, SVG, CSV.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write all of it as one page, with figures, to this file.")] = None,
    bundle: Annotated[
        bool, typer.Option("--bundle", help="Put the transcripts into a folder beside the page.")
    ] = False,
    claims: Annotated[Path | None, typer.Option(help="Open with the verdicts on these claims.")] = None,
) -> None:
    """Arm by condition tables of the finished runs, and dose curves."""
    from harness.commands import page, tables

    forms: dict[tables.Form, bool] = {"markdown": markdown, "json": as_json, "csv": as_csv}
    asked = [form for form, wanted in forms.items() if wanted]
    if len(asked) > 1:
        raise HarnessError(f"--{asked[0]} and --{asked[1]} are two forms of one report; choose one")
    if bundle and html is None:
        raise HarnessError("--bundle puts the transcripts beside a page; name the page with --html FILE")
    if claims is not None and (as_json or as_csv):
        raise HarnessError(
            "verdicts are for reading and stand in no JSON or CSV of a report; use 'harness claims --json'"
        )
    files = tables.Files(output=output, figures=figures, page=html, bundle=bundle, claims=claims)
    tables.report(
        runs, page.several("--setting", setting) if setting else (), form=asked[0] if asked else "text", files=files
    )


@app.command()
def balance(
    targets: Annotated[Path, typer.Option(help="JSON: a list of {setting, intervention, weights, target}.")],
    runs: Runs = Path("runs"),
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    as_json: Json = False,
) -> None:
    """How near arms came to the balance of traits that was asked of them."""
    from harness.commands import balance

    if markdown and as_json:
        raise HarnessError("--markdown and --json are two forms of one report; choose one")
    balance.balance(runs, targets, markdown=markdown, as_json=as_json)


@app.command()
def claims(
    runs: Annotated[Path, typer.Argument(help="Folder of run folders.")] = Path("runs"),
    file: Annotated[Path | None, typer.Option(help="The claims, in YAML; else the post's.")] = None,
    experiment: Annotated[Path | None, typer.Option(help="The experiment file that the lock is to cover too.")] = None,
    lock: Annotated[
        bool, typer.Option("--lock", help="Fix the claims before the first run, and judge nothing.")
    ] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    as_json: Json = False,
) -> None:
    """What a publication says beside what finished runs say, with a verdict for every claim."""
    from harness.commands import claims

    if markdown and as_json:
        raise HarnessError("--markdown and --json are two forms of one report; choose one")
    asked = file or claims.of_the_post()
    if lock:
        claims.lock(runs, asked, experiment=experiment)
    else:
        claims.show(runs, asked, markdown=markdown, as_json=as_json, experiment=experiment)


@app.command()
def merge(
    sources: Annotated[list[Path], typer.Argument(help="Runs folders, of other machines say.")],
    into: Annotated[Path, typer.Option(help="The runs folder that is to have all of them.")],
    keep: Annotated[str, typer.Option(help="Where a cell differs: ours or theirs; else it is a conflict.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen and copy nothing.")] = False,
    as_json: Json = False,
) -> None:
    """Combine finished runs of several folders by content, and name the cells that differ."""
    from harness.commands import merging

    side = merging.side(keep)
    raise typer.Exit(merging.show(sources, into, keep=side, dry_run=dry_run, as_json=as_json))


@app.command()
def judge(
    name: Annotated[str, typer.Argument(help="The judge.")],
    replies: Annotated[Path, typer.Option(help="JSON lines, each with `reply`, and `messages` or `facts` if needed.")],
    grader: Grader = "",
    connections: Connections = None,
    max_cost: MaxCost = None,
    price: Price = "",
    output: Annotated[Path | None, typer.Option(help="Write to this file, not to the terminal.")] = None,
) -> None:
    """Scores for replies that were made anywhere."""
    from harness.commands import graders, grading

    asked = graders.Grading(model=grader, connections=connections, max_cost=max_cost, price=price)
    grading.judge(name, replies, asked, output=output)


@app.command()
def rejudge(
    runs: Annotated[Path, typer.Argument(help="Folder of run folders, or one run folder.")],
    grader: Grader = "",
    judge: Annotated[list[str], typer.Option(help="Grade with this judge beside the results; repeat it.")] = [],  # noqa: B006
    connections: Connections = None,
    max_cost: MaxCost = None,
    price: Price = "",
    as_json: Json = False,
) -> None:
    """Grade stored replies again: nothing is trained, and nothing generated but what a grader is asked."""
    from harness.commands import graders, page, rejudging

    grading = graders.Grading(model=grader, connections=connections, max_cost=max_cost, price=price)
    rejudging.rejudge(runs, grading, judges=page.several("--judge", judge) if judge else (), as_json=as_json)


@app.command()
def agree(
    first: Annotated[str, typer.Argument(help="A judge.")],
    second: Annotated[str, typer.Argument(help="Another judge.")],
    replies: Annotated[Path | None, typer.Option(help="JSON lines, as `harness judge` takes them.")] = None,
    runs: Annotated[Path | None, typer.Option(help="Or a folder of finished runs.")] = None,
    setting: Annotated[list[str], typer.Option(help="Runs of these only; repeat it, or put commas.")] = [],  # noqa: B006
    score: Annotated[list[str], typer.Option(help="These scores only; repeat it, or put commas.")] = [],  # noqa: B006
    threshold: Annotated[float | None, typer.Option(help="From this number on it is a yes; else half.")] = None,
    grader: Grader = "",
    connections: Connections = None,
    max_cost: MaxCost = None,
    price: Price = "",
    as_json: Json = False,
) -> None:
    """How far two judges agree on the same replies."""
    from harness.commands import agreeing, graders, page

    agreeing.agree(
        first,
        second,
        graders.Grading(model=grader, connections=connections, max_cost=max_cost, price=price),
        replies=replies,
        runs=runs,
        settings=page.several("--setting", setting) if setting else (),
        scores=page.several("--score", score) if score else (),
        threshold=threshold,
        as_json=as_json,
    )


@app.command()
def doctor(runs: Runs = Path("runs"), as_json: Json = False) -> None:
    """What this machine can run, and what is missing."""
    from harness import doctor
    from harness.commands import health

    raise typer.Exit(health.show(doctor.examine(runs), as_json=as_json))


if __name__ == "__main__":
    sys.exit(main())
