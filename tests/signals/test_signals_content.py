"""What changed: numbers, negations, names, addresses, symbols, order."""

from __future__ import annotations

import pytest

from pytest_promptreg.signals import Finding, look

KEPT = Finding(1.0, "")


def found(name: str, output: str, baseline: str) -> Finding:
    return look(output, baseline, [name])[name]


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("It takes five days.", "It takes 5 days."),
        ("twenty-five percent", "25 %"),
        ("about 1,901 people", "about 1901 people"),
        ("1\u202f901 people", "1901 people"),
        ("$5 million", "$5,000,000"),
        ("5 dollars", "$5"),
        ("EUR 5", "EUR 5.00"),
        ("10 minutes", "10 min"),
        ("pages 5-10", "pages 5–10"),
        ("3.50 kg", "3,5kg"),
        ("March 3rd", "March 3"),
        ("1. apples\n2. pears", "- apples\n- pears"),
        ("1) apples\n2) pears", "apples and pears"),
        ("There is one apple.", "There is 1 apple."),
        ("One of them left.", "Somebody left."),
        ("GPT4 and H2O", "GPT5 and CO2"),
        ("no number", "none at all"),
        ("٣ apples", "3 apples"),
    ],
)
def test_a_number_in_another_form_is_the_same(text: str, other: str) -> None:
    """Words, groups of digits, spellings of units and list counters do not count as changes."""
    assert found("numbers", text, other) == KEPT
    assert found("numbers", other, text) == KEPT


@pytest.mark.parametrize(
    ("output", "baseline", "value", "detail"),
    [
        ("the answer is 24", "the answer is 42", 0, "lost 42; gained 24"),
        ("Take 5 g.", "Take 5 mg.", 0, "lost 5 mg; gained 5 g"),
        ("It rose by 3.", "It rose by 3%.", 0, "lost 3%; gained 3"),
        ("It is -5 °C.", "It is 5 °C.", 0, "lost 5 °C; gained -5 °C"),
        ("€5", "$5", 0, "lost 5$; gained 5€"),
        ("5 and 6", "5, 6 and 7", 0.8, "lost 7"),
        ("5, 5", "5", 2 / 3, "gained 5"),
        ("at 12:30", "at 12:45", 0, "lost 12:45; gained 12:30"),
        ("on 2024-03-01", "on 2024-03-02", 0, "lost 2024-03-02; gained 2024-03-01"),
        ("version 1.2.4", "version 1.2.3", 0, "lost 1.2.3; gained 1.2.4"),
        ("3.14", "3.41", 0, "lost 3.41; gained 3.14"),
        ("six days", "five days", 0, "lost 5 day; gained 6 day"),
        ("在2024年", "在2025年", 0, "lost 2025; gained 2024"),
        ("no number", "5 apples", 0, "lost 5"),
        ("", "1 2 3 4 5 6 7", 0, "lost 1, 2, 3 and 4 more"),
    ],
)
def test_a_changed_number_is_named(output: str, baseline: str, value: float, detail: str) -> None:
    """A number, its sign or its unit that changed is lost and gained."""
    finding = found("numbers", output, baseline)
    assert finding.value == pytest.approx(value)
    assert finding.detail == detail


@pytest.mark.parametrize(
    ("output", "baseline", "value", "detail"),
    [
        ("It is not safe.", "It is safe.", 0, "one more negation (not)"),
        ("It is safe.", "It isn’t safe.", 0, "one fewer negation (isn't)"),
        ("No, never, nothing.", "No.", 1 / 3, "2 more negations (never, nothing)"),
        ("He can't go.", "He cannot go.", 1, ""),
        ("not only cats, but dogs", "cats and dogs", 1, ""),
        ("See No. 5, non-stop.", "See number 5.", 1, ""),
        ("Das ist kein Hund.", "Das ist ein Hund.", 0, "one more negation (kein)"),
        ("Il ne vient pas.", "Il vient.", 0, "one more negation (pas)"),
        ("Nunca viene.", "Siempre viene.", 0, "one more negation (nunca)"),
        ("今天天气不好", "今天天气很好", 0, "one more negation (不)"),
        ("他没有钱", "他有钱", 0, "one more negation (没)"),
        ("行きません", "行きます", 0, "one more negation (ません)"),
        ("Это не так.", "Это так.", 0, "one more negation (не)"),
        ("", "", 1, ""),
    ],
)
def test_a_negation_more_or_less_is_named(output: str, baseline: str, value: float, detail: str) -> None:
    """The count of negations is compared, in several languages."""
    finding = found("negation", output, baseline)
    assert finding.value == pytest.approx(value)
    assert finding.detail == detail


