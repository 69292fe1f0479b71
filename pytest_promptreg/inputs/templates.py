"""The two template syntaxes: ``{{ name }}``, as in the MLflow prompt registry, and Jinja2 in its sandbox.

``str.format`` is never applied: a prompt is full of braces that mean themselves.
"""

from __future__ import annotations

import copy
import functools
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import PromptError
from ..model import PromptVersion, Request
from ..report.escape import one_line
from ..text import canonical_json, well_formed
from . import sandbox

if TYPE_CHECKING:
    import jinja2

_VARIABLE = re.compile(r"\{\{\s*([A-Za-z_]\w*)\s*\}\}", re.ASCII)
# `{{ user.name }}`, `{{ name | upper }}`, `{{ größe }}`: meant as a variable, but not one that is ever filled.
# Braces around anything else (`{{"a": 1}}`) are text.
_NEAR_MISS = re.compile(r"\{\{\s*+[^\W\d][^{}\n]*+\s*+\}\}")
# `{{ name }`, `{ name }}`, `{{ name` at the end of a line, `{name}` as other template languages have it.
_HALF = re.compile(
    r"(?<!\{)(\{{1,2})[ \t]*+([A-Za-z_]\w*+)[ \t]*+(\}{1,2}(?!\})|$(?!\s*+\}\}))", re.ASCII | re.MULTILINE
)
_BRACES = re.compile(r"\{[{%][^}]*+")
_MOST_TAGS = 5_000  # of a Jinja2 template: each takes Python some kilobytes
_UNCHANGEABLE = frozenset({str, int, float, bool, type(None)})
_UNDEFINED = re.compile(r"(?:.* has no attribute )?'(\w+)'(?: is undefined)?")


def check_syntax(version: PromptVersion) -> None:
    """Refuse a template that could not be rendered whatever the inputs.

    :raises PromptError: at the line of the mistake.
    """
    for template in _templates(version):
        if version.syntax == "jinja2":
            _compiled(template, version.where)
            continue
        for match in _NEAR_MISS.finditer(template):
            if not _VARIABLE.fullmatch(match.group()):
                raise PromptError(
                    f"{one_line(match.group(), 80)} is not a variable: between the braces goes one name",
                    where=_place(version, match.group()),
                    next_step="rename it to one word, or name the file .j2 to have Jinja2's expressions",
                )


def missing_variable(version: PromptVersion, inputs: Mapping[str, Any]) -> str | None:
    """The first variable of the template that ``inputs`` lacks, or None.

    Jinja2 templates may test for what is not there, so those are asked by rendering.
    """
    for template in _templates(version):
        if version.syntax == "jinja2":
            import jinja2

            try:
                _rendered(template, version.where, inputs)
            except jinja2.UndefinedError as exc:
                name = _UNDEFINED.fullmatch(str(exc))
                return name[1] if name else str(exc)
            except Exception:  # noqa: S112  another fault of this example: reported when it is rendered
                continue
        else:
            for match in _VARIABLE.finditer(template):
                if match.group(1) not in inputs:
                    return match.group(1)
    return None


def refuse_half_braces(version: PromptVersion, inputs: Mapping[str, Any]) -> None:
    """Refuse text that was meant as one of these variables: the model would be sent the braces, and not what is in it.

    Two braces that are opened, and not closed, are always a slip. What one brace opens is text of JSON or code as well;
    it is a slip in a prompt that fills nothing at all.

    :raises PromptError: at the line of the braces.
    """
    if version.syntax == "jinja2":
        return
    templates = _templates(version)
    fills = any(_VARIABLE.search(template) for template in templates)
    for template in templates:
        for match in _HALF.finditer(template):
            opening, name, closing = match.groups()
            slip = closing != "}}" if opening == "{{" else closing and not fills
            if slip and name in inputs:
                raise PromptError(
                    f"{match.group()} is text, and no variable, though the examples have {name!r}",
                    where=_place(version, match.group()),
                    next_step=f"write {{{{ {name} }}}}; if it is meant as text, name the file .j2",
                )


