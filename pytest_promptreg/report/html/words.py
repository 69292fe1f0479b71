"""What a run came to, in sentences for somebody who reviews a prompt and knows no Python: what changed, how bad, what
to do.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ...judging.gates import JUDGED, Verdict, goodness
from ...judging.noise_result import REGRESSED, UNDECIDED
from ...results.outcome import RunOutcome, SuiteOutcome, VersionOutcome
from ...text import count, some
from ..words import digits, state_of

if TYPE_CHECKING:
    from ...session.concluding import Conclusion

# By verdict: what a reader is told who has never seen the word.
VERDICTS: Mapping[str, str] = {
    Verdict.BREACHED: "changed by more than a gate (a limit that the suite sets) allows",
    Verdict.ERROR: "the call or its scoring failed, so nothing can be said of it",
    Verdict.MISSING: "there is no accepted output yet to compare with",
    Verdict.INCOMPARABLE: "the accepted output was made from other inputs or settings",
    Verdict.CHANGED: "differs from the accepted output, within the gates",
    Verdict.UNCHANGED: "says the same as the accepted output",
}
# Of the scores that need a word for somebody who has never met them.
METRICS: Mapping[str, str] = {
    "semantic": "how alike two outputs are in meaning: 1 says the same, 0 has nothing to do with it",
    "semantic_worst": "how alike in meaning the part is that differs most: 1 says the same",
    "rouge_l": "the share of words that two outputs have in the same order: 1 is all of them",
    "json_fields": "the share of the JSON values that stand at the same place: 1 is all of them",
    "token_recall": "the share of the expected words that are there: 1 is all of them",
    "novel_recall": "the share of the expected words, those of the prompt left out, that are there: 1 is all of them",
    "bleu": "how many runs of words two outputs share: 100 is all of them",
    "chrf": "how many runs of letters two outputs share: 100 is all of them",
    "exact": "whether two outputs are the same: 1 they are, 0 they are not",
}
_NOISE = {
    REGRESSED: "the outputs lost more than the model varies by itself",
    UNDECIDED: "there are too few examples to tell whether anything was lost",
}
_NAMED = 4  # versions that a sentence names
_STATES = {
    "passed": "Passed",
    "failed": "Failed",
    "stopped": "Not finished",
    "refreshed": "Nothing judged",
    "empty": "Nothing ran",
}


def state(conclusion: Conclusion) -> str:
    """The state as its word."""
    return _STATES[state_of(conclusion)]


def verdict(conclusion: Conclusion) -> str:
    """The whole run in a sentence, or two where it fails for something else than its cases."""
    found = _found(conclusion.run)
    return f"{found} The run fails for what is told below." if conclusion.fatal else found


def _found(run: RunOutcome) -> str:
    lost = f"{count(len(run.lost), 'case')} began and never reported." if run.lost else ""
    if run.rescored:
        return "How the accepted outputs are scored was renewed; no example was run."
    versions = [(suite, version) for suite in run.suites for version in suite.versions]
    if not versions:
        return lost or "No example was run."
    if run.refreshed:
        total = sum(len(version.cases) for _, version in versions)
        return f"{count(total, 'output')} were made to become the baseline; no gate was judged. {lost}".strip()
    failing = [(suite, version) for suite, version in versions if version.failed]
    if not failing:
        rest = "The run was stopped before its last case. " if run.interrupted else ""
        shares = _shares(version for _, version in versions)
        return f"{rest}{lost} {_sentence(shares)}" if lost else f"{rest}Every gate is met: {shares}."
    if len(failing) == 1:
        suite, version = failing[0]
        of_suite = f" of {suite.spec.name}" if len(run.suites) > 1 else ""
        return f"Version {version.version.label}{of_suite} does not pass: {what_happened(version)}. {lost}".strip()
    several = len(run.suites) > 1
    names = [f"{version.version.label}{f' of {suite.spec.name}' if several else ''}" for suite, version in failing]
    told = f"{len(failing)} of {count(len(versions), 'prompt version')} do not pass: {some(names, _NAMED)}"
    return f"{told}. {lost}".strip()


def _sentence(said: str) -> str:
    return f"{said[:1].upper()}{said[1:]}."


def what_happened(version: VersionOutcome) -> str:
    """One version's cases in a clause: ``35 of 46 outputs breach a gate, 3 gates on the whole suite are not met``."""
    if not version.failed:
        return _shares([version])
    total, counts = len(version.cases), version.counts
    told = []
    if breached := counts.get(Verdict.BREACHED, 0):
        told.append(f"{breached:,} of {count(total, 'output')} {'breaches' if breached == 1 else 'breach'} a gate")
    unjudged = sum(found for name, found in counts.items() if name not in JUDGED)
    if unjudged:
        told.append(f"{unjudged:,} of {count(total, 'case')} could not be judged")
    if missed := sum(not result.met for result in version.gates):
        told.append(f"{count(missed, 'gate')} on the whole suite {'is' if missed == 1 else 'are'} not met")
    unmet = {result.state for result in version.noise if not result.met}
    told += [said for name, said in _NOISE.items() if name in unmet]
    own = sum(not case.passed and case.verdict in {Verdict.UNCHANGED, Verdict.CHANGED} for case in version.cases)
    if own:
        told.append(f"{count(own, 'case')} {'fails' if own == 1 else 'fail'} a check of the test's own")
    return ", ".join(told) or _shares([version])


def _shares(versions: Iterable[VersionOutcome]) -> str:
    found: dict[Verdict, int] = {}
    for version in versions:
        for name, number in version.counts.items():
            found[name] = found.get(name, 0) + number
    total = sum(found.values())
    if found.get(Verdict.UNCHANGED, 0) == total:
        return f"{'the only output is' if total == 1 else f'all {total:,} outputs are'} unchanged"
    told = []
    for name, said in (
        (Verdict.UNCHANGED, "unchanged"),
        (Verdict.CHANGED, "changed within the gates"),
        (Verdict.BREACHED, "in breach of a gate that a share of the cases may breach"),
    ):
        if found.get(name):
            told.append(f"{found[name]:,} {said}")
    return f"of {count(total, 'output')} {', '.join(told)}"


def number(value: float | None, places: int, sign: str = "") -> str:
    """A score as a person reads it: no ``-0.000``, and a true minus sign."""
    if value is None or math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{round(value, places) + 0.0:{sign}.{places}f}".replace("-", "−")


def direction(suite: SuiteOutcome, version: VersionOutcome, term: str) -> str:
    """Whether the version's mean is ``worse`` or ``better`` than what it is compared with; empty where neither."""
    mean, delta = version.mean(term), suite.delta(version, term)
    if mean is None or not delta or not round(delta, digits(suite, term)):
        return ""
    known = suite.spec.known
    lost = goodness(term, mean, known) - goodness(term, mean - delta, known)
    return "worse" if lost < 0 else "better" if lost > 0 else ""


def seconds(value: float) -> str:
    """A time as a person reads it: ``42 ms``, ``1.4 s``, ``3 min 20 s``."""
    if value < 1:
        return f"{value * 1000:.0f} ms"
    if value < 60:
        return f"{value:.1f} s"
    return f"{value // 60:.0f} min {value % 60:.0f} s"
