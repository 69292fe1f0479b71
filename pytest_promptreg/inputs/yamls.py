"""YAML that somebody else wrote, as plain values: nothing in it is run, nothing unfolds, nothing is said twice.

PyYAML's own safe loader makes no objects of classes, but lets nine lines of aliases unfold to a billion values, takes
the second of two equal keys without a word, and answers a wrong tag with whatever exception its constructor runs into.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Iterator
from typing import Any

NO_LIST = "not a list"  # the problem of what is valid, and no list
DEEPEST = 100  # levels of lists and mappings
_UNFOLDED = 10  # times what the text is long, which is also what an alias may add to it
_SMALL = 100_000  # characters that aliases may add to a short text
_MOST_NODES = 250_000  # in a text or in an item of a list: each takes half a kilobyte while it is read
_LONGEST_NUMBER = 300  # characters; a double has 309 digits before its point

_CANNOT_START = "found character that cannot start any token"
_NUMBERS = frozenset({"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"})


# What a beginner most likely did, by a piece of what the reader says.
_REMEDIES = {
    "character '@'": 'quote what begins with @: predict_version: "@1"',
    "found character": "quote the text that begins with it; a line is indented by spaces, never by a tab",
    "unhashable key": 'quote what begins with {: text: "{{ question }}", or write it below `text: |`',
    "mapping values are not allowed": "a text with a colon in it goes in quotes; else the line is indented too far",
    "expected ',' or '}'": "close the { of this line or of one above; a text that begins with { goes in quotes",
    "expected ',' or ']'": "close the [ of this line or of one above; a text that begins with [ goes in quotes",
    "a tab character": "indent by spaces, never by a tab",
    "expected key": "entries of one mapping begin in the same column, and a quotation mark inside quotes is doubled",
    "expected '-' indicator": "entries of one list begin in the same column, each with a dash and a space",
    "could not find expected ':'": "a name is followed by a colon and a space; a text of several lines stands below |",
    "unexpected end of stream": "the quotation mark that ends the text is missing, on this line or one above",
    "twice": "keep one of the two",
    "expected <block end>": "entries of one list or mapping begin in the same column",
    "stands inside of what it names": "write the value out in place of the alias, or quote it",
    "unfold to too much": "write the values out in place of the aliases",
    "values in one": "split it into several",
    "nested too deep": "a value of this depth belongs into quotes, as a text",
    "constructor": "leave out the tag that begins with !, or quote the text",
    "does not fit to its tag": "leave out the tag that begins with !!, or quote the text",
    "are not allowed": "delete the control character",
    "a number of": "put it in quotes",
    "out of range": "correct the date, or put it in quotes",
    "undefined alias": "quote what begins with *",
    "another document": "leave out the line ---: a file holds one document",
}
_LOOK = "see the indentation and the quotes of this line, and of the one above"


class YamlError(ValueError):
    """A text is not YAML, or not such as is read here.

    :param problem: what is wrong with it, in one line.
    :param line: of the text, from 1.
    """

    def __init__(self, problem: str, line: int) -> None:
        super().__init__(f"{problem} (line {line})")
        self.problem = problem
        self.line = line

    @property
    def next_step(self) -> str:
        """What most likely mends it."""
        return next((remedy for piece, remedy in _REMEDIES.items() if piece in self.problem), _LOOK)


def load(text: str) -> Any:
    """The value that the text says; None where it says none.

    :raises YamlError: when it is not valid, or says what would not stay in bounds.
    """
    with _reading(text) as loader:
        node = loader.get_single_node()
        return None if node is None else loader.construct_document(node)


def items(text: str) -> Iterator[tuple[int, Any]]:
    """The items of the list that the text says, each with its line; none where it says nothing.

    :raises YamlError: as :func:`load`, or when it says no list.
    """
    import yaml

    with _reading(text) as loader:
        loader.get_event()  # the stream's beginning
        if loader.check_event(yaml.StreamEndEvent):
            return
        loader.get_event()  # the document's
        if not loader.check_event(yaml.SequenceStartEvent):
            raise YamlError(NO_LIST, loader.peek_event().start_mark.line + 1)
        loader.begin_list()
        while not loader.check_event(yaml.SequenceEndEvent):
            node = loader.compose_node(None, None)  # one at a time: nodes take a hundred times what their text does
            yield node.start_mark.line + 1, loader.construct_document(node)
        loader.get_event()
        loader.get_event()
        if not loader.check_event(yaml.StreamEndEvent):
            raise YamlError("but found another document", loader.peek_event().start_mark.line + 1)


def load_with_lines(text: str, levels: int) -> tuple[Any, dict[tuple[str | int, ...], int]]:
    """The value that the text says, and the lines of what it is made of.

    :param levels: of lists and mappings, the lines of whose entries are told.
    :returns: also the line of each entry by the keys and numbers that lead to it; ``()`` leads to the whole.
    :raises YamlError: as :func:`load`.
    """
    import yaml

    with _reading(text) as loader:
        root = loader.get_single_node()
        if root is None:
            return None, {}
        value = loader.construct_document(root)  # what is merged into a mapping stands in it from here on
        lines: dict[tuple[str | int, ...], int] = {}
        nodes: list[tuple[tuple[str | int, ...], int, Any]] = [((), root.start_mark.line, root)]
        while nodes:
            path, line, node = nodes.pop()
            lines[path] = line + 1
            if len(path) == levels:
                continue
            if isinstance(node, yaml.SequenceNode):
                nodes += [((*path, at), entry.start_mark.line, entry) for at, entry in enumerate(node.value)]
            elif isinstance(node, yaml.MappingNode):
                nodes += [((*path, key.value), key.start_mark.line, entry) for key, entry in node.value]
        return value, lines


class _Reading:
    """A loader at work, whose troubles are told as :class:`YamlError`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._loader: Any = None

    def __enter__(self) -> Any:
        try:
            self._loader = _loader()(self._text)
        except Exception as exc:  # it looks at the whole text for characters that no YAML has
            raise self._told(exc) from exc
        return self._loader

    def __exit__(self, kind: object, exc: BaseException | None, trace: object) -> None:
        if self._loader is not None:
            self._loader.dispose()
        if isinstance(exc, Exception) and not isinstance(exc, YamlError):
            raise self._told(exc) from exc

    def _told(self, exc: Exception) -> YamlError:
        import yaml

        if isinstance(exc, yaml.YAMLError):
            mark = getattr(exc, "problem_mark", None)
            read = self._text.encode("utf-8", "replace")[: getattr(exc, "position", 0)]
            line = mark.line if mark else read.count(b"\n")
            problem = getattr(exc, "problem", None) or str(exc).splitlines()[0]
            if mark and problem == _CANNOT_START:  # libyaml does not say which
                said = self._text.split("\n")[line][mark.column :][:1]
                problem = problem.replace("character", f"character {said!r}")
            return YamlError(problem, line + 1)
        line = getattr(self._loader, "making", 1)
        if isinstance(exc, RecursionError):
            return YamlError("nested too deep", line)
        # A date such as 2024-02-31 says what is wrong with it; `!!int ""` ends in an IndexError.
        return YamlError(str(exc) if isinstance(exc, ValueError) else "a value does not fit to its tag", line)


