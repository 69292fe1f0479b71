"""Which signals a model gives by itself: what its stored generations differ by is no breach of a new output.

A signal that breaches a single case by default is sure where outputs do not vary. Of a sampled model one output in a
hundred comes in a code fence and its neighbour does not: in a suite of fifty that would be an alarm in every other run.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

from ..signals import look
from ..suites.suite import SuiteSpec
from . import modes
from .against import Against
from .gates import Gate

# With one stored generation nothing is known of the model: these fire between two answers of the same prompt too.
UNDER_FLOOR = frozenset({"output_kind", "script"})
MOST_PAIRS = 2_000  # that are looked at: what a model does now and then shows in fewer


def noisy_signals(against: Against) -> frozenset[str]:
    """The signals that only warn in a suite, though they breach by default and nobody said what they are to do."""
    spec = against.spec
    unsaid = frozenset(name for name, action in spec.signals.items() if action == "breach") - {*spec.named_signals}
    if spec.mode == modes.FLOOR:
        return unsaid & UNDER_FLOOR
    if spec.mode != modes.CALIBRATED:
        return frozenset()
    gates = {name: of_signal for name, of_signal in spec.signal_gates.items() if name in unsaid}
    return _fired(itertools.islice(_pairs(against, spec), MOST_PAIRS), gates)


def _pairs(against: Against, spec: SuiteSpec) -> Iterable[tuple[str, str]]:
    """Stored generations of the same example that are compared with, each beside each other one."""
    for example in spec.examples:
        record = against.record_of(example.id)
        if record is not None:
            yield from itertools.permutations(dict.fromkeys(record.generated), 2)


def _fired(pairs: Iterable[tuple[str, str]], gates: Mapping[str, tuple[Gate, ...]]) -> frozenset[str]:
    fired: set[str] = set()
    for output, accepted in pairs:
        found = look(output, accepted)
        fired.update(
            name for name, of_signal in gates.items() if not all(gate.met_by(found[name].value) for gate in of_signal)
        )
        if len(fired) == len(gates):
            break
    return frozenset(fired)
