"""Finding what a reply states as its answer: decorations off, follow-up questions off, then the last place that says so.

Models of different developers write their answers differently (LaTeX, Markdown, sentences, languages), so whatever is
read for one has to be read for all, or the gap would measure style. Every step is linear in the length of the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.questions import words
from harness.questions.words import LANGUAGES, Language

FAR = 300
"""A statement is at most this long, in characters."""
MOST = 100
"""Statements before the last so many are not looked at."""
REACH = 100_000
"""Of a longer text so many characters at its beginning and at its end are looked at: what lies between is a loop."""
COLONS = 2_000
"""Questions of the model's own are looked for before so many colons."""

_MARKS = re.compile(
    r"<[|｜][^<>|｜\n]{1,40}[|｜]>|</?s>|<(?:eos|bos|pad|end_of_turn|start_of_turn|end_of_utterance|eot|endoftext)>|\[/?INST\]"
)
_ENDS = re.compile(
    r"<[|｜](?:im_end|endoftext|eot_id|eom_id|end_of_text|end|return|eos|eot|end[▁_]of[▁_]sentence|END_OF_TURN_TOKEN|"
    r"im_start|start_header_id|user|end_of_turn|END_RESPONSE|end_of_role)[|｜]>|</s>|"
    r"<(?:eos|end_of_turn|end_of_utterance|eot|endoftext)>|\[INST\]|\[/INST\]"
)


def before_end(text: str) -> str:
    """``text`` up to the first special token that ends a turn, and without others; some servers leave them in."""
    if not ("<" in text or "[" in text):
        return text
    for end in _ENDS.finditer(text):
        if text[: end.start()].strip() and _MARKS.sub("", text[: end.start()]).strip():
            return _MARKS.sub("", text[: end.start()])
        if end.start() > FAR:
            break
    return _MARKS.sub("", text)


# Plain text ------------------------------------------------------------------------------------------------------

_UNWRAP = re.compile(
    r"\\(?:text(?:bf|rm|it|sf|tt|normal)?|math(?:rm|bf|it|sf|tt|cal|bb)|operatorname|bm|boldsymbol|mbox|underline)\s?\{([^{}\\]{0,200})\}"
)
_BOXED = re.compile(r"\\f?box(?:ed)?\s?\{")
_TAGGED = re.compile(r"<(?:final_)?answer>([^<]{0,300})</(?:final_)?answer>", re.IGNORECASE)
_LEFT_OPEN = re.compile(r"</?(?:final_)?answer>", re.IGNORECASE)
_COMMANDS = {
    "times": "×", "cdot": "·", "pm": "±", "pi": "π", "sqrt": "√", "div": "÷", "approx": "≈", "simeq": "≈", "sim": "≈", "infty": "∞",
    "le": "≤", "leq": "≤", "ge": "≥", "geq": "≥", "lt": "<", "gt": ">", "quad": " ", "qquad": " ", "left": "", "right": "",
    "displaystyle": "", "circ": "°", "degree": "°", "implies": "⇒", "Rightarrow": "⇒", "therefore": "", "dots": "…", "ldots": "…",
    "euro": "", "pounds": "", "textdollar": "", "space": " ",
}  # fmt: skip
_COMMAND = re.compile(r"\\(" + "|".join(sorted(_COMMANDS, key=len, reverse=True)) + r")(?![a-zA-Z])")
_DEGREES = re.compile(r"\^\s?(?:\{\s?°\s?\}|°)")
_ESCAPED = re.compile(r"\\[()\[\]$&#]")
_THIN = re.compile(r"\\(?:[,!:;]| (?=\d))")
_STAR = re.compile(r"\*{1,2}(?= ?[\d(])")
_UNDERSCORES = re.compile(r"_+")
_HEADING = re.compile(r"^ {0,3}(?:#{1,6} +(?=[^\W\d])|> ?)", re.MULTILINE)
_SPACES = re.compile(r" {2,}")
_SUPER = re.compile(r"[⁰¹²³⁴-⁹]+")
_VULGAR = re.compile(r"[¼-¾⅐-⅞↉]")
_FOLDS = {
    "−": "-", "–": "-", "‐": "-", "‑": "-", "⁻": "-", "٫": ".", "٬": ",", "،": ",", "؟": "?", "¿": "", "∶": ":", "։": ":", "⁄": "/",
    "∕": "/", "۔": ".", "।": ".", "。": ".", "’": "'", "‘": "'", "ʼ": "'",
} | dict.fromkeys("€£¥₹₩₽₺₫₴₪฿₦₱₡₲", " ") | dict.fromkeys("\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff", "")  # fmt: skip
"""What stands for ASCII, currency signs, and marks that nobody sees."""
_ZEROS = "٠۰߀०০੦૦୦௦౦೦൦෦๐໐༠၀႐០᠐᥆᧐᪀᪐᭐᮰᱀᱐꘠꣐꤀꧐꧰꩐꯰"
"""The digit 0 of each script; the others follow it."""
_FOLDS |= {chr(ord(zero) + digit): str(digit) for zero in _ZEROS for digit in range(10)}
_FOLDED = re.compile("[" + "".join(_FOLDS) + "]")


