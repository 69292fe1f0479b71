"""What a refresh does to a baseline: planned as changes, shown, then applied once.

A refresh brings the *generations* of each example: one text, or several that were made in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..atomic import write_atomically
from ..equality import found_among
from ..errors import BaselineError
from ..files import display_path
from ..model import Example, PromptVersion
from ..redaction import without_secrets
from .baseline import Baseline, Record, key_of, render, says_the_same


@dataclass(frozen=True)
class Plan:
    """What a refresh would do to a baseline file: proposed first, shown, then applied once.

    :param before: the file as it was read; None when there was none.
    :param after: what would be written; None when nothing is left to keep.
    :param added: examples that get more accepted outputs.
    :param recounted: examples whose texts stay, and were generated in other numbers.
    :param rescored: metrics whose signature is another than before.
    :param refused: examples that were asked for and are not written, each with the reason.
    """

    path: Path
    before: Baseline | None
    after: Baseline | None
    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    recounted: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    pruned: tuple[str, ...] = ()
    rescored: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)

    @property
    def writes(self) -> bool:
        """Whether applying it changes anything on disk."""
        before, after = self.before, self.after
        return self._redacts_file or (before and render(before)) != (after and render(after))

    @property
    def _redacts_file(self) -> bool:
        """Whether the file holds what is redacted now."""
        return self.before is not None and self.before.rewritten

    @property
    def after_label(self) -> str:
        """The version that the file would hold."""
        return self.after.version if self.after else ""

    def __str__(self) -> str:
        parts = [
            f"{len(names)} {word}"
            for word, names in (
                ("new", self.new),
                ("changed", self.changed),
                ("accepted beside others", self.added),
                ("recounted", self.recounted),
                ("unchanged", self.unchanged),
                ("stale removed", self.pruned),
                ("metric signatures renewed", self.rescored),
                ("not written", self.refused),
            )
            if names
        ]
        if self._redacts_file:
            parts.append("redacted")
        return ", ".join(parts) or "nothing to write"

    @property
    def text(self) -> str | None:
        """What the file would say; None when it would go."""
        return None if self.after is None else render(self.after)

    def has_moved(self, now: Baseline | None) -> bool:
        """Whether the file says neither what it said when it was read, nor what it would be made to say.

        :param now: what it says.
        """
        return (now and now.digest) not in {baseline and baseline.digest for baseline in (self.before, self.after)}

    def refuse_moved(self, now: Baseline | None) -> None:
        """See that applying it undoes nothing that somebody else has written since the file was read.

        :param now: what the file says.
        :raises BaselineError: when it would.
        """
        if self.has_moved(now):
            raise moved(self.path)

    def apply(self) -> None:
        """Write it: the whole file or nothing.

        :raises BaselineError: when it cannot be written.
        """
        if not self.writes:
            return
        try:
            if self.after is None:
                self.path.unlink(missing_ok=True)
            else:
                write_atomically(self.path, render(self.after))
        except OSError as exc:
            raise BaselineError(
                f"the baseline cannot be written: {exc.strerror}",
                where=display_path(self.path),
                next_step="make the folder writable and run the same command again",
            ) from exc


def moved(path: Path) -> BaselineError:
    """That a baseline is another one than the run has read."""
    return BaselineError(
        "the baseline was changed while this run was under way, by another run or by hand; it is left as it is now",
        where=display_path(path),
        next_step="run the same command again",
    )


def plan_refresh(
    path: Path,
    before: Baseline | None,
    version: PromptVersion,
    outputs: Mapping[str, Sequence[str]],
    *,
    examples: Iterable[Example],
    signatures: Mapping[str, str],
    refused: Mapping[str, str],
    add: bool = False,
    only: bool = False,
    alone: bool = False,
) -> Plan:
    """The plan that makes ``outputs`` of ``version`` accepted.

    Examples that were not run, or failed, keep their records and the prompt that made them; the file's accepted version
    becomes ``version`` once most of the declared examples' records are of it. Generations that say what is stored, as
    often, leave the record's texts as they are.

    :param outputs: the generated texts by example id, at least one, of the cases that ran and passed.
    :param add: whether outputs stand beside what is accepted, and the accepted version stays, or in their place.
    :param only: whether outputs that are accepted already put their siblings away: how one is taken back.
    :param alone: whether nothing that another prompt made stays accepted in the records that are renewed.
    :raises BaselineError: when, with ``alone``, records would stay that the version made with another model config.
    """
    declared = {example.id: example for example in examples}
    old = before.records if before else {}
    records = dict(old)
    key = key_of(version)
    groups: dict[str, list[str]] = {"new": [], "changed": [], "added": [], "recounted": [], "unchanged": []}
    terms = _Terms(key, add, only, alone)
    for example_id, generated in outputs.items():
        group, records[example_id] = _renewed(old.get(example_id), declared[example_id], generated, terms)
        groups[group].append(example_id)
    if not outputs:
        return Plan(path, before, before, refused=refused)
    if alone and before is not None:
        _refuse_two_configs(path, before, version, [name for name in old if name not in outputs])
    known = {**(before.prompts if before else {}), key: _as_stored(version)}
    used = {prompt for record in records.values() for prompt in record.prompts}
    of_declared = [records[name].prompts for name in declared if name in records]
    prevails = not add and sum(key in prompts for prompts in of_declared) * 2 > len(of_declared)
    after = Baseline(
        accepted=before.accepted if before and not prevails and before.accepted in used else key,
        prompts={name: prompt for name, prompt in known.items() if name in used},
        records=records,
        signatures=signatures,
    )
    return Plan(
        path,
        before,
        after,
        **{word: tuple(sorted(names)) for word, names in groups.items()},
        rescored=_renewed_signatures(before, signatures),
        refused=refused,
    )


@dataclass(frozen=True)
class _Terms:
    """On which terms records are renewed; the parameters of :func:`plan_refresh`.

    :param key: of the prompt that made the new generations.
    """

    key: str
    add: bool
    only: bool
    alone: bool


def _renewed(stored: Record | None, example: Example, generated: Sequence[str], terms: _Terms) -> tuple[str, Record]:
    """What becomes of one record, and in which group of the plan."""
    if terms.alone and stored is not None and set(stored.prompts) != {terms.key}:
        if (own := stored.made_by(terms.key)) is None:
            terms = replace(terms, add=False, only=True)
        else:
            group, record = _renewed(own, example, generated, replace(terms, alone=False))
            return "changed" if group in {"unchanged", "recounted"} else group, record
    if stored is None or stored.inputs != example.inputs_digest:  # made from other inputs: nothing to keep
        return "changed" if stored else "new", _record(example, _counted(generated, None), terms.key)
    counts = _counted(generated, stored)
    if terms.add:
        return _with_others(stored, counts, terms.key)
    if terms.only or not counts.keys() <= set(stored.outputs):
        kept = _record(example, counts, terms.key)
    else:
        kept = _told_again(stored, counts, terms.key)
    if set(kept.outputs) != set(stored.outputs):
        return "changed", kept
    return "unchanged" if kept.generations == stored.generations else "recounted", kept


def _with_others(stored: Record, texts: Iterable[str], key: str) -> tuple[str, Record]:
    """A record with what a person accepts beside its outputs."""
    others = [text for text in texts if text not in stored.outputs]
    if not others:
        return "unchanged", stored
    return "added", replace(
        stored,
        outputs=(*stored.outputs, *others),
        prompts=(*stored.prompts, *(key,) * len(others)),
        generations=(*stored.generations, *(0,) * len(others)),
    )


def _counted(generated: Sequence[str], stored: Record | None) -> dict[str, int]:
    """How often each text was generated: those that are accepted already in the record's order and words, then others.

    Texts that say the same are one, in the words of the first.
    """
    counts: dict[str, int] = dict.fromkeys(stored.outputs, 0) if stored else {}
    for text in generated:
        known = found_among(text, counts)
        known = text if known is None else known
        counts[known] = counts.get(known, 0) + 1
    return {text: times for text, times in counts.items() if times}


def _record(example: Example, counts: Mapping[str, int], key: str) -> Record:
    return Record(example.id, example.inputs_digest, tuple(counts), (key,) * len(counts), tuple(counts.values()))


def _told_again(stored: Record, counts: Mapping[str, int], key: str) -> Record:
    """A record all of whose new generations are accepted already.

    It keeps what a person accepted beside the generations: refreshing must not forget that. Where the model now says
    the same, that text stands in it twice, so that it stays when the model says it no more. One text that is made in
    place of one, both accepted, is no news.
    """
    if sum(stored.generations) == sum(counts.values()) == 1:
        made_by = zip(stored.outputs, stored.prompts, strict=True)
        return replace(stored, prompts=tuple(key if text in counts else prompt for text, prompt in made_by))
    kept = [
        (text, key if times else prompt, counts.get(text, 0) if times else 0)
        for text, prompt, times in zip(stored.outputs, stored.prompts, stored.generations, strict=True)
        if text in counts or not times
    ]
    counted = {text for text, _, times in kept if times}
    kept += [(text, key, times) for text, times in counts.items() if text not in counted]
    outputs, prompts, generations = zip(*kept, strict=True)
    return replace(stored, outputs=outputs, prompts=prompts, generations=generations)


def _refuse_two_configs(path: Path, before: Baseline, version: PromptVersion, untouched: Iterable[str]) -> None:
    """A file has one model config for a prompt: records that were made with another would pass for those of this one.

    :raises BaselineError: where there are such records among those that are not renewed.
    """
    stored = before.prompts.get(key_of(version))
    if stored is None or says_the_same(stored, version):
        return
    if left := sorted(name for name in untouched if key_of(version) in before.records[name].prompts):
        raise BaselineError(
            f"{version.label} has another model config than when {len(left)} of the records were made "
            f"(such as {left[0]})",
            where=display_path(path),
            next_step="refresh all of the examples at once, and remove records of others with --promptreg-prune",
        )


def plan_rescore(path: Path, before: Baseline, signatures: Mapping[str, str]) -> Plan:
    """The plan that renews how the outputs of a baseline are scored, and leaves the outputs alone."""
    renewed = sorted(name for name, line in signatures.items() if before.signatures.get(name) != line)
    return Plan(path, before, replace(before, signatures=signatures), rescored=tuple(renewed))


def _renewed_signatures(before: Baseline | None, signatures: Mapping[str, str]) -> tuple[str, ...]:
    """The metrics whose stored signature is replaced: of every record, whichever were refreshed."""
    stored = before.signatures if before else {}
    return tuple(sorted(name for name, line in signatures.items() if stored.get(name, line) != line))


def _as_stored(version: PromptVersion) -> PromptVersion:
    """The version as a file keeps it: without its place on this machine, and without secrets."""
    return replace(version, model_config=without_secrets(version.model_config), where="", first_line=0)


def prune(plan: Plan, stale: Iterable[str]) -> Plan:
    """``plan`` with the stale records removed as well; a file of which nothing is left goes."""
    gone = frozenset(stale)
    if plan.after is None or not gone:
        return plan
    records = {example: record for example, record in plan.after.records.items() if example not in gone}
    used = {prompt for record in records.values() for prompt in record.prompts}
    kept = {key: prompt for key, prompt in plan.after.prompts.items() if key in used or key == plan.after.accepted}
    after = replace(plan.after, records=records, prompts=kept) if records else None
    return replace(plan, after=after, pruned=tuple(sorted(gone)))
