"""Prompt versions that are registered, aliases that are moved, and the tag that ties runs to prompts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_promptreg.errors import TrackingError
from pytest_promptreg.model import Message, PromptVersion
from pytest_promptreg.sources.registry.loading import forget, load_registry
from pytest_promptreg.sources.registry.settings import RegistrySettings
from pytest_promptreg.sources.registry.stored import REGISTRY_NAME_TAG, REGISTRY_VERSION_TAG, registered_as
from pytest_promptreg.tracking.registry import (
    LABEL_TAG,
    Promotion,
    check_alias,
    linked_prompts_tag,
    promote,
    register,
    show_in_experiment,
)

if TYPE_CHECKING:
    from tests.servers import ClientOf

V1 = PromptVersion("v1", "Summarize.\n\nTicket: {{ ticket }}", commit_message="the first", where="prompts/v1.md")
V2 = replace(V1, label="v2", template="Summarize briefly.\n\nTicket: {{ ticket }}", commit_message="shorter")
V10 = replace(V1, label="v10", template=(Message("system", "Be terse."), Message("user", "{{ ticket }}")))
# Registers the same text: python -c WRITER <uri>, once a line comes in.
WRITER = """
import sys, warnings
warnings.simplefilter("ignore")
from mlflow import MlflowClient
from pytest_promptreg.model import PromptVersion
from pytest_promptreg.tracking.registry import register
client = MlflowClient(tracking_uri=sys.argv[1], registry_uri=sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
print([register([PromptVersion("v1", f"text {n}")], "race", client)["v1"] for n in range(3)])
"""


@pytest.fixture(scope="module")
def uri(tmp_path_factory: pytest.TempPathFactory, client_of: ClientOf) -> str:
    """A database that is set up: each test has a prompt of its own in it."""
    uri = f"sqlite:///{tmp_path_factory.mktemp('registry')}/mlflow.db"
    client_of(uri).search_registered_models()
    return uri


@pytest.fixture
def client(uri: str, client_of: ClientOf) -> Iterator[Any]:
    """MLflow's own client of that database."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield client_of(uri)


def load(address: str, uri: str) -> list[PromptVersion]:
    """The versions as the next run would see them."""
    forget()
    return load_registry(address, where="x", settings=RegistrySettings(uri)).versions


def test_versions_are_registered_in_the_order_of_their_labels(client: Any, uri: str) -> None:
    """They come back as they went: text or messages, syntax, settings, commit message, tags, digest."""
    jinja = replace(V2, label="v3", template="{{ ticket | upper }}", syntax="jinja2", tags={"owner": "ada"})
    settings_ = replace(V2, model_config={"temperature": 0, "stop": ["\n"], "seed": 7})
    assert register([V10, jinja, settings_, V1], "round", client) == {"v1": 1, "v2": 2, "v3": 3, "v10": 4}
    stored = load("prompts:/round", uri)
    for version, ours in zip(stored, (V1, settings_, jinja, V10), strict=True):
        assert version.digest == ours.digest
        assert version.model_config == ours.model_config
        assert version.commit_message == ours.commit_message
        assert version.tags[LABEL_TAG] == ours.label
    assert stored[2].syntax == "jinja2"
    assert stored[2].tags["owner"] == "ada"


def test_nothing_is_registered_twice(client: Any, uri: str) -> None:
    """Not by its file, not under another label, not as it was loaded, and not where another run did it."""
    assert register([V1, V2], "twice", client) == {"v1": 1, "v2": 2}
    assert register([V2, replace(V1, label="first")], "twice", client) == {"v2": 2, "first": 1}
    assert register(load("prompts:/twice", uri), "twice", client) == {"v1": 1, "v2": 2}
    assert register([V10, replace(V10, label="same")], "twice", client) == {"v10": 3, "same": 3}
    assert len(load("prompts:/twice", uri)) == 3


def test_what_others_registered_is_known_by_what_it_says(client: Any) -> None:
    """MLflow's own register_prompt leaves no digest, and writes 0.0 for 0."""
    client.create_prompt("others")
    messages = [{"role": message.role, "content": message.content} for message in V10.template]  # type: ignore[union-attr]
    client.create_prompt_version("others", messages)
    client.create_prompt_version("others", V1.text, model_config={"temperature": 0, "seed": 7})
    client.create_prompt_version("others", [{"role": "user", "content": [{"type": "text", "text": "parts"}]}])
    mine = replace(V1, model_config={"temperature": 0, "seed": 7})
    assert register([mine, V2, V10], "others", client) == {"v1": 2, "v2": 4, "v10": 1}


def test_other_settings_are_another_version(client: Any) -> None:
    """An alias must not come to name settings that were not tested."""
    warm = replace(V1, label="warm", model_config={"temperature": 1})
    assert register([V1, warm], "settings", client) == {"v1": 1, "warm": 2}


def test_a_version_of_the_registry_keeps_its_number(client: Any, uri: str) -> None:
    """Where somebody registered one text twice, the one that was tested counts."""
    client.create_prompt("double")
    for _ in range(2):
        client.create_prompt_version("double", V1.text)
    first, second = load("prompts:/double", uri)
    assert register([second], "double", client) == {"v2": 2}
    assert register([first], "double", client) == {"v1": 1}
    assert register([V1], "double", client) == {"v1": 1}


def test_secrets_stay_here(client: Any, uri: str) -> None:
    """Neither a setting nor a tag that is a secret by its name is sent; the rest is."""
    config = {"model_name": "m", "api_key": "sk-hidden", "extra": {"auth_token": "sk-hidden", "n": 1}}
    secretive = replace(V1, model_config=config, tags={"password": "sk-hidden", "owner": "ada"})
    register([secretive], "secrets", client)
    (stored,) = load("prompts:/secrets", uri)
    assert stored.model_config == {"model_name": "m", "extra": {"n": 1}}
    assert "sk-hidden" not in json.dumps(stored.to_wire())
    assert register([secretive], "secrets", client) == {"v1": 1}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (replace(V2, template="x" * 100_001), "up to 100,000 characters; v2 has 100,001"),
        (replace(V2, template="a\0b"), "v2 has a NUL character"),
        (replace(V2, model_config={"temperature": "hot"}), "the model config of v2: temperature"),
    ],
)
def test_what_cannot_be_kept_is_refused_before_anything_is_written(
    wrong: PromptVersion, said: str, client: Any
) -> None:
    """The message names the version's file."""
    with pytest.raises(TrackingError, match=said) as caught:
        register([V1, wrong], "refused", client)
    assert caught.value.where == "prompts/v1.md"
    assert client.get_prompt("refused") is None


