"""Recorded outputs in a run: which cases have one, what is handed over in place of a call, what is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..errors import ReplayError
from ..model import CallKey, CaseKey, Key, Output, Request
from ..suites.samples import among
from ..suites.suite import SuiteSpec
from .keys import Parts, key_of, shared_part
from .line import Record
from .store import Pruned, Store


class Replay:
    """The recorded outputs of the suites of this process.

    :param mode: ``reuse`` calls for what is not recorded, and records it; ``only`` never calls.
    :param suites: by id; those that are declared later are seen too.
    """

    def __init__(self, mode: str, file: Path, suites: Mapping[str, SuiteSpec]) -> None:
        self.never_calls = mode == "only"
        self.problems: list[str] = []
        self._store = Store(file)
        self._suites = suites
        self._shared: dict[tuple[str, str], str] = {}
        self._recorded_for: dict[CaseKey, dict[int, Parts]] | None = None  # by sample

    def has(self, call: Key) -> bool:
        """Whether an output is recorded for a call.

        :raises ReplayError: when the file cannot be read.
        """
        return self._key(call) in self._store

    def recorded(self, call: Key) -> Output | None:
        """The recorded output of a call; None when predict is to be asked for it.

        :raises ReplayError: when there is none and predict is never called, or the file cannot be read.
        """
        output = self._store.output(self._key(call))
        if output is None and self.never_calls:
            raise self._gap(call)
        return output

    def keep(self, call: Key, output: Output) -> None:
        """Record what a call gave. A file that cannot be written loses no output: it is a problem to be told of."""
        record = Record(self._key(call), *call.case, self._parts(call), output)
        try:
            self._store.add(record)
        except ReplayError as exc:
            if not self.problems:
                self.problems.append(f"not recorded: {exc}")

    def prune(self) -> Pruned:
        """Remove what was recorded for a suite of this run and is of none of its declared cases any more.

        What other suites recorded stays, and so does everything that a declared case needs: all its samples, however
        many this run takes.

        :raises ReplayError: when the file cannot be written.
        """
        samples = {record.parts.sample for record in self._store.records()}
        declared = {
            self._key(CallKey(spec.case_key(version.label, example.id), sample))
            for spec in self._suites.values()
            for version in spec.versions
            for example in spec.examples
            for sample in samples
        }
        return self._store.prune(lambda record: record.suite in self._suites and record.key not in declared)

    @property
    def notice(self) -> str:
        """What a person must be told about the file; empty where it is as it should be.

        :raises ReplayError: when the file cannot be read.
        """
        return self._store.notice

    def close(self) -> None:
        """Let go of the file."""
        self._store.close()

    def _key(self, call: Key) -> str:
        spec = self._suites[call.suite]
        version = spec.version_by_label[call.version]
        shared = self._shared.get((call.suite, call.version))
        if shared is None:
            shared = self._shared[call.suite, call.version] = shared_part(
                version, predict=spec.recorded_as, predict_version=spec.predict_version
            )
        return key_of(version, spec.example_by_id[call.example], shared, call.sample)

    def _parts(self, call: Key) -> Parts:
        spec = self._suites[call.suite]
        return Parts.of(
            spec.version_by_label[call.version],
            spec.example_by_id[call.example],
            predict=spec.recorded_as,
            predict_version=spec.predict_version,
            sample=call.sample,
        )

    def _gap(self, call: Key) -> ReplayError:
        spec = self._suites[call.suite]
        if self._recorded_for is None:  # looked for once: it takes reading the whole file
            self._recorded_for = {}
            for record in self._store.records():
                case = CaseKey(record.suite, record.version, record.example)
                self._recorded_for.setdefault(case, {})[record.parts.sample] = record.parts
        recorded = self._recorded_for.get(call.case, {})
        then = recorded.get(call.sample)
        changed = self._parts(call).changed_since(then) if then is not None else []
        since = f": changed since it was: {', '.join(changed)}" if changed else ""
        what = "this request" if spec.samples == 1 else f"{among([call.sample], spec.samples)} of this request"
        return ReplayError(
            f"none is recorded for {what}{since}",
            where=spec.example_by_id[call.example].where or None,
            next_step=f"to record it: {spec.command('--promptreg-replay=reuse')}",
        )


def no_predict(request: Request) -> Output:
    """In place of predict, where every output was recorded when the run began.

    :raises ReplayError: should one be gone since.
    """
    raise ReplayError(
        f"its recorded output could not be read again ({request.version} x {request.example})",
        next_step="run again with --promptreg-replay=reuse",
    )
