"""The tokens that BLEU counts: sacrebleu's, to the last one, without its cost."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

from ..errors import MetricError, did_you_mean
from ..scripts import dominant

AUTO = "auto"
# What "auto" takes for a text mostly in a script; every other script has spaces between its words.
BY_SCRIPT: Mapping[str, str] = {
    "HAN": "zh",
    "KANA": "char",
    "THAI": "char",
    "LAO": "char",
    "KHMER": "char",
    "MYANMAR": "char",
}
OTHERWISE = "13a"

Tokenize = Callable[[str], Sequence[str]]

_RULES = (
    (re.compile(r"([\x20-\x26(-+:-@\[-`{-~/])"), r" \1 "),  # ASCII's punctuation but for ' , - and .
    (re.compile(r"([^0-9])([.,])"), r"\1 \2 "),
    (re.compile(r"([.,])([^0-9])"), r" \1 \2"),
    (re.compile(r"([0-9])(-)"), r"\1 \2 "),
)
_ENTITIES = (("&quot;", '"'), ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"))
# sacrebleu writes two of its ranges with four digits where five are meant, which makes them one: U+2001 to U+2A6D.
_CHINESE = re.compile(
    "([\u2001-\u2a6d\u2e80-\u2eff\u2f00-\u2fdf\u2ff0-\u303f\u3100-\u312f\u31a0-\u31bf\u31c0-\u31ef\u3200-\u4db5"
    "\u4e00-\u9fbb\uf900-\ufa2d\ufa30-\ufa6a\ufa70-\ufad9\ufe10-\ufe1f\ufe30-\ufe4f\uff00-\uffef])"
)


def thirteen_a(text: str) -> list[str]:
    """The tokens of ``13a``, mteval's tokenizer for languages with spaces.

    No rule of it looks beyond white space, so each word is split by itself, and once.
    """
    text = text.rstrip().replace("<skipped>", "").replace("-\n", "")
    if "&" in text:
        for entity, character in _ENTITIES:
            text = text.replace(entity, character)
    return [token for word in text.split() for token in _word_tokens(word)]


@lru_cache(maxsize=32768)
def _word_tokens(word: str) -> tuple[str, ...]:
    return (word,) if word.isalnum() else tuple(_by_rules(f" {word} "))


def _by_rules(text: str) -> list[str]:
    for rule, replacement in _RULES:
        text = rule.sub(replacement, text)
    return text.split()


def chinese(text: str) -> list[str]:
    """The tokens of ``zh``: each Chinese character, and the rest about as ``13a`` has it."""
    return _by_rules(_CHINESE.sub(r" \1 ", text.strip()))


def characters(text: str) -> list[str]:
    """The tokens of ``char``: each character that is no white space."""
    return list("".join(text.split()))


def international(text: str) -> list[str]:
    """The tokens of ``intl``, which splits at punctuation and symbols as Unicode knows them: by sacrebleu itself."""
    from sacrebleu.tokenizers.tokenizer_intl import TokenizerV14International

    tokens: list[str] = TokenizerV14International()(text.rstrip()).split()
    return tokens


TOKENIZERS: Mapping[str, Tokenize] = {
    "13a": thirteen_a,
    "zh": chinese,
    "char": characters,
    "intl": international,
    "none": str.split,
}


def chooser(tokens: str) -> Callable[[str], Tokenize]:
    """What tells the tokenizer for a pair from its baseline's text.

    :param tokens: ``"auto"`` or the name of one tokenizer for all texts.
    :raises MetricError: for any other name.
    """
    if tokens == AUTO:
        return _by_script
    if tokens not in TOKENIZERS:
        raise MetricError(f"unknown tokens {tokens!r} for bleu", next_step=did_you_mean(tokens, [AUTO, *TOKENIZERS]))
    return lambda _: TOKENIZERS[tokens]


def _by_script(text: str) -> Tokenize:
    return thirteen_a if text.isascii() else TOKENIZERS[BY_SCRIPT.get(dominant(text) or "", OTHERWISE)]


def rule(tokens: str) -> str:
    """What a signature says of the tokens: the tokenizer, or how one is chosen."""
    if tokens != AUTO:
        return tokens
    chosen = ",".join(f"{script.lower()}={name}" for script, name in BY_SCRIPT.items())
    return f"{AUTO}({chosen},else={OTHERWISE})"
