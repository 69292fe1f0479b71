"""The two template syntaxes: what is filled, what stays, what is refused."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_promptreg.errors import PromptError
from pytest_promptreg.inputs.templates import (
    check_syntax,
    missing_variable,
    place_of_variable,
    refuse_half_braces,
    render,
)
from pytest_promptreg.model import Message, PromptVersion


def braces(template: str) -> PromptVersion:
    return PromptVersion("v1", template, where="prompts/v1.md", first_line=1)


def jinja(template: str) -> PromptVersion:
    return PromptVersion("v1", template, syntax="jinja2", where="prompts/v1.j2", first_line=1)


def filled(version: PromptVersion, **inputs: Any) -> str:
    return render(version, "x", inputs).text


@given(st.text())
def test_values_are_not_templates(value: str) -> None:
    """Filling is a single pass: braces, percent signs and backslashes in a value are the value's own."""
    for dangerous in (value, f"{{{{ b }}}}{value}", f"{value}\\1 {{0}} %s {{% raw %}}"):
        assert filled(braces("<{{ a }}|{{b}}>"), a=dangerous, b="B") == f"<{dangerous}|B>"
        assert filled(jinja("<{{ a }}|{{b}}>"), a=dangerous, b="B") == f"<{dangerous}|B>"


@pytest.mark.parametrize(
    "text", ["{a}", "{}", "{0.__class__}", '{"a": {"b": 1}}', "{{}}", '{{"a": 1}}', "{% if a %}", "{# a #}", "{{ 1 }}"]
)
def test_other_braces_are_text(text: str) -> None:
    """Only ``{{ name }}`` is a variable: JSON, single braces and Jinja2's statements stay as they are."""
    check_syntax(braces(text))
    assert filled(braces(text), a="A") == text


@pytest.mark.parametrize("variable", ["{{a}}", "{{ a }}", "{{  a\t}}", "{{\na\n}}"])
def test_space_in_the_braces_is_free(variable: str) -> None:
    """White space around the name does not matter, and braces around the variable stay."""
    assert filled(braces(f"x {{{variable}}} y"), a="A") == "x {A} y"


@pytest.mark.parametrize(
    ("value", "shown"),
    [(3, "3"), (1.5, "1.5"), (True, "true"), (None, ""), ([1, "é"], '[1,"é"]'), ({"b": 1}, '{"b":1}')],
)
def test_values_that_are_no_text_are_shown_as_json(value: object, shown: str) -> None:
    """Numbers, lists and mappings are filled in as JSON, and a missing value as nothing."""
    assert filled(braces("{{ a }}"), a=value) == shown


@pytest.mark.parametrize(
    "near_miss",
    ["{{ user.name }}", "{{ name | upper }}", "{{ user-name }}", "{{ two words }}", "{{ 问题 }}", "{{über}}"],
)
def test_near_misses_are_refused_at_their_line(near_miss: str) -> None:
    """What looks like a variable and would never be filled is refused with file and line."""
    with pytest.raises(PromptError, match=re.escape(f"{near_miss} is not a variable")) as error:
        check_syntax(braces(f"First line with {{{{ name }}}}.\n\nThird: {near_miss}"))
    assert error.value.where == "prompts/v1.md:3"


@pytest.mark.parametrize(
    "slip", ["{{ name }", "{{name}", "{{ name", "{{ name }\nand {{ other }}", "{name}", "{ name }}", "{name}, hello"]
)
def test_half_a_variable_is_refused_at_its_line(slip: str) -> None:
    """Of a column's name with too few braces around it the model would be sent the braces, so it is refused."""
    with pytest.raises(PromptError, match="is text, and no variable, though the examples have 'name'") as error:
        refuse_half_braces(braces(f"First line.\n{slip}"), {"name": "Ann", "other": "Bo"})
    assert error.value.where == "prompts/v1.md:2"


@pytest.mark.parametrize(
    "text",
    [
        "{{ name }}",
        "{{{ name }}}",
        "{{\nname\n}}",
        "{{ name\n}}",
        "{{ other }",
        "{{ name }} as {name}",
        "{other}",
        "{name",
        '{{ name }} in {"a": {name}}',
        "{{name}}}",
    ],
)
def test_braces_that_are_no_slip_are_let_pass(text: str) -> None:
    """Whole variables, other words in braces, and one brace beside a variable are left to the author."""
    refuse_half_braces(braces(text), {"name": "Ann"})
    refuse_half_braces(jinja("{{ name }"), {"name": "Ann"})


def test_a_near_miss_behind_front_matter_has_the_files_line() -> None:
    """The line is that of the file, front matter included."""
    with pytest.raises(PromptError) as error:
        check_syntax(PromptVersion("v1", "one\n{{ a.b }}", where="v1.md", first_line=5))
    assert error.value.where == "v1.md:6"


def test_a_near_miss_in_a_chat_is_refused() -> None:
    """Every message of a chat is looked at."""
    chat = PromptVersion("v1", (Message("system", "ok"), Message("user", "{{ a.b }}")), where="v1.yaml")
    with pytest.raises(PromptError, match=re.escape("{{ a.b }} is not a variable")):
        check_syntax(chat)


def test_a_missing_variable_is_named_with_its_place() -> None:
    """The first variable that the inputs lack, and the line that names it."""
    version = braces("{{ a }}\n{{ b }} {{ c }}")
    assert missing_variable(version, {"a": 1}) == "b"
    assert missing_variable(version, {"a": 1, "b": None, "c": ""}) is None
    assert place_of_variable(version, "b") == "prompts/v1.md:2"
    assert place_of_variable(version, "nowhere") == "prompts/v1.md"