def test_the_longest_prompt_is_registered(client: Any, uri: str) -> None:
    """100,000 characters are what MLflow takes."""
    register([replace(V1, template="x" * 100_000)], "long", client)
    assert len(load("prompts:/long", uri)[0].text) == 100_000


def test_an_alias_moves_and_says_from_where(client: Any, uri: str) -> None:
    """A new one, a move, and one that is there already."""
    register([V1, V2], "moves", client)
    assert promote("moves", 1, "champion", client) == Promotion("moves", "champion", None, 1)
    assert promote("moves", 2, "champion", client) == Promotion("moves", "champion", 1, 2)
    again = promote("moves", 2, "champion", client)
    assert again == Promotion("moves", "champion", 2, 2)
    assert load("prompts:/moves@champion", uri)[0].digest == V2.digest
    assert Promotion("moves", "champion", None, 1).line == "moves@champion is version 1 now (new)"
    assert Promotion("moves", "champion", 1, 2).line == "moves@champion is version 2 now (it was version 1)"
    assert again.line == "moves@champion is version 2 already"


def test_an_alias_does_not_move_to_what_is_not_there(client: Any, uri: str) -> None:
    """It stays where it was."""
    register([V1], "stays", client)
    promote("stays", 1, "champion", client)
    with pytest.raises(TrackingError, match="no version 9 of the prompt 'stays'"):
        promote("stays", 9, "champion", client)
    with pytest.raises(TrackingError, match="no version 1 of the prompt 'no-such'"):
        promote("no-such", 1, "champion", client)
    assert load("prompts:/stays@champion", uri)[0].label == "v1"


