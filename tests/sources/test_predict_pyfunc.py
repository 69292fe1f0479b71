"""Models that MLflow keeps as predict: real ones, in a real store, and behind a real ``mlflow models serve``."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from pytest_promptreg.errors import PredictError
from pytest_promptreg.model import Request
from pytest_promptreg.sources import pyfunc
from pytest_promptreg.sources.predict import describe, predict_from
from pytest_promptreg.sources.pyfunc import Model, model_input
from pytest_promptreg.sources.registry.settings import RegistrySettings

# In a process of its own: logging a model sets MLflow's state, and these tests hold that predict does not.
LOG_MODELS = """
import logging, sys, warnings
warnings.simplefilter("ignore")
import mlflow, pandas as pd
from mlflow.models import ModelSignature
from mlflow.pyfunc import ChatAgent, ChatModel, PythonModel, ResponsesAgent
from mlflow.types.agent import ChatAgentMessage, ChatAgentResponse
from mlflow.types.llm import ChatChoice, ChatCompletionResponse, ChatMessage
from mlflow.types.responses import ResponsesAgentResponse
from mlflow.types.schema import ColSpec, ParamSchema, ParamSpec, Schema
for name in ("mlflow", "alembic"):
    logging.getLogger(name).setLevel(logging.CRITICAL)

class Texts(PythonModel):
    def predict(self, model_input: list[str]) -> list[str]:
        return [f"read {text}" for text in model_input]

class Dicts(PythonModel):
    def predict(self, model_input: list[dict[str, str]]) -> list[str]:
        return [f"{row['prompt']} of {row['ticket']}" for row in model_input]

class Params(PythonModel):
    def predict(self, context, model_input, params=None):
        return pd.DataFrame({"out": [f"{params['prompt']} of {row}" for row in model_input["ticket"]]})

class Frames(PythonModel):
    def predict(self, context, model_input, params=None):
        return model_input["prompt"] + " of " + model_input["ticket"]

class Broken(PythonModel):
    def predict(self, context, model_input, params=None):
        raise ZeroDivisionError("by \\x1b[31m zero")

class Chat(ChatModel):
    def predict(self, context, messages, params):
        said = f"{messages[-1].content} at {params.temperature}"
        return ChatCompletionResponse(choices=[ChatChoice(message=ChatMessage(role="assistant", content=said))])

class Agent(ChatAgent):
    def predict(self, messages, context=None, custom_inputs=None):
        said = ChatAgentMessage(role="assistant", content=messages[-1].content + "!", id="1")
        return ChatAgentResponse(messages=[said])

class Responses(ResponsesAgent):
    def predict(self, request):
        return ResponsesAgentResponse(output=[self.create_text_output_item(request.input[-1].content + "?", "1")])

with_params = ModelSignature(
    Schema([ColSpec("string", "ticket")]), Schema([ColSpec("string")]), ParamSchema([ParamSpec("prompt", "string", "")])
)
blind = ModelSignature(Schema([ColSpec("string", "ticket")]), Schema([ColSpec("string")]))
mlflow.set_experiment("models")
for model, more in ((Texts, {}), (Dicts, {}), (Params, {"signature": with_params}), (Frames, {}), (Broken, {}),
                    (Frames, {"signature": blind, "name": "Blind"}), (Chat, {}), (Agent, {}), (Responses, {})):
    named = {"name": model.__name__, "python_model": model(), "pip_requirements": ["mlflow"], **more}
    info = mlflow.pyfunc.log_model(registered_model_name=named["name"], **named)
    if model is Texts:
        with mlflow.start_run() as run:
            info = mlflow.pyfunc.log_model(registered_model_name="Texts", **named)
        mlflow.MlflowClient().set_registered_model_alias("Texts", "champion", 2)
        print(info.model_id, run.info.run_id)
