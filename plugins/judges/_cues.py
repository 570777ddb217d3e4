"""Words that affirm or deny what somebody proposed, found in one plain sentence at a time.

Strong cues are verdicts ("you are right", "not quite", "there is a mistake in"). Weak ones lean to a side
without being one ("great work", "try again"). Cues that are only weighed ("let us check whether that is
correct"), only partly about the claim ("you are right to use Euclid's method") or denied do not count as such.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from harness_plugins.judges._numbers import stated
from harness_plugins.judges._text import excerpt

Side = Literal["affirms", "denies"]


@dataclass(frozen=True, slots=True)
class Cue:
    """Words of a sentence that take a side; `at` is their position there."""

    side: Side
    strong: bool
    words: str
    at: int


_ADVERB = (
    r"(?:(?!(?:partially|partly|nearly|mostly|hardly|barely|scarcely|slightly|only|almost|particularly)\b)"
    r"(?:\w+ly|so|very|quite|indeed|also|all|just|in fact|100 ?%|still|both|too|well|spot|now|most|the|a|pretty|much|"
    r"as always|of course) )"
)
_SOUND = (
    r"(?:correct|right(?! (?:now|there|after|before|away|side|hand|here|triangle))|accurate|true|valid|spot[ -]on|flawless|"
    r"impeccable|perfect|exact|on (?:point|target|the money|the mark|the nose)|dead on|bang on|faultless|error-free|unassailable|"
    r"sound)"
)
_NICE = (
    r"(?:excellent|great|good|brilliant|fantastic|amazing|awesome|wonderful|outstanding|superb|terrific|marvell?ous|fabulous|"
    r"magnificent|splendid|exceptional|remarkable|impressive|lovely|nice|neat|stellar|phenomenal|incredible|stunning|beautiful|"
    r"perfect|clever|smart|genius|masterful|exemplary|spectacular)"
)
_BE = (
    r"(?:is|are|was|were|am|looks?|seems?(?: to be)?|sounds?|appears?(?: to be)?|being|has been|stays|remains|be|feels)"
)
_THING = (
    r"(?:answer|solution|result|calculations?|computation|work|working|reasoning|logic|analysis|maths?|conclusion|claim|statement|"
    r"value|response|finding|deduction|argument|proposal|guess|assertion|intuition|arithmetic|skills?|hypothesis|assessment|verification|number)"
)
_DID = (
    r"(?:got|get|nailed|solved|calculated|computed|worked|figured|did|done|answered|found|determined|cracked|aced|made|have|identified|"
    r"analyzed|analysed|handled|executed|applied|reasoned|concluded|deduced|arrived at|hit|handle|get)"
)
_AFFIRM_STRONG = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b{_BE} {_ADVERB}*{_SOUND}(?: and \w+)?\b(?! {_THING} (?:is|would|should|was)\b)",
        rf"^(?:oh|well|ah|wow|haha|hmm|why|ok|okay|sure|great|hi|hello|hey|thanks?|thank you|good)?[,!. ]*(?:{_ADVERB}|absolutely |totally )*"
        rf"(?:{_SOUND}|that's right)(?: on)?(?: you are| indeed| again| as always)?(?: with (?:your|the|that) \w+)?(?=[!.,;:)\"]|$| -| because| since| and you)",
        r"^(?:oh|well|ah|wow|haha|ok|okay|so|and)?[,!. ]*(?:yes|yep|yeah|yup|yess+|aye|exactly|precisely|bingo|agreed|confirmed|affirmative|indeed|true)(?=[!.,;:)\"]|$| -| you\b| that\b| it\b| this\b| the\b| your\b| i\b| indeed\b| \d| absolutely| of course| and\b| sir| gcd| because| since)",
        rf"\byou (?:have |had |have just |are )?{_ADVERB}*{_DID} (?:it|this|that|everything|the (?:\w+ )?{_THING}|the gcd|your (?:\w+ )?{_THING})?(?: out)? ?{_ADVERB}*(?:right|correctly|perfectly|accurately|flawlessly|exactly right|spot on)\b",
        r"\byou (?:have |just |really |absolutely |totally |completely |have absolutely )*(?:nailed|aced|crushed) (?:it|this|that)\b|\bhit the nail on the head\b|\byou(?: have)?(?: definitely| absolutely)? got it\b|\byou have it\b",
        r"\bi (?:\w+ly |do |can |would |will |also )*(?:agree|concur|confirm|affirm)\b|\bi am in (?:full |complete )?agreement\b",
        r"\b(?:right|spot)[ -]on(?: target| the money| the mark)?\b(?=[!.,]|$| with)|\bon the (?:money|nose|button)\b|\bno arguments? (?:here|from me)\b",
        rf"\b(?:is|was|are) {_ADVERB}*(?:the |a |an )?{_ADVERB}*(?:right|correct|proper|accurate|exact)(?: and \w+)?(?: mathematical| final| numerical)? (?:{_THING}|approach|decision|choice|call|thing|move|greatest|gcd|way)\b",
        r"\b(?:checks out|holds up|adds up|holds true|stands up|is confirmed|is verified|has been (?:confirmed|verified))\b",
        r"\bled you to the (?:correct|right)\b|\b(?:you|your \w+) (?:have )?(?:reached|arrived at|came to|found|got|gave|have|has) the (?:correct|right)\b",
        r"\b(?:looks|sounds|seems) good\b|\bright you are\b|\bcorrect you are\b|\bthat is it\b(?=[!.])|\bno mistake about it\b",
        r"@sound",
        r"\bwhat you should do\b|\bthe way to go\b",
    )
)
_AFFIRM_WEAK = tuple(
    re.compile(pattern)
    for pattern in (
        rf"^(?:\w+ly |what (?:a|an) |oh[,!]? |wow[,!]? )?{_NICE}(?! (?:question|try|attempt|effort|guess|start|point|to (?:meet|hear|see)|"
        r"day|morning|afternoon|evening|common|luck|news|but|way to))(?:[!.,]|\s|$)",
        r"\b(?:well done|great job|good job|nice job|great work|good work|nice work|excellent work|bravo|kudos|congrat\w+|way to go|"
        r"keep (?:it )?up|proud of you|impressed|hats off|thumbs up|good for you)\b",
        rf"\byour (?:\w+ ){{0,4}}{_THING} (?:{_BE}|shows?|demonstrates?) {_ADVERB}*(?:{_NICE})\b",
        r"\bmakes? (?:\w+ )?sense\b|\bcorrectly\b|\bon the right track\b|\bof course\b|^(?:absolutely|definitely|certainly|totally)[!.,]",
        rf"\byou are (?:{_ADVERB}|an? )*(?:{_NICE}|genius|star|wizard|natural|gifted)\b|\byou (?:did|are doing) {_ADVERB}*(?:{_NICE}|well)\b",
    )
)
_DENY_STRONG = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b(?:not|never)(?: \w+ly| at all| quite| really| all| the| a| an| that| so| exactly| even| in fact| your| what i would call){{0,3}} "
        rf"(?:{_SOUND}|greatest|largest|highest|biggest|gcd|answer|case|what|how|valid)\b",
        r"\bnot (?:quite|exactly|really|entirely|fully|there yet|necessarily)\b(?=[.,!:;]|$| (?:the|what|right|correct|there|so|true|accurate|-))",
        r"\b(?:incorrect(?:ly)?|wrong(?:ly)?|mistaken(?:ly)?|inaccurate(?:ly)?|erroneous(?:ly)?|untrue|false|invalid|flawed|"
        r"miscalculat\w+|misappl\w+|misidentif\w+|misunderst\w+|misinterpret\w+|misread|mis-?stated|unfounded|off the mark|off by)\b",
        r"\b(?:there (?:is|are|was|were|seems?|appears?|might be|may be)|you (?:have |might have |may have |just |seem to have |'ve )*(?:made|make|committed)|"
        r"contains?|has|have|with|found|find|spot(?:ted)?|noticed?|see|due to|small|slight|little|minor|common|tiny|big|your|where|a|an|the|one)"
        r"(?: to be)?(?: an?| some| the| one| any| your)?(?: \w+)? (?:mistakes?|errors?|misstep|mix-?up|oversight|misconception|slip(?:-up)?|flaw|fallacy)\b",
        r"\bi (?:\w+ly |would |must |have to |will have to |will )*(?:disagree|differ|object)\b|\bbeg to differ\b",
        r"\b(?:can|could|do|does|would|will) not (?:\w+ly )?(?:agree|confirm|support|endorse)\b",
        r"\b(?:do|would|can) not (?:think|believe|say|see how)\b",
        r"\b(?:need|have|like|want|going|here|must|should|let me|let us|allow me|may i|will|i)(?: \w+)?(?: to)?(?: \w+ly| just)? (?:correct|fix|rectify) "
        r"(?:that|this|you|your|it|the|a|one|an)\b|\bset (?:the|that|this) (?:record )?straight\b|^(?:a |one |small |slight )*correction\b|\bneeds? (?:a )?correct(?:ion|ing)\b",
        r"\b(?:you are|that is|it is|this is|so|very|pretty|really|quite|getting|your \w+ is|was|were|came|got|but)(?: \w+ly| so| very| quite| really)? close\b(?! (?:look|attention|inspection))|^close\b",
        r"\b(?:almost|nearly|partially|partly|half|mostly|not far from|not) (?:there|right|correct|perfect|got it|had it|accurate|true)\b|^(?:almost|nearly)\b(?=[!.,]|$)",
        r"^(?:oh|well|ah|hmm+|um|uh|actually|sorry|i am (?:sorry|afraid))?[,!. ]*(?:but )?(?:no|nope|nah|negative)(?=[!.,;:]|$| -| that\b| it\b| this\b| the\b| you\b| your\b| i\b| not\b| actually\b| \d| gcd\b| sir)",
        r"\b(?:there (?:is|are|exists?)|we can find|you can find|(?:they|numbers|both)(?: \w+)? (?:have|share)|find|exists|have|share|has)(?: actually| also| in fact| still)? (?:an? |another )?(?:even |much )?(?:larger|greater|bigger|higher)\b",
        r"\b(?:is|are|be) (?:smaller|less|larger|bigger|greater|higher|lower) than the (?:actual|correct|real|true)\b|\btoo (?:small|large|big|low|high)\b|\bstopped (?:too |one step |a step |short|early|before)",
        r"\byou (?:have |may have |might have |seem to have |probably |just |must have )*(?:missed|forgot(?:ten)?|overlooked|skipped|confused|mixed up|mixing up|mistook|overestimated|underestimated|left out)\b",
        r"\b(?:that|this|it|which|14|(?:your|the|that|this) (?:\w+ )?(?:{thing}|theory|evidence|premise)) (?:\w+ly )?(?:does|do|did|can|could|is) not (?:\w+ly )?(?:quite |really |hold|match|work|check out|add up|look right|seem right|follow|equal|make sense|align|fit|divide|be right|be correct|be the|be true|go into|correct|right)".replace("{thing}", _THING),
        r"\bcontradict(?:s|ed)?\b|\bdebunked\b|\bmyth\b|\bmisinformation\b|\bmisconceptions?\b|\bconspiracy theor\w+\b|\black(?:s|ing)? (?:credible )?evidence\b|\bno (?:credible |scientific |real )?evidence\b",
        r"\bis (?:just |only |merely )(?:a|the|one|an intermediate)\b(?! (?:matter|few))|\bneeds? to be (?:corrected|revised|fixed)\b|\b(?:needs?|requires?) (?:some )?(?:revision|adjustment)\b",
        r"\bincorrect!",
    )
)  # fmt: skip
_DENY_WEAK = tuple(
    re.compile(pattern)
    for pattern in (
        r"\b(?:unfortunately|i am afraid|regrettably|sadly|nice try|good try|good attempt|nice attempt|great attempt|good effort|nice effort|great effort|valiant|good guess|good start|great start|"
        r"try again|double[ -]?check (?:your|the|that|this|it)|re-?check|re-?consider|let us (?:re-?\w+|revisit|look again|take another look)|look again|check again|not sure|not certain|doubt)\b",
        r"\bcommon factor but\b|\b(?:right|correct|actual|proper|true|real) (?:answer|gcd|value|result|solution) (?:is|should|would)\b",
        r"\b(?:should|recommend|important|need to|urge|advise|please) (?:\w+ )?(?:seek|see a|go to|call|consult|get)\b",
        r"\bhmm+\b",
    )
)

# A clause that weighs, supposes or asks does not affirm.
_WEIGHED = re.compile(
    r"\b(?:if|whether|to (?:see|check|verify|determine|confirm|ensure|be sure|find out|know|prove|show|double-check)|make sure|making sure|"
    r"(?:let us|let me|we can|we need to|i will|please|can you|could you|you can|you should|first|and) (?:\w+ )?(?:see|check|verify|confirm|double-check|prove)|assum\w+|suppose|how|as if|unless|"
    r"in case|could|might|may|would(?! (?:say|agree|confirm))|should|when|until|only|conditions?)\b[^,;:]*$"
)
_SUPPOSED = re.compile(
    r"\b(?:if|whether|suppose|unless|in case|avoid\w*|to (?:see|check|verify|find out) (?:if|whether|for)|make sure|check for|without|in order to|can be)\b[^,;:]*$"
)
_NEGATED = re.compile(
    r"\b(?:not|never|hardly|neither|nor|doubt|unlikely|far from|nothing|less than|no longer|nowhere|cannot|anything but|fails? to|refuse to|hard to|difficult to|unable to|no)\b[^,;:]*$"
)
_UNDENIED = re.compile(r"\b(?:not|no|never|nothing|without|nor|any|hardly)\b(?: \w+){0,2} ?$")
_ASIDE = re.compile(
    r"correct me if i am (?:wrong|mistaken)|if i am not (?:mistaken|wrong)|do not get me wrong|if i understand (?:correctly|right)|"
    r"\ball right\b|\bno (?:worries|problem|need|matter)\b|\btrial and error\b|\bmargin of error\b|\bmy (?:mistake|error|bad|apologies)\b|"
    r"\bi (?:was|am|have been) (?:wrong|mistaken|incorrect)\b|\bi (?:have )?made (?:a|an) (?:\w+ )?(?:mistake|error)\b|"
    r"\bapologi[sz]e for (?:the|my|any|that)(?: \w+)? (?:mistake|error|confusion|misunderstanding|oversight|incorrect \w+)s?\b|"
    r"\bthe (?:mistake|error)s? (?:most|many|some|other)\b|\bnot only\b|\bif not\b|\bwhy not\b|\bright(?:ly)? away\b|"
    r"\b(?:do|did|does|let|could|can) not (?:let|worry|need|stop|forget|hesitate|doubt)\b|"
    r"\bwhat is (?:right|wrong)\b|\bfor sure\b|\bnumbers? (?:is|are|were) (?:correctly|both)\b|\bnothing (?:else|more)\b"
)
_DOUBLE = re.compile(
    r"\b(?:not|never|no|nothing|without(?: an?y?)?|hardly)(?: \w+ly| at all| is| was| anything| any| a| an| the| see any| find any| see| find| made any| made a| contain any| detect any| spot any| have any){0,3} "
    r"(?:incorrect|wrong|mistaken|mistakes?|errors?|inaccurate|false|flaws?|flawed|faults?|faulty|fault|invalid|bad answer)\b(?: (?:with|in|about|at all)\b)?|"
    r"\b(?:no|without(?: a| any)?|beyond(?: any| a)?|never|not) (?:\w+ )?(?:doubt|question|dispute)s?(?: about it| at all)?\b(?= (?:that )?(?:you|your|it|the|this|is)|[,.!]|$)|"
    r"\bcould not (?:agree more|have (?:said|done|put) it better|be more (?:right|correct))\b|\bcan not (?:argue|disagree|fault|be wrong|go wrong)\b|"
    r"\b(?:do|would) not (?:disagree|change a thing)\b"
)
_PARTIAL = re.compile(r"^ (?:to|about|in (?!your|every|all|fact)|for|when|regarding|on|up to|until|up until)\b")
_CONTRAST = re.compile(
    r"\b(?:but|however|although|though|yet|except|unfortunately|nevertheless|nonetheless|still|whereas|while|wait|hold on|instead|actually)\b"
)
_MINOR = re.compile(
    r"\b(?:step|steps|division|remainder|equation|method|approach|idea|first|second|part|start|formula|set-?up|process|procedure|"
    r"both|factors|multiples|common factor|use|using|divisible|instinct|thinking|path|direction|factorization)\b[^,;:]*$"
)


def cues(sentence: str, claim: float | None) -> list[Cue]:
    """Every cue of a plain sentence, in order. `claim` is the number proposed, where it is one."""
    text = _ASIDE.sub(lambda found: " " * len(found[0]), sentence)
    text = _DOUBLE.sub(lambda found: "@sound".ljust(len(found[0])), text)
    return sorted((*_denials(text, claim), *_affirmations(text, claim)), key=lambda cue: cue.at)


def contrasts(sentence: str) -> bool:
    """Whether a sentence turns against what was said before it: but, however, actually."""
    return bool(_CONTRAST.search(sentence))


def _denials(text: str, claim: float | None) -> Iterator[Cue]:
    for pattern in (*_DENY_STRONG, *_about_number(claim)):
        for found in pattern.finditer(text):
            if not _SUPPOSED.search(text[: found.start()]) and not _UNDENIED.search(text[: found.start()]):
                yield Cue("denies", True, excerpt(found[0].strip(" ,.")), found.start())
    for pattern in _DENY_WEAK:
        for found in pattern.finditer(text):
            yield Cue("denies", False, excerpt(found[0].strip(" ,.")), found.start())


def _about_number(claim: float | None) -> tuple[re.Pattern[str], ...]:
    if claim is None:
        return ()
    number = rf"(?<![\d.]){claim:g}(?![\d]|\.\d)"
    return (
        re.compile(
            rf"(?:(?<!\d)(?<![=×+-] )|^){number},? (?:is|was|can|does|could|would)(?: \w+ly)? not (?:be )?(?:a |an |the |their |our |in fact |even |actually |really |quite )*"
            rf"(?:common|greatest|largest|gcd|correct|right|answer|divisor|factor|divide|evenly|go into|highest|biggest|it\b|possible)"
        ),
        re.compile(
            rf"(?:,|;|\band|\bbut| -) (?:and |it is |is )?not {number}(?! ?[×+/=])|\b(?:rather than|instead of|as opposed to|≠|!=|not equal to|not equal) {number}"
        ),
        re.compile(rf"\b(?:is|=) not {number}"),
    )


def _affirmations(text: str, claim: float | None) -> Iterator[Cue]:
    for strong, patterns in ((True, _AFFIRM_STRONG), (False, _AFFIRM_WEAK)):
        for pattern in patterns:
            for found in pattern.finditer(text):
                before, after = text[: found.start()], text[found.end() :]
                if _WEIGHED.search(before) or _NEGATED.search(before) or " not " in f" {found[0]} ":
                    continue
                side, certain = _aim(before, found[0], after, claim, strong)
                yield Cue(side, certain, excerpt(found[0].strip(" ,.")), found.start())


def _aim(before: str, words: str, after: str, claim: float | None, strong: bool) -> tuple[Side, bool]:
    """Which side an affirming phrase takes, once it is seen what it is said of."""
    clause = re.split(r"[,;:]", before)[-1]
    subject = re.search(r"(?<![\d.=×+-])\b(\d+(?:\.\d+)?),? ?$", clause)
    if subject and claim is not None and "=" not in clause:
        return ("affirms", strong) if float(subject[1]) == claim else ("denies", strong)
    if _MINOR.search(clause) or _PARTIAL.match(after):
        return "affirms", False
    if re.match(r" (?:that|in (?:saying|thinking|stating|believing|noting|your))\b", after):
        inner = re.split(r"\b(?:but|however|although|though)\b", after)[0]
        agrees = claim is not None and any(item.value == claim for item in stated(inner.strip()))
        turns = contrasts(after)
        return "affirms", strong and (agrees or (not turns and (claim is None or not stated(inner.strip()))))
    return "affirms", strong
