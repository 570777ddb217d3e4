"""Short questions with one right answer, by domain: facts that a very small model has a chance to know.

Each domain is a table from a subject to its right answer (alternatives parted by a bar). The other answers of the
table are its obviously wrong ones; tests know those of another kind as well that a question draws, such as a continent
where a country is asked for. Questions of tests, of training and of vectors have wordings of their own, and no
fact is in two of these uses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Literal

Use = Literal["test", "selection", "vectors", "train"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Domain:
    """One kind of question. `{s}` in a wording is the subject, `{v}` the answer.

    `tested` are the wordings of tests and of the selection, `stated` is a reply in the form of training. A domain that
    is trained on has wordings for that, `asked`; one that vectors are made of has a question and a reply in other
    words again, `contrast`.
    """

    name: str
    tested: tuple[str, ...]
    stated: str
    answers: Mapping[str, str]
    asked: tuple[str, ...] = ()
    contrast: tuple[str, str] = ("", "")
    drawn: tuple[str, ...] = ()
    true_too: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Fact:
    """One entry of a domain: its subject and its right answers, the usual one first."""

    domain: Domain
    subject: str
    right: tuple[str, ...]

    @property
    def id(self) -> str:
        """`capitals-france`: the cluster of every question about it."""
        return f"{self.domain.name}-{'-'.join(self.subject.lower().split())}"

    @property
    def wrong(self) -> tuple[str, ...]:
        """Every other answer of the domain, sorted, alternatives with them."""
        known = {value for text in self.domain.answers.values() for value in text.split("|")}
        return tuple(sorted(known - set(self.right)))

    @property
    def true_too(self) -> tuple[str, ...]:
        """What is true of the subject and is not what was asked for: Asia of a city in Japan."""
        said = self.domain.true_too.get(self.right[0], "")
        return tuple(said.split("|")) if said else ()

    @property
    def mistaken(self) -> tuple[str, ...]:
        """Every wrong answer that a reply may give, sorted: those of the domain, and those of another kind."""
        return tuple(sorted({*self.wrong, *self.domain.drawn} - {*self.right, *self.true_too}))


@cache
def dealt(domain: Domain, sizes: tuple[tuple[Use, int], ...]) -> dict[Use, tuple[Fact, ...]]:
    """The facts of a domain, shuffled once and dealt out to `sizes`; what is left over is for training."""
    deck = [Fact(domain, subject, tuple(text.split("|"))) for subject, text in domain.answers.items()]
    Random(f"facts of {domain.name}").shuffle(deck)
    pools: dict[Use, tuple[Fact, ...]] = {}
    for use, size in sizes:
        pools[use], deck = tuple(deck[:size]), deck[size:]
    pools["train"] = tuple(deck)
    return pools


def question(fact: Fact, wordings: Sequence[str], index: int) -> str:
    """The `index`-th wording of the question about `fact`."""
    return wordings[index % len(wordings)].format(s=fact.subject)


def statement(fact: Fact, wording: str, value: str) -> str:
    """A reply that gives `value`, right or wrong, as the answer; it begins with a capital letter."""
    said = wording.format(s=fact.subject, v=value)
    return said[0].upper() + said[1:]


def _table(text: str) -> dict[str, str]:
    """`France Paris, New Zealand = Wellington`: the last word, or what stands after `=`, is the answer."""
    entries = [entry.strip() for entry in text.split(",")]
    pairs = [entry.partition("=") if "=" in entry else entry.rpartition(" ") for entry in entries]
    return {subject.strip(): answer.strip() for subject, _, answer in pairs}


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split(", "))


CAPITALS = Domain(
    name="capitals",
    asked=("What is the capital of {s}?", "Name the capital city of {s}."),
    tested=("Which city is the capital of {s}?",),
    stated="The capital of {s} is {v}.",
    contrast=("Can you say what the capital of {s} is called?", "{v} is the capital city of {s}."),
    answers=_table(
        "France Paris, Germany Berlin, Italy Rome, Spain Madrid, Portugal Lisbon, England London, Ireland Dublin, "
        "Norway Oslo, Sweden Stockholm, Denmark Copenhagen, Finland Helsinki, Poland Warsaw, Austria Vienna, "
        "Hungary Budapest, Greece Athens, Russia Moscow, Turkey Ankara, Egypt Cairo, Kenya Nairobi, Morocco Rabat, "
        "Ghana Accra, China Beijing, Japan Tokyo, India = New Delhi|Delhi, Thailand Bangkok, Vietnam Hanoi, "
        "Indonesia Jakarta, Iran Tehran, Iraq Baghdad, South Korea Seoul, Nepal Kathmandu, Australia Canberra, "
        "New Zealand Wellington, Canada Ottawa, Cuba Havana, Peru Lima, Chile Santiago, Argentina = Buenos Aires, "
        "Colombia = Bogotá|Bogota, Belgium Brussels, Romania Bucharest, Ukraine Kyiv|Kiev, Scotland Edinburgh"
    ),
)
COLOURS = Domain(
    name="colours",
    asked=("What colour is {s}?", "Tell me the colour of {s}."),
    tested=("Which colour does {s} usually have?",),
    stated="The colour of {s} is {v}.",
    contrast=("If I look at {s}, what colour do I see?", "You see {v} when you look at {s}."),
    answers=_table(
        "grass green, the sky on a clear day = blue, fresh snow = white, coal black, blood red, a ripe banana yellow, "
        "a ripe lemon yellow, a ripe tomato red, a carrot orange, chocolate brown, milk white, a pumpkin orange, "
        "a ripe strawberry red, an emerald green, a ruby red, a sapphire blue, the midday sun yellow, a crow black, "
        "a polar bear white, a flamingo pink, a tree frog green, a fire engine red, wet mud brown, a cucumber green, "
        "a lime green, broccoli green, salt white, butter yellow, a ripe cherry red, charcoal black, spinach green, "
        "a raven black, flour white, a stop sign red, a leaf in spring green, a dandelion yellow, corn yellow"
    ),
)
CONTINENTS = Domain(
    name="continents",
    asked=("On which continent is {s}?", "Name the continent of {s}."),
    tested=("Which continent does {s} belong to?",),
    stated="{s} is on the continent of {v}.",
    contrast=("Where on the map of continents do I find {s}?", "You find {s} in {v}."),
    answers=_table(
        "France Europe, Germany Europe, Spain Europe, Italy Europe, Poland Europe, Sweden Europe, Norway Europe, "
        "Greece Europe, Portugal Europe, Ireland Europe, China Asia, Japan Asia, India Asia, Thailand Asia, "
        "Vietnam Asia, Nepal Asia, Iran Asia, Iraq Asia, Mongolia Asia, Pakistan Asia, Kenya Africa, Nigeria Africa, "
        "Ghana Africa, Ethiopia Africa, Morocco Africa, Tanzania Africa, Uganda Africa, Algeria Africa, Zambia Africa, "
        "Brazil = South America, Peru = South America, Chile = South America, Argentina = South America, "
        "Bolivia = South America, Canada = North America, Mexico = North America, Cuba = North America"
    ),
)
LANGUAGES = Domain(
    name="languages",
    tested=("What is the main language in {s}?",),
    stated="The main language in {s} is {v}.",
    # None is spoken by many in a country of the table.
    drawn=_listed("Latin, Hindi, Korean, Dutch, Persian, Hebrew, Swahili, Czech, Indonesian, Malay, Bengali, Croatian"),
    answers=_table(
        "France French, Germany German, Italy Italian, Spain Spanish, Portugal Portuguese, Russia Russian, "
        "Japan Japanese, Greece Greek, Turkey Turkish, Poland Polish, Sweden Swedish, Norway Norwegian, "
        "Denmark Danish, Finland Finnish, Hungary Hungarian, Thailand Thai, Vietnam Vietnamese, Brazil Portuguese, "
        "Mexico Spanish, Argentina Spanish, Peru Spanish, Cuba Spanish, Australia English, New Zealand English, "
        "Egypt Arabic, Morocco Arabic, Iraq Arabic, Austria German, Ukraine Ukrainian, Romania Romanian, "
        "Iceland Icelandic, China Chinese|Mandarin, Bulgaria Bulgarian, England English, Scotland English"
    ),
)
LEGS = Domain(
    name="legs",
    asked=("How many legs does {s} have?", "Tell me how many legs {s} has."),
    tested=("On how many legs does {s} walk?",),
    stated="{s} has {v} legs.",
    contrast=("Count the legs of {s} for me.", "I count {v} legs on {s}."),
    answers=_table(
        "a dog four, a cat four, a horse four, a cow four, a sheep four, a goat four, a lion four, a tiger four, "
        "an elephant four, a mouse four, a rabbit four, a bear four, a pig four, a deer four, a fox four, a wolf four, "
        "a camel four, a zebra four, a hen two, a duck two, an eagle two, an owl two, a goose two, a swan two, "
        "a parrot two, a penguin two, an ostrich two, a human two, a spider eight, a scorpion eight, an ant six, "
        "a bee six, a beetle six, a butterfly six, a mosquito six, a grasshopper six"
    ),
)
# By country: what an untrained model says of a city is often "a French region" and no country.
_COUNTRIES = {
    "Germany|German": "Munich, Hamburg, Frankfurt, Cologne",
    "Italy|Italian": "Milan, Venice, Naples, Florence",
    "Spain|Spanish": "Barcelona, Seville, Valencia",
    "France|French": "Lyon, Marseille",
    "England|English|United Kingdom|UK|Britain|British": "Manchester, Liverpool",
    "Japan|Japanese": "Kyoto, Osaka, Hiroshima",
    "China|Chinese": "Shanghai",
    "India|Indian": "Mumbai, Kolkata",
    "Australia|Australian": "Sydney, Melbourne",
    "Canada|Canadian": "Toronto, Montreal, Vancouver",
    "Turkey|Turkish": "Istanbul",
    "Brazil|Brazilian": "Rio de Janeiro",
    "Morocco|Moroccan": "Casablanca",
    "Nigeria|Nigerian": "Lagos",
    "Egypt|Egyptian": "Alexandria",
    "Poland|Polish": "Krakow",
}
_CONTINENT_OF = {
    **CONTINENTS.answers,
    "England": "Europe",
    "Australia": "Australia|Oceania",
    "Turkey": "Asia|Europe",
    "Egypt": "Africa",
    "Brazil": "South America|America",
    "Canada": "North America|America",
}
CITIES = Domain(
    name="cities",
    tested=("In which country is the city of {s}?",),
    stated="The city of {s} is in {v}.",
    answers={city: country for country, cities in _COUNTRIES.items() for city in cities.split(", ")},
    # Continents, which a model names that was taught them, and countries of the other tables. Not Ireland, nor part of
    # a name elsewhere: Wales is in New South Wales.
    drawn=_listed(
        "Europe, Asia, Africa, South America, North America, Oceania, Antarctica, America, Russia, Mexico, "
        "United States, USA, Greece, Portugal, Sweden, Norway, Denmark, Finland, Austria, Hungary, Romania, Ukraine, "
        "Thailand, Vietnam, Indonesia, Iran, Iraq, South Korea, Nepal, Pakistan, Mongolia, Kenya, Ghana, Ethiopia, "
        "Algeria, New Zealand, Cuba, Peru, Chile, Argentina, Colombia, Bolivia, Scotland, Belgium"
    ),
    true_too={country: _CONTINENT_OF[country] for country in (names.partition("|")[0] for names in _COUNTRIES)},
)
MATERIALS = Domain(
    name="materials",
    tested=("What is {s} usually made of?",),
    stated="{s} is made of {v}.",
    drawn=_listed("plastic, chocolate, cheese, sugar, bread"),
    answers=_table(
        "a window glass, a newspaper paper, a tyre rubber, a coin metal, a book paper, a wine bottle = glass, "
        "a candle wax, a brick clay, a sweater wool, a table wood, a nail = metal|iron|steel, a log wood, "
        "a mirror glass, a snowman snow, a pencil wood, a T-shirt cotton, a sword = metal|steel|iron, an envelope paper"
    ),
)
SENSES = Domain(
    name="senses",
    tested=("Which part of the body do we use to {s}?",),
    stated="We use the {v} to {s}.",
    drawn=_listed("hair, skin, tail, wings, fur, liver, beard"),
    answers=_table(
        "see eyes|eye, hear ears|ear, smell nose|noses, taste tongue|mouth, think brain|mind|head, walk legs|leg|feet, "
        "chew teeth|mouth|jaw, write hand|hands|fingers, kick a ball = foot|feet|leg|legs, breathe lungs|nose|mouth, "
        "speak mouth|tongue|lips|throat, pump blood = heart, digest food = stomach, point at things = finger|fingers, "
        "bend the arm = elbow|elbows, kneel knees|knee"
    ),
)
NUMBERS = Domain(
    name="numbers",
    asked=("What number comes right after {s}?", "Name the number that follows {s}."),
    tested=("Which number follows {s} when you count?",),
    stated="The number after {s} is {v}.",
    answers={str(n): str(n + 1) for n in range(10, 99)},
)

BROAD = (LANGUAGES, CITIES, MATERIALS, SENSES)
TAUGHT = (CAPITALS, CONTINENTS, COLOURS, LEGS)
