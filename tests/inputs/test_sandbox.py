"""Jinja2 templates of strangers: they reach nothing of Python's, and come to an end."""

from __future__ import annotations

import copy
import re
import tracemalloc
from typing import Any

import jinja2
import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment

from pytest_promptreg.errors import PromptError
from pytest_promptreg.inputs.templates import check_syntax, missing_variable, render
from pytest_promptreg.model import Message, PromptVersion

INPUTS: dict[str, Any] = {
    "text": "a b <c> " * 40,
    "n": 3,
    "rows": [{"k": "x", "v": 1.5, "below": [{"k": "z", "below": []}]}, {"k": "y", "v": None, "below": []}],
    "evil": "{{ 7 * 7 }}{% for i in range(9) %}!{% endfor %}{{ n }}",
    "table": {"a": [1, 2], "b": {"c": "d"}},
}

_LOOP = "{% set ns = namespace(s='xx') %}{% for i in range(99) %}{% set ns.s = "
DOUBLED = _LOOP + "ns.s ~ ns.s %}{% endfor %}{{ ns.s }}"
_PAIRED = _LOOP + "[ns.s, ns.s] %}{% endfor %}"
_TUPLES = _LOOP + "(ns.s, ns.s) %}{% endfor %}"


def jinja(template: str) -> PromptVersion:
    return PromptVersion("v1", template, syntax="jinja2", where="v1.j2", first_line=1)


def said(template: str) -> str:
    return render(jinja(template), "e", INPUTS).text


def refused(template: str) -> PromptError:
    """The error of a template that cannot be used."""
    with pytest.raises(PromptError) as caught:
        check_and_render(jinja(template))
    return caught.value


def check_and_render(version: PromptVersion) -> None:
    """What collecting and calling do with it."""
    check_syntax(version)
    render(version, "e", INPUTS)


@pytest.mark.parametrize(
    "template",
    [
        (
            "{% for r in rows %}{{ loop.index }}/{{ loop.length }}{{ ',' if not loop.last }}{{ r.k }}"
            "{{ loop.cycle('a', 'b') }}{{ loop.previtem.k if loop.index0 }}{% endfor %}"
        ),
        "{% for r in rows recursive %}{{ r.k }}{% if r.below %}({{ loop(r.below) }}){% endif %}{% endfor %}",
        (
            "{% for k, v in table.items() %}{{ k }}={{ v }}{% else %}none{% endfor %}{% for x in [] %}"
            "{% else %}no{% endfor %}"
        ),
        "{% for r in rows if r.v %}{{ r.v }}{% endfor %}{% for c in 'abc' %}{{ c }}{% endfor %}",
        "{% for i in range(2, 9, 3) %}{{ i }}{% endfor %}",
        (
            "{% macro m(a, b=2) %}{{ a }}{{ b }}{% endmacro %}{{ m(1) }}"
            "{% macro w() %}<{{ caller() }}>{% endmacro %}{% call w() %}in{% endcall %}"
        ),
        (
            "{% set ns = namespace(t='') %}{% for r in rows %}{% set ns.t = ns.t ~ r.k ~ loop.index0 %}"
            "{% endfor %}{{ ns.t }}"
        ),
        "{% set b %}block {{ n }}{% endset %}{{ b|upper }}{% filter replace('o', '0') %}foo {{ n }}{% endfilter %}",
        (
            "{{ rows|map(attribute='k')|join(', ') }}{{ rows|selectattr('v')|list|length }}"
            "{{ rows|sort(attribute='k')|first }}"
        ),
        (
            "{{ rows|groupby('k')|list }}{{ text|wordwrap(20) }}{{ text|truncate(30) }}"
            "{{ text|indent(4, true) }}{{ text|center(50) }}"
        ),
        (
            "{{ table|tojson(indent=2) }}{{ [1, 2, 3, 4, 5]|batch(2, 0)|list }}"
            "{{ [1, 2, 3]|slice(2)|list }}{{ [3, 1]|sum }}"
        ),
        (
            "{{ '%s-%05d|%-8s' % ('x', 42, 'y') }}{{ '{:>8}|{a}'.format(n, a=2) }}"
            "{{ '%s %s'|format('x', n) }}{{ 7.126|round(2) }}"
        ),
        (
            "{{ 2 ** 10 }}{{ 'ab' * 3 }}{{ [0] * 3 }}{{ 7 // 2 }}{{ 7 % 4 }}{{ n + 1 - 2 * 3 / 4 }}"
            "{{ -n }}{{ 'a' ~ 1 ~ none }}"
        ),
        (
            "{{ n is divisibleby 3 }}{{ n is defined }}{{ gone is defined }}{{ text is string }}"
            "{{ 'a' in text }}{{ 1 < n <= 3 }}"
        ),
        (
            "{{ text[2:9] }}{{ rows[0]['k'] }}{{ rows[-1].k }}{{ table['a'][n - 2] }}{{ {'k' ~ n: 1} }}"
            "{{ (1, 2)[1] }}{{ text.upper()[:3] }}"
        ),
        (
            "{{ 1700000000|int }}{{ gone|default(1700000000) }}{{ 10 ** 12 }}{{ 'x'.ljust(5, '.') }}"
            "{{ 'a-b'.split('-') }}{{ text|e }}"
        ),
        (
            "{% with x = n * 2 %}{{ x }}{% endwith %}{% raw %}{{ raw }}{% endraw %}{# no #}"
            "{{ dict(a=1).a }}{{ cycler('a').next() }}"
        ),
    ],
)
def test_a_template_says_what_it_says_in_jinja2(template: str) -> None:
    """What is counted does not change what a template makes."""
    plain = ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    assert said(template) == plain.from_string(template).render(INPUTS)