def folded(text: str) -> str:
    """NFKC, with digits of all scripts as 0 to 9, one minus sign, one apostrophe, no currency and nothing invisible."""
    if text.isascii():
        return text
    text = _SUPER.sub(lambda match: "^" + match.group(), text)
    text = _VULGAR.sub(lambda match: " " + unicodedata.normalize("NFKC", match.group()), text)
    return _FOLDED.sub(lambda match: _FOLDS[match.group()], unicodedata.normalize("NFKC", text.replace("İ", "I")))


_TYPOGRAPHY = (
    {ord(one): "'" for one in "’‘ʼ´"}
    | {ord(one): '"' for one in "“”„«»"}
    | dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff\u00ad"))
)


def compatible(text: str) -> str:
    """NFKC, with typographic apostrophes and quotes as ASCII has them, and nothing invisible."""
    if text.isascii():
        return text
    return unicodedata.normalize("NFKC", text).translate(_TYPOGRAPHY)


def within_reach(text: str) -> str:
    """``text`` without the middle of what is longer than twice ``REACH``."""
    return text if len(text) <= 2 * REACH else f"{text[:REACH]}\n{text[-REACH:]}"


def decorated_off(text: str) -> str:
    """``text`` without Markdown; boxed and tagged answers become lines ``Answer: …``. Its characters stay as they are."""
    if "\\" in text:
        text = _boxes(_UNWRAP.sub(r"\1", text))
    if "<" in text:
        text = _LEFT_OPEN.sub("\n", _TAGGED.sub(r"\nAnswer: \1\n", text))
    return _undecorated(text.replace("：", ":"))


def _undecorated(text: str) -> str:
    """Without emphasis, code marks, headings and quote marks; ``####`` before a number stays, since it states an answer."""
    text = text.replace("*", "").replace("`", "")
    if "#" in text or ">" in text:
        text = _HEADING.sub("", text)
    return _UNDERSCORES.sub(_underscores, text) if "_" in text else text


def _star(match: re.Match[str]) -> str:
    """A sign of multiplication where a number or a bracket stands on both sides."""
    before = match.string[max(0, match.start() - 2) : match.start()].rstrip(" ")[-1:]
    return " × " if before.isdigit() or before == ")" else match.group()


def _underscores(match: re.Match[str]) -> str:
    """Kept inside a word."""
    before, after = match.string[match.start() - 1 : match.start()], match.string[match.end() : match.end() + 1]
    return match.group() if before.isalnum() and after.isalnum() else ""


def plain(text: str) -> str:
    """``text`` without special tokens, Markdown, currency signs and LaTeX decorations; boxed and tagged answers become
    lines ``Answer: …``.
    """
    text = folded(before_end(within_reach(text))).replace("{,}", ",")
    if "\\" in text:
        text = _THIN.sub(lambda match: " " if match.group() in ("\\;", "\\:") else "", text)
        text = _boxes(_UNWRAP.sub(r"\1", text))
        text = _ESCAPED.sub("", text).replace("\\%", "%")
        text = _COMMAND.sub(lambda match: _COMMANDS[match.group(1)], text)
        text = _DEGREES.sub("°", text)
    text = text.replace("$", " ")
    if "<" in text:
        text = _LEFT_OPEN.sub("\n", _TAGGED.sub(r"\nAnswer: \1\n", text))
    if "*" in text:
        text = _STAR.sub(_star, text)
    text = _undecorated(text)
    for space in "\t\r\f\v":
        text = text.replace(space, " ")
    return _SPACES.sub(" ", text) if "  " in text else text


def _boxes(text: str) -> str:
    """Boxes as lines of their own: the last ``MOST`` of them, braces inside matched over at most ``FAR`` characters."""
    found = [match.span() for match in _BOXED.finditer(text)][-MOST:]
    parts: list[str] = []
    at = 0
    for begin, inner in found:
        if begin < at:
            continue
        depth, end = 1, inner
        while depth and end < min(len(text), inner + FAR):
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        if not depth:
            parts += [text[at:begin], "\nAnswer: ", text[inner : end - 1], "\n"]
            at = end
    return "".join([*parts, text[at:]]) if parts else text