_reading = _Reading


def _parser() -> Any:
    """PyYAML's own safe loader, with libyaml to read the text where it is there: in a hundredth of the time."""
    import yaml

    if not yaml.__with_libyaml__:
        return yaml.SafeLoader
    libyaml: Any = importlib.import_module("yaml.cyaml").CParser

    class Parser(
        yaml.composer.Composer,
        libyaml,  # type: ignore[misc]
        yaml.constructor.SafeConstructor,
        yaml.resolver.Resolver,
    ):
        def __init__(self, text: str) -> None:
            libyaml.__init__(self, text)
            yaml.composer.Composer.__init__(self)
            yaml.constructor.SafeConstructor.__init__(self)
            yaml.resolver.Resolver.__init__(self)

    return Parser


@functools.cache
def _loader() -> Any:
    """The class of the loader, made on first need, for it has to inherit from one of PyYAML's."""
    import yaml

    class Loader(_parser()):  # type: ignore[misc]
        making = 1  # the line of what is being made

        def __init__(self, text: str) -> None:
            super().__init__(text)
            self._room = max(_SMALL, _UNFOLDED * len(text))
            self._depth = 0
            self._nodes = 0  # of the item, or of all
            self._size = 0  # of all that was read, aliases unfolded, about in characters
            self._sizes: dict[int, int] = {}  # by id of the node, of which the loader keeps each alive

        def begin_list(self) -> None:
            """Of the outermost list its entries are composed by themselves."""
            self.get_event()
            self._depth = 1

        def compose_node(self, parent: Any, index: Any) -> Any:
            event = self.peek_event()
            before = self._size
            self._nodes = 1 if parent is None else self._nodes + 1
            if self._nodes > _MOST_NODES:
                raise YamlError(f"more than {_MOST_NODES:,} values in one", event.start_mark.line + 1)
            self._depth += 1
            node = super().compose_node(parent, index)
            self._depth -= 1
            if isinstance(event, yaml.AliasEvent):
                line = 1 + (event.start_mark.line if event.start_mark else 0)
                if id(node) not in self._sizes:
                    raise YamlError(f"*{event.anchor} stands inside of what it names: nested too deep", line)
                self._size += self._sizes[id(node)]
                self._room -= self._sizes[id(node)]
                if self._room < 0:
                    raise YamlError(f"*{event.anchor} and the aliases before it unfold to too much", line)
                return node
            self._size += 1 + (len(node.value) if isinstance(node, yaml.ScalarNode) else 0)
            if getattr(event, "anchor", None) is not None:
                self._sizes[id(node)] = self._size - before
            return node

        def compose_sequence_node(self, anchor: Any) -> Any:
            self._refuse_deep()
            return super().compose_sequence_node(anchor)

        def compose_mapping_node(self, anchor: Any) -> Any:
            self._refuse_deep()
            node = super().compose_mapping_node(anchor)
            seen = set()
            for key, _ in node.value:
                if isinstance(key, yaml.ScalarNode):
                    if key.value in seen:  # as texts, which all keys are made to: 1 and "1" would be one
                        raise YamlError(f"{key.value!r} stands in it twice", key.start_mark.line + 1)
                    seen.add(key.value)
            return node

        def construct_object(self, node: Any, deep: bool = False) -> Any:  # noqa: ARG002  as it is called
            self.making = node.start_mark.line + 1
            return super().construct_object(node, deep=True)  # or a generator for each list would wait for its turn

        def construct_scalar(self, node: Any) -> Any:
            if len(node.value) > _LONGEST_NUMBER and node.tag in _NUMBERS:
                raise YamlError(f"a number of {len(node.value):,} characters", node.start_mark.line + 1)
            return super().construct_scalar(node)

        def _refuse_deep(self) -> None:
            if self._depth > DEEPEST:
                raise YamlError("nested too deep", self.peek_event().start_mark.line + 1)

    return Loader
