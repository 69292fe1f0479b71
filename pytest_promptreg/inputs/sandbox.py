"""Jinja2's sandbox with an end: what a template makes, and the steps that it takes, are counted.

The sandbox of Jinja2 keeps a template from Python's insides and from changing its inputs; it lets
``{{ "x" * 10**9 }}`` take a gigabyte and three nested loops take a year. Here each step of a loop, each call, filter
and operator costs a little, each character that goes into one or comes out of it costs as well, and a template that has
spent what it was given is refused. What would be large is paid for before it is made.
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, ValuesView
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jinja2

_GIVEN = 5_000_000  # characters, about: what any template may spend
_GIVEN_FOR_EACH = 50  # characters more for each of its own and of its inputs
_STEP = 200  # what a step costs, in characters: as many are copied in its time
_PART = 30  # of a list or mapping, beside what it says
_OF_JINJA = frozenset({"_loop_vars", "_block_vars"})  # what it hands over by itself
_WIDTH = re.compile(r"\d{4,}")
_LEFT: ContextVar[list[int]] = ContextVar("promptreg_template_left")

# By name of a method or filter: what it makes grows with a number among its arguments, or with one text for each
# piece of another.
_BY_NUMBER = frozenset(
    {"batch", "center", "expandtabs", "format", "indent", "ljust", "rjust", "round", "slice", "tojson", "zfill"}
)
_BY_TEXT = frozenset({"indent", "join", "replace", "sum", "tojson", "translate", "urlize", "wordwrap"})


class TooMuchError(Exception):
    """A template would make more, or take more steps, than a prompt can ask for."""

    def __init__(self) -> None:
        super().__init__("it makes far more text, or takes far more steps, than a prompt has room for")


@contextlib.contextmanager
def limited(template: str, inputs: object = None) -> Iterator[None]:
    """Templates that are compiled or rendered inside spend from one purse.

    :param inputs: what it is rendered with.
    """
    token = _LEFT.set([_GIVEN + _GIVEN_FOR_EACH * (len(template) + _size(inputs, None))])
    try:
        yield
    finally:
        _LEFT.reset(token)


def environment() -> jinja2.Environment:
    """An environment whose templates are compiled and rendered in :func:`limited`."""
    import jinja2

    return _kind()(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, finalize=_paid)


def _pay(amount: int) -> None:
    left = _LEFT.get()
    left[0] -= amount
    if left[0] < 0:
        raise TooMuchError


def _pay_for(*values: object) -> None:
    """Pay for values that go into something or come out of it."""
    _pay(sum(_size(value, _LEFT.get()[0]) for value in values))


def _paid(value: Any) -> Any:
    """The value, paid for."""
    _pay_for(value)
    return value


def _size(value: object, room: int | None) -> int:
    """Characters that a value would be written with, about; no more are counted than there is room for."""
    if type(value) is str:
        return len(value)
    size = 0
    todo: list[Any] = [value]
    while todo:
        part = todo.pop()
        if isinstance(part, str | bytes):
            size += len(part)
        elif isinstance(part, int):
            size += 1 + part.bit_length() // 4
        elif isinstance(part, dict):
            todo += (*part.keys(), *part.values())
        elif isinstance(part, list | tuple | set | frozenset | KeysView | ValuesView | ItemsView):
            todo += part
        elif type(part).__name__ == "Namespace":
            todo += object.__getattribute__(part, "__dict__").values()
        size += _PART
        if room is not None and size + len(todo) > room:
            raise TooMuchError
    return size


def _pay_for_growth(name: str, values: Iterable[Any]) -> None:
    """Pay for what a method or filter makes beyond what it is given.

    :param values: what it works on, and its arguments.
    """
    of, *others = values
    if name == "format" and isinstance(of, str):
        _pay_for_widths(of, others)
    elif name in _BY_NUMBER:
        numbers = sum(abs(int(other)) for other in others if isinstance(other, int | float) and other == other)  # noqa: PLR0124
        _pay(numbers * (1 + (_pieces(of) if name in {"indent", "tojson"} else 0)))
    if name in _BY_TEXT:
        _pay(_pieces(of) * sum(_size(other, _LEFT.get()[0]) for other in others))
    if name == "sum" and any(isinstance(other, list | tuple) for other in others):  # joined one after the other
        _pay(_pieces(of) * _size(of, _LEFT.get()[0]))


def _pieces(of: Any) -> int:
    return len(of) + 1 if hasattr(of, "__len__") else 1


def _pay_for_widths(form: str, values: Iterable[Any]) -> None:
    """Pay for the widths that a format names, or takes from its values."""
    _pay(sum(int(width[:12]) for width in _WIDTH.findall(form)))
    if "*" in form or "{:{" in form or ":{" in form:
        flat = [part for value in values for part in (value if isinstance(value, tuple | list) else [value])]
        flat = [part for value in flat for part in (value.values() if isinstance(value, dict) else [value])]
        _pay(sum(abs(part) for part in flat if isinstance(part, int)) * max(1, form.count("*") + form.count(":{")))


class _Steps:
    """Something to be iterated, each step of which is paid for."""

    def __init__(self, values: Any, cost: int) -> None:
        self._values = values
        self._cost = cost

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[Any]:
        for value in self._values:
            _pay(self._cost)
            yield value


def _joined(values: list[Any]) -> str:
    """What the operator ``~`` makes."""
    _pay_for(values)
    return "".join(map(str, values))


def _counted(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A filter or test that is paid for; Jinja2's marks on it stay."""
    takes_more = getattr(function, "jinja_pass_arg", None) is not None

    @functools.wraps(function)
    def paid(*args: Any, **kwargs: Any) -> Any:
        values = [*(args[1:] if takes_more else args), *kwargs.values()]
        _pay(_STEP)
        _pay_for(*values)
        if values:
            _pay_for_growth(name, values)
        return _paid(function(*args, **kwargs))

    return paid