@pytest.mark.parametrize("alias", ["latest", "Latest", "v3", "V12", "", "in production", "a@b", "x" * 256])
def test_reserved_and_odd_aliases_are_refused(alias: str) -> None:
    """Before a registry is asked."""
    with pytest.raises(TrackingError) as caught:
        promote("any", 1, alias, client=None)
    assert caught.value.next_step


@pytest.mark.parametrize("alias", ["champion", "v3-candidate", "version", "latest_good"])
def test_other_aliases_are_not_refused(alias: str) -> None:
    """What only begins as a reserved one is free."""
    check_alias(alias)


def test_a_run_is_linked_to_the_versions_that_are_registered(client: Any) -> None:
    """The tag is the one that MLflow's own call would write, once for each version."""
    two = registered_as(V2, "summarize", 2)
    linked = linked_prompts_tag([V1, two, two, registered_as(V10, "summarize", 10)])
    assert json.loads(linked) == [{"name": "summarize", "version": "2"}, {"name": "summarize", "version": "10"}]
    assert two.tags == {REGISTRY_NAME_TAG: "summarize", REGISTRY_VERSION_TAG: "2"}
    assert linked_prompts_tag([V1]) == ""
    run = client.create_run("0", tags={"mlflow.linkedPrompts": linked})
    query = "tags.`mlflow.linkedPrompts` LIKE '%\"summarize\"%'"
    assert [found.info.run_id for found in client.search_runs(["0"], query)] == [run.info.run_id]


def test_a_tag_of_many_versions_stays_json() -> None:
    """What is longer than a tag is left out whole."""
    many = [registered_as(V1, "a-rather-long-name-of-a-prompt", number) for number in range(1, 500)]
    assert len(tag := linked_prompts_tag(many)) <= 8_000
    assert len(json.loads(tag)) > 100


def test_a_prompt_is_shown_in_an_experiment(client: Any) -> None:
    """In the form that MLflow's own calls write, so that its pages find it; others stay."""
    register([V1], "shown", client)
    for experiment in ("3", "12", "3"):
        show_in_experiment("shown", experiment, client)
    assert client.get_prompt("shown").tags == {"_mlflow_experiment_ids": ",3,12,"}


def test_registering_leaves_the_process_alone(
    client: Any, uri: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """MLflow's register_prompt makes the experiment that the environment names; nothing here does."""
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "not-to-be-made")
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ)
    register([V1], "alone", client)
    promote("alone", 1, "champion", client)
    assert dict(os.environ) == before
    assert not list(tmp_path.iterdir())
    assert client.get_experiment_by_name("not-to-be-made") is None
    assert client.get_prompt("alone").tags == {}


class Rival:
    """A client that registers the same text a moment before each of ours."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def create_prompt_version(self, name: str, template: Any, *args: Any, **named: Any) -> Any:
        """The rival's version, and then ours."""
        self._client.create_prompt_version(name, template, *args, **named)
        return self._client.create_prompt_version(name, template, *args, **named)


def test_the_slower_of_two_takes_back_what_it_wrote(client: Any, uri: str) -> None:
    """Of two versions that say the same, the first stays, for both."""
    assert register([V1, V2], "rivals", Rival(client)) == {"v1": 1, "v2": 3}
    assert [version.label for version in load("prompts:/rivals", uri)] == ["v1", "v3"]


@pytest.mark.slow
def test_processes_that_register_at_once_leave_one_of_each(uri: str) -> None:
    """Even without the lock that a run holds, each ends with the same numbers."""
    command = [sys.executable, "-c", WRITER, uri]
    running = [
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
        )
        for _ in range(2)
    ]
    for process in running:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in running:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=60) for process in running]
    assert said[0][0] == said[1][0] != "", said
    assert [version.text for version in load("prompts:/race", uri)] == ["text 0", "text 1", "text 2"]
