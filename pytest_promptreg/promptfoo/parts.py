"""A configuration and the files that it names, as values that know their lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import ConfigError
from ..files import display_path, read_json_text
from ..inputs import yamls

_LEVELS = 6  # tests, which one, assert, which one, its value, which one
_FILE = "file://"
_YAML = frozenset({".yaml", ".yml"})


class Part:
    """A value of a configuration.

    :param file: where it stands; paths in it start from that file's folder.
    :param lines: of the file's values, by path.
    """

    def __init__(
        self, value: Any, file: Path, lines: Mapping[tuple[str | int, ...], int], at: tuple[str | int, ...] = ()
    ) -> None:
        self.value = value
        self.file = file
        self._lines = lines
        self._at = at

    @property
    def where(self) -> str:
        """``file:line``."""
        at = self._at
        while at and at not in self._lines:
            at = at[:-1]
        line = self._lines.get(at)
        return f"{display_path(self.file)}:{line}" if line else display_path(self.file)

    def get(self, name: str) -> Part | None:
        """What a mapping has by that name; None where it has nothing there, or is none."""
        if not isinstance(self.value, Mapping) or self.value.get(name) is None:
            return None
        return Part(self.value[name], self.file, self._lines, (*self._at, name))

    def items(self) -> Iterator[tuple[str, Part]]:
        """The entries of a mapping."""
        for name in self.value if isinstance(self.value, Mapping) else ():
            yield str(name), Part(self.value[name], self.file, self._lines, (*self._at, str(name)))

    def entries(self) -> Iterator[Part]:
        """The entries of a list; of anything else, itself."""
        if not isinstance(self.value, list):
            yield self
            return
        for index, value in enumerate(self.value):
            yield Part(value, self.file, self._lines, (*self._at, index))

    def named_file(self, *, bare: bool = False) -> Path | None:
        """The file that a text names as ``file://PATH``.

        :param bare: whether a text without that prefix is a path as well.
        """
        if not isinstance(self.value, str) or not (bare or self.value.startswith(_FILE)):
            return None
        return self.file.parent / self.value.removeprefix(_FILE)

    def loaded(self) -> Part:
        """What the file says that it names, where that is YAML or JSON; else itself."""
        file = self.named_file()
        return self if file is None or file.suffix not in {".json", *_YAML} else load(file)


def load(path: Path) -> Part:
    """A file of YAML or JSON.

    :raises ConfigError: when it cannot be read.
    """
    where = display_path(path)
    text = read_json_text(path, ConfigError)
    if path.suffix == ".json":
        try:
            return Part(json.loads(text), path, {})
        except (ValueError, RecursionError) as exc:
            raise ConfigError(
                f"not valid JSON: {exc}",
                where=where,
                next_step="see the place that it names, or write the file as YAML",
            ) from exc
    if path.suffix not in _YAML:
        raise ConfigError(
            "only configurations in YAML and JSON are read", where=where, next_step="write it as promptfooconfig.yaml"
        )
    try:
        value, lines = yamls.load_with_lines(text, _LEVELS)
    except yamls.YamlError as exc:
        raise ConfigError(
            f"not valid YAML: {exc.problem}", where=f"{where}:{exc.line}", next_step=exc.next_step
        ) from exc
    return Part(value, path, lines)
