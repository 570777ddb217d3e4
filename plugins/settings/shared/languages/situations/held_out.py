"""Situations that are only asked about: twelve to test with and eight to choose doses with."""

from __future__ import annotations

from harness_plugins.settings.shared.languages.problems import Template

TESTED = (
    Template(
        id="birds",
        steps="a - b + c",
        a=range(6, 13),
        b=range(2, 5),
        c=range(2, 6),
        question="On a roof sit {a} birds. Then {b} of them fly away, and {c} others come. "
        "How many birds sit on the roof now?",
    ),
    Template(
        id="bricks",
        steps="a * b",
        a=range(2, 6),
        b=range(3, 7),
        question="A low wall has {a} rows of {b} bricks. How many bricks are in the wall?",
    ),
    Template(
        id="brushes",
        steps="a - b",
        a=range(6, 13),
        b=range(2, 5),
        question="A painter has {a} brushes. He throws {b} old ones away. How many brushes does he keep?",
    ),
    Template(
        id="horse",
        steps="a + b",
        a=range(4, 10),
        b=range(2, 7),
        question="A horse runs {a} kilometres before noon and {b} kilometres after noon. "
        "How many kilometres does it run?",
    ),
    Template(
        id="notebooks",
        steps="a * b + c",
        a=range(2, 5),
        b=range(2, 6),
        c=range(2, 5),
        question="A boy buys {a} notebooks at {b} dollars each and a pen for {c} dollars. "
        "How many dollars does he pay?",
    ),
    Template(
        id="masks",
        steps="a * b - c",
        a=range(2, 5),
        b=range(4, 7),
        c=range(2, 6),
        question="A nurse has {a} packs of {b} masks and hands out {c} masks. How many masks does she still have?",
    ),
    Template(
        id="ducks",
        steps="a - b - c",
        a=range(9, 14),
        b=range(2, 5),
        c=range(2, 4),
        question="There are {a} ducks on a pond. First {b} swim away, then {c} more. "
        "How many ducks are still on the pond?",
    ),
    Template(
        id="museum",
        steps="a + b + c",
        a=range(2, 6),
        b=range(2, 6),
        c=range(2, 6),
        question="A museum shows {a} old rings, {b} bowls and {c} knives. How many things does it show?",
    ),
    Template(
        id="wax",
        steps="a - b",
        a=range(7, 13),
        b=range(2, 6),
        question="A wax figure is {a} centimetres tall. In the sun it melts by {b} centimetres. "
        "How many centimetres tall is it now?",
    ),
    Template(
        id="hats",
        steps="(a + b) * c",
        a=range(2, 5),
        b=range(2, 5),
        c=range(2, 5),
        question="Each day a shop sells {a} red hats and {b} blue hats. How many hats does it sell in {c} days?",
    ),
    Template(
        id="lemons",
        steps="a + b - c",
        a=range(4, 9),
        b=range(2, 6),
        c=range(2, 5),
        question="A cook has {a} lemons and buys {b} more. Then he uses {c} of them. "
        "How many lemons does he have left?",
    ),
    Template(
        id="team",
        steps="(a - b) * c",
        a=range(6, 10),
        b=range(2, 5),
        c=range(2, 4),
        question="A team has {a} players, but {b} are away. Each of the others brings {c} balls. "
        "How many balls are there?",
    ),
)

SELECTION = (
    Template(
        id="mushrooms",
        steps="a - b",
        a=range(7, 13),
        b=range(2, 6),
        question="A man finds {a} mushrooms, but {b} of them are bad. How many good mushrooms does he find?",
    ),
    Template(
        id="stamps",
        steps="a + b",
        a=range(4, 10),
        b=range(2, 6),
        question="A girl has {a} stamps and finds {b} more in a drawer. How many stamps does she have?",
    ),
    Template(
        id="tents",
        steps="a * b",
        a=range(2, 7),
        b=range(2, 6),
        question="A tent has room for {b} people. How many people find room in {a} tents?",
    ),
    Template(
        id="truck",
        steps="a - b + c",
        a=range(7, 13),
        b=range(2, 5),
        c=range(2, 6),
        question="A truck carries {a} stones. It drops {b} of them and loads {c} more. "
        "How many stones does it carry now?",
    ),
    Template(
        id="pens",
        steps="a * b - c",
        a=range(2, 5),
        b=range(4, 7),
        c=range(2, 6),
        question="A teacher buys {a} packets of {b} pens and gives away {c} pens. How many pens are left?",
    ),
    Template(
        id="ferry",
        steps="a * b + c",
        a=range(2, 5),
        b=range(3, 7),
        c=range(2, 6),
        question="A ferry makes {a} trips with {b} cars each and one last trip with {c} cars. "
        "How many cars does it carry?",
    ),
    Template(
        id="nuts",
        steps="a - b - c",
        a=range(9, 14),
        b=range(2, 5),
        c=range(2, 4),
        question="A jar holds {a} nuts. A squirrel takes {b}, and later it takes {c} more. "
        "How many nuts are left in the jar?",
    ),
    Template(
        id="drawing",
        steps="a + b + c",
        a=range(2, 6),
        b=range(2, 6),
        c=range(2, 6),
        question="A child draws {a} houses, {b} clouds and {c} stars. How many things does the child draw?",
    ),
)
