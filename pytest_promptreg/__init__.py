"""pytest-promptreg: prompt regression testing with pytest.

Importing this package imports nothing heavy: pytest loads it in every run of the environment. The public names
are resolved on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .case import PromptregCase as PromptregCase
    from .errors import PromptregError as PromptregError
    from .model import Example as Example
    from .model import Message as Message
    from .model import Output as Output
    from .model import PromptVersion as PromptVersion
    from .model import Request as Request

__version__ = "0.1.0.dev0"

_HOMES = {
    "Example": "model",
    "Message": "model",
    "Output": "model",
    "PromptVersion": "model",
    "PromptregCase": "case",
    "PromptregError": "errors",
    "Request": "model",
}

__all__ = [
    "Example",
    "Message",
    "Output",
    "PromptVersion",
    "PromptregCase",
    "PromptregError",
    "Request",
    "__version__",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{home}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