"""


class Store:
    """An sqlite store with models in it; ``Texts`` has two versions, ``champion`` is the second."""

    def __init__(self, folder: Path) -> None:
        self.uri = f"sqlite:///{folder / 'mlflow.db'}"
        self.environ = {**os.environ, "MLFLOW_TRACKING_URI": self.uri, "MLFLOW_DISABLE_TELEMETRY": "true"}
        done = subprocess.run(
            [sys.executable, "-c", LOG_MODELS],
            cwd=folder,
            env=self.environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        self.model_id, self.run_id = done.stdout.split()


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("models"))


@pytest.fixture
def store(models: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", models.uri)
    monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_TRACE_LOGGING", "false")  # agents are traced by MLflow, after the test else
    return models


def request(config: dict[str, Any] | None = None, text: str = "Summary", **inputs: Any) -> Request:
    messages = [{"role": "user", "content": text}]
    return Request(text, messages, inputs or {"ticket": "cat"}, config or {}, "v1", "e1")


@pytest.mark.parametrize(
    ("model", "config", "text"),
    [
        ("Texts/1", {}, "read Summary"),
        ("Dicts/1", {}, "Summary of cat"),
        ("Params/1", {}, "Summary of cat"),
        ("Frames/latest", {"temperature": 0}, "Summary of cat"),
        ("Chat/1", {"temperature": 0.25, "odd": 1}, "Summary at 0.25"),
        ("Agent/1", {}, "Summary!"),
        ("Responses/1", {}, "Summary?"),
    ],
)
def test_a_model_is_given_the_prompt(store: Store, model: str, config: dict[str, Any], text: str) -> None:
    """By its type hint, a param, a frame, or as messages: each kind of model answers to the rendered prompt."""
    output = predict_from(f"models:/{model}", "test_x.py:3")(request(config))
    assert output.text == text
    assert output.latency_s is not None


def test_a_model_is_loaded_once_and_called_from_many_threads(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first calls wait for one load; answers do not get to another call than their own."""
    loads = []
    real = pyfunc.load

    def counted(*arguments: Any) -> Any:
        loads.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(pyfunc, "load", counted)
    predict = predict_from("models:/Texts@champion", "test_x.py:3")
    assert loads == []
    with ThreadPoolExecutor(8) as pool:
        texts = list(pool.map(lambda n: predict(request(text=f"text {n}")).text, range(80)))
    assert texts == [f"read text {n}" for n in range(80)]
    assert len(loads) == 1


def test_the_users_own_state_is_left_alone(store: Store) -> None:
    """Loading and calling a model, and describing it, sets no address, no experiment and no run."""
    import mlflow
    from mlflow.tracking import fluent

    before = mlflow.get_tracking_uri(), mlflow.get_registry_uri(), mlflow.active_run(), fluent._active_experiment_id
    environ = dict(os.environ)
    predict_from("models:/Texts/1", "test_x.py:3")(request())
    describe("models:/Texts@champion")
    after = mlflow.get_tracking_uri(), mlflow.get_registry_uri(), mlflow.active_run(), fluent._active_experiment_id
    assert after == before
    assert dict(os.environ) == environ