@pytest.mark.parametrize(
    ("output", "baseline", "value", "detail"),
    [
        ("The capital is Sydney.", "The capital is Canberra.", 0, "lost Canberra; gained Sydney"),
        ("Bob owes Alice ten euros.", "Alice owes Bob ten euros.", 1, ""),
        ("Canberra is the capital.", "The capital is Canberra.", 1, ""),
        ("It opens in May.", "It opens in March.", 0, "lost March; gained May"),
        ("He works for NASA.", "He works for ESA.", 0, "lost ESA; gained NASA"),
        ("However, I think so. Perhaps not.", "Yes. I do.", 1, ""),
        ("- Apples are red\n- Pears are green", "Fruit is healthy.", 1, ""),
        ("We met Ann’s dog.", "We met Ann.", 1, ""),
        ("in Paris, Rome and Oslo", "in Paris and Rome", 0.8, "gained Oslo"),
        ("в городе Москва", "в городе Казань", 0, "lost Казань; gained Москва"),
    ],
)
def test_names_lost_and_gained(output: str, baseline: str, value: float, detail: str) -> None:
    """Capitalised words inside sentences are names; at the start of one they are not, but may be kept there."""
    finding = found("entities", output, baseline)
    assert finding.value == pytest.approx(value)
    assert finding.detail == detail


@pytest.mark.parametrize(
    ("output", "baseline", "value", "detail"),
    [
        ("See https://a.org/v2.", "See (https://a.com/v1)!", 0, "lost https://a.com/v1; gained https://a.org/v2"),
        ("[x](https://a.org/p_(q))", "https://a.org/p_(q)", 1, ""),
        ("Write to a.b@c.org.", "Write to a.b@c.com.", 0, "lost a.b@c.com; gained a.b@c.org"),
        ("www.a.org", "no address", 0, "gained www.a.org"),
        ("a @ b", "x://", 1, ""),
    ],
)
def test_addresses_lost_and_gained(output: str, baseline: str, value: float, detail: str) -> None:
    """Web and mail addresses count to the letter, without the punctuation around them."""
    assert found("urls", output, baseline) == Finding(value, detail)


@pytest.mark.parametrize(
    ("output", "baseline", "value", "detail"),
    [
        ("return a - b", "return a + b", 0, "lost +"),
        ("👎", "👍", 0, "lost 👍; gained 👎"),
        ("a < b", "a > b", 0, "lost >; gained <"),
        ("“Well” — yes…", '"Well" - yes...', 1, ""),
        ("हिन्दी", "हिंदी", 1, ""),
        ("你好！", "你好。", 1, ""),
        ("a == b", "a = b", 2 / 3, "gained ="),
    ],
)
def test_symbols_lost_and_gained(output: str, baseline: str, value: float, detail: str) -> None:
    """Emoji and operators count, the punctuation of prose and vowel signs do not."""
    finding = found("symbols", output, baseline)
    assert finding.value == pytest.approx(value)
    assert finding.detail == detail


@pytest.mark.parametrize(
    ("output", "baseline", "detail"),
    [
        ("Bob owes Alice.", "Alice owes Bob.", "the same words in another order"),
        ("- b\n- a", "- a\n- b", "the same lines in another order"),
        ("Alice owes Bob!", "Alice owes Bob.", ""),
        ("Alice owes Tom.", "Alice owes Bob.", ""),
        ("", "", ""),
    ],
)
def test_the_same_words_in_another_order(output: str, baseline: str, detail: str) -> None:
    """Equal words in unequal order are a change of their own; lines that moved are called so."""
    assert found("order", output, baseline) == Finding(0.0 if detail else 1.0, detail)


def test_details_show_little_of_the_output() -> None:
    """A detail holds at most five pieces of at most sixty characters."""
    detail = found("urls", " ".join(f"https://a.org/{'x' * 90}{n}" for n in range(9)), "https://b.org " * 9).detail
    pieces = detail.replace("; gained ", ", ").replace("lost ", "").split(" and ")[0].split(", ")
    assert len(detail) < 400
    assert all(len(piece) <= 60 for piece in pieces)
    assert detail.count("https://") <= 5
