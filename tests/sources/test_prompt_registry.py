"""Prompt versions from a real MLflow prompt registry, and from the copies of them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_promptreg.errors import PromptError
from pytest_promptreg.model import Message, PromptVersion
from pytest_promptreg.redaction.redactor import FunctionRule, PatternRule, Redactor
from pytest_promptreg.sources.registry import stored
from pytest_promptreg.sources.registry.addresses import Address, is_registry, parse
from pytest_promptreg.sources.registry.loading import Loaded, forget, load_registry
from pytest_promptreg.sources.registry.settings import RegistrySettings
from pytest_promptreg.sources.registry.stored import ALIASES_TAG, REGISTRY_NAME_TAG, REGISTRY_VERSION_TAG
from pytest_promptreg.tracking.registry import promote, register

if TYPE_CHECKING:
    from tests.servers import ClientOf, MlflowServer

FIRST = "Summarize.\n\nTicket: {{ ticket }}\nSummary:"
SECOND = "Summarize in one sentence.\n\nTicket: {{ ticket }}\nSummary:"
JINJA = "{% if ticket %}Summarize {{ ticket }}{% endif %}"
CHAT = [{"role": "system", "content": "You are terse."}, {"role": "user", "content": "{{ ticket }}"}]
# Loads one prompt: python -c LOADER <address> <uri> <cache>.
LOADER = """
import sys
from pathlib import Path
from pytest_promptreg.sources.registry.loading import load_registry
from pytest_promptreg.sources.registry.settings import RegistrySettings
address, uri, cache = sys.argv[1:]
loaded = load_registry(address, where="x", settings=RegistrySettings(uri, Path(cache), 0, run="one"))
print([version.text for version in loaded.versions], loaded.notice, "mlflow" in sys.modules)
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, client_of: ClientOf) -> Path:
    """A database with the prompts ``summarize`` (3 versions), ``triage`` (a chat) and what cannot be used."""
    path = tmp_path_factory.mktemp("prepared") / "mlflow.db"
    client = client_of(f"sqlite:///{path}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client.create_prompt("summarize")
        client.create_prompt_version("summarize", FIRST, "the first", tags={"owner": "ada"})
        config = {"model_name": "small", "temperature": 0, "seed": 7}
        client.create_prompt_version("summarize", SECOND, "one sentence is enough", model_config=config)
        client.create_prompt_version("summarize", JINJA)
        client.set_prompt_alias("summarize", "champion", 2)
        client.set_prompt_alias("summarize", "live", 2)
        client.create_prompt("triage")
        client.create_prompt_version("triage", CHAT)
        client.create_prompt("guarded")
        client.create_prompt_version("guarded", FIRST, model_config={"api_key": "sk-hidden"})
        client.create_prompt("pictures")
        picture = [{"type": "image_url", "image_url": {"url": "data:,"}}]
        client.create_prompt_version("pictures", [{"role": "user", "content": picture}])
        client.create_prompt("nothing")
        client.create_registered_model("classifier")
    return path


@pytest.fixture
def database(prepared: Path, tmp_path: Path) -> Path:
    """A copy of the database for one test, which may do what it likes with it."""
    return Path(shutil.copy(prepared, tmp_path / "mlflow.db"))


@pytest.fixture(autouse=True)
def _anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing fetched before, and nothing left behind."""
    monkeypatch.delenv("MLFLOW_REGISTRY_URI", raising=False)
    forget()
    yield
    forget()


def settings_of(path: Path, **more: Any) -> RegistrySettings:
    """Settings of the registry in a database file."""
    return RegistrySettings(f"sqlite:///{path}", **more)


@pytest.fixture
def shared(prepared: Path) -> RegistrySettings:
    """The database that all tests read."""
    return settings_of(prepared)


class Changing:
    """A client whose first listing finds a version that is being deleted."""

    def __init__(self, client: Any) -> None:
        self.calls = 0
        self._client = client

    def search_prompt_versions(self, *arguments: Any) -> Any:
        """What MLflow says of a version that has lost its tags; from the second time on, the versions."""
        self.calls += 1
        if self.calls == 1:
            return self._client.search_prompt_versions("classifier")
        return self._client.search_prompt_versions(*arguments)


def test_a_version_that_is_deleted_meanwhile_is_no_trouble(prepared: Path, client_of: ClientOf) -> None:
    """MLflow takes the prompt for a model in that moment; it is asked again."""
    client = Changing(client_of(f"sqlite:///{prepared}"))
    assert [version.version for version in stored.stored_versions(client, "summarize")] == [3, 2, 1]
    assert client.calls == 2


def load(address: str, settings: RegistrySettings) -> Loaded:
    """What a marker with that address gives."""
    return load_registry(address, where="test_it.py:7", settings=settings)


def refusal(address: str, settings: RegistrySettings) -> str:
    """The whole message of a refusal, which names the marker's place."""
    with pytest.raises(PromptError) as caught:
        load(address, settings)
    assert "test_it.py:7" in str(caught.value) or caught.value.where == address
    assert caught.value.next_step
    return str(caught.value)


names = st.from_regex(r"[A-Za-z0-9._-]{1,12}", fullmatch=True)
counts = st.integers(1, 10**8)


@given(
    st.one_of(
        st.builds(Address, names),
        st.builds(Address, names, version=counts),
        st.builds(Address, names, last=counts),
        st.builds(Address, names, alias=st.from_regex(r"[A-Za-z0-9_-]{1,12}", fullmatch=True)),
    )
)
@settings(max_examples=60)
def test_an_address_is_read_as_it_is_written(address: Address) -> None:
    """Each of the four forms means the same when it is written down and read again."""
    assert parse(str(address), where="x") == address


@pytest.mark.parametrize(
    "text",
    [
        "prompts:",
        "prompts:/",
        "prompts:summarize",
        "prompts:/team/summarize/3",
        "prompts:/summarize/champion",
        "prompts:/summarize@",
        "prompts:/summarize/0",
        "prompts:/summarize?last=0",
        "prompts:/summarize?first=2",
        "prompts:/summarize@champion/3",
        "prompts:/größe",
        "prompts:/summarize/3 ",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    """The refusal shows how an address is written, and no registry is asked."""
    assert is_registry(text)
    assert "prompts:/NAME" in refusal(text, RegistrySettings("http://127.0.0.1:9"))


def test_the_registry_is_found_as_runs_are(tmp_path: Path) -> None:
    """The setting comes first, then MLFLOW_REGISTRY_URI, then MLFLOW_TRACKING_URI, then mlflow.db in rootdir."""
    environ = {"MLFLOW_REGISTRY_URI": "http://registry", "MLFLOW_TRACKING_URI": "http://runs"}
    assert RegistrySettings("http://mine").target(environ).uri == "http://mine"
    assert RegistrySettings().target(environ).uri == "http://registry"
    assert RegistrySettings().target({"MLFLOW_TRACKING_URI": "http://runs"}).uri == "http://runs"
    assert RegistrySettings(rootdir=tmp_path).target({}).uri == f"sqlite:///{tmp_path}/mlflow.db"


def test_an_alias_names_one_version(shared: RegistrySettings) -> None:
    """Its text, settings, commit message, number and aliases are the registry's."""
    (version,) = load("prompts:/summarize@champion", shared).versions
    assert version.text == SECOND
    assert version.label == "v2"
    assert version.syntax == "braces"
    assert version.where == "prompts:/summarize/2"
    assert version.commit_message == "one sentence is enough"
    assert version.model_config == {"model_name": "small", "temperature": 0, "seed": 7}
    assert version.tags == {ALIASES_TAG: "champion, live", REGISTRY_NAME_TAG: "summarize", REGISTRY_VERSION_TAG: "2"}


def test_a_number_names_one_version(shared: RegistrySettings) -> None:
    """It equals the same text in a file, and keeps the tags that people gave it."""
    (version,) = load("prompts:/summarize/1", shared).versions
    assert version.digest == PromptVersion("v1", FIRST).digest
    assert version.tags["owner"] == "ada"
    assert ALIASES_TAG not in version.tags


def test_a_name_alone_names_all_versions_in_order(shared: RegistrySettings) -> None:
    """The oldest comes first; a template with Jinja2's statements is Jinja2's."""
    versions = load("prompts:/summarize", shared).versions
    assert [version.label for version in versions] == ["v1", "v2", "v3"]
    assert [version.syntax for version in versions] == ["braces", "braces", "jinja2"]
    assert [version.tags.get(ALIASES_TAG) for version in versions] == [None, "champion, live", None]


@pytest.mark.parametrize("address", ["prompts:/summarize", "prompts:/summarize?last=3"])
@pytest.mark.parametrize("page", [1, 2, 3])
def test_more_versions_than_a_page_are_all_loaded(
    address: str, page: int, shared: RegistrySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None is left out and none comes twice."""
    monkeypatch.setattr(stored, "_PAGE", page)
    assert [version.label for version in load(address, shared).versions] == ["v1", "v2", "v3"]


def test_the_newest_few_are_loaded(shared: RegistrySettings) -> None:
    """Where there are fewer, all are."""
    assert [version.label for version in load("prompts:/summarize?last=2", shared).versions] == ["v2", "v3"]
    assert len(load("prompts:/summarize?last=9", shared).versions) == 3


def test_a_chat_has_messages(shared: RegistrySettings) -> None:
    """Roles and contents are kept in order."""
    (version,) = load("prompts:/triage@latest", shared).versions
    assert version.template == (Message("system", "You are terse."), Message("user", "{{ ticket }}"))


def test_a_chat_of_pictures_is_refused(shared: RegistrySettings) -> None:
    """A message without text is not quietly turned into something else."""
    assert "prompts:/pictures/1: the content of the user message is list" in refusal("prompts:/pictures/1", shared)


def test_what_is_not_registered_is_told_with_what_is(shared: RegistrySettings) -> None:
    """A wrong name, number or alias is answered with those that there are."""
    assert "did you mean 'summarize'?" in refusal("prompts:/sumarize", shared)
    assert "did you mean 'summarize'?" in refusal("prompts:/sumarize@champion", shared)
    assert "there is no version 9" in (said := refusal("prompts:/summarize/9", shared))
    assert "there are: 1, 2, 3" in said
    assert "there is no alias 'chempion'" in (said := refusal("prompts:/summarize@chempion", shared))
    assert "@champion (version 2), @live (version 2)" in said
    assert "it has no alias; versions: 1" in refusal("prompts:/triage@champion", shared)
    assert "the prompt has no version" in refusal("prompts:/nothing", shared)
    assert "registered as a model" in refusal("prompts:/classifier", shared)


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    """Reading leaves nothing behind."""
    assert "there is no such database" in refusal("prompts:/summarize", RegistrySettings(rootdir=tmp_path))
    assert not list(tmp_path.iterdir())


def test_the_process_own_state_stays(
    database: Path, client_of: ClientOf, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Environment, folder and the prompt itself are as before: MLflow's load_prompt ties it to an experiment."""
    monkeypatch.chdir(tmp_path)
    before = dict(os.environ), sorted(tmp_path.iterdir())
    load("prompts:/summarize@champion", settings_of(database))
    assert (dict(os.environ), sorted(p for p in tmp_path.iterdir() if p.suffix != ".lock")) == before
    assert client_of(f"sqlite:///{database}").get_prompt("summarize").tags == {}


def test_a_process_asks_once(database: Path) -> None:
    """The same address is not asked for again, and another one is."""
    loaded = load("prompts:/summarize@champion", settings_of(database))
    database.unlink()
    assert load("prompts:/summarize@champion", settings_of(database)) is loaded
    assert "no such database" in refusal("prompts:/summarize@live", settings_of(database))


def test_a_young_copy_is_used_without_asking(database: Path, tmp_path: Path) -> None:
    """Nothing is told, for nothing is wrong: the text is what it was a moment ago."""
    young = settings_of(database, cache=tmp_path / "cache")
    loaded = load("prompts:/summarize", young)
    forget()
    database.unlink()
    assert load("prompts:/summarize", young) == loaded
    assert load("prompts:/summarize", young).notice == ""


def test_an_old_copy_is_used_when_the_registry_is_away_and_said_so(database: Path, tmp_path: Path) -> None:
    """The notice names the address, the versions, the time of the copy and what is wrong."""
    old = settings_of(database, cache=tmp_path / "cache", ttl_s=0)
    loaded = load("prompts:/summarize@champion", old)
    forget()
    database.unlink()
    again = load("prompts:/summarize@champion", old)
    assert again.versions == loaded.versions
    assert again.notice.startswith("prompts:/summarize@champion is v2 as of 20")
    assert "from a copy: there is no such database" in again.notice


def test_an_alias_that_moved_is_told(database: Path, client_of: ClientOf, tmp_path: Path) -> None:
    """What is tested now is another version than the last time."""
    old = settings_of(database, cache=tmp_path / "cache", ttl_s=0)
    load("prompts:/summarize@champion", old)
    forget()
    client = client_of(f"sqlite:///{database}")
    client.set_prompt_alias("summarize", "champion", 3)
    loaded = load("prompts:/summarize@champion", old)
    assert loaded.versions[0].text == JINJA
    assert loaded.notice.startswith("prompts:/summarize@champion is v3 now; it was v2 at 20")
    forget()
    client.delete_prompt_alias("summarize", "champion")
    assert "@champion was v3 at 20" in refusal("prompts:/summarize@champion", old)


def test_a_run_sees_one_state_of_the_registry(database: Path, client_of: ClientOf, tmp_path: Path) -> None:
    """A copy of the same run is good at any age; for another run it is not."""
    first = settings_of(database, cache=tmp_path / "cache", ttl_s=0, run="first")
    load("prompts:/summarize@champion", first)
    forget()
    client_of(first.uri or "").set_prompt_alias("summarize", "champion", 1)
    assert load("prompts:/summarize@champion", first).versions[0].label == "v2"
    forget()
    assert load("prompts:/summarize@champion", replace(first, run="second")).versions[0].label == "v1"


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"format": 1}', "versions", "address"])
def test_a_damaged_copy_is_done_without(damage: str, database: Path, tmp_path: Path) -> None:
    """Whatever it says, the registry is asked."""
    cached = settings_of(database, cache=tmp_path / "cache")
    load("prompts:/summarize@champion", cached)
    forget()
    (copy,) = (tmp_path / "cache").glob("*.json")
    said = json.loads(copy.read_text("utf-8"))
    copy.write_text(json.dumps({**said, damage: [{}]}) if damage in said else damage, "utf-8")
    assert load("prompts:/summarize@champion", cached).versions[0].text == SECOND


def test_a_secret_is_not_copied(database: Path, tmp_path: Path) -> None:
    """predict gets the settings as registered; the disk does not."""
    cached = settings_of(database, cache=tmp_path / "cache")
    assert load("prompts:/guarded", cached).versions[0].model_config == {"api_key": "sk-hidden"}
    assert not list((tmp_path / "cache").glob("*.json"))


def test_a_secret_in_the_text_is_not_copied(database: Path, tmp_path: Path) -> None:
    """Nor what a rule of the user's calls one, or cannot tell of."""
    cached = settings_of(database, cache=tmp_path / "cache")
    for rule in (PatternRule("mine", regex.compile("Summarize")), FunctionRule("odd", len)):
        forget()
        load("prompts:/summarize@champion", replace(cached, redactor=Redactor(rules=[rule])))
        assert not list((tmp_path / "cache").glob("*.json"))


def test_a_cache_that_cannot_be_written_is_done_without(database: Path, tmp_path: Path) -> None:
    """A file where the folder should be costs nothing but the copy."""
    (tmp_path / "cache").write_text("")
    assert load("prompts:/summarize/1", settings_of(database, cache=tmp_path / "cache")).versions[0].text == FIRST


def test_a_missing_mlflow_is_told(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that installs it."""
    monkeypatch.setitem(sys.modules, "mlflow", None)
    assert "pip install 'mlflow" in (said := refusal("prompts:/summarize", settings_of(database)))
    assert "verdict" not in said


@pytest.mark.slow
def test_processes_that_load_at_once_agree(database: Path, tmp_path: Path) -> None:
    """One of them asks, and the others take its copy: MLflow is imported once."""
    command = [sys.executable, "-W", "error", "-c", LOADER, "prompts:/summarize@champion"]
    command += [f"sqlite:///{database}", str(tmp_path / "cache")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for _ in range(4)]
    said = sorted(process.communicate(timeout=60)[0].strip() for process in running)
    assert said == [f"{[SECOND]}  False"] * 3 + [f"{[SECOND]}  True"]


def test_a_server_that_never_answers_is_given_up(tmp_path: Path) -> None:
    """After the time limit, not MLflow's own; and the next address does not wait again."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        uri = f"http://ada:secret@127.0.0.1:{listener.getsockname()[1]}"
        began = time.monotonic()
        said = [
            refusal(address, RegistrySettings(uri, tmp_path, timeout_s=1)) for address in ("prompts:/a", "prompts:/b")
        ]
        assert time.monotonic() - began < 20
    assert all("no answer after 1 s" in line and "no earlier copy" in line for line in said)
    assert not any("secret" in line for line in said)


@pytest.fixture
def server(database: Path, mlflow_server: Any, tmp_path: Path) -> Iterator[MlflowServer]:
    """A server with the prompts."""
    with mlflow_server(tmp_path, f"sqlite:///{database}") as running:
        yield running


def test_a_server_is_read_written_and_survived(
    server: MlflowServer, client_of: ClientOf, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Over HTTP all is as in a file; a killed server leaves copies with a notice, and quick refusals without one."""
    uri = server.url
    old = RegistrySettings(uri.replace("://", "://ada:secret@"), tmp_path / "cache", ttl_s=0)
    champion = load("prompts:/summarize@champion", old)
    exact = load("prompts:/summarize/1", old)
    assert [version.label for version in load("prompts:/summarize", old).versions] == ["v1", "v2", "v3"]
    assert champion.versions[0].tags[ALIASES_TAG] == "champion, live"
    assert "did you mean 'summarize'?" in refusal("prompts:/sumarize@champion", old)
    assert "@champion (version 2), @live (version 2)" in refusal("prompts:/summarize@none", old)
    assert "there are: 1, 2, 3" in refusal("prompts:/summarize/9", old)
    new = [PromptVersion("v1", FIRST), PromptVersion("v2", f"{FIRST} now")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        client = client_of(uri)
        assert register(new, "fresh", client) == register(new, "fresh", client) == {"v1": 1, "v2": 2}
        assert promote("fresh", 1, "live", client).old is None
        assert promote("fresh", 2, "live", client).old == 1
    assert load("prompts:/fresh@live", old).versions[0].digest == new[1].digest
    assert capfd.readouterr() == ("", "")

    server.end([signal.SIGKILL])
    forget()
    began = time.monotonic()
    assert load("prompts:/summarize/1", old) == exact
    again = load("prompts:/summarize@champion", old)
    assert again.versions == champion.versions
    assert f"from a copy: the server cannot be reached ({uri})" in again.notice
    said = refusal("prompts:/triage", old)
    assert time.monotonic() - began < 20
    assert f"prompts:/triage cannot be fetched from {uri}, and there is no earlier copy" in said
    assert "secret" not in said + again.notice + "".join(
        p.read_text("utf-8") for p in (tmp_path / "cache").glob("*.json")
    )
