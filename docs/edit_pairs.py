"""Pairs of an accepted output and another one: small edits with large consequences, and large ones with none.

What each metric and signal says of them is the table in metrics.md, which ``python docs/metrics_table.py`` writes.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class EditPair:
    """One edit.

    :param wanted: whether a reviewer wants it caught (``True``), or waved through.
    """

    kind: str
    edit: str
    wanted: bool
    baseline: str
    output: str
    inputs: dict[str, str] = field(default_factory=dict)


_TOUR = """\
The walking tour starts at the old harbour, where the fishing boats still unload before sunrise. From there the guide \
leads the group past the customs house, a brick building from 1874 that now holds a small museum of navigation. The \
museum opens at ten, so early groups see only its courtyard and the two anchors beside the gate. Behind the customs \
house a narrow stair climbs to the upper town. Visitors who cannot manage the stair may take the lift next to the \
bakery, which costs nothing and runs until nine in the evening. The upper town is quieter than the harbour. Its main \
street has three bookshops, a school, and the workshop of an instrument maker who repairs violins for the whole \
region. The guide usually stops there for ten minutes, because the owner likes to show how a bow is made. After the \
workshop the tour turns east, towards the gardens. They were laid out for a governor who never came to live here, and \
were opened to the public when his house burned down. Today they hold a collection of roses, a pond with carp, and a \
pavilion where concerts are given on Sundays in summer. """
_TOUR_END = """\
The tour ends at the observatory on the hill. Its telescope can be used on clear nights, and a volunteer explains the \
planets to anybody who asks. Children get a star chart to take home. The last bus back to the station leaves at half \
past ten, and tickets for the tour are valid on it."""
_OTHER_END = """\
All payments are final. The company keeps the deposit when a booking is cancelled less than a week ahead, and charges \
the full price on the day itself. Claims have to be sent in writing to the office in the capital. Insurance is not \
included and has to be bought separately by each guest before departure."""
_CODE = (
    "def total(prices):\n    result = 0\n    for price in prices:\n        result = result + price\n    return result"
)
_JSON = '{"name": "Ada Byron", "age": 36, "tags": ["mathematics", "poetry"], "active": true}'

PAIRS = [
    EditPair(
        "paraphrase",
        "other words",
        False,
        "The meeting was moved to Friday because the director is ill.",
        "As the director is sick, the meeting has been postponed to Friday.",
    ),
    EditPair(
        "paraphrase",
        "shorter sentence",
        False,
        "You can return the shoes within thirty days if you still have the receipt.",
        "With the receipt, shoes can be returned within thirty days.",
    ),
    EditPair("paraphrase", "number as a word", False, "The box holds 5 bottles.", "The box holds five bottles."),
    EditPair(
        "paraphrase",
        "greeting added",
        False,
        "Your parcel will arrive on Tuesday.",
        "Hello! Your parcel will arrive on Tuesday.",
    ),
    EditPair("form", "white space only", False, "First line.\nSecond line.", "First line. \r\nSecond  line.\n"),
    EditPair("form", "capitals", False, "the answer is yes.", "The Answer Is YES."),
    EditPair("form", "final full stop", False, "Paris is the capital of France", "Paris is the capital of France."),
    EditPair(
        "order",
        "list in another order",
        False,
        "Bring a torch, a map, two apples and warm socks.",
        "Bring warm socks, a map, a torch and two apples.",
    ),
    EditPair("negation", "not added", True, "The drug is safe for children.", "The drug is not safe for children."),
    EditPair(
        "negation",
        "not added to a long sentence",
        True,
        "According to the contract of last March, the tenant is responsible for repairs to the roof, the windows and "
        "the heating, and has to report damage within a week.",
        "According to the contract of last March, the tenant is not responsible for repairs to the roof, the windows "
        "and the heating, and has to report damage within a week.",
    ),
    EditPair("negation", "n't", True, "We can refund your ticket.", "We can't refund your ticket."),
    EditPair("negation", "without for with", True, "Take it with food.", "Take it without food."),
    EditPair("negation", "opposite verb", True, "Sales increased in the spring.", "Sales decreased in the spring."),
    EditPair("numbers", "digits swapped", True, "The invoice is for 42 euros.", "The invoice is for 24 euros."),
    EditPair("numbers", "a digit lost", True, "The town has 12,500 inhabitants.", "The town has 1,250 inhabitants."),
    EditPair("numbers", "date", True, "The offer ends on 14 March 2026.", "The offer ends on 14 March 2027."),
    EditPair("units", "mg to g", True, "Give the patient 5 mg twice a day.", "Give the patient 5 g twice a day."),
    EditPair("units", "currency", True, "The repair costs $80.", "The repair costs €80."),
    EditPair("names", "two names swapped", True, "Alice owes Bob ten pounds.", "Bob owes Alice ten pounds."),
    EditPair(
        "names",
        "another city",
        True,
        "The capital of Australia is Canberra.",
        "The capital of Australia is Sydney.",
        {"question": "What is the capital of Australia?"},
    ),
    EditPair(
        "names",
        "another month",
        True,
        "The festival takes place in March every year.",
        "The festival takes place in May every year.",
    ),
    EditPair("label", "yes to no", True, "yes", "no"),
    EditPair("label", "positive to negative", True, "positive", "negative"),
    EditPair("label", "option letter", True, "B", "C"),
    EditPair("JSON", "key order and spacing", False, '{"a": 1, "b": [2, 3]}', '{\n  "b": [2, 3],\n  "a": 1\n}'),
    EditPair("JSON", "number becomes text", True, _JSON, _JSON.replace("36", '"36"')),
    EditPair("JSON", "key renamed", True, _JSON, _JSON.replace('"age"', '"years"')),
    EditPair("JSON", "key lost", True, _JSON, _JSON.replace(', "active": true', "")),
    EditPair("JSON", "cut off", True, _JSON, _JSON[:-18]),
    EditPair("JSON", "in a code fence", True, _JSON, f"```json\n{_JSON}\n```"),
    EditPair("JSON", "value changed", True, _JSON, _JSON.replace("36", "63")),
    EditPair(
        "refusal",
        "short",
        True,
        "Mix the two powders, add water and let the plaster set for an hour.",
        "I'm sorry, but I can't assist with that request.",
    ),
    EditPair(
        "refusal",
        "on the topic",
        True,
        "Mix the two powders, add water and let the plaster set for an hour.",
        "As an AI language model, I am not able to explain how plaster powders are mixed with water.",
    ),
    EditPair("nothing", "empty", True, "The museum opens at nine.", ""),
    EditPair("nothing", "white space", True, "The museum opens at nine.", " \n\n"),
    EditPair("truncation", "second half cut", True, _TOUR, _TOUR[: len(_TOUR) // 2]),
    EditPair("truncation", "to a third and less", True, _TOUR + _TOUR_END, _TOUR[: len(_TOUR) // 4]),
    EditPair("long text", "another end, behind the model's window", True, _TOUR + _TOUR_END, _TOUR + _OTHER_END),
    EditPair(
        "long text",
        "a negation at the end",
        True,
        _TOUR + _TOUR_END,
        _TOUR + _TOUR_END.replace("are valid on it", "are not valid on it"),
    ),
    EditPair(
        "repetition",
        "a sentence in a loop",
        True,
        "Press the button until the light turns green.",
        "Press the button until the light turns green. " * 12,
    ),
    EditPair(
        "language",
        "English to French",
        True,
        "The train leaves from platform four at a quarter past seven in the morning.",
        "Le train part du quai quatre à sept heures et quart du matin.",
    ),
    EditPair(
        "language",
        "English to Russian",
        True,
        "The train leaves from platform four at a quarter past seven in the morning.",
        "Поезд отправляется с четвёртой платформы в четверть восьмого утра.",
    ),
    EditPair("language", "Chinese negated", True, "这家店星期天营业。", "这家店星期天不营业。"),
    EditPair("language", "Chinese, unrelated", True, "这家店星期天营业。", "我的朋友喜欢喝咖啡。"),
    EditPair("language", "Arabic, another word", True, "المتحف مفتوح يوم الاثنين.", "المتحف مغلق يوم الاثنين."),
    EditPair("code", "+ becomes -", True, _CODE, _CODE.replace("result + price", "result - price")),
    EditPair("code", "off by one", True, "for i in range(n):\n    use(i)", "for i in range(n - 1):\n    use(i)"),
    EditPair("code", "renamed variable", False, _CODE, _CODE.replace("result", "amount")),
    EditPair("code", "bare becomes fenced", True, _CODE, f"```python\n{_CODE}\n```"),
    EditPair(
        "code", "explanation around it", True, _CODE, f"Here is the function:\n\n```python\n{_CODE}\n```\n\nIt adds up."
    ),
    EditPair("emoji", "thumbs up to thumbs down", True, "Great service! 👍", "Great service! 👎"),
    EditPair("URL", "another host", True, "See https://example.com/v1/help.", "See https://example.org/v2/help."),
    EditPair("format", "prose becomes a list", False, "Bring a map, a torch and socks.", "- a map\n- a torch\n- socks"),
]