def place_of_variable(version: PromptVersion, name: str) -> str:
    """``file:line`` where the template first names the variable."""
    named = re.compile(rf"\b{re.escape(name)}\b")
    for braces in _BRACES.finditer(version.text):
        if found := named.search(braces.group()):
            return _place(version, braces.group()[: found.end()])
    return version.where


def render(version: PromptVersion, example: str, inputs: Mapping[str, Any]) -> Request:
    """The request that predict is given for one case.

    :raises PromptError: when the template cannot be rendered with these inputs.
    """
    if isinstance(version.template, str):
        text = _fill(version, version.template, inputs)
        messages = [{"role": "user", "content": text}]
    else:
        messages = [{"role": m.role, "content": _fill(version, m.content, inputs)} for m in version.template]
        text = "\n\n".join(message["content"] for message in messages)
    return Request(
        text=text,
        messages=messages,
        inputs=_copied(inputs),  # predict may do with its request what it likes
        model_config=_copied(version.model_config),
        version=version.label,
        example=example,
    )


def _copied(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """A copy that shares nothing with the original that could be changed."""
    if type(values) is dict and all(type(value) in _UNCHANGEABLE for value in values.values()):
        return values.copy()
    return copy.deepcopy(values)


def _templates(version: PromptVersion) -> list[str]:
    template = version.template
    return [template] if isinstance(template, str) else [message.content for message in template]


def _fill(version: PromptVersion, template: str, inputs: Mapping[str, Any]) -> str:
    if version.syntax == "jinja2":
        try:
            return well_formed(_rendered(template, version.where, inputs))
        except PromptError:
            raise
        except Exception as exc:
            raise PromptError(
                f"Jinja2 could not render it: {one_line(str(exc), 400)}",
                where=version.where,
                next_step="see what it does with the example's values, and mend the one or the other",
            ) from exc
    # One pass: braces inside a value are the value's own.
    return _VARIABLE.sub(lambda match: _shown(inputs[match.group(1)]), template)


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else canonical_json(value)


def _place(version: PromptVersion, fragment: str) -> str:
    template = version.template
    if not isinstance(template, str) or not version.first_line:
        return version.where
    lines_before = template.partition(fragment)[0].count("\n")
    return f"{version.where}:{version.first_line + lines_before}"


_environment = functools.cache(sandbox.environment)


@functools.lru_cache(maxsize=256)
def _compiled(template: str, where: str) -> jinja2.Template:
    import jinja2

    if template.count("{{") + template.count("{%") > _MOST_TAGS:
        raise PromptError(
            f"Jinja2 cannot read it: it has more than {_MOST_TAGS:,} expressions and tags",
            where=where,
            next_step="make texts of what the template repeats, and give them as a column of the examples",
        )
    try:
        with sandbox.limited(template):
            return _environment().from_string(template)
    except jinja2.TemplateSyntaxError as exc:
        raise PromptError(
            f"Jinja2 cannot read it: {exc.message} (line {exc.lineno} of the template)",
            where=where,
            next_step="close what is opened there; {{ name }} alone needs no Jinja2: name the file .md",
        ) from exc
    except RecursionError as exc:
        raise PromptError(
            "Jinja2 cannot read it: nested too deep",
            where=where,
            next_step="take brackets and blocks out of each other",
        ) from exc
    except Exception as exc:  # Python has limits of its own for what Jinja2 makes of a template
        raise PromptError(
            f"Jinja2 cannot read it: {one_line(str(exc), 200)}",
            where=where,
            next_step="write the template in a simpler way",
        ) from exc


def _rendered(template: str, where: str, inputs: Mapping[str, Any]) -> str:
    compiled = _compiled(template, where)
    with sandbox.limited(template, inputs):
        return compiled.render(dict(inputs))