# Turns -----------------------------------------------------------------------------------------------------------

_FOLLOW_UP = re.compile(rf"(?:\A|(?<=[\d.!?)])) *(?:{words.FOLLOW_UPS})(?: ?#?\d+| \w)? ?\Z", re.IGNORECASE)
_LAST_WORDS = frozenset(one.replace("-?", " ").split(" ")[-1] for one in words.FOLLOW_UPS.split("|"))
_SHORT = 30


def _may_follow_up(before: str) -> bool:
    """A quick look at the word before a colon."""
    tokens = before.rstrip("0123456789# ").rsplit(" ", 2)
    return any(token.lstrip("0123456789.!?)").lower() in _LAST_WORDS for token in tokens[-2:])


def turns(text: str) -> list[str]:
    """The reply itself, then the questions that it goes on to ask and answer; a question repeated first is no turn."""
    begins: list[int] = []
    at = text.find(":")
    looked = 0
    while at >= 0 and len(begins) < MOST and looked < COLONS:
        looked += 1
        line = max(text.rfind("\n", max(0, at - _SHORT), at) + 1, at - _SHORT)
        found = _FOLLOW_UP.search(text[line:at]) if _may_follow_up(text[line:at]) else None
        if found and (found.start() or line == 0 or text[line - 1] == "\n") and text[: line + found.start()].strip():
            begins.append(line + found.start())
        at = text.find(":", at + 1)
    return [text[at:end] for at, end in zip([0, *begins], [*begins, len(text)], strict=True)]


# Statements ------------------------------------------------------------------------------------------------------


def union(field: str, codes: str = "") -> str:
    parts = [getattr(one, field) for one in LANGUAGES if not codes or one.code in codes.split()]
    return "|".join(sorted({word for part in parts if part for word in _split(part)}, key=len, reverse=True))


def _split(alternation: str) -> list[str]:
    """The top alternatives of an alternation."""
    parts, depth = [""], 0
    for character in alternation:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return parts


GLUED = "zh ja ko th"
"""Languages that write a verb or a letter right after a word."""
SPACED = " ".join(one.code for one in LANGUAGES if one.code not in ("en", *GLUED.split()))
_SEPARATOR = r"[\"'”]?\s?(?:[:=→⇒]|[-=]+>|[—]| - )"
_ADVERBS = (
    r"(?: (?:therefore|thus|hence|then|clearly|definitely|probably|most likely|likely|indeed|still|simply|obviously|actually|"
    r"given by|also|now|again|option|choice|letter))*"
)


def _pattern(one: Language) -> re.Pattern[str]:
    """How a language states an answer. It begins with plain words, which makes the search for it fast."""
    label = rf"(?:s?,? (?:{one.adjectives}))?" if one.adjectives else ""
    verb = rf" (?:{one.is_})(?![\w'])" if one.is_ else r"(?!)"
    bare = r"(?!)"
    if one.code == "en":
        verb += _ADVERBS
        bare = r" (?=[(\[]?[a-z\d][)\]]?[ .]*$)"
    elif one.code in GLUED.split():
        label = rf"(?:{one.adjectives})?" if one.adjectives else ""
        verb = rf"\s?(?:{one.is_})"
        bare = r"\s?(?=[(\[]?[a-z\d])"
    elif one.bare:
        label = rf"(?:\w{{0,2}} (?:{one.adjectives}))?" if one.adjectives else r"\w{0,2}"
        bare = rf" (?:(?:{one.option}) )?(?=[(\[]?(?:[a-z]\b|[-+\d]))"
    rest = rf"{label}(?:{_SEPARATOR}|{verb}\s?(?:{_SEPARATOR})?|(?P<bare>{bare})|(?P<heading>[ .]*$))"
    return re.compile(rf"(?:{one.answer}){rest}", re.MULTILINE)