def test_a_model_is_found_in_a_store_that_is_named(models: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the environment names no store, the settings do."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    predict = predict_from("models:/Texts/1", "test_x.py:3", registry=RegistrySettings(uri=models.uri))
    assert predict(request()).text == "read Summary"


def test_what_is_under_test_is_described(store: Store) -> None:
    """The logged model, its version and the run that logged it; the address of a logged model by itself does too."""
    known = {"model_id": store.model_id, "run_id": store.run_id, "model": "Texts"}
    assert describe("models:/Texts@champion") == {**known, "model_version": "2"}
    assert describe("models:/Texts/2") == {**known, "model_version": "2"}
    assert describe("models:/Texts/latest") == {**known, "model_version": "2"}
    assert describe(f"models:/{store.model_id}") == known
    assert describe("models:/Texts/1")["model_version"] == "1"
    assert describe("models:/Nobody/1") == {}
    assert predict_from(f"models:/{store.model_id}", "test_x.py:3")(request()).text == "read Summary"


def test_a_store_that_does_not_answer_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be found out in time is left out."""
    with socket.create_server(("127.0.0.1", 0)) as hole:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{hole.getsockname()[1]}")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        assert describe("models:/Texts/1", timeout_s=0.2) == {}


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("models:/Nobody/1", "name=Nobody, version=1) not found"),
        ("models:/Texts/9", "not found"),
        ("models:/Texts@nobody", "alias nobody not found"),
        ("models:/m-nobody", "not found"),
    ],
)
def test_a_model_that_is_not_there_is_an_error_for_each_case(store: Store, address: str, says: str) -> None:
    """It says what is missing and where it was looked for, and is not looked for again."""
    predict = predict_from(address, "test_x.py:3")
    errors = []
    for _ in range(2):
        with pytest.raises(PredictError) as error:
            predict(request())
        errors.append(str(error.value))
    assert says in errors[0]
    assert store.uri in errors[0]
    assert "verdict" not in errors[0]
    assert errors[0] == errors[1]


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistyped address of the store is an error, and neither asking nor describing leaves a file behind."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'here' / 'mlflow.db'}")
    with pytest.raises(PredictError, match="no such database") as error:
        predict_from("models:/Texts/1", "test_x.py:3")(request())
    assert "MLFLOW_TRACKING_URI" in str(error.value.next_step)
    assert describe("models:/Texts/1") == {}
    assert list(tmp_path.iterdir()) == []


def test_a_model_that_raises_is_an_error(store: Store) -> None:
    """With the exception's name and text, safe for a terminal."""
    with pytest.raises(PredictError, match=r"the model raised ZeroDivisionError: by \\x1b\[31m zero") as error:
        predict_from("models:/Broken/1", "test_x.py:3")(request())
    assert error.value.where == "models:/Broken/1"


def test_an_answer_that_is_no_output_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing at all is not an empty output, and the model is named."""
    fake = _Fake("mlflow.pyfunc.model", 0)
    monkeypatch.setattr(fake, "predict", lambda data: None)
    monkeypatch.setattr(pyfunc, "load", lambda *_: fake)
    with pytest.raises(PredictError, match="NoneType is no output") as error:
        Model("models:/x/1", RegistrySettings())(request())
    assert error.value.where == "models:/x/1"


def test_a_model_that_the_prompt_cannot_reach_is_an_error(store: Store) -> None:
    """Its answers would be the same for every prompt."""
    with pytest.raises(PredictError, match="the model takes no prompt, so that every prompt would pass") as error:
        predict_from("models:/Blind/1", "test_x.py:3")(request())
    assert "a column or a param named prompt" in str(error.value.next_step)


class _Fake:
    """A loaded model of another flavor, that notices two calls at once."""

    def __init__(self, loader: str, patience_s: float) -> None:
        self.metadata = self
        self._patience_s = patience_s
        self.signature = None
        self.flavors = {"python_function": {"loader_module": loader}}
        self.most = 0
        self._inside = 0
        self._meet = threading.Barrier(2)

    def predict(self, data: Any) -> str:
        """Waits a moment for another call to come in."""
        self._inside += 1
        self.most = max(self.most, self._inside)
        try:
            self._meet.wait(self._patience_s)
        except threading.BrokenBarrierError:
            self._meet.reset()
        self._inside -= 1
        return "a"


@pytest.mark.parametrize(
    ("loader", "patience_s", "most"), [("mlflow.transformers", 0.05, 1), ("mlflow.pyfunc.model", 10, 2)]
)
def test_weights_are_used_by_one_call_at_a_time(
    monkeypatch: pytest.MonkeyPatch, loader: str, patience_s: float, most: int
) -> None:
    """What mlflow serves from threads is called from threads; a flavor that computes here is not."""
    fake = _Fake(loader, patience_s)
    monkeypatch.setattr(pyfunc, "load", lambda *_: fake)
    model = Model("models:/x/1", RegistrySettings())
    with ThreadPoolExecutor(2) as pool:
        assert [output.text for output in pool.map(model, [request(), request()])] == ["a", "a"]
    assert fake.most == most


def signature(columns: dict[str, str], params: tuple[str, ...] = (), optional: tuple[str, ...] = ()) -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types.schema import ColSpec, ParamSchema, ParamSpec, Schema

    return ModelSignature(
        Schema([ColSpec(kind, name, required=name not in optional) for name, kind in columns.items()]),
        params=ParamSchema([ParamSpec(name, "string", "") for name in params]) if params else None,
    )


@pytest.mark.parametrize(
    ("columns", "params", "row", "given"),
    [
        (["prompt"], (), {"prompt": "P"}, {}),
        (["prompt", "ticket"], (), {"prompt": "P", "ticket": "cat"}, {}),
        (["text"], (), {"text": "P"}, {}),
        (["messages"], (), {"messages": [{"role": "user", "content": "P"}]}, {}),
        (["question"], (), {"question": "P"}, {}),
        (["question", "ticket"], (), {"question": "P", "ticket": "cat"}, {}),
        (["question", "ticket", "tone"], (), {"question": "P", "ticket": "cat", "tone": "kind"}, {}),
        (["ticket"], ("prompt",), {"ticket": "cat"}, {"prompt": "P"}),
        (["ticket"], ("prompt_template", "tone", "other"), {"ticket": "cat"}, {"prompt_template": "P", "tone": "kind"}),
        (["ticket", "prompt", "maybe"], (), {"ticket": "cat", "prompt": "P"}, {}),
    ],
)
def test_columns_and_params_are_filled_by_their_names(
    columns: list[str], params: tuple[str, ...], row: dict[str, Any], given: dict[str, str]
) -> None:
    """Inputs go to their columns, the prompt to its own or to the only one that is left, settings to the rest."""
    model = signature(dict.fromkeys(columns, "string"), params, optional=("maybe",))
    data, got = model_input(model, request({"tone": "kind", "api_key": "sk"}, text="P", ticket="cat", unused="x"))
    assert data.to_dict("records") == [row]
    assert got == given


def test_a_column_named_text_is_the_inputs_where_there_is_one() -> None:
    """Then the prompt has to be somewhere else."""
    asked = Request("P", [], {"text": "document"}, {}, "v1", "e1")
    with pytest.raises(PredictError, match="takes no prompt"):
        model_input(signature({"text": "string"}), asked)
    data, params = model_input(signature({"text": "string"}, ("prompt",)), asked)
    assert data.to_dict("records") == [{"text": "document"}]
    assert params == {"prompt": "P"}


def test_a_column_without_a_value_is_an_error() -> None:
    """Both what is needed and what there is are named."""
    with pytest.raises(PredictError, match="needs city, street, which neither") as error:
        model_input(signature({"city": "string", "street": "string"}), request())
    assert "the example's are ticket" in str(error.value.next_step)


def test_a_model_that_takes_no_text_is_an_error() -> None:
    """Tensors and numbers are nothing that a prompt could be."""
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types.schema import ColSpec, Schema, TensorSpec

    for schema in (Schema([TensorSpec(np.dtype("float32"), (-1, 3))]), Schema([ColSpec("double")])):
        with pytest.raises(PredictError, match="no text"):
            model_input(ModelSignature(schema), request())


@pytest.fixture
def serving(store: Store) -> Iterator[str]:
    """``mlflow models serve`` of a chat model and its address, without an environment of its own."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "models", "serve", "-m", "models:/Chat/1", "-p", str(port)]
    process = subprocess.Popen(
        [*command, "--env-manager", "local"],
        env={**store.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(2400):  # two minutes and more: where there is much else to do, half of one was too short
            try:
                if requests.get(f"{base}/ping", timeout=1).ok:
                    break
            except requests.RequestException:
                time.sleep(0.05)
        yield f"{base}/invocations"
    finally:
        os.killpg(process.pid, 15)
        process.wait()


def test_a_served_model_is_asked(serving: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow's own server answers in the form that the address names, and another form is refused with its message."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    output = predict_from(f"{serving}#messages", "test_x.py:3")(request({"temperature": 0.25}))
    assert output.text == "Summary at 0.25"
    with pytest.raises(PredictError, match="HTTP 400: Failed to predict") as error:
        predict_from(serving, "test_x.py:3")(request())
    assert "#messages" in str(error.value.next_step)
