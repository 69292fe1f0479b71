"""``predict="models:/Name@alias"``: a model that MLflow keeps, loaded into this process with ``mlflow.pyfunc``.

The active run, the experiment and the addresses of the stores in this process are not touched. What cannot be left
alone: MLflow puts the code of a model that was logged with ``code_paths`` on ``sys.path``, a model sets what it sets,
and while it is loaded, MLflow's variables for time-outs and messages are set where the user has not, and warnings are
off.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import PredictError, TrackingError
from ..mlflow_store import Store, database_file
from ..model import Output, Request
from ..redaction import open_settings
from ..report.escape import one_line
from .registry.settings import RegistrySettings
from .replies import read

if TYPE_CHECKING:
    from ..mlflow_store.deadline import Deadline

ADDRESS = re.compile(r"models:/(?:(?P<id>m-\w+)|(?P<name>[^/:@\s]+)(?:/(?P<version>\d+|latest)|@(?P<alias>[\w.-]+)))")
_LOGGED = re.compile(r"models:/(?P<id>m-\w+)")
_LOAD_LIMIT_S = 600.0  # weights may be long in coming; a server that is away is given up long before
_LIMIT = 240
# Models that call others, or Python that a server of MLflow's would call from several threads too. Whatever else
# there is computes here with weights, and its tokenizers and sessions are not made for that.
_CONCURRENT = ("mlflow.pyfunc.", "mlflow.langchain", "mlflow.openai", "mlflow.llama_index", "mlflow.dspy")


class Model:
    """A pyfunc model, loaded on the first call, once in a process.

    **What the model is given** follows its signature. A column gets, by its name:

    - ``prompt`` the rendered prompt, ``messages`` its messages, and so does ``input`` where it is an array;
    - else the example's input of that name;
    - ``text`` the rendered prompt; other names the value of that name in the prompt's model config;
    - the rendered prompt, when it is the only required column that is left and the prompt is nowhere yet.

    A param ``prompt`` or ``prompt_template`` gets the rendered prompt, others the value of that name in the model
    config. A model whose input has no columns gets a list of one element: for texts (``list[str]``) the rendered
    prompt, for messages the messages, for dicts the inputs and ``prompt``, for objects their fields as if they were
    columns. Without a signature it gets a frame of one row: the inputs and ``prompt``. A secret of the model config is
    never given.

    A model that the prompt cannot reach is an error: it would pass every test of a prompt.

    **Concurrency.** Models of one's own, chat models and agents, LangChain and the like are called from several threads
    at once, as ``mlflow models serve`` does; all others one call at a time. ``promptreg_concurrency = 1`` does so for
    each. The latency is the model's own, without loading and waiting.

    :param address: ``models:/Name/3``, ``models:/Name@alias``, ``models:/Name/latest`` or ``models:/m-...``.
    :param settings: which stores; MLFLOW_TRACKING_URI and MLFLOW_REGISTRY_URI where they say nothing.
    """

    def __init__(self, address: str, settings: RegistrySettings) -> None:
        self._address = address
        self._settings = settings
        self._loading = threading.Lock()
        self._calling: contextlib.AbstractContextManager[object] = contextlib.nullcontext()
        self._model: Any = None
        self._failure: PredictError | None = None

    def __call__(self, request: Request) -> Output:
        """What the model returned: see :func:`~pytest_promptreg.sources.replies.read`.

        :raises PredictError: when it cannot be loaded, takes no prompt, or raised something.
        """
        model = self._loaded()
        try:
            data, params = model_input(model.metadata.signature, request)
        except PredictError as exc:
            exc.where = self._address
            raise
        with self._calling:
            start = time.perf_counter()
            try:
                value = model.predict(data, params=params) if params else model.predict(data)
            except Exception as exc:
                raise PredictError(
                    f"the model raised {type(exc).__name__}: {one_line(str(exc), _LIMIT)}",
                    where=self._address,
                    next_step="see what the signature of the model takes, or run again with promptreg_concurrency = 1",
                ) from exc
            latency = time.perf_counter() - start
        try:
            return replace(read(value), latency_s=latency)
        except PredictError as exc:
            exc.where = self._address
            raise

    def _loaded(self) -> Any:
        """The model; a failure to load it is not tried again for each case."""
        with self._loading:
            if self._failure is not None:
                raise PredictError(self._failure.what, where=self._failure.where, next_step=self._failure.next_step)
            if self._model is None:
                try:
                    self._model = load(self._address, self._settings)
                except PredictError as exc:
                    self._failure = exc
                    raise
                loader = str(self._model.metadata.flavors["python_function"].get("loader_module"))
                if not loader.startswith(_CONCURRENT):
                    self._calling = threading.Lock()
            return self._model


@dataclass(frozen=True, slots=True)
class Stores:
    """Where models are kept: logged ones in the tracking store, their names and aliases in the registry."""

    tracking: Store
    registry: Store

    @classmethod
    def find(cls, settings: RegistrySettings) -> Stores:
        """By the rules for prompts; the tracking store is the registry's, where none is named."""
        registry = settings.target(os.environ)
        named = os.environ.get("MLFLOW_TRACKING_URI")
        if not named and registry.uri.startswith("databricks-uc"):  # Unity Catalog keeps no runs
            named = registry.uri.replace("-uc", "", 1)
        return cls(replace(registry, uri=named) if named else registry, registry)

    @contextlib.contextmanager
    def opened(self, deadline: Deadline) -> Iterator[Any]:
        """MLflow's client with explicit addresses, one process at a time: an older database is upgraded then.

        :raises TrackingError: where there is no database: opening it would make one.
        """
        from mlflow import MlflowClient

        from ..mlflow_store.deadline import quiet_loggers
        from ..mlflow_store.locks import alone

        databases: dict[Path, Store] = {}
        for store in (self.registry, self.tracking):
            if (file := database_file(store.uri)) is not None:
                databases[file.resolve()] = store
        for path, store in databases.items():
            if not path.exists():
                raise TrackingError(
                    "MLflow: there is no such database",
                    where=store.shown,
                    next_step="set MLFLOW_TRACKING_URI to where the model is kept",
                )
        with contextlib.ExitStack() as stack:
            stack.enter_context(quiet_loggers())
            for path in sorted(databases):
                stack.enter_context(alone(databases[path].uri, deadline))
            yield MlflowClient(tracking_uri=self.tracking.uri, registry_uri=self.registry.uri)


