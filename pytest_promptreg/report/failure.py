"""The text of one failed case: verdict and number, then the prompt diff (the cause), the output diff (the effect)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..diffs import Piece, line_diff, word_diff
from ..judging.gates import Verdict
from ..model import PromptVersion
from ..redaction import without_secrets
from ..results.outcome import CaseOutcome
from ..signals import SIGNALS
from ..suites.suite import SuiteSpec
from ..text import canonical_json
from .escape import GUTTER, one_line, quoted, visible

MAX_DIFF_LINES = 16  # of one case; the closing section shows the prompt diff once more, and longer
MAX_OUTPUT_CHARACTERS = 2400
TOLD_IN_FULL = 50  # cases of a suite, by each process
_SHAPES = {"same": "{}", "removed": "[-{}-]", "added": "{{+{}+}}", "skipped": " [... {} ...] "}
_MARKS = {"same": " ", "removed": "-", "added": "+"}


def text(case: CaseOutcome, spec: SuiteSpec, accepted_prompt: PromptVersion | None, *, in_full: bool = True) -> str:
    """What a person reads about a case that was not met; its first line stands in pytest's short summary.

    :param in_full: whether the diffs are told, or only the numbers: nobody reads the diffs of a thousand cases.
    """
    if case.verdict != Verdict.BREACHED:
        return f"{case.verdict}: {visible(case.message)}"
    version = spec.version_by_label[case.version]
    accepted = str(spec.production) if spec.production else accepted_prompt.label if accepted_prompt else "?"
    what = [
        one_line("; ".join(case.breaches)),
        (
            f"{one_line(spec.name)}: version {one_line(version.label)}, example {one_line(case.example)}, "
            f"against the baseline of {one_line(accepted)}"
        ),
    ]
    if not in_full:
        return "\n".join([*what, f"in short, after {TOLD_IN_FULL} that were told in full: -v tells all of them so"])
    lines = [
        *what,
        "",
        *prompt_change(accepted_prompt, version),
        f"{_shown(case)} ([-baseline-], {{+{one_line(version.label)}+}}):",
        *output_change(case),
        *_findings(case),
        *_retries(case),
        "",
        *_how_to_let_pass(case),
        f"If this is how it should be: {one_line(spec.how_to_accept(version.label))}",
    ]
    if alone := spec.how_to_accept_one(version.label, case.example):
        lines.append(f"If only this example is: {one_line(alone)}")
    return "\n".join(lines)


def _shown(case: CaseOutcome) -> str:
    return f"output, the worst of {len(case.samples)} samples" if case.samples else "output"


def _how_to_let_pass(case: CaseOutcome) -> list[str]:
    """Nobody wrote the gate of a signal that breached by default: how to change that is said."""
    names = [name for name in SIGNALS if any(breach.startswith(f"{name}: ") for breach in case.breaches)]
    return [
        f'{name} is watched without a gate; the suite lets it pass by signals={{"{name}": "warn"}}' for name in names
    ]


def _findings(case: CaseOutcome) -> list[str]:
    """What kind of change it is, beyond what the gates say."""
    told = beyond_the_gates(case)
    return ["", "what changed:", *(f"{GUTTER}{one_line(line)}" for line in told)] if told else []


def beyond_the_gates(case: CaseOutcome) -> list[str]:
    """What signals found that no breach has said already."""
    return [f"{name}: {detail}" for name, detail in case.findings.items() if not _said(name, detail, case.breaches)]


def _retries(case: CaseOutcome) -> list[str]:
    """That the output was not had at once, where it was not."""
    return ["", f"the call was tried again: {', '.join(case.retries)}"] if case.retries else []


def _said(name: str, detail: str, breaches: Iterable[str]) -> bool:
    return any(breach.startswith(name) and breach.endswith(detail) for breach in breaches)


def prompt_change(old: PromptVersion | None, new: PromptVersion, limit: int = MAX_DIFF_LINES) -> list[str]:
    """The prompt diff, capped, with a heading and an empty line behind it; where nothing changed, that is said."""
    if old is None:
        return []
    config = [f"{GUTTER}model_config {line}" for line in config_changes(old, new)]
    if old.digest == new.digest and not config:
        said = (
            "the same text as the baseline's" if old.label == new.label else f"the same text as {one_line(old.label)}"
        )
        return [f"prompt {one_line(new.label)}: {said}; what changed is behind it (the model, the code)", ""]
    lines = list(shown_lines(line_diff(old.text, new.text)))
    cut = [f"{GUTTER}... {len(lines) - limit} more lines"] if len(lines) > limit else []
    edited = " (edited in place)" if old.label == new.label else ""
    where = f" ({one_line(new.where)})" if new.where else ""
    return [
        f"prompt {one_line(old.label)} -> {one_line(new.label)}{edited}{where}:",
        *lines[:limit],
        *cut,
        *config,
        "",
    ]


def config_changes(old: PromptVersion, new: PromptVersion) -> list[str]:
    """The settings of the model that differ, a line each: ``temperature: 0 -> 1``."""
    return [f"{one_line(name)}: {one_line(was)} -> {one_line(now)}" for name, was, now in changed_settings(old, new)]


def changed_settings(old: PromptVersion, new: PromptVersion) -> list[tuple[str, str, str]]:
    """Name, value before and value now of each setting of the model that differs, as JSON."""
    # The accepted one is stored without secrets, and none belongs on a screen.
    before, after = without_secrets(old.model_config), without_secrets(new.model_config)
    told = []
    for name in sorted({*before, *after}):
        was, now = (canonical_json(side[name]) if name in side else "not set" for side in (before, after))
        if was != now:
            told.append((name, was, now))
    return told


def shown_lines(pieces: Iterable[Piece]) -> Iterable[str]:
    """The pieces of a line diff, a line each, marked and behind the gutter."""
    for piece in pieces:
        if piece.kind == "skipped":
            yield f"{GUTTER}  ... {piece.text}"
        else:
            yield f"{GUTTER}{_MARKS[piece.kind]} {visible(piece.text)}".rstrip()


def output_change(case: CaseOutcome, limit: int = MAX_OUTPUT_CHARACTERS) -> list[str]:
    """The word diff of accepted and new output, capped, behind the gutter."""
    marked = inline(word_diff(case.accepted or "", case.output or ""))
    lines = quoted(marked[:limit] or "(nothing)")
    return [*lines, f"{GUTTER}... {len(marked) - limit} more characters"] if len(marked) > limit else lines


def inline(pieces: Iterable[Piece], shapes: Mapping[str, str] = _SHAPES) -> str:
    """Pieces of a word diff as one text: ``[-old-]{+new+}``.

    :param shapes: by the kind of piece, its marks as a format.
    """
    return "".join(_around(piece, shapes[piece.kind]) for piece in pieces)


def _around(piece: Piece, shape: str) -> str:
    """The piece in its marks, which hug the words: white space before it stays outside."""
    if piece.kind == "same" or not piece.text.strip():
        return shape.format(piece.text)
    bare = piece.text.lstrip()
    return piece.text[: len(piece.text) - len(bare)] + shape.format(bare)
