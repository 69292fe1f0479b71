"""Every reader of files, with whole files to begin with: what is read is also used, as a run would."""

from __future__ import annotations

import json
import re
import warnings
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_promptreg.baselines import baseline
from pytest_promptreg.baselines.baseline import _header_digest
from pytest_promptreg.commands import compare, merge, report
from pytest_promptreg.errors import PromptregError
from pytest_promptreg.inputs.examples import load_examples
from pytest_promptreg.inputs.prompts import load_prompts
from pytest_promptreg.inputs.templates import render
from pytest_promptreg.judging.gates import parse as parse_gate
from pytest_promptreg.model import CaseKey, Example, Output, PromptVersion
from pytest_promptreg.replay import command as replay_command
from pytest_promptreg.replay.keys import Parts
from pytest_promptreg.replay.line import Record, write
from pytest_promptreg.replay.store import Store
from pytest_promptreg.results import file as results
from pytest_promptreg.results.outcome import CaseOutcome, RunOutcome, SuiteOutcome, version_outcome
from pytest_promptreg.results.shards import Part
from pytest_promptreg.suites.declaring import _refuse_colliding_ids, _refuse_missing_variables
from pytest_promptreg.suites.suite import SuiteSpec
from pytest_promptreg.text import canonical_json, digest
from pytest_promptreg.tracking import TrackingSettings, spool, sync
from pytest_promptreg.tracking.records import Record as RunsRecord
from pytest_promptreg.tracking.records import RunRecord
from tests.baseline_files import make_everything

Read = Callable[[Path], object]
Seal = Callable[[Any], bytes]


@dataclass(frozen=True)
class Reader:
    """A reader of one kind of file.

    :param file: the file's name, in a folder of its own.
    :param seeds: files that are whole.
    :param read: reads the file of a path and does with it what a run does; raises PromptregError, or nothing.
    :param values: what the seeds hold, as JSON's own values.
    :param seal: makes a file of such values, with the digests that they ask for.
    """

    name: str
    file: str
    seeds: Sequence[bytes]
    read: Read
    values: Sequence[Any] = ()
    seal: Seal | None = None


def trouble(reader: Reader, data: bytes, folder: Path) -> BaseException | None:
    """What came of reading a file, where it is neither success nor a clear error."""
    path = folder / reader.file
    path.write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            reader.read(path)
        except PromptregError as exc:
            said = str(exc)
            if not said.isprintable() and re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e]", said):
                return AssertionError(f"it holds what a terminal obeys: {said!r}")
            return None
        except Exception as exc:
            return exc
    return None


# -- what a run does with a file


def _prompts(path: Path) -> None:
    (version,) = load_prompts(path.name, base=path.parent, where="t.py:1")
    examples = [Example("e", {"text": "a text with {{ text }} in it", "n": 3, "rows": [{"a": 1}]})]
    _refuse_missing_variables([version], examples)
    render(version, "e", examples[0].inputs)
    _travels(version.to_wire())
    assert PromptVersion.from_wire(version.to_wire()) == version


def _examples(path: Path) -> None:
    found = load_examples(path.name, base=path.parent, where="t.py:1")
    version = PromptVersion("v1", "Say it.", where="v1.md")
    _refuse_colliding_ids([version], found)
    for example in found:
        for line in example.gates:
            parse_gate(line, example.where)
        _travels(example.to_wire())
        assert Example.from_wire(example.to_wire()) == example
        assert len(example.inputs_digest) == 64


def _travels(wire: Mapping[str, Any]) -> None:
    """What goes to a worker, into a file and to a tracking store can be written as JSON and as UTF-8."""
    assert json.loads(canonical_json(wire).encode()) == wire


def _baseline(path: Path) -> None:
    found = baseline.load(path)
    if found is not None:
        path.write_text(baseline.render(found), encoding="utf-8")
        assert baseline.load(path) == found
        for record in found.records.values():
            for output in record.outputs:
                assert found.prompt_of(record, output).text is not None


def _replay(path: Path) -> None:
    (path.parent / "t.py").touch()  # the module of the tests that the outputs are recorded for
    for prune in (False, True):
        replay_command.run(Namespace(file=path, rootdir=path.parent, prune=prune), _unheard)
    with Store(path) as store:
        for record in store.records():
            assert isinstance(record.output, Output)
            record.parts.changed_since(_RECORD.parts)
            store.output(record.key)


def _results(path: Path) -> None:
    rootdir = path.parent
    shown = Namespace(file=path, rootdir=rootdir, html=None, markdown=None, codequality=None)
    shown.html, shown.markdown, shown.codequality = (rootdir / f"left.{name}" for name in ("html", "md", "json"))
    for file in (shown.html, shown.markdown, shown.codequality):
        file.unlink(missing_ok=True)
    report.run(shown, _unheard)
    whole = rootdir / "whole.json"
    whole.write_text(results.render(_run()), encoding="utf-8")
    compare.run(Namespace(before=whole, after=path, rootdir=rootdir, markdown=None, fail_on_regression=False), _unheard)