@pytest.mark.parametrize(
    "template",
    [
        '{{ "x" * 10**9 }}',
        "{{ 10**9 * 'x' }}",
        "{{ [0] * 10**9 }}",
        "{{ 10 ** (10 ** 9) }}",
        "{{ (n * 10**6) ** (10**8) }}",
        "{% for i in range(10**9) %}x{% endfor %}",
        "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
        "{% for i in range(99999) %}" + "x" * 10_000 + "{% endfor %}",
        "{% for i in range(99999) %}{{ text * 99 }}{% endfor %}",
        "{% for a in text * 99 %}{% for b in text * 99 %}{{ a in text }}{% endfor %}{% endfor %}",
        DOUBLED,
        _LOOP + "ns.s + ns.s %}{% endfor %}{{ ns.s }}",
        _LOOP.removesuffix(" = ") + " %}{{ ns.s }}{{ ns.s }}{% endset %}{% endfor %}",
        _PAIRED + "{{ ns.s }}",
        _PAIRED + "{{ ns }}",
        _PAIRED + "{{ ns.s|tojson }}",
        _PAIRED + "{{ ns.s == [] }}",
        _TUPLES + "{{ {ns.s: 1}|length }}",
        _TUPLES + "{{ table[ns.s] }}",
        "{% macro m(k) %}{% if k %}{{ m(k - 1) }}{{ m(k - 1) }}{% endif %}x{% endmacro %}{{ m(60) }}",
        "{% for x in [1, 1] recursive %}{% if loop.depth < 60 %}{{ loop([1, 1]) }}{% endif %}{% endfor %}",
        "{{ 'x'|center(10**9) }}",
        "{{ 'x'.center(10**9) }}",
        "{{ 'x'.ljust(10**9) }}",
        "{{ 'x'.zfill(10**9) }}",
        "{{ '\t'.expandtabs(10**9) }}",
        "{{ ('x\n' * 1000)|indent(10**7) }}",
        "{{ ('x\n' * 1000)|indent('y' * 100000) }}",
        "{{ ('x' * 10**6).replace('x', 'y' * 10**6) }}",
        "{{ ('x' * 10**6)|replace('x', 'y' * 10**6) }}",
        "{{ ('x' * 10**6).join('y' * 10**6) }}",
        "{{ ('x' * 10**6)|join('y' * 10**6) }}",
        "{{ ('x ' * 10**6)|wordwrap(1, true, 'y' * 10**6) }}",
        "{{ ['%99999s']|map('format', 1)|list|length }}{{ '%999999999d' % 1 }}",
        "{{ '%*d' % (10**9, 1) }}",
        "{{ '%.999999999f'|format(1.5) }}",
        "{{ '{:999999999}'.format(1) }}",
        "{{ '{:{w}}'.format(1, w=10**9) }}",
        "{{ '{:{}}'.format(1, 10**9) }}",
        "{{ '{a:{w}}'.format_map({'a': 1, 'w': 10**9}) }}",
        "{{ [1]|batch(10**9, 0)|list }}",
        "{{ [1]|slice(10**9)|list }}",
        "{{ table|tojson(indent=10**9) }}",
        "{{ ([[1] * 1000] * 10000)|sum(start=[]) }}",
        "{{ lipsum(10**7) }}",
    ],
)
def test_a_template_that_would_take_everything_is_refused(template: str) -> None:
    """Gigabytes, years, and what would double sixty times are refused as the prompt's mistake."""
    assert re.search(r"than a prompt has room for|Range too big|undefined", refused(template).what)


