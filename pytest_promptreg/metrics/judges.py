"""MLflow's scorers and LLM judges (``mlflow.genai.scorers``) as metrics.

They are called directly, not through ``mlflow.genai.evaluate``: no run, no trace and no experiment is made.
"""

from __future__ import annotations

import contextvars
import copy
import inspect
import math
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Literal, get_args, get_origin

from ..errors import ConfigError, MetricError
from ..machine import environment_defaults
from ..text import canonical_json, digest, plain
from . import MetricInfo, Pair
from .checked import as_score, guarded, of_example, shown
from .sources import source_digest

# MLflow neither calls home nor fetches a list of models' prices, where the user has not said that it may: without a
# network that list alone costs the first judge seven seconds.
_UNDISTURBED = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_MODEL_CATALOG_URI": ""}
_THREADS = 8
_LIMIT_S = 60.0  # seconds for one answer
_GIVEN = frozenset({"inputs", "outputs", "expectations"})
_WORDS = {"yes": 1.0, "true": 1.0, "pass": 1.0, "no": 0.0, "false": 0.0, "fail": 0.0}
# Fields of a scorer that shape no score, or that are secret.
_UNTOLD = frozenset(
    {"name", "model", "description", "aggregations", "timeout", "required_columns", "extra_headers", "base_url"}
)


def is_scorer(source: object) -> bool:
    """Whether it is an instance of MLflow's Scorer; told from its class, without importing MLflow."""
    return any(
        kind.__module__ == "mlflow.genai.scorers.base" and kind.__name__ == "Scorer" for kind in type(source).__mro__
    )


def refuse_unfit(scorer: Any, where: str = "", *, has_bounds: bool = False) -> None:
    """Refuse a scorer that wants more than a case has, or whose answers are no scores.

    :param has_bounds: whether its user has said what its scores run between: of a judge that gives 1 to 5 stars, the
        worst would else be taken for the best of a metric from 0 to 1.
    :raises ConfigError: saying what it wants or answers.
    """
    wanted = {
        parameter.name
        for parameter in inspect.signature(scorer.__call__).parameters.values()
        if parameter.default is parameter.empty
        and parameter.kind in {parameter.KEYWORD_ONLY, parameter.POSITIONAL_OR_KEYWORD}
    } - _GIVEN
    wanted |= {"trace", "conversation"} & set(getattr(scorer, "template_variables", ()))
    if getattr(scorer, "is_session_level_scorer", False):
        wanted.add("session")
    if wanted:
        raise ConfigError(
            f"the scorer {scorer.name} wants {' and '.join(sorted(wanted))}, which a case does not have",
            where=where,
            next_step="use a scorer of inputs, outputs and expectations",
        )
    answers = getattr(scorer, "feedback_value_type", None)
    choices = get_args(answers) if get_origin(answers) is Literal else ()
    if strange := [word for word in choices if isinstance(word, str) and word.casefold() not in _WORDS]:
        raise ConfigError(
            f"the scorer {scorer.name} answers {' or '.join(map(repr, strange))}, which is no score",
            where=where,
            next_step="let it answer yes or no, or a number (feedback_value_type)",
        )
    if not has_bounds and (answers in {int, float} or any(type(choice) in {int, float} for choice in choices)):
        raise ConfigError(
            f"the scorer {scorer.name} answers with numbers, and nothing says what they run between",
            where=where,
            next_step="say it: pytest_promptreg.metric(low=1, high=5)(scorer)",
        )