def load(address: str, settings: RegistrySettings) -> Any:
    """MLflow's own object for the model.

    :raises PredictError: when it cannot be had.
    """
    from ..mlflow_store.deadline import quiet_loggers, within_deadline

    stores = Stores.find(settings)

    def work(deadline: Deadline) -> Any:
        import mlflow.artifacts
        import mlflow.pyfunc

        with stores.opened(deadline) as client:
            folder = mlflow.artifacts.download_artifacts(
                artifact_uri=_location(client, address, stores.registry.uri),
                tracking_uri=stores.tracking.uri,
                registry_uri=stores.registry.uri,
            )
        with quiet_loggers():
            return mlflow.pyfunc.load_model(folder, suppress_warnings=True)

    try:
        # MLflow warns when it is imported, which a suite with "-W error" must not be held to.
        return within_deadline(work, replace(stores.registry, timeout_s=_LOAD_LIMIT_S))
    except TrackingError as exc:
        said = exc.what.removeprefix("MLflow: ")
        raise PredictError(
            f"{address} cannot be loaded from {exc.where}: {said}",
            next_step=exc.next_step
            or "see that MLFLOW_TRACKING_URI is right, and the model's name and version or alias",
        ) from exc


def describe_model(address: str, settings: RegistrySettings, timeout_s: float) -> dict[str, str]:
    """The logged model's name and id, the version that the address names now, and the run that logged it.

    :raises TrackingError: when the stores do not say so in time.
    """
    from ..mlflow_store.deadline import within_deadline

    stores = Stores.find(settings)

    def work(deadline: Deadline) -> dict[str, str]:
        with stores.opened(deadline) as client:
            return _described(client, address)

    return within_deadline(work, replace(stores.registry, timeout_s=timeout_s))


def _location(client: Any, address: str, registry_uri: str) -> str:
    """Where a model's files lie. MLflow, which can find them by the address, would ask the stores of the process."""
    if registry_uri.startswith("databricks"):
        return address
    match = _match(address)
    if match["name"]:
        source = str(client.get_model_version_download_uri(match["name"], _version(client, match).version))
        if not (logged := _LOGGED.fullmatch(source)):
            return source
        match = logged
    return str(client.get_logged_model(match["id"]).artifact_location)