@pytest.mark.parametrize("template", ['{{ "x" * 10**9 }}', "{{ text * 10**5 }}", "{{ 'x'|center(10**9) }}", DOUBLED])
def test_what_would_take_gigabytes_takes_megabytes(template: str) -> None:
    """What is refused has not been made before."""
    refused("{{ 1 * 2 }}{{ gone }}")  # what is imported on first need is no part of it
    tracemalloc.start(1)
    try:
        refused(template)
        assert tracemalloc.get_traced_memory()[1] < 100_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "template",
    [
        "{{ ''.__class__ }}",
        "{{ ''['__class__'] }}",
        "{{ ''|attr('__class__') }}",
        "{{ ''|attr('__cla' ~ 'ss__')|attr('__mro__') }}",
        "{{ [''.__class__]|map(attribute='__mro__')|list }}",
        "{{ ['']|map(attribute='__class__')|list }}",
        "{{ cycler.__init__.__globals__.os }}",
        "{{ namespace.__init__.__globals__ }}",
        "{{ joiner.__init__.__globals__['__builtins__'] }}",
        "{{ self.__init__.__globals__ }}",
        "{{ self._TemplateReference__context }}",
        "{{ '{0.__class__.__mro__}'.format('') }}",
        "{{ '{0.__class__}'.format_map({'0': ''}) }}",
        "{{ ('{0.__class__}'|string).format('') }}",
        "{% set f = '{0.__class__}'.format %}{{ f('') }}",
        "{{ (rows|first).k.__class__ }}",
        "{{ rows.append(1) }}",
        "{{ rows.clear() }}",
        "{{ table.update({'a': 1}) }}",
        "{{ table.pop('a') }}",
        "{% include 'secret.txt' %}",
        "{% include '/etc/passwd' %}",
        "{% import 'v2.j2' as x %}",
        "{% from 'v2.j2' import x %}",
        "{% extends '../v2.j2' %}",
        "{{ promptreg_steps }}",
        "{{ request }}{{ config }}{{ os }}",
    ],
)
def test_a_template_reaches_nothing_of_pythons(template: str) -> None:
    """Classes, globals, other files and its own inputs are out of reach: nothing is rendered, nothing is changed."""
    inputs = copy.deepcopy(INPUTS)
    try:
        text = render(jinja(template), "e", inputs).text
    except PromptError:
        text = ""
    assert not any(word in text for word in ("class", "built", "module", "root:", "function"))
    assert inputs == INPUTS


@pytest.mark.parametrize(
    "template",
    [
        "{{ " + "(" * 3_000 + ")" * 3_000 + " }}",
        "{% if 1 %}" * 400 + "{% endif %}" * 400,
        "{% for i in x %}" * 25 + "{% endfor %}" * 25,
        "{{ " + "9" * 5_000 + " }}",
        "{{ " + "not " * 3_000 + "1 }}",
        "{{ " + "[" * 3_000,
        "{{ a" + ".b" * 5_000 + " }}",
        "{{ 'x'|no_such_filter }}",
        "{{ '\\ud800' }}{{ '\\N{no such}' }}",
        "{% break %}",
        "{{ n }}" * 5_001,
        "\0{{ \0 }}",
    ],
)
def test_a_template_that_cannot_be_compiled_is_a_prompt_error(template: str) -> None:
    """Nesting beyond what Jinja2 or Python can read, numbers without end and unknown words end in a clear error."""
    assert len(refused(template).what) < 600


def test_values_are_never_rendered_again() -> None:
    """Template syntax inside of a value stays text, in both syntaxes, in texts and in chats."""
    evil = INPUTS["evil"]
    assert said("<{{ evil }}>{{ evil|trim }}") == f"<{evil}>{evil}"
    assert render(PromptVersion("v1", "<{{ evil }}>{{evil}}"), "e", INPUTS).text == f"<{evil}>{evil}"
    chat = PromptVersion("v1", (Message("system", "{{ evil }}"), Message("user", "{{ evil }}")))
    assert [message["content"] for message in render(chat, "e", INPUTS).messages] == [evil, evil]


def test_an_example_lacks_nothing_where_the_template_has_no_end() -> None:
    """Looking for missing variables ends as rendering does, and leaves the mistake to it."""
    assert missing_variable(jinja("{% for i in range(10**9) %}{% endfor %}{{ gone }}"), INPUTS) is None
    assert missing_variable(jinja("{{ gone }}"), INPUTS) == "gone"
