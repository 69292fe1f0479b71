"""The built-in metrics of a process: one of each, whichever suite asks, and so one embedding model."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from contextlib import suppress
from functools import cache

from . import Metric, MetricSettings, create


class BuiltinMetrics:
    """The built-in metrics, each made once. Those that take seconds to load can be loaded in the background."""

    def __init__(self, settings: MetricSettings) -> None:
        self.settings = settings
        self._made = cache(lambda name: create(name, settings))
        self._lock = threading.Lock()
        self._loading: threading.Thread | None = None

    def __call__(self, name: str) -> Metric:
        """The metric of a name, once it is known that nothing else is loading it."""
        if self._loading is not None and self._loading is not threading.current_thread():
            self._loading.join()
        return self._made(name)

    def load(self, names: Iterable[str]) -> None:
        """Load what there is to load, once, in a thread of its own; a metric that fails says so when it is asked."""
        with self._lock:  # the threads of two calls may ask
            if self._loading is None:
                wanted = tuple(names)
                loading = threading.Thread(target=self._load, args=(wanted,), name="promptreg-load", daemon=True)
                loading.start()
                self._loading = loading  # not before: what has not begun cannot be waited for

    def _load(self, names: Iterable[str]) -> None:
        for name in names:
            with suppress(BaseException):
                load = getattr(self._made(name), "load", None)
                if load is not None:
                    load()
