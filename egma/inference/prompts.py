"""Makes words fit to ask: cleaned phrases within bounds, and the sentences of a pasted report."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from egma.errors import PromptError

MAX_PHRASE_CHARS = 300  # three long sentences; text towers read 77 to 96 tokens
MAX_PHRASES = 32
MAX_TEXT_CHARS = 10_000
MAX_REPORT_CHARS = 50_000  # twenty times a long chest report

_DROPPED = {"Cc", "Cs"}  # control characters, lone surrogates
_DIRECTION_MARKS = set("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")

_SECTIONS = (
    "findings and impression|findings?|impressions?|conclusions?|opinion|interpretation|summary|results?|final report"
    "|report|techniques?|comparisons?|(?:clinical |patient )?(?:history|information|indications?|data)"
    "|reason for (?:exam(?:ination)?|study)|exam(?:ination)?|procedures?|views?|study|recommendations?|addendum"
    "|wet read|notification"
)
_SECTION = re.compile(rf"(?:^|(?<=[.!?\n]))[ \t]*\**(?:{_SECTIONS})\**[ \t]*:\**", re.IGNORECASE | re.MULTILINE)
_MARKER = re.compile(r"^\s*(?:[-*•‣◦·–—>]+\s+|\(?\d{1,2}[.)]\s+(?!\d)|\(?[a-h]\)\s+)")
_INLINE_NUMBER = re.compile(r"(?<=[.;:!?])[ \t]+(?=\(?\d{1,2}[.)]\s+[A-Z(])")
_CANDIDATE = re.compile(r"[.!?]+[\"')\]]*(?=\s)|(?<=[a-z]{2})[.!?](?=[A-Z][a-z])")
_ABBREVIATION = re.compile(
    r"dr|mr|mrs|ms|prof|st|vs|cf|figs?|approx|ca|incl|excl|resp|e\.?g|i\.?e|inf|sup|ant|post|lat|med|bilat|dept|hosp|viz"
    r"|[^\W\d_]",  # the last: an initial
)
_CLOCK = re.compile(r"[ap]\.m")
_WRAPPED_LINE_CHARS = 60  # a line at least this long that ends in no stop was wrapped, not ended
_ONLY_SECTION = re.compile(rf"(?:{_SECTIONS})", re.IGNORECASE)
_ANY_WORD = re.compile(r"[^\W\d_]{2,}")
_DEIDENTIFIED = re.compile(r"\b[Xx]{2,}\b|_{2,}")


def clean_phrases(words: str | Sequence[str]) -> list[str]:
    """Phrases fit to ask a model: at most 32, each of 1 to 300 characters.

    Args:
        words: one phrase a line (blank lines and repeats are passed over), or a list (kept as long as it is).
    """
    if isinstance(words, str):
        if len(words) > MAX_PHRASES * (MAX_PHRASE_CHARS + 2):
            raise PromptError(_too_long(words, MAX_PHRASE_CHARS, "a phrase a line"))
        lines = dict.fromkeys(clean_text(line) for line in words.splitlines())
        phrases = [line for line in lines if line]
    else:
        if len(words) > MAX_PHRASES:
            raise PromptError(f"at most {MAX_PHRASES} phrases can be asked at once, got {len(words)}; ask fewer")
        phrases = [_check_phrase(phrase) for phrase in words]
    if not phrases:
        raise PromptError("there is nothing to ask: type a phrase such as 'left pleural effusion'")
    if len(phrases) > MAX_PHRASES:
        raise PromptError(f"at most {MAX_PHRASES} phrases can be asked at once, got {len(phrases)}; ask fewer")
    for phrase in phrases:
        if len(phrase) > MAX_PHRASE_CHARS:
            raise PromptError(_too_long(phrase, MAX_PHRASE_CHARS, "a phrase a line"))
    return phrases


def check_texts(texts: Sequence[str]) -> list[str]:
    """Texts fit to embed, cleaned: each of 1 to 10,000 characters, whatever a tower then cuts."""
    if isinstance(texts, str):
        raise PromptError("wanted a list of texts, got one text; put it in a list")
    return [_check_phrase(text, MAX_TEXT_CHARS) for text in texts]


def clean_text(text: str) -> str:
    """One line of plain text: NFC, single blanks, no control or direction marks. Markup stays as typed."""
    spaced = " ".join(unicodedata.normalize("NFC", text).split())
    kept = (sign for sign in spaced if unicodedata.category(sign) not in _DROPPED and sign not in _DIRECTION_MARKS)
    return " ".join("".join(kept).split())


def split_sentences(report: str) -> list[str]:
    """The sentences of a radiology report, in order, each fit to ask.

    Section headings ("FINDINGS:") and list marks are dropped, hard line breaks inside a sentence are mended, decimals
    and abbreviations do not end one. Sentences of nothing but de-identification marks ("XXXX", "___") are left out;
    one above 300 characters is cut at a comma or blank.
    """
    if len(report) > MAX_REPORT_CHARS:
        raise PromptError(_too_long(report, MAX_REPORT_CHARS, "one report at a time"))
    text = _SECTION.sub("\n\n", report.replace("\r\n", "\n").replace("\r", "\n"))
    text = _INLINE_NUMBER.sub("\n", text)
    sentences: list[str] = []
    for paragraph in _join_wrapped_lines(text):
        for sentence in _split_paragraph(paragraph):
            cleaned = clean_text(_MARKER.sub("", sentence))
            if _ANY_WORD.search(_DEIDENTIFIED.sub(" ", cleaned)) and not _ONLY_SECTION.fullmatch(cleaned):
                sentences += _cut(cleaned)
    return sentences


def _check_phrase(phrase: str, most: int = MAX_PHRASE_CHARS) -> str:
    if not isinstance(phrase, str):
        raise PromptError(f"wanted a text, got {type(phrase).__name__}; ask in words")
    if len(phrase) > 2 * most:  # before any work on it
        raise PromptError(_too_long(phrase, most, "less at once"))
    cleaned = clean_text(phrase)
    if not cleaned:
        raise PromptError("a phrase is empty: type what to look for, such as 'left pleural effusion'")
    if len(cleaned) > most:
        raise PromptError(_too_long(cleaned, most, "less at once"))
    return cleaned


def _join_wrapped_lines(text: str) -> list[str]:
    """Lines as paragraphs: a line continues the one before if that one was wrapped, not ended."""
    paragraphs: list[str] = []
    previous = ""
    for line in text.split("\n"):
        stripped = line.strip()
        if stripped and _continues(previous, stripped):
            paragraphs[-1] += " " + stripped
        elif stripped:
            paragraphs.append(stripped)
        previous = stripped
    return paragraphs


def _continues(previous: str, line: str) -> bool:
    if not previous or _MARKER.match(line):
        return False
    if previous.endswith((".", "!", "?", ":", ";")):
        return _is_abbreviation(previous)
    return line[0].islower() or line[0].isdigit() or previous.endswith(",") or len(previous) >= _WRAPPED_LINE_CHARS


def _split_paragraph(paragraph: str) -> list[str]:
    pieces: list[str] = []
    start = 0
    for match in _CANDIDATE.finditer(paragraph):
        before, after = paragraph[start : match.start() + 1], paragraph[match.end() :].lstrip()
        if match.group()[0] == "." and _goes_on(before, match.group(), after):
            continue
        pieces.append(paragraph[start : match.end()])
        start = match.end()
    return [*pieces, paragraph[start:]]


def _goes_on(before: str, stop: str, after: str) -> bool:
    """Whether a full stop ends no sentence: an abbreviation's, a count's ("No. 2"), three dots in the middle of one."""
    word = _last_word(before)
    if stop.startswith("..."):
        return after[:1].islower()
    if _CLOCK.fullmatch(word):
        return not after[:1].isupper()
    return _is_abbreviation(before) or (word in ("no", "nos") and after[:1].isdigit()) or before.strip(" (.").isdigit()


def _is_abbreviation(text: str) -> bool:
    """Whether the stop at the end of `text` belongs to its last word: "Dr.", "vs.", an initial."""
    return text.endswith(".") and _ABBREVIATION.fullmatch(_last_word(text)) is not None


def _last_word(text: str) -> str:
    return text.rstrip(".").rpartition(" ")[2].lstrip("(\"'[").casefold()


def _cut(sentence: str) -> list[str]:
    pieces: list[str] = []
    while len(sentence) > MAX_PHRASE_CHARS:
        window = sentence[:MAX_PHRASE_CHARS]
        place = max(window.rfind(", ") + 1, window.rfind("; ") + 1)
        if place < MAX_PHRASE_CHARS // 3:
            place = window.rfind(" ") if " " in window else MAX_PHRASE_CHARS
        pieces.append(sentence[:place].strip())
        sentence = sentence[place:].strip()
    return [*pieces, sentence] if sentence else pieces


def _too_long(text: str, most: int, remedy: str) -> str:
    return f"the text has {len(text):,} characters, at most {most:,} can be asked; shorten it, or give {remedy}"