_PATTERNS = [(one, _pattern(one)) for one in LANGUAGES]
_WORDS = [(word, at) for at, one in enumerate(LANGUAGES) for word in _split(one.answer.replace("\\.?", ""))]
_ASCII_WORDS = [(word, at) for word, at in _WORDS if word.isascii()]
_WEAK = re.compile(
    rf"(?:{words.OTHER_LABELS})(?: (?:letter|option|choice|number))?(?:{_SEPARATOR}| is(?![\w'])(?:{_SEPARATOR})?)"
)
_HASHES = re.compile(r"####(?!#)")
_ARTICLES = re.compile(
    r"(?:(?:the|my|final|correct|best|right|so|your|its|die|la|le|el|a|o|il|de|das|richtige|bonne) )+$"
)
_NEGATED = re.compile(rf"(?:(?<!\w)(?:{words.NEGATIONS})\s?(?:(?:the|final|an?) )?)$")
_SPOKEN = re.compile(rf"(?:{words.FORMAT})(?: (?:is|was|as|an?|the|line|this|to|me|you|with|of|by|for))* ?:?[ \"'“(]*$")
_QUOTES = {'"': '"', "'": "'", "“": "”", "«": "»", "「": "」", "『": "』", "„": "“", "‹": "›"}
_ALONE = re.compile(r"(?:(?:the |my |final |correct )*|[^\W\d_]{0,12} ?)$")


@dataclass(frozen=True, slots=True)
class Stated:
    """One place where a reply says what its answer is."""

    rest: str
    """What it says, to the end of the line; or the next line with text, where nothing more stands on its own."""
    weak: bool
    """Only labelled (``Total: 5``), not called an answer."""
    comma: bool
    """In a language whose decimals are written with a comma."""
    begin: int
    """Where the words that state it begin in the text."""
    end: int
    """Where ``rest`` ends in the text."""
    labelled: bool
    """By a mark and not by a verb: ``Answer: 5``, not ``the answer is 5``."""


def statements(text: str) -> Iterator[Stated]:
    """The last ``MOST`` statements, last one first: those that are called an answer, then those only labelled. ``text``
    is :func:`plain`.
    """
    low = lowered(text)
    yield from _in_order(text, low, _found(low), weak=False)
    weak = [(match, None) for match in _WEAK.finditer(low) if not low[match.start() - 1 : match.start()].isalnum()]
    yield from _in_order(text, low, weak, weak=True)


def lowered(text: str) -> str:
    """Lower case, every character at its place."""
    low = text.lower()
    return low if len(low) == len(text) else "".join(one.lower()[:1] for one in text)


def _found(low: str) -> list[tuple[re.Match[str], Language | None]]:
    found: list[tuple[re.Match[str], Language | None]] = []
    for at in sorted({at for word, at in (_ASCII_WORDS if low.isascii() else _WORDS) if word in low}):
        language, pattern = _PATTERNS[at]
        glued = language.code in GLUED.split()
        for match in pattern.finditer(low):
            before = low[max(0, match.start() - 1) : match.start()]
            if not glued and (before.isalpha() or before == "_"):
                continue
            if match["heading"] is not None or (match["bare"] is not None and language.code == "en"):
                line = low[low.rfind("\n", max(0, match.start() - 40), match.start()) + 1 : match.start()]
                if not _ALONE.match(line.strip(" ")) or len(line) > 30:
                    continue
            found.append((match, language))
    if "####" in low:
        found += [(match, None) for match in _HASHES.finditer(low)]
    if len(found) > 1:
        found.sort(key=lambda pair: pair[0].start())
    return found


def _in_order(
    text: str, low: str, found: Sequence[tuple[re.Match[str], Language | None]], *, weak: bool
) -> Iterator[Stated]:
    limit = len(text)
    for match, language in reversed(found[-MOST:]):
        if match.end() > limit or _is_spoken_of(low, match):
            continue
        end = text.find("\n", match.end(), match.end() + FAR)
        end = min(limit, match.end() + FAR, len(text)) if end < 0 else min(end, limit)
        rest = text[match.end() : end].strip()
        if not rest and end < limit:
            following = text[end : min(limit, end + FAR)]
            rest = following.strip().partition("\n")[0]
            end += len(following) - len(following.lstrip()) + len(rest)
        limit = match.start()
        if rest:
            labelled = match.group().rstrip(" ")[-1:] in ":=#→⇒>—-"
            yield Stated(rest, weak, language is not None and language.comma, match.start(), end, labelled)


def _is_spoken_of(low: str, match: re.Match[str]) -> bool:
    """Whether an answer word is denied, quoted, or the name of a format: ``Incorrect answer:``, ``finish with 'Answer: J'``."""
    before = low[max(0, match.start() - 60) : match.start()].rpartition("\n")[2]
    if _NEGATED.search(before):
        return True
    before = _ARTICLES.sub("", before)
    if before.rstrip(" (") and _SPOKEN.search(before):
        return True
    closing = _QUOTES.get(before[-1:])
    if closing is None or closing in match.group():
        return False
    end = low.find(closing, match.end(), match.end() + FAR)
    return end >= 0 and bool(
        before[:-1].strip() or low[: match.start() - 1].strip() or low[end + 1 : end + 40].strip(" .\n")
    )