def _spool(path: Path) -> None:
    sync.run(
        Namespace(
            folders=[path.parent], rootdir=path.parent, list=True, tracking_uri=None, experiment=None, timeout=1.0
        ),
        _unheard,
    )
    spool.load(path.parent)


def _shard(path: Path) -> None:
    found = results.load(path, root=path.parent)
    if found.part is not None:
        Part.from_wire(found.part, "x.json")
    merge.run(_arguments(merge, [str(path), "--rootdir", str(path.parent)]), _unheard)


def _arguments(command: Any, given: list[str]) -> Namespace:
    parser = ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(given)


def _unheard(line: str) -> None:
    """Where lines for the terminal go: they must be text that a terminal can be given."""
    line.encode()


# -- whole files

_TEXT_PROMPT = """---
model_config: {temperature: 0.2, stop: ["\\n"], model: gpt-x}
commit_message: Shorter
tags: {stage: "1", when: 2024-02-29}
---
Summarize {{ text }} in {{ n }} words.
{"json": "stays"} {{"so": "does this"}}
"""
_CHAT_PROMPT = """model_config: &c {temperature: 0, response_format: {type: json_object}}
tags: {a: b}
messages:
- role: system
  content: |
    Be brief. {{ n }}
- {role: user, content: "{{ text }}"}
"""
_JINJA_PROMPT = (
    "{% set m = namespace(k=0) %}{% for row in rows if row.a %}{{ loop.index }}. {{ row.a|default('-')|upper }}\n"
    "{% endfor %}{% macro x(y) %}[{{ y }}]{% endmacro %}{{ x(text|truncate(9)) }} {{ '%s-%s'|format(n, text[:3]) }}"
    "{{ 'a' * n ~ n ** 2 }}{% if n > 2 and text is defined %}{{ rows|tojson }}{% endif %}{{ text.replace('a', 'b') }}"
)
_ROWS = [
    {"id": "t-1", "text": "Ein Satz.", "reference": "S.", "gates": ["semantic >= 0.8"], "tags": ["a"], "n": 1},
    {"id": 2, "text": "naïve 文", "reference": {"a": [1, 2.5, None]}, "nested": {"deep": [[1], {"k": "v"}]}},
    {"inputs": {"text": "x"}, "expectations": {"expected_response": "y"}, "tags": "one"},
    {"text": "no id", "flag": True},
]
_YAML_ROWS = """# rows
- &first {id: t-1, text: Ein Satz., reference: S., gates: [semantic >= 0.8], when: 2024-02-29}
- id: t-2
  <<: {text: merged}
  note: |
    two
    lines
  again: *first
- {id: 3, text: !!str 12, n: 0x1f, f: 1.5e3, none: ~, yes: on}
"""
_CSV_ROWS = 'id,text,reference,gates,tags\nt-1,"Ein\nSatz",S.,semantic >= 0.8;drop(rouge_l) <= 0.1,a b\n2,"q""q",,,\n'
_RECORD = Record(
    "0" * 32,
    "t.py::test_it",
    "v1",
    "t-1",
    Parts("a" * 16, "b" * 16, "c" * 16, "module:function", "2", 1),
    Output("Said.\nTwice.", 12, 3, 0.001, 0.25),
)
_VERSIONS = (PromptVersion("v1", "Say {{ q }}.", where="v1.md", first_line=1), PromptVersion("v2", "Say {{ q }}!"))


def _run() -> RunOutcome:
    examples = tuple(Example(name, {"q": name}, reference="R.", where="e.jsonl:1") for name in ("a", "b"))
    gates = tuple(map(parse_gate, ("rouge_l >= 0.5", "mean(rouge_l) >= 0.6", "pass_rate >= 0.5")))
    spec = SuiteSpec("t.py::test_it", "t.py:3", Path("t.py").absolute(), "test_it", _VERSIONS, examples, gates)
    cases = [
        CaseOutcome(
            suite=spec.id,
            version=version.label,
            example=example.id,
            nodeid=f"{spec.id}[{version.label}-{example.id}]",
            verdict="breached" if version.label == "v2" else "changed",
            passed=version.label == "v1",
            output="Said.",
            accepted="Told.",
            scores={"rouge_l": 0.25},
            breaches=["rouge_l 0.25 (gate >= 0.5)"] if version.label == "v2" else [],
            latency_s=0.5,
            input_tokens=3,
        )
        for version in _VERSIONS
        for example in examples
    ]
    versions = [
        version_outcome(spec, version, [case for case in cases if case.version == version.label], gated=True)
        for version in _VERSIONS
    ]
    suites = [SuiteOutcome(spec, make_everything(), versions, selected=len(cases))]
    return RunOutcome(suites, started=1.7e9, ended=1.7e9 + 5)


