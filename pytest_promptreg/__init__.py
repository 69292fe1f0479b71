"""pytest-promptreg: prompt regression testing with pytest.

Importing this package imports nothing heavy: pytest loads it in every run of the environment. The public names
are resolved on first use.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .errors import MetricError as MetricError
    from .errors import PromptregError as PromptregError
    from .metrics import Pair as Pair
    from .metrics.life_cycle import check_metric as check_metric
    from .metrics.own import metric as metric
    from .model import Example as Example
    from .model import Message as Message
    from .model import Output as Output
    from .model import PromptVersion as PromptVersion
    from .model import Request as Request
    from .model import ScoredCase as ScoredCase
    from .session.case import PromptregCase as PromptregCase
    from .sources.clients import read_reply as read_reply

__version__ = "0.1.0"

_HOMES = {
    "Example": "model",
    "Message": "model",
    "MetricError": "errors",
    "Output": "model",
    "Pair": "metrics",
    "PromptVersion": "model",
    "PromptregCase": "session.case",
    "PromptregError": "errors",
    "Request": "model",
    "ScoredCase": "model",
    "check_metric": "metrics.life_cycle",
    "metric": "metrics.own",
    "read_reply": "sources.clients",
}

__all__ = [
    "Example",
    "Message",
    "MetricError",
    "Output",
    "Pair",
    "PromptVersion",
    "PromptregCase",
    "PromptregError",
    "Request",
    "ScoredCase",
    "__version__",
    "check_metric",
    "metric",
    "read_reply",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{home}", __name__), name)


def __dir__() -> list[str]:
    return sorted(__all__)
