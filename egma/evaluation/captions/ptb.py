"""Words of a report as the captioning toolkit counts them: lower-cased Penn Treebank tokens without punctuation.

The toolkit runs a Java tokenizer (`PTBTokenizer -preserveLines -lowerCase`) and drops a list of punctuation marks. This
is a tokenizer of our own with the same answers, found by comparing outputs on Open-i's reports and on drawn strings; a
test compares again wherever the toolkit and Java are installed. At each place the rule that sees farthest wins; what a
rule only looks at (outside its first group) counts for that but is not taken.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources

PUNCTUATION = frozenset(("''", "'", "``", "`", ".", "?", "!", ",", ":", "-", "--", "...", ";"))
"""What the toolkit drops and lower-casing leaves: "-LRB-" stands in its list too, but by then a bracket is "-lrb-"."""

_NO_FIGURE = r"(?![²³¹⁰-₟¼-¾])"
_LETTER = rf"(?:{_NO_FIGURE}[^\W\d_])"
_SIGN = rf"(?:{_NO_FIGURE}[^\W_]|\xad)"
_QUOTE = "['’]"
_HYPHEN = "[-‐‑]"
_URL_END = r"[^\s\"<>|.!?,;:()\-]"
_MOST = 200  # signs a rule of several parts looks ahead, so that a long cell without blanks stays cheap
_LINE_ENDS = re.compile(r"[\n\r\v\f\x85\u2028\u2029]")
_PLAIN = re.compile(r"[A-Za-z]+(?=,?\s|,?\Z)")
_WRITTEN = {"(": "-lrb-", ")": "-rrb-", "[": "-lsb-", "]": "-rsb-", "{": "-lcb-", "}": "-rcb-"} | {
    **dict.fromkeys('"“”«»‹›', "''"),
    **dict.fromkeys("‘’", "'"),
    **dict.fromkeys("–—‒―", "--"),
    **{"…": "...", "£": "#", "€": "$", "¢": "cents", "½": "1/2", "¼": "1/4", "¾": "3/4"},
}
_ENTITIES = {"&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&nbsp;": ""}
_INVISIBLE = frozenset(("Cc", "Cf", "Cs", "Co", "Cn"))


def tokenize_texts(texts: Sequence[str]) -> list[list[str]]:
    """The words of each text. Texts are lines of one file, as for the toolkit: "no." sees a number on the next."""
    lines = "\n".join(_LINE_ENDS.sub(" ", text) for text in texts)
    found: list[list[str]] = [[]]
    for name, token in _scan(lines):
        if name == "line":
            found.append([])
        else:
            found[-1] += [word for word in _spell(name, token) if word and word not in PUNCTUATION]
    return found


def _scan(text: str) -> Iterator[tuple[str, str]]:
    """(rule, token) from left to right; ("line", newline) where a text ends."""
    place = 0
    rules = _rules()
    while place < len(text):
        if text[place].isspace():
            if text[place] == "\n":
                yield "line", "\n"
            place += 1
            continue
        plain = _PLAIN.match(text, place)
        if plain and plain.group().lower() not in _splits():
            yield "word", plain.group()
            place = plain.end()
            continue
        farthest, end, chosen = place, place + 1, "sign"
        for name, rule in rules:
            match = rule.match(text, place)
            if match and match.end() > farthest:
                farthest, chosen = match.end(), name
                end = match.end(1) if rule.groups and match.group(1) is not None else match.end()
        yield chosen, text[place:end]
        place = end


def _spell(name: str, token: str) -> list[str]:
    """A token as the toolkit prints it, lower-cased; a few fall into two words."""
    if name == "entity":
        token = _ENTITIES[token.lower()]
    elif name == "dots":
        return ["..."]
    elif name == "dash":
        token = "--" if len(token) <= 4 else token
    elif name in ("fraction", "phone", "markup"):
        token = token.replace(" ", "\xa0")
    elif name == "sign" and (unicodedata.category(token) in _INVISIBLE or ord(token) > 0xFFFF):
        return []
    if name in ("phone", "smiley"):
        token = token.replace("(", "-lrb-").replace(")", "-rrb-")
    token = _WRITTEN.get(token, token).replace("’", "'").replace("\xad", "").lower()
    return _splits().get(token, token).split(" ")


@cache
def _splits() -> dict[str, str]:
    return {pair.replace(" ", ""): pair for pair in _load_words()["split_in_two"]}


@cache
def _load_words() -> dict[str, list[str]]:
    raw = json.loads(resources.files("egma.evaluation.captions").joinpath("words.json").read_text(encoding="utf-8"))
    return {name: words.split() if isinstance(words, str) else words for name, words in raw.items()}


def _any_of(words: Sequence[str]) -> str:
    return "(?:" + "|".join(sorted(words, key=lambda word: (-len(word), word))) + ")"


def _abbreviations() -> str:
    words = _load_words()
    capital, most = words["keeps_stop_with_capital"], words["keeps_stop_unless_all_capital"]
    cased = [word.capitalize() for word in capital + most] + [word.upper() for word in capital] + most
    return rf"(?:(?i:{_any_of(words['keeps_stop'])})|{_any_of(cased)})\.(?!{_LETTER})"


@cache
def _rules() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Name and pattern of each rule; where two see as far, the first wins."""
    numbered = _any_of(_load_words()["keeps_stop_before_number"])
    parts = rf"{_SIGN}(?:{_SIGN}|[.,]){{0,{_MOST}}}"
    half = r"[A-Za-z0-9]+(?:-[A-Za-z]+)*"
    rules = (
        (
            "markup",
            r"</?[A-Za-z_][\w.:-]*(?:[ \t]+[\w.:-]+(?:=(?:\"[^\"\n]*\"|'[^'\n]*'|\w+))?)*[ \t]*/?>|<[!?][^<>\n]*>",
        ),
        ("entity", r"(?i:&(?:amp|lt|gt|quot|apos|nbsp);)"),
        ("address", rf"https?://[^\s\"<>|()]{{0,{_MOST}}}{_URL_END}"),
        (
            "address",
            rf"www\.(?:[^\s\"<>|.!?(),]{{1,63}}\.){{1,9}}[a-zA-Z]{{2,4}}(?:/[^\s\"<>|()]{{0,{_MOST}}}{_URL_END})?",
        ),
        (
            "address",
            r"(?i:(?:[A-Za-z0-9\-]{1,63}\.){1,9}(?:com|net|org|edu))"
            rf"(?:/[^\s\"<>|()]{{1,{_MOST}}}{_URL_END})?(?![A-Za-z])",
        ),
        ("mail", r"[a-zA-Z0-9][^\s\"<>|()@]{0,63}@(?:[^\s\"<>|().@]{1,63}\.){0,9}[^\s\"<>|().,;:!?\-]{1,63}"),
        ("handle", r"@[A-Za-z_][A-Za-z0-9_]*|#[A-Za-z]+"),
        ("fraction", r"(?:\d{1,4}[- ])?\d{1,4}[/⁄]\d{1,4}(?!\d)"),
        ("number", r"[-+]?(?:\d*(?:[.:,]\d+)+|\d+)"),
        ("word", rf"{_SIGN}+"),
        ("quotes", r"''|``"),
        ("word", rf"({_LETTER}+?)[nN]['’`][tT](?!{_SIGN})"),
        ("word", rf"[nN]['’`][tT](?!{_SIGN})"),
        ("word", rf"({_SIGN}+){_QUOTE}(?i:[sdm]|ll|re|ve)(?!{_SIGN})"),
        ("word", rf"{_QUOTE}(?i:[sdm]|ll|re|ve)(?!{_LETTER})"),
        ("word", rf"{_QUOTE}(?i:n{_QUOTE}|n(?!{_LETTER})|em|till?|cause|tis|twas)"),
        ("year", rf"{_QUOTE}\d\d(?!\S)|{_QUOTE}[2-9]0s(?!{_SIGN})"),
        ("name", rf"(?:[dlno]|[A-HJ-XZ]){_QUOTE}{_LETTER}{{2,}}|[yY]{_QUOTE}(?={_LETTER})|d{_QUOTE}"),
        ("name", r"[A-Za-z]+[aeiou]'[aeiouA-Z][A-Za-z]*"),
        ("word", rf"({_SIGN}+\.)[,;:]"),
        ("hyphened", rf"({parts}(?:{_HYPHEN}{_SIGN}+)+\.)[,;:]"),
        ("dotted", rf"{_LETTER}{_SIGN}*(?:[.!?]{_LETTER}{_SIGN}*)+"),
        ("initials", rf"{_LETTER}(?:\.{_LETTER})+\.|Ph\.D\.|[A-Za-z]\.(?!{_LETTER})"),
        ("abbreviation", _abbreviations()),
        ("abbreviation", rf"((?i:{numbered})\.)\s?\d"),
        ("hyphened", rf"{parts}(?:{_HYPHEN}(?:{_LETTER}(?:\.{_LETTER})+\.|{_SIGN}+))+"),
        ("slashed", rf"{half}(?:/{half}){{1,2}}"),
        ("slashed", rf"\d+/\d+(?:-{_SIGN}{{2,}})+"),
        ("underlined", rf"{_SIGN}+(?:-{_SIGN}+)*(?:_{_SIGN}+(?:-{_SIGN}+)*)+"),
        ("company", r"[A-Z]+(?:[&+][A-Z]+)+"),
        ("dots", r"\.{3,}|\. \. \."),
        ("dash", r"-{2,}"),
        ("marks", r"[?!]+|\*+|_+"),
        ("currency", r"US\$|[A-Z]\$"),
        ("phone", r"\(\d{3}\) ?\d{3}-\d{4}|\d{3} \d{3} \d{4}"),
        ("smiley", r"[:;=8]-?[()DPp](?!\w)"),
    )
    return tuple((name, re.compile(pattern)) for name, pattern in rules)
