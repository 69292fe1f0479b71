"""A baseline that is tied to an alias of the prompt registry: what is in production now."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from pytest_promptreg.judging.scoring import Scorer
from tests.doc_blocks import blocks_of

SUITE = """
    import pathlib

    import pytest

    CALLS = pathlib.Path(__file__).with_name("calls")

    @pytest.fixture(scope="session")
    def promptreg_predict():
        def predict(request):
            with CALLS.open("a") as file:
                file.write(request.version + " ")
            return request.inputs["text"] + " " + request.text.split("{{", 1)[0].split()[1]

        return predict

    ROWS = [{{"id": "a", "text": "x y z"}}, {{"id": "b", "text": "p q r"}}]

    @pytest.mark.promptreg(prompts={prompts!r}, examples=ROWS, gates=["{metric} >= {bound}"], baseline={baseline!r})
    def test_say(promptreg):
        promptreg.check()
"""
ALIKE = """
class Alike:
    fingerprint = "alike|1"

    def encode(self, texts):
        return [[1.0, 0.0] for _ in texts]

model = Alike()
"""
WORDS = ("once", "twice", "thrice")
HERE = "test_say.py:18"


class Project:
    """A folder of prompts, ``v1`` and ``v2``, and a registry with three versions of the prompt ``say``.

    The registry's versions 1 and 2 say what the files say, and ``champion`` is version 1.
    """

    def __init__(self, pytester: pytest.Pytester, uri: str) -> None:
        self.pytester = pytester
        self.path = pytester.path
        self.uri = uri
        folder = self.path / "prompts" / "say"
        folder.mkdir(parents=True)
        for number, word in enumerate(WORDS[:2], 1):
            (folder / f"v{number}.md").write_text(f"Say {word} {{{{ text }}}}\n", encoding="utf-8")
        self.suite()

    def suite(
        self, baseline: object = "@champion", prompts: str = "prompts/say", bound: float = 0.5, metric: str = "rouge_l"
    ) -> None:
        """The test module."""
        text = dedent(SUITE.format(baseline=baseline, prompts=prompts, bound=bound, metric=metric))
        (self.path / "test_say.py").write_text(text.lstrip("\n"), encoding="utf-8")

    def run(self, *arguments: str, ret: int = 0) -> str:
        """A run of pytest in this process that ends with that status: what it says."""
        result = self.pytester.runpytest_inprocess("-p", "no:xdist", "--no-promptreg-mlflow", *arguments)
        assert result.ret == ret
        return result.stdout.str() + result.stderr.str()

    def move(self, number: int) -> None:
        """Somebody lets the alias name another version, and the copies are old."""
        from mlflow import MlflowClient

        MlflowClient(self.uri).set_prompt_alias("say", "champion", number)
        for copy in (self.path / ".pytest_cache").rglob("say-*.json"):
            data = json.loads(copy.read_text())
            copy.write_text(json.dumps({**data, "fetched": 0}))

    def calls(self) -> list[str]:
        """The versions that predict was called with since this was last asked."""
        path = self.path / "calls"
        found = path.read_text().split() if path.exists() else []
        path.unlink(missing_ok=True)
        return sorted(found)

    @property
    def stored(self) -> dict[str, Any]:
        """The baseline file."""
        found: dict[str, Any] = json.loads((self.path / "__baselines__/test_say/test_say.json").read_text())
        return found


@pytest.fixture(scope="module")
def registry(sqlite_store: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with the prompt ``say``."""
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("aliases") / "store.db"
    shutil.copy(sqlite_store.settings.uri.removeprefix("sqlite:///"), path)
    client = MlflowClient(f"sqlite:///{path}")
    client.create_prompt("say")
    for word in WORDS:
        client.create_prompt_version("say", f"Say {word} {{{{ text }}}}")
    client.set_prompt_alias("say", "champion", 1)
    return path


