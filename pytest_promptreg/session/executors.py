"""``--promptreg-executor``: an address of a cluster, on which predict is to run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import ConfigError

_SCHEME = "dask+"
_TRANSPORTS = ("tcp://", "tls://", "ws://", "wss://", "ucx://", "inproc://")
_CONNECT_S = 10.0
_FLAG = "--promptreg-executor"


def check_address(address: str) -> str:
    """The scheduler's own address in ``dask+tcp://host:8786``.

    :raises ConfigError: when it is none.
    """
    scheduler = address.removeprefix(_SCHEME)
    if not address.startswith(_SCHEME) or not scheduler.startswith(_TRANSPORTS):
        raise ConfigError(f"{address!r} names no cluster", where=_FLAG, next_step="write dask+tcp://HOST:8786")
    return scheduler


@contextmanager
def connected(address: str) -> Iterator[Executor]:
    """An executor on the cluster of that address, for as long as the context lasts.

    :raises ConfigError: when nobody answers there, or the package is missing.
    """
    scheduler = check_address(address)
    try:
        from distributed import Client
    except ImportError as exc:
        raise ConfigError(
            "the package distributed is not installed", where=_FLAG, next_step="pip install 'pytest-promptreg[dask]'"
        ) from exc
    try:
        client = Client(scheduler, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError) as exc:
        raise ConfigError(
            f"no scheduler answers at {scheduler}", where=_FLAG, next_step=f"start one there: dask scheduler ({exc})"
        ) from exc
    try:
        # Equal calls are calls of their own all the same, and what is tried again is for the runner to say.
        yield _OnCluster(client.get_executor(pure=False, retries=0))
    finally:
        client.close(timeout=2)


class _OnCluster(Executor):
    """Dask's executor, for functions of modules that its workers do not have: a test module, what lies beside it.

    Such a function travels as it is written, not by its module's name.
    """

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._sent: set[str] = set()

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have a call made on the cluster."""
        for value in args:
            self._send_by_value(getattr(value, "__module__", None) or type(value).__module__)
        from cloudpickle import dumps

        # Dask would try pickle first, which knows functions by name alone.
        return self._executor.submit(run_sent, dumps((fn, args, kwargs)))

    def _send_by_value(self, name: str) -> None:
        if name in self._sent:
            return
        self._sent.add(name)
        module = sys.modules.get(name)
        file = Path(getattr(module, "__file__", None) or sys.prefix)
        installed = {"site-packages", "dist-packages"} & set(file.parts) or file.is_relative_to(sys.base_prefix)
        if module is not None and not installed and name.partition(".")[0] != __name__.partition(".")[0]:
            from cloudpickle import register_pickle_by_value

            register_pickle_by_value(module)


def run_sent(call: bytes) -> Any:
    """Make a call that was sent, where the cluster runs it."""
    import pickle

    fn, args, kwargs = pickle.loads(call)  # noqa: S301  from the client that this worker takes its tasks from
    return fn(*args, **kwargs)