@given(st.dictionaries(st.from_regex(r"\A[a-z_][a-z0-9_]{0,5}\Z"), st.text(), min_size=1, max_size=5), st.data())
def test_a_template_renders_exactly_when_nothing_is_missing(inputs: dict[str, str], data: st.DataObject) -> None:
    """``missing_variable`` is None for exactly those inputs that hold every name."""
    names = data.draw(st.lists(st.sampled_from([*inputs, "other_name"]), min_size=1))
    version = braces("".join(f"[{{{{ {name} }}}}]" for name in names))
    lacking = [name for name in names if name not in inputs]
    assert missing_variable(version, inputs) == (lacking[0] if lacking else None)
    if not lacking:
        assert filled(version, **inputs) == "".join(f"[{inputs[name]}]" for name in names)


def test_chats_are_rendered_message_by_message() -> None:
    """Roles stay, contents are filled, and the text is the messages one after the other."""
    chat = PromptVersion("v1", (Message("system", "Be {{ tone }}."), Message("user", "{{ q }}")), model_config={"t": 0})
    request = render(chat, "e1", {"tone": "kind", "q": "Why?"})
    assert request.messages == [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Why?"}]
    assert request.text == "Be kind.\n\nWhy?"
    assert (request.version, request.example, dict(request.model_config)) == ("v1", "e1", {"t": 0})


def test_a_text_is_one_user_message() -> None:
    """A text prompt is what a chat model is asked by the user."""
    assert render(braces("Hi {{ a }}"), "e", {"a": "A"}).messages == [{"role": "user", "content": "Hi A"}]


def test_a_predict_may_change_its_request() -> None:
    """What predict does to its request reaches neither the example nor the prompt nor the next request."""
    inputs: dict[str, Any] = {"a": "A", "list": [1]}
    config: dict[str, Any] = {"stop": ["."], "temperature": 0}
    version = PromptVersion("v1", "{{ a }}", model_config=config)
    request: Any = render(version, "e", inputs)
    request.inputs["list"].append(2)
    del request.inputs["a"]
    request.model_config["stop"].clear()
    request.model_config.pop("temperature")
    assert inputs == {"a": "A", "list": [1]}
    assert config == {"stop": ["."], "temperature": 0}


ESCAPES = [
    "{{ ''.__class__ }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ a.__init__.__globals__ }}",
    "{{ a['__class__'] }}",
    "{{ (a|attr('__class__')).__mro__ }}",
    "{{ self.__init__.__globals__ }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ '{0.__class__}'.format(a) }}",
    "{{ l.append(1) }}",
    "{{ d.update({'x': 1}) }}",
    "{% for i in range(999999999) %}x{% endfor %}",
    "{% include '/etc/passwd' %}",
    "{% import 'os' as os %}{{ os }}",
]


@pytest.mark.parametrize("template", ESCAPES)
def test_the_sandbox_holds(template: str) -> None:
    """Whatever tries to leave the sandbox or to change an input is an error, never an answer."""
    values: dict[str, Any] = {"a": "text", "l": [], "d": {}}
    with pytest.raises(PromptError):
        filled(jinja(template), **values)
    assert values == {"a": "text", "l": [], "d": {}}


def test_jinja_renders_its_language() -> None:
    """Loops, filters and conditions work in a .j2 prompt."""
    version = jinja(
        "{% for d in docs %}- {{ d.title | upper }}\n{% endfor %}{% if tone is defined %}{{ tone }}{% endif %}"
    )
    check_syntax(version)
    assert filled(version, docs=[{"title": "a"}, {"title": "b"}]) == "- A\n- B\n"
    assert filled(version, docs=[], tone="kind") == "kind"


@pytest.mark.parametrize("template", ["{% if tone is defined %}{{ tone }}{% endif %}", "{{ tone | default('plain') }}"])
def test_a_conditional_variable_may_be_missing(template: str) -> None:
    """A Jinja2 template that provides for a missing variable does not lack it."""
    assert missing_variable(jinja(template), {}) is None


def test_the_missing_variable_is_the_one_that_is_missing() -> None:
    """A variable that the template provides for is not blamed for another that is missing."""
    version = jinja("{% if audience is defined %}For {{ audience }}.{% endif %}\n{{ question }}")
    assert missing_variable(version, {}) == "question"
    assert place_of_variable(version, "question") == "prompts/v1.j2:2"


def test_a_missing_attribute_is_named() -> None:
    """A key that the mapping of a row lacks is named too."""
    assert "title" in str(missing_variable(jinja("{{ doc.title }}"), {"doc": {}}))


@pytest.mark.parametrize("name", ["self", "context", "environment", "args", "template"])
def test_an_input_may_have_any_name(name: str) -> None:
    """Input names that Jinja2's own code uses do not disturb it."""
    version = jinja("{{ other }}")
    assert missing_variable(version, {name: "x", "other": "A"}) is None
    assert render(version, "e", {name: "x", "other": "A"}).text == "A"


def test_a_broken_jinja_template_is_refused_at_its_line() -> None:
    """A syntax error names the file and the line in the template, before any call is made."""
    with pytest.raises(PromptError, match="line 2 of the template") as error:
        check_syntax(jinja("one\n{% if a %}"))
    assert str(error.value.where).startswith("prompts/v1.j2")


def test_rendering_that_fails_says_why() -> None:
    """A fault that only some values show is an error with the template's file."""
    with pytest.raises(PromptError, match=r"Jinja2 could not render it: .*zero") as error:
        filled(jinja("{{ 1 // n }}"), n=0)
    assert error.value.where == "prompts/v1.j2"