@pytest.fixture
def project(pytester: pytest.Pytester, registry: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The project with a registry of its own."""
    shutil.copy(registry, pytester.path / "store.db")
    uri = f"sqlite:///{pytester.path}/store.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    return Project(pytester, uri)


def test_the_candidate_is_compared_with_what_is_in_production(project: Project) -> None:
    """The alias's version is stored as the file that says the same, and both versions are gated against it."""
    project.run("--promptreg-update")
    assert project.calls() == ["v1", "v1"]
    assert project.stored["version"] == "v1"
    assert "test_say (test_say.py:18): baseline @champion (version 1), 2 examples" in project.run()
    project.suite(bound=0.99)
    said = project.run("--promptreg-versions", "v2", ret=1)
    assert "test_say: version v2, example a, against the baseline of @champion (version 1)" in said
    assert "let prompts:/say@champion name it, then pytest test_say.py --promptreg-update" in said
    assert "--promptreg-accept" not in said


@pytest.mark.parametrize("run", ["alone", pytest.param("n2", marks=pytest.mark.slow)], indirect=True)
def test_after_the_alias_moved_nothing_is_compared_until_it_is_stored(
    project: Project, run: Callable[..., pytest.RunResult]
) -> None:
    """Each case says of which version its record is, what the alias names now, and the command; no call is made."""
    quiet = "--no-promptreg-mlflow"
    project.run("--promptreg-update")
    project.move(2)
    project.calls()
    result = run(quiet)
    assert result.ret == 1
    assert project.calls() == []
    assert result.parseoutcomes()["failed"] == 4
    result.stdout.fnmatch_lines(
        [
            "*incomparable: its baseline is of version v1, and what is in production now is prompts:/say@cha*",
            "*to store the outputs of @champion (version 2): pytest test_say.py --promptreg-update",
            "test_say (test_say.py:*): baseline v1, not @champion (version 2), 2 examples",
            "prompts:/say@champion is v2 now; it was v1 at *",
            "next: pytest test_say.py --promptreg-update",
            "  stores the outputs of @champion (version 2)",
        ]
    )
    assert run(quiet, "--promptreg-update").ret == 0
    assert project.calls() == ["v2", "v2"]
    assert project.stored["version"] == "v2"


def test_what_is_in_production_need_not_be_among_the_prompts(project: Project) -> None:
    """It joins the suite for the refresh alone, under a label that no file has."""
    project.move(3)
    assert "v3: 2 new" in project.run("--promptreg-update")
    assert project.calls() == ["v3", "v3"]
    project.run()
    assert project.calls() == ["v1", "v1", "v2", "v2"]
    (project.path / "prompts/say/v3.md").write_text("Say often {{ text }}\n", encoding="utf-8")
    project.run()
    assert "champion-v3: 2 unchanged" in project.run("--promptreg-update")


def test_another_model_config_is_another_thing_in_production(project: Project) -> None:
    """The same text with other settings asks a model for something else: it is run as the registry has it."""
    from mlflow import MlflowClient

    project.run("--promptreg-update")
    client = MlflowClient(project.uri)
    client.create_prompt_version("say", "Say once {{ text }}", model_config={"temperature": 1.0})
    project.move(4)
    assert "is of version v1, with another model config" in project.run("-rf", ret=1)
    said = project.run("--promptreg-update", "-k", "v4-a", ret=1)
    assert "v4 has another model config than when 1 of the records were made (such as b)" in said
    project.run("--promptreg-update")
    assert project.stored["prompts"][project.stored["prompt"]]["model_config"] == {"temperature": 1.0}
    project.run()


def test_an_output_of_an_earlier_champion_is_not_compared_with(project: Project) -> None:
    """Outputs that stand beside each other in one record count only as far as what is in production made them."""
    project.suite(baseline=None)
    project.run("--promptreg-update")
    project.run("--promptreg-accept", "v2", "--promptreg-add")
    project.suite(bound=0.99)
    assert "[-once-] {+twice+}" in project.run("--promptreg-versions", "v2", ret=1)
    project.move(2)
    assert "[-twice-] {+once+}" in project.run("--promptreg-versions", "v1", ret=1)
    project.run("--promptreg-update", "--promptreg-add")
    assert project.stored["examples"]["a"]["outputs"] == [["x y z twice"]]


def test_an_output_of_an_earlier_champion_spares_no_model(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """What only an earlier one's output equals has to be scored: the model is loaded while other calls run."""
    asked: list[list[str]] = []
    monkeypatch.setattr(Scorer, "load_ahead", lambda _, names: asked.append(list(names)))
    (project.path / "pytest.ini").write_text(
        "[pytest]\npythonpath = .\npromptreg_embedding_model = alike:model\n", encoding="utf-8"
    )
    (project.path / "alike.py").write_text(ALIKE, encoding="utf-8")
    project.suite(baseline=None, metric="semantic")
    project.run("--promptreg-update")
    project.run("--promptreg-accept", "v2", "--promptreg-add")
    asked.clear()
    project.run()
    assert asked == []
    project.suite(metric="semantic")
    project.run("--promptreg-versions", "v2")
    assert asked == [["semantic"]]


def test_no_other_version_can_be_accepted(project: Project) -> None:
    """Its outputs would be incomparable at once: the way there is the alias."""
    project.run("--promptreg-accept", "v1")
    said = project.run("--promptreg-accept", "v2", ret=4)
    assert f"{HERE}: --promptreg-accept v2: the baseline of test_say is of @champion (version 1)" in said
    assert "promote it first: pytest test_say.py --promptreg-versions v2 --promptreg-promote champion; or drop" in said
    said = project.run("--promptreg-update", "--promptreg-versions", "v2", ret=4)
    assert "which --promptreg-versions does not select" in said
    assert "no prompt version 'v9'" in project.run("--promptreg-accept", "v9", ret=4)


def test_a_promotion_says_that_the_baseline_is_of_the_former_version(project: Project) -> None:
    """The next run knows of it at once, however young the copy of the alias is."""
    project.run("--promptreg-update")
    said = project.run("--promptreg-versions", "v2", "--promptreg-promote", "champion")
    assert (
        "the baseline of test_say is of version 1, which @champion named before; to store the outputs of version 2: "
        "pytest test_say.py --promptreg-update"
    ) in said
    assert "@champion, version 2" in project.run(ret=1)
    project.run("--promptreg-update")
    said = project.run("--promptreg-versions", "v2", "--promptreg-promote", "champion")
    assert "say@champion is version 2 already" in said
    assert "named before" not in said


def test_a_prompt_of_another_name_is_named_whole(project: Project) -> None:
    """The address ties files to the prompt of that name, also for what is registered and promoted."""
    (project.path / "prompts/say").rename(project.path / "prompts/texts")
    project.suite(baseline="prompts:/say@champion", prompts="prompts/texts")
    project.run("--promptreg-update")
    said = project.run("--promptreg-versions", "v2", "--promptreg-promote", "champion")
    assert "say@champion is version 2 now (it was version 1)" in said


@pytest.mark.parametrize(
    ("baseline", "said"),
    [
        (5, "baseline=5 names no alias"),
        ("champion", "baseline='champion' names no alias"),
        ("@", "baseline='@' names no alias"),
        ("@a b", "baseline='@a b' names no alias"),
        ("prompts:/say", "names a prompt and no alias of it"),
        ("prompts:/say/1", "names a prompt and no alias of it"),
        ("@champoin", "there is no alias 'champoin'"),
        ("prompts:/sya@champion", "there is no prompt 'sya'"),
    ],
)
def test_what_names_nothing_is_refused_at_collection(project: Project, baseline: object, said: str) -> None:
    """With the place of the marker and what to write, before any call."""
    project.suite(baseline=baseline)
    told = project.run(ret=2)
    assert f"{HERE}: " in told
    assert said in told
    assert "Traceback" not in told
    assert project.calls() == []


def test_without_a_registry_a_copy_is_used_and_said(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """A registry that is away is a refusal where nothing was fetched before, and a notice where something was."""
    (project.path / "store.db").rename(project.path / "away.db")
    told = project.run(ret=2)
    assert f"{HERE}: prompts:/say@champion cannot be fetched from" in told
    (project.path / "away.db").rename(project.path / "store.db")
    project.run("--promptreg-update")
    project.move(1)
    (project.path / "store.db").unlink()
    assert "prompts:/say@champion is v1 as of 1970-01-01 00:00:00 UTC, from a copy: " in project.run()


def test_the_record_says_what_the_alias_named(project: Project) -> None:
    """A run can be found by the alias and by the version that it named, as docs/mlflow.md does."""
    from mlflow import MlflowClient

    project.run("--promptreg-update")
    project.run("--promptreg-mlflow")
    client = MlflowClient(project.uri)
    experiment = client.get_experiment_by_name("promptreg")
    (block,) = [block.text for block in blocks_of("docs/mlflow.md") if "`promptreg.baseline_alias`" in block.text]
    query = block.replace("prompts:/summarize", "prompts:/say").replace("'3'", "'1'")
    found = client.search_runs([experiment.experiment_id], query)
    assert {run.data.tags["promptreg.baseline"] for run in found} == {"@champion (version 1)"}
    assert {run.data.tags["promptreg.version"] for run in found} == {"v1", "v2"}
    assert {run.data.params["baseline"] for run in found} == {"@champion (version 1)"}
