"""Digests of source code: another one for other code, the same for code that was only reformatted."""

from __future__ import annotations

import ast
import functools
import inspect
from types import CodeType
from typing import Any

from ..text import canonical_json, digest, plain

UNKNOWN = "unknown"
# What Python's grammar notes and no score depends on; Python's own dump differs from version to version.
_SAYS_NOTHING = frozenset({"annotation", "ctx", "kind", "returns", "type_comment", "type_params"})
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_DOCUMENTED = (*_FUNCTIONS, ast.ClassDef)
_PLAIN = (str, int, float, bool, bytes, type(None))


def source_digest(source: Any) -> str:
    """Twelve hex digits of what a function, or the class of an object, says; ``unknown`` where there is no source.

    It is taken from the syntax tree without docstrings, annotations and the outermost decorators. What a function
    closes over, a partial was made with, or an object holds counts where it is made of JSON's own types; what is called
    does not.
    """
    try:
        said = _said(source)
    except (OSError, TypeError, SyntaxError, ValueError, RecursionError):
        return UNKNOWN
    return digest(canonical_json(said))[:12] if said else UNKNOWN


def _said(source: Any) -> list[Any]:
    if isinstance(source, functools.partial):
        values = [*source.args, *(item for pair in sorted(source.keywords.items()) for item in pair)]
        inner = _said(source.func)
        return inner and [inner, _plain(values)]
    function = inspect.unwrap(getattr(source, "__func__", source)) if callable(source) else source
    if inspect.isfunction(function):
        node = _function_node(function)
        cells = [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
        return [_tree(node, outermost=True), _plain(cells)] if node else []
    node = _class_node(source if isinstance(source, type) else type(source))
    held = dict(sorted(vars(source).items())) if hasattr(source, "__dict__") and not isinstance(source, type) else {}
    return [_tree(node, outermost=True), [*held], _plain([*held.values()])] if node else []


def _is_filled(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018  reading it is the test
    except ValueError:
        return False
    return True


def _plain(values: list[Any]) -> list[str]:
    return [_shown(value) for value in values]


def _shown(value: Any) -> str:
    if isinstance(value, _PLAIN):
        return repr(value)
    try:
        return canonical_json(plain(value))
    except (TypeError, ValueError, RecursionError):
        return type(value).__qualname__


def _function_node(function: Any) -> ast.AST | None:
    """The function's node in the tree of its file; None where several begin on its line and cannot be told apart."""
    code = function.__code__
    tree = ast.parse("".join(inspect.findsource(function)[0]))
    kinds = ast.Lambda if code.co_name == "<lambda>" else _FUNCTIONS
    found = [node for node in ast.walk(tree) if isinstance(node, kinds) and _first_line(node) == code.co_firstlineno]
    if len(found) > 1:
        starts = {(line, column) for line, _, column, _ in code.co_positions()}
        placed = [node for node in found if _start(node) in starts]
        # Python 3.12 notes no place in a lambda that returns a constant.
        found = placed or [node for node in found if _always_returns(node, code)]
    return found[0] if len(found) == 1 else None


def _class_node(kind: type) -> ast.AST | None:
    lines, index = inspect.findsource(kind)
    found = [node for node in ast.walk(ast.parse("".join(lines))) if isinstance(node, ast.ClassDef)]
    return next((node for node in found if index + 1 in {node.lineno, _first_line(node)}), None)


def _first_line(node: Any) -> int:
    decorators = getattr(node, "decorator_list", [])
    return int((decorators[0] if decorators else node).lineno)


def _start(node: Any) -> tuple[int, int]:
    body = node.body if isinstance(node, ast.Lambda) else node.body[0]
    return body.lineno, body.col_offset


def _always_returns(node: Any, code: CodeType) -> bool:
    """Whether a lambda has the code's parameters and returns its constant."""
    try:
        value = ast.literal_eval(node.body)
    except (ValueError, TypeError):
        return False
    names = [each.arg for each in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
    own = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return repr(value) == repr(code.co_consts[-1]) and tuple(names) == own


def _tree(node: Any, *, outermost: bool = False) -> Any:
    """A syntax tree as lists, the same for every version of Python that reads it the same."""
    if isinstance(node, list):
        return [_tree(item) for item in node]
    if not isinstance(node, ast.AST):
        return [type(node).__name__, repr(node)]
    fields = dict(ast.iter_fields(node))
    if isinstance(node, _DOCUMENTED):
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            fields["body"] = node.body[1:]
        if outermost:
            fields["decorator_list"] = []
    kept = {name: value for name, value in fields.items() if name not in _SAYS_NOTHING and value not in (None, [])}
    return [type(node).__name__, *([name, _tree(value)] for name, value in kept.items())]