@functools.cache
def _kind() -> type[jinja2.Environment]:
    """The class of the environment, made on first need, for it has to inherit from one of Jinja2's."""
    from jinja2 import nodes
    from jinja2.sandbox import ImmutableSandboxedEnvironment
    from jinja2.visitor import NodeTransformer

    def filtered(node: Any, name: str, *arguments: Any) -> Any:
        return nodes.Filter(node, name, [nodes.Const(value) for value in arguments], [], None, None, lineno=node.lineno)

    class Counting(NodeTransformer):
        """Has what a template does between its calls and operators paid for as well."""

        def visit_For(self, node: Any) -> Any:  # noqa: N802
            said = sum(len(data.data) for part in node.body for data in part.find_all(nodes.TemplateData))
            self.generic_visit(node)
            node.iter = filtered(node.iter, "promptreg_steps", _STEP + said)
            return node

        def visit_Concat(self, node: Any) -> Any:  # noqa: N802
            self.generic_visit(node)
            return filtered(nodes.List(node.nodes, lineno=node.lineno), "promptreg_joined")

        def visit_Compare(self, node: Any) -> Any:  # noqa: N802
            self.generic_visit(node)
            node.expr = filtered(node.expr, "promptreg_paid")
            for operand in node.ops:
                operand.expr = filtered(operand.expr, "promptreg_paid")
            return node

        def visit_Getitem(self, node: Any) -> Any:  # noqa: N802
            self.generic_visit(node)
            if isinstance(node.arg, nodes.Slice):
                node.node = filtered(node.node, "promptreg_paid")
            elif not isinstance(node.arg, nodes.Const):
                node.arg = filtered(node.arg, "promptreg_paid")
            return node

        def visit_Pair(self, node: Any) -> Any:  # noqa: N802
            self.generic_visit(node)
            if not isinstance(node.key, nodes.Const):
                node.key = filtered(node.key, "promptreg_paid")
            return node

    class Limited(ImmutableSandboxedEnvironment):
        intercepted_binops = frozenset({"+", "-", "*", "/", "//", "%", "**"})

        def __init__(self, **how: Any) -> None:
            super().__init__(**how)
            self.filters = {name: _counted(name, function) for name, function in self.filters.items()}
            tests: dict[str, Any] = self.tests
            self.tests = {name: _counted(name, function) for name, function in tests.items()}
            self.filters |= {"promptreg_steps": _Steps, "promptreg_joined": _joined, "promptreg_paid": _paid}
            self.globals.pop("lipsum", None)

        def _generate(self, source: Any, *args: Any, **kwargs: Any) -> str:
            return super()._generate(Counting().visit(source), *args, **kwargs)

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            _pay(_STEP)
            _pay_for(left, right)
            if operator == "*":
                for of, times in ((left, right), (right, left)):
                    if isinstance(times, int) and hasattr(of, "__len__"):
                        _pay(max(times, 0) * _size(of, None))
            elif operator == "**" and isinstance(left, int) and isinstance(right, int):
                _pay(max(right, 0) * left.bit_length() // 4)
            elif operator == "%" and isinstance(left, str):
                _pay_for_widths(left, [right])
            return _paid(super().call_binop(context, operator, left, right))

        def wrap_str_format(self, value: Any) -> Any:
            wrapped = super().wrap_str_format(value)
            if wrapped is None:
                return None

            @functools.wraps(wrapped)
            def paid(*args: Any, **kwargs: Any) -> str:
                _pay_for_widths(value.__self__, [*args, *kwargs.values()])
                return wrapped(*args, **kwargs)

            return paid

        def call(self, context: Any, called: Any, /, *args: Any, **kwargs: Any) -> Any:
            _pay(_STEP)
            values = [*args, *(value for name, value in kwargs.items() if name not in _OF_JINJA)]
            of = getattr(called, "__self__", None)
            if isinstance(of, str | bytes | list | tuple | dict):
                values.insert(0, of)
                _pay_for_growth(getattr(called, "__name__", ""), values)
            _pay_for(*values)
            return _paid(super().call(context, called, *args, **kwargs))

    return Limited
