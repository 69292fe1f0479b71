"""A small project to run the plugin in: prompts, examples, and a predict that does what the prompt says."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

PREDICT = '''
    import re

    import pytest


    def follow(request):
        """An application that obeys: the prompt says how many words of the text to keep."""
        keep = int(re.search(r"[Kk]eep (\\d+) words", request.text)[1])
        return " ".join(request.inputs["text"].split()[:keep])
'''
FIXTURE = """
    @pytest.fixture(scope="session")
    def promptreg_predict():
        return follow
"""
TEXTS = {
    "a": "one two three four five six seven eight nine ten",
    "b": "red orange yellow green blue indigo violet black white grey",
    "c": "do re mi fa sol la si ut low high",
}
GATES = ("rouge_l >= 0.8",)


class Project:
    """Writes the files of a project, and reads what the plugin wrote.

    As it begins, v1 keeps 6 of 10 words for each of the examples a, b and c, and nothing has a baseline.
    """

    def __init__(self, pytester: pytest.Pytester) -> None:
        self.pytester = pytester
        self.path = pytester.path
        self.prompt("v1", keep=6)
        self.examples(TEXTS)
        self.suite()

    def write(self, name: str, text: str) -> Path:
        """A file of the project; ``text`` may be indented."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
        # Python tells an old compiled copy by the file's size and its time in seconds; tests are faster than that.
        for compiled in path.parent.glob(f"__pycache__/{path.stem}.*"):
            compiled.unlink()
        return path

    def prompt(self, label: str, *, keep: int) -> Path:
        """A prompt version that asks for so many words."""
        return self.write(f"prompts/{label}.md", f"Keep {keep} words of the text.\n\n{{{{ text }}}}\n")

    def examples(self, texts: Mapping[str, str], **columns: Any) -> Path:
        """The example file, a row for each text, with further columns the same for all."""
        rows = [{"id": name, "text": text, **columns} for name, text in texts.items()]
        return self.rows(*rows)

    def rows(self, *rows: Mapping[str, Any]) -> Path:
        """The example file, row by row."""
        return self.write("examples.jsonl", "".join(json.dumps(row) + "\n" for row in rows))

    def suite(
        self,
        *,
        gates: object = GATES,
        body: str = "promptreg.check()",
        predict: str = "",
        marker: str = "",
        name: str = "answer",
        fixture: str = FIXTURE,
    ) -> Path:
        """The test module.

        :param predict: source of a function ``follow`` in place of the obedient one.
        :param marker: more arguments of the marker.
        :param body: what the test does.
        """
        source = dedent(PREDICT) + (f"\n\n{dedent(predict)}" if predict else "") + dedent(fixture)
        source += (
            f'\n\n@pytest.mark.promptreg(prompts="prompts", examples="examples.jsonl", gates={gates!r}, {marker})\n'
        )
        source += f"def test_{name}(promptreg):\n" + "".join(f"    {line}\n" for line in dedent(body).splitlines())
        return self.write(f"test_{name}.py", source)

    def module(self, source: str, name: str = "answer") -> Path:
        """The test module, written out after the obedient predict."""
        return self.write(f"test_{name}.py", dedent(PREDICT) + dedent(FIXTURE) + "\n\n" + dedent(source))

    def ini(self, text: str) -> Path:
        """The ini file."""
        return self.write("pytest.ini", "[pytest]\n" + dedent(text))

    def baseline_file(self, function: str = "test_answer", module: str = "test_answer") -> Path:
        """Where a baseline belongs."""
        return self.path / "__baselines__" / module / f"{function}.json"

    def baseline(self, function: str = "test_answer", module: str = "test_answer") -> Any:
        """What a baseline file says."""
        return json.loads(self.baseline_file(function, module).read_text(encoding="utf-8"))

    def outputs(self, function: str = "test_answer", module: str = "test_answer") -> dict[str, str]:
        """The accepted output of each example."""
        stored = self.baseline(function, module)["examples"]
        return {name: "".join(record["outputs"][0]) for name, record in stored.items()}

    def store(self, *arguments: str) -> None:
        """Store the baseline, which must succeed."""
        result = self.pytester.runpytest_inprocess("-p", "no:xdist", "--promptreg-update", *arguments)
        assert result.ret == 0, result.stdout.str()

    def files(self) -> set[str]:
        """Every file there is, but for pytest's and pytester's own."""
        return {
            str(path.relative_to(self.path))
            for path in self.path.rglob("*")
            if path.is_file() and not {".pytest_cache", "__pycache__", "stdout", "stderr"} & set(path.parts)
        }

    def lines(self, name: str) -> list[str]:
        """The lines that the tests under test left in a file."""
        path = self.path / name
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


@pytest.fixture
def project(pytester: pytest.Pytester) -> Project:
    """A project of its own for each test."""
    return Project(pytester)


@pytest.fixture
def _own_mlflow_state(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the suite under test tells MLflow in this process is over with the test."""
    import mlflow

    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")  # set_tracking_uri writes to it
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    yield
    mlflow.set_tracking_uri(None)