def _described(client: Any, address: str) -> dict[str, str]:
    match = _match(address)
    found: dict[str, str | None] = {"model_id": match["id"]}
    if match["name"]:
        version = _version(client, match)
        logged = _LOGGED.fullmatch(version.source or "")
        found = {
            "model": match["name"],
            "model_version": str(version.version),
            "model_id": version.model_id or (logged and logged["id"]),
            "run_id": version.run_id,
        }
    if found["model_id"]:
        with contextlib.suppress(Exception):  # a version is known without its logged model
            model = client.get_logged_model(found["model_id"])
            found = {"model": model.name, "run_id": model.source_run_id} | {k: v for k, v in found.items() if v}
    return {name: value for name, value in found.items() if value}


def _match(address: str) -> re.Match[str]:
    match = ADDRESS.fullmatch(address)
    assert match is not None  # noqa: S101  the address was looked at when it was written down
    return match


def _version(client: Any, match: re.Match[str]) -> Any:
    if match["alias"]:
        return client.get_model_version_by_alias(match["name"], match["alias"])
    if match["version"] != "latest":
        return client.get_model_version(match["name"], match["version"])
    versions = client.search_model_versions(f"name = '{match['name']}'")
    return max(versions, key=lambda version: int(version.version))


def model_input(signature: Any, request: Request) -> tuple[Any, dict[str, Any]]:
    """What a model with that signature is given as data and as params; the rule stands at :class:`Model`.

    :param signature: MLflow's own object, or None.
    :raises PredictError: when a required column has no value, or the prompt would not reach the model.
    """
    schema = signature.inputs if signature is not None else None
    if schema is None or not schema.inputs:
        return _frame({**request.inputs, "prompt": request.text}), _params(signature, request)
    if schema.is_tensor_spec():
        raise PredictError("the model takes tensors, no text", next_step="log it with a column named prompt")
    params = _params(signature, request)
    reached = any(spec.name in _PROMPT_PARAMS for spec in (signature.params.params if signature.params else ()))
    if schema.has_input_names():
        fields = [_Field(column.name, column.type, column.required) for column in schema.inputs]
        return _frame(_filled(fields, request, reached)), params
    return [_element(schema.inputs[0].type, request, reached)], params


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    kind: Any
    required: bool


_PROMPT_PARAMS = frozenset({"prompt", "prompt_template"})


def _params(signature: Any, request: Request) -> dict[str, Any]:
    specs = signature.params.params if signature is not None and signature.params else ()
    known = {**open_settings(request.model_config), **dict.fromkeys(_PROMPT_PARAMS, request.text)}
    return {spec.name: known[spec.name] for spec in specs if spec.name in known}


def _element(kind: Any, request: Request, reached: bool) -> Any:
    """The one element of a list, for a model whose input has no columns."""
    name = type(kind).__name__
    if name == "Object":
        return _filled([_Field(p.name, p.dtype, p.required) for p in kind.properties], request, reached)
    if name == "Array" and type(kind.dtype).__name__ == "Object":
        return request.messages
    if name in {"Map", "AnyType"}:
        return {**request.inputs, "prompt": request.text}
    if name == "DataType" and kind.name == "string":
        return request.text
    raise PredictError(f"the model takes {kind}, no text", next_step="log it with a column named prompt")


def _filled(fields: Sequence[_Field], request: Request, reached: bool) -> dict[str, Any]:
    """A row: each field with its value."""
    row: dict[str, Any] = {}
    config = open_settings(request.model_config)
    for field in fields:
        if field.name == "prompt":
            row[field.name], reached = request.text, True
        elif field.name == "messages" or (field.name == "input" and type(field.kind).__name__ == "Array"):
            row[field.name], reached = request.messages, True
        elif field.name in request.inputs:
            row[field.name] = request.inputs[field.name]
        elif field.name == "text":
            row[field.name], reached = request.text, True
        elif field.name in config:
            row[field.name] = config[field.name]
    left = [field.name for field in fields if field.required and field.name not in row]
    if len(left) == 1 and not reached:
        row[left.pop()], reached = request.text, True
    names = ", ".join(field.name for field in fields)
    if left:
        raise PredictError(
            f"the model needs {', '.join(left)}, which neither the example nor the prompt's model_config has",
            next_step=f"its columns are {names}; the example's are {', '.join(request.inputs) or 'none'}",
        )
    if not reached:
        raise PredictError(
            f"the model takes no prompt, so that every prompt would pass: its columns are {names}",
            next_step="log it with a signature that has a column or a param named prompt",
        )
    return row


def _frame(row: Mapping[str, Any]) -> Any:
    import pandas as pd

    return pd.DataFrame([dict(row)])
