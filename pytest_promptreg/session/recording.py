"""What the end of a run leaves in MLflow: its record, and what becomes of the prompt registry."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import cached_property

from ..judging.gates import metric_of
from ..metrics import METRICS
from ..results.origin import Origin
from ..results.outcome import RunOutcome
from ..settings import Settings
from ..sources.registry.loading import forget_alias
from ..tracking import RunFacts, track
from ..tracking.release import Release, refuse_promotion, release
from .concluding import Conclusion


class Recording:
    """Records a run as the settings ask.

    :param exit_passed: whether pytest as a whole passed so far, other tests included.
    """

    def __init__(self, settings: Settings, *, exit_passed: bool) -> None:
        self._settings = settings
        self._exit_passed = exit_passed

    @cached_property
    def origin(self) -> Origin:
        """Where the run comes from."""
        from ..tracking.clean import command
        from ..tracking.facts import look_around

        around = look_around(self._settings.rootdir, os.environ)
        return Origin(command(self._settings.invocation), around.commit or "", around.branch or "")

    def _page(self, conclusion: Conclusion) -> str:
        """The report as a web page, for the record."""
        from ..report.html.page import render

        conclusion.origin = self.origin
        return render(conclusion)

    def publisher(self) -> Callable[[Conclusion], Release] | None:
        """What registers the versions that were tested and moves an alias; None where nobody asked for it."""
        settings = self._settings
        if settings.rescore or not (settings.register or settings.promote):
            return None

        def publish(conclusion: Conclusion) -> Release:
            run = conclusion.run
            if settings.promote:
                refuse_promotion(run, exit_passed=self._passed(conclusion))
            done = release(run, settings.registry.target(os.environ), settings.promote)
            for move in done.promotions:
                forget_alias(move.name, move.alias, settings.registry)
            return done

        return publish

    def _passed(self, conclusion: Conclusion) -> bool:
        """Whether nothing failed so far but what a run says of itself: no test, and nothing that was asked for."""
        return self._exit_passed and not conclusion.fatal

    def _under_test(self, run: RunOutcome) -> dict[str, Mapping[str, str]]:
        """By suite, what its predict's address names; each address is looked up once."""
        from ..sources.predict import describe, is_address

        addresses = dict.fromkeys(suite.spec.predict for suite in run.suites if is_address(suite.spec.predict))
        found = {address: describe(address, registry=self._settings.registry) for address in addresses}
        return {suite.spec.id: found.get(suite.spec.predict, {}) for suite in run.suites}

    def tracker(self) -> Callable[[Conclusion], list[str]] | None:
        """What records the run and says where; None where it is not recorded, or not by this process."""
        settings = self._settings.tracking
        if settings is None or self._settings.rescore or self._settings.shard:
            return None  # nothing was run that could be recorded, or the merge records it

        def record(conclusion: Conclusion) -> list[str]:
            run = conclusion.run
            terms = {metric_of(term) for suite in run.suites for term in suite.terms}
            embeds = any(term in METRICS and METRICS[term].room == "embedding" for term in terms)
            facts = RunFacts(
                command=self._settings.invocation,
                exit_passed=self._passed(conclusion) and not run.failed,
                rootdir=self._settings.rootdir,
                embedding_model=self._settings.metric_settings.embedding_model if embeds else None,
                under_test=self._under_test(run),
                draw_page=lambda: self._page(conclusion),
            )
            return track(run, settings, facts).lines()

        return record