class JudgeMetric:
    """An MLflow scorer: yes and no are 1 and 0, numbers are themselves, an error is an error.

    It is given the example's inputs, the output, and the baseline (in a drop, the reference) as ``expected_response``.
    """

    is_remote = True  # most are: one that is away is not asked for every case

    def __init__(self, scorer: Any, info: MetricInfo, bounds: str = "") -> None:
        self.name = info.name
        self._scorer = scorer
        self._info = info
        self._bounds = bounds
        # Answers not yet handed out: those of a batch that another pair's error broke off are not paid for twice.
        self._answered: dict[Pair, float] = {}

    def signature(self) -> str:
        """The scorer's class or code, its model, a digest of what it asks, and MLflow's major and minor version."""
        return self._signature

    @cached_property
    def _signature(self) -> str:
        with environment_defaults(_UNDISTURBED):
            import mlflow

            version = ".".join(mlflow.__version__.split(".")[:2])
            return "|".join([self.name, *_told(self._scorer), f"mlflow:{version}"]) + self._bounds

    def score(self, pairs: Sequence[Pair]) -> list[float]:
        """What the scorer says of each pair, several at a time; the first error cancels those not yet begun.

        :raises MetricError: when the scorer fails, reports an error, or says neither yes, no nor a number.
        """
        new = [pair for pair in dict.fromkeys(pairs) if pair not in self._answered]
        if new:
            with environment_defaults(_UNDISTURBED):
                self._ask(new)
        scores = [self._answered[pair] for pair in pairs]
        for pair in pairs:
            self._answered.pop(pair, None)
        return scores

    def _ask(self, pairs: Sequence[Pair]) -> None:
        """Ask for all of them, several at a time; what is in flight when one fails is waited for: it is paid for.

        Daemon threads: a judge that never answers must not hold up the end of the process.

        :raises MetricError: the first error, or when the judge takes too long.
        """
        left = deque(pairs)
        errors: list[BaseException] = []

        def work(context: contextvars.Context) -> None:
            while left and not errors:
                try:
                    context.run(self._score, left.popleft())
                except IndexError:  # another thread was faster
                    return
                except BaseException as exc:  # told by the thread that waits
                    errors.append(exc)

        threads = [
            threading.Thread(target=work, args=(contextvars.copy_context(),), name="promptreg-judge", daemon=True)
            for _ in range(min(_THREADS, len(pairs)))
        ]
        for thread in threads:
            thread.start()
        end = time.monotonic() + _LIMIT_S * math.ceil(len(pairs) / len(threads))
        for thread in threads:
            thread.join(max(0.0, end - time.monotonic()))
        if errors:
            raise errors[0]
        if any(thread.is_alive() for thread in threads):
            errors.append(TimeoutError())  # so that they begin nothing more
            raise MetricError(
                f"the judge {self.name} did not answer within {_LIMIT_S:g} s",
                next_step="see that its model can be reached",
            )

    def _score(self, pair: Pair) -> None:
        inputs = copy.deepcopy(dict(pair.case.inputs)) if pair.case else {}
        with guarded(self.name, pair):
            said = self._scorer.run(
                inputs=inputs, outputs=pair.output, expectations={"expected_response": pair.baseline}
            )
        self._answered[pair] = as_score(self._value(said, pair), self._info, pair)

    def _value(self, said: Any, pair: Pair) -> object:
        if isinstance(said, list):
            own = next((feedback for feedback in said if feedback.name == self._scorer.name), None)
            if own is None:
                names = ", ".join(str(feedback.name) for feedback in said)
                raise MetricError(
                    f"the scorer {self._scorer.name} gave {len(said)} feedbacks{of_example(pair)}, "
                    f"none of its name: {names or 'none at all'}",
                    next_step=f"return one Feedback, or name one of them {self._scorer.name!r}",
                )
            said = own
        if error := getattr(said, "error", None):
            said = " ".join(f"{error.error_code}: {error.error_message or ''}".split()).rstrip(":")
            raise MetricError(f"the metric {self.name} failed{of_example(pair)}: {said}")
        value = getattr(said, "value", said)
        if not isinstance(value, str):
            return value
        word = value.strip().casefold()  # MLflow's CategoricalRating is a str
        if word not in _WORDS:
            raise MetricError(
                f"the metric {self.name} gave {shown(str(value))}{of_example(pair)}: neither yes nor no, nor a number",
                next_step="let the judge answer yes or no, or a number (feedback_value_type)",
            )
        return _WORDS[word]


def _told(scorer: Any) -> Iterator[str]:
    """The parts of a scorer's signature."""
    kind = type(scorer)
    function = getattr(scorer, "_original_func", None)
    if function is not None:
        yield f"scorer|source:{source_digest(function)}"
    elif kind.__module__.partition(".")[0] == "mlflow":
        yield f"scorer:{kind.__name__}"
    else:
        yield f"scorer:{kind.__name__}|source:{source_digest(scorer)}"
    if hasattr(scorer, "model"):
        yield f"model:{scorer.model or _default_model()}"
    asked = {name: _plain(getattr(scorer, name)) for name in sorted(kind.model_fields) if name not in _UNTOLD}
    for name in ("instructions", "inference_params", "feedback_value_type"):
        asked[name] = _plain(getattr(scorer, name, None))
    # What an ensemble asks, and how it puts the answers together.
    asked["scorers"] = [[part.name, *_told(part)] for part in getattr(scorer, "_scorers", ())]
    if together := getattr(scorer, "_ensemble_fn", None):
        asked["together"] = source_digest(together)
    if any(value not in (None, [], {}) for value in asked.values()):
        yield f"asks:{digest(canonical_json(asked))[:12]}"


def _plain(value: Any) -> Any:
    try:
        return plain(value)
    except TypeError:  # a type: the kind of answer a judge is asked for, say
        return str(value) if isinstance(value, type) or hasattr(value, "__origin__") else type(value).__qualname__


def _default_model() -> str:
    from mlflow.genai import judges

    return str(judges.utils.get_default_model())
