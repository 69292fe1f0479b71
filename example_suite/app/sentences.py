"""Splitting text into sentences, and counting words, for about a dozen languages and for untidy text."""

from __future__ import annotations

import re
from collections.abc import Iterable

_CODE_BLOCK = re.compile(r"^[ \t]*```.*?^[ \t]*```[ \t]*$", re.DOTALL | re.MULTILINE)
_LINE_MARKER = re.compile(r"^\s*(?:#{1,6}\s+|[-*•–]\s+|\d{1,2}[.)]\s+|>\s*)")
_EMOJI = "[\u2600-\u27bf\U0001f000-\U0001faff\ufe0f\u200d]"
_BOUNDARY = re.compile(
    # In most scripts a space follows, so that 3.5 and example.org stay in one piece.
    rf"(?P<end>[.!?…]+)[\"'”’»)\]]*(?:\s*{_EMOJI}+)?\s+(?=\S)"
    rf"|[。！？؟]+[”’」』）)]*(?:\s*{_EMOJI}+)?\s*(?=\S)"
)
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:mr|mrs|ms|dr|prof|st|no|nr|nos|vs|approx|inc|ltd|fig|art|abs|ca|bzw|ggf|inkl|z\.\s?b|d\.\s?h"
    r"|u\.\s?a|e\.g|i\.e|a\.m|p\.m|sr|sra|dra|núm|p\.\s?ex|mme|av|tel|op|cit|\w)$",
    re.IGNORECASE,
)
_ORDINAL = re.compile(r"(?:^|\s)\d{1,2}$")
_AFTER_ORDINAL = re.compile(
    r"(?:Januar|Februar|März|April|Mai|Juni|Juli|August|September|Oktober|November|Dezember|Jahrhundert)\b"
)
_OPEN_QUOTE = re.compile(r"[“„«「『]")
_CLOSE_QUOTE = re.compile(r"[”“»」』]")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
_WORD = re.compile(r"\w+(?:[.,'’:/@-]\w+)*")


def split_sentences(text: str) -> list[str]:
    """The sentences of a text, in order.

    Code blocks are left out: they are not prose. Direct speech stays in one piece.

    >>> split_sentences('Dr. Okafor paid 3.50 at example.org. Why? Am 3. März war zu.')
    ['Dr. Okafor paid 3.50 at example.org.', 'Why?', 'Am 3. März war zu.']
    >>> split_sentences("地铁停运。乘客改乘公交！")
    ['地铁停运。', '乘客改乘公交！']
    """
    return [sentence for line in _lines(text) for sentence in _split_line(line)]


def join_sentences(sentences: Iterable[str]) -> str:
    """Sentences as a paragraph, without a space after the full stops of Chinese and Japanese."""
    return re.sub(r"(?<=[。！？]) ", "", " ".join(sentences))


def count_words(text: str) -> int:
    """The number of words; Chinese and Japanese write no spaces, there two characters count as one word."""
    spaced = _CJK.sub(" ", text)
    return len(_WORD.findall(spaced)) + (len(_CJK.findall(text)) + 1) // 2


def _lines(text: str) -> list[str]:
    """The text's lines without list markers; a wrapped line is joined to the one that it continues."""
    lines: list[str] = []
    for raw in _CODE_BLOCK.sub("\n\n", text).splitlines():
        line = " ".join(_LINE_MARKER.sub("", raw).split())
        if lines and lines[-1] and line[:1].islower() and raw[:1] == line[:1]:
            lines[-1] += f" {line}"
        else:
            lines.append(line)
    return [line for line in lines if line]


def _split_line(line: str) -> list[str]:
    sentences, start = [], 0
    for match in _BOUNDARY.finditer(line):
        if match["end"] == "." and _runs_on(line[start : match.start()], line[match.end() :]):
            continue
        if match["end"] and line[match.end()].islower():
            continue
        if _is_inside_quotes(line, match.end()):
            continue
        sentences.append(line[start : match.end()].strip())
        start = match.end()
    sentences.append(line[start:].strip())
    return [sentence for sentence in sentences if sentence]


def _runs_on(before: str, after: str) -> bool:
    """Whether a full stop belongs to an abbreviation or to a German ordinal, and ends no sentence."""
    if _ABBREVIATION.search(before):
        return True
    return bool(_ORDINAL.search(before) and _AFTER_ORDINAL.match(after))


def _is_inside_quotes(line: str, position: int) -> bool:
    """Whether a quotation that began before the position ends after it."""
    before, after = line[:position], line[position:]
    if before.count('"') % 2 and '"' in after:
        return True
    opened = max((match.start() for match in _OPEN_QUOTE.finditer(before)), default=-1)
    closed = opened >= 0 and _CLOSE_QUOTE.search(before, opened + 1)
    return opened >= 0 and not closed and bool(_CLOSE_QUOTE.search(after))