def _replay_file(lines: Any) -> bytes:
    """Lines whose digests are right, whatever they say."""
    told = []
    for line in lines:
        said = {**line} if isinstance(line, dict) else {"output": line}
        key = said.pop("key", "")
        key = key if isinstance(key, str) and len(key) == 32 else "0" * 32
        told.append((key, said))
    return b"".join(_sealed(key, said) for key, said in told)


def _sealed(key: str, said: Mapping[str, Any]) -> bytes:
    from pytest_promptreg.replay.line import _sum

    body = f'"key":"{key}",{json.dumps(said)[1:]}'.encode("utf-8", "replace")
    return b'{"sum":"' + _sum(body) + b'",' + body + b"\n"


def _baseline_file(data: Any) -> bytes:
    """A baseline whose digests are right where what they are of is there."""
    if isinstance(data, dict):
        try:
            data["header"] = _header_digest(data)
            for name, record in data["examples"].items():
                said = [record[part] for part in ("prompt", "generations") if part in record]
                texts = ["".join(lines) for lines in record["outputs"]]
                record["record"] = digest(canonical_json([name, record["inputs"], texts, *said]))[:32]
        except Exception:
            return _ascii(data)
    return _ascii(data)


def _session() -> dict[str, Any]:
    run = RunRecord("run", "FAILED", 1, 2, {"t": "u"}, {"p": "q"}, {"m": 0.5}, {"report.md": "text"}, suite="s")
    return {
        "format": 1,
        "session": "20260101T000000Z-00000000",
        "settings": spool._WIRE.encode(TrackingSettings("http://localhost:1/x", "promptreg", 1.0), TrackingSettings),
        "record": spool._WIRE.encode(RunsRecord(run, [run]), RunsRecord),
    }


def _json(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _ascii(data: Any) -> bytes:
    return json.dumps(data).encode()


def _result_lines(data: Any) -> bytes:
    return b"\n".join(map(_json, data))


def _cases(run: RunOutcome) -> list[CaseOutcome]:
    return [case for suite in run.suites for version in suite.versions for case in version.cases]


def readers() -> list[Reader]:
    """All of them."""
    run = _run()
    result, lines = results.render(run), results.render(run, lines=True)
    keys = [CaseKey(case.suite, case.version, case.example) for case in _cases(run)]
    selected = [(*key, nodeid) for key, nodeid in zip(keys, (case.nodeid for case in _cases(run)), strict=True)]
    suite = run.suites[0].spec
    part = Part(1, 1, "pytest", True, None, {"promptreg_update": False}, {}, selected, {suite.id: "0"})
    shard = results.render(run, part=part.to_wire())
    stored = baseline.render(make_everything())
    replay = [json.loads(write(_RECORD)), {**json.loads(write(_RECORD)), "key": "1" * 32, "version": "v2"}]
    for line in replay:
        del line["sum"]
    rows = [_json(_ROWS), b"\n".join(map(_json, _ROWS)), _YAML_ROWS.encode(), _CSV_ROWS.encode()]
    return [
        Reader("prompt.md", "v1.md", [_TEXT_PROMPT.encode()], _prompts),
        Reader("prompt.txt", "v1.txt", [b"Summarize {{ text }}.", _TEXT_PROMPT.encode()], _prompts),
        Reader("prompt.yaml", "v1.yaml", [_CHAT_PROMPT.encode()], _prompts, [_chat()], _json),
        Reader("prompt.j2", "v1.j2", [_JINJA_PROMPT.encode()], _prompts),
        Reader("examples.json", "e.json", [rows[0]], _examples, [_ROWS], _json),
        Reader("examples.jsonl", "e.jsonl", [rows[1]], _examples, [_ROWS], _result_lines),
        Reader("examples.yaml", "e.yaml", [rows[2]], _examples, [_ROWS], _json),
        Reader("examples.csv", "e.csv", [rows[3]], _examples),
        Reader("baseline", "b.json", [stored.encode()], _baseline, [json.loads(stored)], _baseline_file),
        Reader("replay", "replay.jsonl", [_replay_file(replay)], _replay, [replay], _replay_file),
        Reader("result.json", "run.json", [result.encode()], _results, [json.loads(result)], _json),
        Reader(
            "result.jsonl",
            "run.jsonl",
            [lines.encode()],
            _results,
            [[json.loads(line) for line in lines.splitlines()]],
            _result_lines,
        ),
        Reader("shard", "1-of-1.json", [shard.encode()], _shard, [json.loads(shard)], _json),
        Reader(
            "spool", "session.json", [_json(_session())], _spool, [_session()], lambda data: json.dumps(data).encode()
        ),
    ]


def _chat() -> dict[str, Any]:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "{{ text }}"}]
    return {"model_config": {"temperature": 0, "stop": ["x"]}, "tags": {"a": "b"}, "messages": messages}
