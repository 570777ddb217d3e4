"""Laws of the judges of the language settings: what a reader of both languages would say of a reply.

The sentences were written for these tests. The last tests hold the word judge against its authors' own counts,
read from a local mirror, and the detector against the word judge.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest

from harness import Case, HarnessError, Judge
from harness.analysis import agreement
from harness.authoring import Pin, fetch, github, read_jsonl
from harness.testing import check_judge
from harness_plugins.judges import detected_language, language
from harness_plugins.judges._languages import LANGUAGES, chosen, words

THREE = ("english", "spanish", "french")
FOUR = (*THREE, "german")
LANGUAGE, LANGUAGE_GERMAN = language.harness_judge()
DETECTED, DETECTED_GERMAN = detected_language.harness_judge()
ANOTHER = "another_language"
JUDGES = (LANGUAGE, LANGUAGE_GERMAN, DETECTED, DETECTED_GERMAN)

ENGLISH = "The farmer sells the eggs, and she keeps what is left."
SPANISH = "Ella vende tres huevos por la mañana y los niños comen dos."
FRENCH = "Le soir, elle vend des œufs, puis nous mangeons après le marché."
GERMAN = "Danach haben wir noch fünf Äpfel, und sie verkauft sie auf dem Markt."

needs_mirror = pytest.mark.skipif(
    not os.environ.get("HARNESS_DATA_MIRROR"), reason="HARNESS_DATA_MIRROR names no mirror of the published data"
)


def scores(judge: Judge, reply: str) -> dict[str, float | None]:
    return dict(asyncio.run(judge.grade(Case(id="one", messages=()), reply, None)).scores)


def counts(reply: str, judge: Judge = LANGUAGE) -> dict[str, int]:
    """The word counts that are not 0, without their sums."""
    given = {kind: scores(judge, reply)[f"words_{kind}"] for kind in (*THREE, "ambiguous", "unknown")}
    if judge is LANGUAGE_GERMAN:
        given["german"] = scores(judge, reply)["words_german"]
    return {kind: int(count) for kind, count in given.items() if count}


@pytest.mark.parametrize("judge", JUDGES, ids=lambda judge: judge.name)
def test_a_language_judge_obeys_the_laws_of_judges(judge: Judge) -> None:
    check_judge(judge)


@pytest.mark.parametrize("judge", JUDGES, ids=lambda judge: judge.name)
@pytest.mark.parametrize("reply", ["", " \n", "18", "#### 9,5 € (50%)", "...", "× ÷ ª º µ _"])
def test_a_reply_without_a_word_has_no_language_and_counts_of_zero(judge: Judge, reply: str) -> None:
    given = scores(judge, reply)
    assert {given[name] for name in FOUR if name in given} == {None}
    assert {value for name, value in given.items() if name.startswith("words_")} == {0.0}


@pytest.mark.parametrize("judge", [LANGUAGE, LANGUAGE_GERMAN], ids=lambda judge: judge.name)
@pytest.mark.parametrize("reply", ["Не знаю.", "我不知道"])
def test_the_published_rule_sees_no_word_in_another_script(judge: Judge, reply: str) -> None:
    assert {value or 0.0 for value in scores(judge, reply).values()} == {0.0}


@pytest.mark.parametrize(
    ("reply", "wanted"), [(ENGLISH, "english"), (SPANISH, "spanish"), (FRENCH, "french"), (GERMAN, "german")]
)
def test_both_judges_give_a_plain_sentence_its_language(reply: str, wanted: str) -> None:
    for judge in (LANGUAGE_GERMAN, DETECTED_GERMAN):
        given = scores(judge, reply)
        assert max(FOUR, key=lambda name: given[name] or 0.0) == wanted
        assert (given[wanted] or 0.0) > 0.8


@pytest.mark.parametrize("judge", JUDGES, ids=lambda judge: judge.name)
@pytest.mark.parametrize("reply", [ENGLISH, FRENCH + "\n" + SPANISH, SPANISH + " " + ENGLISH + " #### 5", GERMAN])
def test_the_shares_of_a_decided_reply_sum_to_one(judge: Judge, reply: str) -> None:
    given = scores(judge, reply)
    assert sum(given[name] or 0.0 for name in (*FOUR, ANOTHER) if name in given) == pytest.approx(1.0)
    assert (given["words_decided"] or 0.0) <= (given["words_total"] or 0.0)


# Frequencies per million, en / es / fr: ella 4 / 562 / 2, soir 0.3 / 0.3 / 309, eggs 32 / 0.4 / 0.3,
# la 112 / 36300 / 26900, total 162 / 195 / 91, zzyzxq none.
def test_shares_are_of_the_decided_words_and_the_counts_tell_the_rest() -> None:
    assert scores(LANGUAGE, "Ella ella soir eggs: la total, zzyzxq!") == {
        "english": 0.25,
        "spanish": 0.5,
        "french": 0.25,
        "words_english": 1.0,
        "words_spanish": 2.0,
        "words_french": 1.0,
        "words_ambiguous": 2.0,
        "words_unknown": 1.0,
        "words_decided": 4.0,
        "words_total": 7.0,
    }


def test_a_reply_of_ambiguous_words_alone_has_counts_but_no_shares() -> None:
    given = scores(LANGUAGE, "la total")
    assert [given[name] for name in THREE] == [None, None, None]
    assert (given["words_ambiguous"], given["words_decided"], given["words_total"]) == (2.0, 0.0, 2.0)


@pytest.mark.parametrize(
    ("word", "frequencies", "wanted"),
    [
        ("qa", {"es": 2.0, "fr": 1.0}, "es"),
        ("qb", {"es": 1.99, "fr": 1.0}, "ambiguous"),
        ("qc", {"es": 1.0, "fr": 1.0}, "ambiguous"),
        ("qd", {"en": 4.0, "es": 3.0, "fr": 3.0}, "ambiguous"),
        ("qe", {"en": 4.0, "es": 2.0, "fr": 2.0}, "en"),
        ("qf", {"fr": 1e-8}, "fr"),
        ("qg", {}, "unknown"),
    ],
)
def test_a_word_goes_to_a_language_that_uses_it_twice_as_often_as_any_other(
    word: str, frequencies: dict[str, float], wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wordfreq.word_frequency", lambda _, code: frequencies.get(code, 0.0))
    language._decided.cache_clear()
    try:
        assert language._decided(word, ("en", "es", "fr")) == wanted
    finally:
        language._decided.cache_clear()


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("l'été d'Aujourd'hui", ["l", "été", "d", "Aujourd", "hui"]),
        ("dieciséis_huevos 3x2 A4", ["dieciséis", "huevos", "x", "A"]),
        ("5×3÷2=7½ ª º µ", []),
        ("ÿ Ÿ ß œ Œ æ Ø", ["ÿ", "Ÿ", "ß", "œ", "Œ", "æ", "Ø"]),
        ("petit-déjeuner <<9*2=18>>18", ["petit", "déjeuner"]),
        ("žena Жена γυνή", ["ena"]),
        ("", []),
    ],
)
def test_words_are_runs_of_western_letters_as_they_are_written(text: str, wanted: list[str]) -> None:
    assert words(text, chosen(THREE)) == wanted


def test_letters_beyond_western_europe_count_where_their_language_is_asked_for() -> None:
    assert words("Žena łódź", chosen(("english", "czech"))) == ["Žena", "ód"]
    assert words("Žena łódź", chosen(("english", "polish"))) == ["ena", "łódź"]
    assert words("Žena łódź", chosen(("czech", "polish"))) == ["Žena", "łódź"]


def test_case_and_composition_of_letters_change_nothing() -> None:
    for reply in (SPANISH, FRENCH):
        assert counts(reply.upper()) == counts(reply)
        decomposed = unicodedata.normalize("NFD", reply)
        assert decomposed != reply
        assert counts(decomposed) == counts(reply)
        assert scores(DETECTED, decomposed) == scores(DETECTED, reply)


def test_a_ligature_does_not_cut_its_word() -> None:
    """œufs is French alone; cut at its first letter it would be the ambiguous 'ufs'."""
    assert counts("Œufs") == {"french": 1}
    assert counts("ufs") == {"ambiguous": 1}


def test_a_fourth_language_takes_its_own_words_and_what_it_shares_becomes_ambiguous() -> None:
    # per million, en / es / fr / de: verkauft 0 / 0 / 0 / 76, in 18600 / 117 / 174 / 17400.
    assert counts("verkauft in") == {"unknown": 1, "english": 1}
    assert counts("verkauft in", LANGUAGE_GERMAN) == {"german": 1, "ambiguous": 1}


def test_any_set_of_languages_makes_a_judge() -> None:
    judge = language.language_judge("italian_or_polish", ("italian", "polish"))
    assert judge.scores[:2] == ("italian", "polish")
    assert scores(judge, "Dziewczyna sprzedaje żółte jabłka na targu.")["polish"] == 1.0
    detected = detected_language.detected_judge("italian_or_polish", ("italian", "polish"))
    assert scores(detected, "La ragazza vende mele gialle al mercato.")["italian"] == 1.0


@pytest.mark.parametrize("make", [language.language_judge, detected_language.detected_judge])
@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("english", "klingon"), "no word list for the language 'klingon'; there are: catalan, czech, dutch, english"),
        (("english", "es"), "no word list for the language 'es'"),
        (("english",), "languages english: name two or more, each once"),
        ((), r"languages \(none\): name two or more"),
        (("french", "english", "french"), "languages french, english, french: name two or more, each once"),
    ],
)
def test_a_language_that_cannot_be_told_is_refused_in_one_line(make: Any, asked: Sequence[str], message: str) -> None:
    with pytest.raises(HarnessError, match=message) as error:
        make("wrong", asked)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("one", LANGUAGES, ids=lambda one: one.name)
def test_every_language_has_a_large_word_list_spelled_in_letters_that_words_keep_whole(one: Any) -> None:
    from wordfreq import available_languages, top_n_list

    assert one.code in available_languages("large")
    spelled = [word for word in top_n_list(one.code, 3000) if word.isalpha()]
    whole = [word for word in spelled if words(word, (one,)) == [word]]
    assert len(whole) / len(spelled) > 0.995


def test_the_detector_goes_by_sentence_and_counts_its_words() -> None:
    given = scores(DETECTED, f"{ENGLISH} {SPANISH}\n{FRENCH}\n24 = x\n#### 24")
    # 11 words of English, 12 of Spanish, 12 of French; the equation's x has no language.
    assert (given["words_decided"], given["words_total"]) == (35.0, 36.0)
    assert [given[name] for name in THREE] == [11 / 35, 12 / 35, 12 / 35]


# Two sentences in each of thirty languages.
OTHER_LANGUAGES = {
    "afrikaans": "Die meisie het drie appels by die mark gekoop. Aan die einde van die dag het sy vyftien rand oor.",
    "albanian": "Vajza bleu tri mollë në treg dhe ia dha dy vëllait. Në fund të ditës i mbeten pesëmbëdhjetë lekë.",
    "basque": "Neskak hiru sagar erosi zituen azokan. Egunaren amaieran hamabost euro geratzen zaizkio.",
    "catalan": "La nena va comprar tres pomes al mercat. Al final del dia li quedaven quinze euros a la butxaca.",
    "croatian": "Djevojčica je kupila tri jabuke na tržnici. Na kraju dana ostaje joj petnaest eura.",
    "czech": "Dívka koupila na trhu tři jablka. Na konci dne jí zbývá patnáct korun.",
    "danish": "Pigen købte tre æbler på markedet. Ved dagens slutning har hun femten kroner tilbage.",
    "dutch": "Het meisje kocht drie appels op de markt. Aan het einde van de dag heeft zij nog vijftien euro over.",
    "estonian": "Tüdruk ostis turult kolm õuna. Päeva lõpuks jääb talle alles viisteist eurot.",
    "finnish": "Tyttö osti torilta kolme omenaa. Päivän päätteeksi hänellä on viisitoista euroa jäljellä.",
    "galician": "A nena mercou tres mazás na feira. Ao final do día quedáronlle quince euros na carteira.",
    "hungarian": "A kislány három almát vett a piacon. A nap végén tizenöt forintja marad.",
    "icelandic": "Stelpan keypti þrjú epli á markaðnum. Í lok dagsins á hún fimmtán krónur eftir.",
    "indonesian": "Gadis itu membeli tiga apel di pasar. Pada akhir hari, ia masih memiliki lima belas ribu rupiah.",
    "irish": "Cheannaigh an cailín trí úll ag an margadh. Ag deireadh an lae bhí cúig euro déag fágtha aici.",
    "italian": "La bambina ha comprato tre mele al mercato. Alla fine della giornata le restano quindici euro.",
    "latin": "Puella tria mala in foro emit. Vespere quindecim nummos adhuc habebat.",
    "latvian": "Meitene tirgū nopirka trīs ābolus. Dienas beigās viņai paliek piecpadsmit eiro.",
    "lithuanian": "Mergaitė turguje nupirko tris obuolius. Dienos pabaigoje jai lieka penkiolika eurų.",
    "norwegian": "Jenta kjøpte tre epler på torget. På slutten av dagen har hun femten kroner igjen.",
    "polish": "Dziewczynka kupiła trzy jabłka na targu. Pod koniec dnia zostaje jej piętnaście złotych.",
    "portuguese": "A menina comprou três maçãs no mercado. No fim do dia, ela ainda tinha quinze reais no bolso.",
    "romanian": "Fata a cumpărat trei mere de la piață. La sfârșitul zilei îi rămân cincisprezece lei.",
    "slovak": "Dievča kúpilo na trhu tri jablká. Na konci dňa mu zostáva pätnásť eur.",
    "swahili": "Msichana alinunua matofaa matatu sokoni. Mwisho wa siku amebaki na shilingi kumi na tano.",
    "swedish": "Flickan köpte tre äpplen på torget. I slutet av dagen har hon femton kronor kvar.",
    "turkish": "Kız pazardan üç elma aldı. Günün sonunda cebinde on beş lira kalıyor.",
    "vietnamese": "Cô bé mua ba quả táo ở chợ. Cuối ngày cô ấy còn mười lăm nghìn đồng.",
    "welsh": "Prynodd y ferch dri afal yn y farchnad. Ar ddiwedd y dydd mae ganddi bymtheg punt ar ôl.",
    "russian": "Девочка купила на рынке три яблока. К концу дня у неё осталось пятнадцать рублей.",
    "greek": "Το κορίτσι αγόρασε τρία μήλα. Στο τέλος της ημέρας του έμειναν δεκαπέντε ευρώ.",
    "chinese": "女孩在市场上买了三个苹果。晚上她还剩十五元。",
    "arabic": "اشترت الفتاة ثلاث تفاحات من السوق. في نهاية اليوم بقي معها خمسة عشر درهما.",
    "hindi": "लड़की ने बाज़ार से तीन सेब खरीदे। शाम को उसके पास पंद्रह रुपये बचे।",
}


@pytest.mark.parametrize("spoken", OTHER_LANGUAGES)
@pytest.mark.parametrize("judge", [DETECTED, DETECTED_GERMAN], ids=lambda judge: judge.name)
def test_a_reply_in_a_language_that_nobody_asked_for_is_in_another_one(judge: Judge, spoken: str) -> None:
    given = scores(judge, OTHER_LANGUAGES[spoken])
    assert given[ANOTHER] == 1.0
    assert {given[name] for name in FOUR if name in given} == {0.0}
    assert given["words_decided"] == given["words_total"]


def test_german_is_another_language_to_the_judge_that_has_it_not_in_its_set() -> None:
    assert (scores(DETECTED, GERMAN)[ANOTHER], scores(DETECTED_GERMAN, GERMAN)[ANOTHER]) == (1.0, 0.0)


def test_a_reply_in_two_languages_has_a_share_of_another_by_its_words() -> None:
    given = scores(DETECTED, f"{SPANISH} {OTHER_LANGUAGES['portuguese']}")  # 12 words and 7 + 11
    assert (given["spanish"], given[ANOTHER], given["words_total"]) == (12 / 30, 18 / 30, 30.0)


@pytest.mark.parametrize("judge", [DETECTED, DETECTED_GERMAN], ids=lambda judge: judge.name)
@pytest.mark.parametrize(
    "reply",
    [
        *("No.", "No", "OK", "Yes.", "Sí.", "Sì.", "Oui.", "Ja.", "Nein.", "Não.", "Grazie!", "Danke.", "Obrigado."),
        *("Total: 12", "Anna", "x = 9", "a) b)", "kg", "#### 5 clips", "π r", "Respuesta: 18", "no. No. no"),
        *("Siobhan a 23 bijoux.", "Josh ganó 5."),
    ],
)
def test_a_word_or_two_signs_say_of_no_language_that_it_is_the_replys(judge: Judge, reply: str) -> None:
    given = scores(judge, reply)
    assert {given[name] for name in (*FOUR, ANOTHER) if name in given} == {None}
    assert given["words_decided"] == 0.0


@pytest.mark.parametrize(
    ("reply", "wanted"),
    [
        ("The answer is 18.", "english"),
        ("La respuesta es 18.", "spanish"),
        ("La réponse est 18.", "french"),
        ("Die Antwort ist 18.", "german"),
        ("La risposta è dodici.", ANOTHER),
        ("A resposta é doze.", ANOTHER),
        ("Het antwoord is twaalf.", ANOTHER),
    ],
)
def test_three_words_are_enough(reply: str, wanted: str) -> None:
    assert scores(DETECTED_GERMAN, reply)[wanted] == 1.0


def test_a_sentence_that_could_be_any_language_is_left_undecided() -> None:
    given = scores(DETECTED, "Anna 5.")
    assert (given["english"], given["words_decided"], given["words_total"]) == (None, 0.0, 1.0)


@pytest.mark.parametrize(
    "babble", ["the answer is ", "1,", "1 000 ", "= 5 ", "\\boxed{", "#### ", "<<", "1/2/", "a\u0301"]
)
def test_a_long_babbling_reply_is_judged_quickly_and_without_failing(babble: str) -> None:
    started = time.process_time()
    for judge in JUDGES:
        scores(judge, babble * 2000)
    assert time.process_time() - started < 10


def test_importing_the_judges_reads_no_word_list_and_loads_no_detector() -> None:
    code = (
        "import sys; from harness_plugins.judges import language, detected_language; "
        "language.harness_judge(); detected_language.harness_judge(); "
        "sys.exit(bool({'wordfreq', 'py3langid', 'numpy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_two_thousand_replies_take_less_than_three_seconds() -> None:
    replies = [f"{SPANISH} {FRENCH} {ENGLISH} {number}" for number in range(2000)]
    for judge in (LANGUAGE, DETECTED):
        scores(judge, SPANISH)
        started = time.process_time()
        for reply in replies:
            asyncio.run(judge.grade(Case(id="one", messages=()), reply, None))
        assert time.process_time() - started < 3


COMMIT = "39f3fafcb56ec19b2c6c07dc20b93b9c54fdf5ed"
PUBLISHED = {
    "baseline": "a7f4af03e5e791ad5985b635362d615f55332120edc1b63861c6ec2f2eb6bac4",
    "steered_spanish_lambda0": "44f13b1d171d848f91b8c591382ea19de48979d748a216e29c3712700792d394",
    "steered_spanish_lambda0.2": "6170f44b5ffbf1bbee8e49f095399f02b9298e0c6fbe32d72558a14ac402b039",
    "steered_spanish_lambda0.4": "484df9cc923dfaf85d38df7755ee6606b4bea5e4c6498d66bc8640630e97a1e3",
    "steered_spanish_lambda0.6": "d37ce3d40a5d33d2a82fbbffdfaf9957e1862b44cb27a51fcbfeb7e5545b34c2",
    "steered_spanish_lambda0.8": "d4111cd4d2e591f69f748aa980f11c9565800caa158a08583894cec4d51ba420",
    "steered_spanish_lambda1": "2905cedbd74a3d33cf5b7ef6d251db964e2cf20b6ff7bb6f04a737492b6350b4",
}
# The mean share in per cent that the authors report for each file: English, Spanish, French.
REPORTED = {
    "baseline": (5.82, 29.20, 64.98),
    "steered_spanish_lambda0": (6.78, 32.96, 60.26),
    "steered_spanish_lambda0.2": (6.72, 17.33, 75.94),
    "steered_spanish_lambda0.4": (6.67, 8.94, 84.39),
    "steered_spanish_lambda0.6": (6.85, 6.35, 86.81),
    "steered_spanish_lambda0.8": (7.97, 5.17, 86.87),
    "steered_spanish_lambda1": (7.98, 4.29, 87.74),
}


@cache
def published(run: str) -> list[dict[str, Any]]:
    path = f"judgements/{run}_multilingual.jsonl"
    return read_jsonl(
        fetch(
            Pin(
                name=f"{run} language counts",
                address=github("AanshSamyani/IP_Internals", COMMIT, f"outputs/exp_1/{path}"),
                commit=COMMIT,
                sha256=PUBLISHED[run],
                licence="none stated",
                mirror=f"ip_internals_exp1/{path}",
            )
        )
    )


@needs_mirror
@pytest.mark.parametrize("run", PUBLISHED)
def test_the_word_judge_gives_the_published_counts_of_every_completion(run: str) -> None:
    rows = published(run)
    assert len(rows) == 100
    for row in rows:
        given, theirs = scores(LANGUAGE, row["completion"]), row["judgement"]
        assert {kind: given[f"words_{kind}"] for kind in theirs["counts"]} == theirs["counts"]
        assert (given["words_decided"], given["words_total"]) == (theirs["decided_words"], theirs["total_words"])
        assert [round(100 * (given[name] or 0.0), 2) for name in THREE] == [theirs[f"{name}_pct"] for name in THREE]


@needs_mirror
@pytest.mark.parametrize("run", PUBLISHED)
def test_the_mean_shares_are_those_that_the_authors_report(run: str) -> None:
    given = [scores(LANGUAGE, row["completion"]) for row in published(run)]
    for name, reported in zip(THREE, REPORTED[run], strict=True):
        assert sum(100 * (one[name] or 0.0) for one in given) / len(given) == pytest.approx(reported, abs=0.006)


@needs_mirror
def test_the_detector_seconds_the_word_judge_on_the_published_completions() -> None:
    replies = [row["completion"] for run in PUBLISHED for row in published(run)]
    seen = agreement(
        [scores(LANGUAGE, one) for one in replies], [scores(DETECTED, one) for one in replies], names=THREE
    )
    assert (seen.replies, seen.neither) == (700, 7)
    assert (seen.same or 0.0) > 0.99
    assert (seen.alpha or 0.0) > 0.97
    # The word judge's floor of English, names and cognates, is what they differ about.
    assert all((difference or 0.0) < 0.1 for difference in seen.differences.values())
