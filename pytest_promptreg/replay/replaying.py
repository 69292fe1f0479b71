"""Recorded outputs in a run: which cases have one, what is handed over in place of a call, what is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ..errors import ReplayError
from ..model import CaseKey, Output, Request
from ..suites import SuiteSpec
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
        self._recorded_for: dict[CaseKey, Parts] | None = None

    def has(self, case: CaseKey) -> bool:
        """Whether an output is recorded for a case.

        :raises ReplayError: when the file cannot be read.
        """
        return self._key(case) in self._store

    def recorded(self, case: CaseKey) -> Output | None:
        """The recorded output of a case; None when predict is to be called for it.

        :raises ReplayError: when there is none and predict is never called, or the file cannot be read.
        """
        output = self._store.output(self._key(case))
        if output is None and self.never_calls:
            raise self._gap(case)
        return output

    def keep(self, case: CaseKey, output: Output) -> None:
        """Record what a call gave. A file that cannot be written loses no output: it is a problem to be told of."""
        record = Record(self._key(case), *case, self._parts(case), output)
        try:
            self._store.add(record)
        except ReplayError as exc:
            if not self.problems:
                self.problems.append(f"not recorded: {exc}")

    def prune(self) -> Pruned:
        """Remove what was recorded for a suite of this run and is of none of its declared cases any more.

        What other suites recorded stays, and so does everything that a declared case needs.

        :raises ReplayError: when the file cannot be written.
        """
        declared = {
            self._key(spec.case_key(version.label, example.id))
            for spec in self._suites.values()
            for version in spec.versions
            for example in spec.examples
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

    def _key(self, case: CaseKey) -> str:
        spec = self._suites[case.suite]
        version = spec.version_by_label[case.version]
        shared = self._shared.get((case.suite, case.version))
        if shared is None:
            shared = self._shared[case.suite, case.version] = shared_part(
                version, predict=spec.recorded_as, predict_version=spec.predict_version
            )
        return key_of(version, spec.example_by_id[case.example], shared)

    def _parts(self, case: CaseKey) -> Parts:
        spec = self._suites[case.suite]
        return Parts.of(
            spec.version_by_label[case.version],
            spec.example_by_id[case.example],
            predict=spec.recorded_as,
            predict_version=spec.predict_version,
        )

    def _gap(self, case: CaseKey) -> ReplayError:
        spec = self._suites[case.suite]
        if self._recorded_for is None:  # looked for once: it takes reading the whole file
            self._recorded_for = {CaseKey(r.suite, r.version, r.example): r.parts for r in self._store.records()}
        then = self._recorded_for.get(case)
        changed = self._parts(case).changed_since(then) if then is not None else []
        since = f": changed since it was: {', '.join(changed)}" if changed else ""
        return ReplayError(
            f"none is recorded for this request{since}",
            where=spec.example_by_id[case.example].where or None,
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
