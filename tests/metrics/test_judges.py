"""MLflow's scorers and judges as metrics, with a judge's model played by a server on this machine."""

from __future__ import annotations

import contextvars
import http.server
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from pytest_promptreg.errors import ConfigError, MetricError
from pytest_promptreg.metrics import Pair
from pytest_promptreg.metrics.judges import is_scorer
from pytest_promptreg.metrics.life_cycle import check_metric
from pytest_promptreg.metrics.own import adopt, metric
from pytest_promptreg.model import Example, ScoredCase

MODEL = "openai:/gpt-4.1-mini"


def case(name: str = "t-1", **inputs: object) -> ScoredCase:
    return ScoredCase(Example(name, inputs or {"question": "2 + 2?"}, "4"))


PAIR = Pair("It is 4.", "4", case())


class Model:
    """What the server that plays a model is told to answer, and what it was asked."""

    def __init__(self) -> None:
        self.answer: object = {"result": "yes", "rationale": "because"}
        self.status = 200
        self.asked: list[dict[str, Any]] = []

    def reply(self, body: bytes) -> bytes:
        """A chat completion as OpenAI's, or an error as theirs."""
        self.asked.append(json.loads(body))
        if self.status != 200:
            return json.dumps({"error": {"message": "no such key"}}).encode()
        content = self.answer if isinstance(self.answer, str) else json.dumps(self.answer)
        message = {"role": "assistant", "content": content}
        return json.dumps(
            {
                "id": "1",
                "object": "chat.completion",
                "created": 1,
                "model": "gpt-4.1-mini",
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
            }
        ).encode()


def _need_judges_that_are_led() -> None:
    """The judges of MLflow 3.12 ask one model at one address, whatever the environment says."""
    import mlflow.environment_variables

    if not hasattr(mlflow.environment_variables, "MLFLOW_GENAI_JUDGE_DEFAULT_MODEL"):
        pytest.skip("this MLflow's judges ask api.openai.com alone")


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[Model]:
    """A model behind an OpenAI-compatible server."""
    played = Model()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            reply = played.reply(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(played.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *arguments: object) -> None: ...

    _need_judges_that_are_led()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        monkeypatch.setenv("OPENAI_API_BASE", f"http://127.0.0.1:{server.server_port}/v1")
        monkeypatch.setenv("OPENAI_API_KEY", "no-key")
        monkeypatch.delenv("MLFLOW_GENAI_JUDGE_DEFAULT_MODEL", raising=False)
        yield played
        server.shutdown()
        thread.join()


def one(source: object, pair: Pair = PAIR, **options: Any) -> float:
    (value,) = adopt(source, **options).metric.score([pair])
    return value


def failed(source: object, pairs: list[Pair] | None = None, **options: Any) -> MetricError:
    own = adopt(source, **options)
    with pytest.raises(MetricError) as error:
        own.metric.score(pairs or [PAIR])
    return error.value


def judge(**changes: Any) -> Any:
    from mlflow.genai import make_judge

    settings = {
        "name": "kind",
        "instructions": "Is {{ outputs }} kind, given {{ inputs }} and {{ expectations }}?",
        "model": MODEL,
        "feedback_value_type": Literal["yes", "no"],
    }
    return make_judge(**{**settings, **changes})


def scorer(function: Any) -> Any:
    from mlflow.genai.scorers import scorer as decorator

    return decorator(function)


def feedback(**said: Any) -> Any:
    from mlflow.entities import Feedback

    return Feedback(**said)


def test_a_scorer_is_told_from_its_class() -> None:
    """Scorers of every kind are known; what only looks like one is not."""
    from mlflow.genai.scorers import Correctness, Scorer

    class Own(Scorer):  # type: ignore[misc]  # mypy does not look into MLflow
        name: str = "own"

    assert all(is_scorer(source) for source in (Correctness(), judge(), scorer(lambda outputs: True), Own()))
    assert not any(is_scorer(source) for source in (Correctness, lambda: 1, type("Scorer", (), {})(), None))


def test_adopting_a_function_imports_no_mlflow() -> None:
    """MLflow is not imported for a metric that has nothing to do with it."""
    code = (
        "import sys\n"
        "from pytest_promptreg.metrics import Pair, own\n"
        "adopted = own.adopt(lambda output, baseline: 1.0, name='one')\n"
        "assert adopted.metric.score([Pair('a', 'b')]) == [1.0]\n"
        "heavy = {'mlflow', 'numpy', 'pydantic', 'torch', 'pandas', '_pytest'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_a_scorer_function_gets_inputs_output_and_the_expected_response() -> None:
    """Inputs are the example's, the output is the text, the baseline is the expected response."""
    seen: list[object] = []

    @scorer
    def noted(inputs: Any, outputs: Any, expectations: Any) -> bool:
        seen.append((dict(inputs), outputs, expectations))
        inputs.clear()
        return True

    assert one(noted) == 1.0
    assert one(noted) == 1.0, "what a scorer does to its inputs stays with it"
    assert seen == [({"question": "2 + 2?"}, "It is 4.", {"expected_response": "4"})] * 2


def test_without_a_case_the_inputs_are_empty() -> None:
    """A pair that is tried by itself has no inputs."""
    assert one(scorer(lambda inputs: inputs == {}), Pair("a", "b"), name="empty") == 1.0


@pytest.mark.parametrize(
    ("said", "value"),
    [
        (True, 1.0),
        (False, 0.0),
        (0.25, 0.25),
        (1, 1.0),
        ("yes", 1.0),
        ("no", 0.0),
        (" Yes ", 1.0),
        ("true", 1.0),
        ("FALSE", 0.0),
        ("pass", 1.0),
        ("fail", 0.0),
    ],
)
def test_yes_and_no_are_1_and_0(said: Any, value: float) -> None:
    """Words, booleans and numbers are scores, bare and in a Feedback."""
    assert one(scorer(lambda outputs: said), name="said") == value
    assert one(scorer(lambda outputs: feedback(value=said)), name="said") == value


def test_a_categorical_rating_is_a_word() -> None:
    """MLflow's own rating is its word; its UNKNOWN is an error."""
    from mlflow.genai.judges import CategoricalRating

    assert one(scorer(lambda outputs: feedback(value=CategoricalRating.YES)), name="rated") == 1.0
    error = failed(scorer(lambda outputs: feedback(value=CategoricalRating.UNKNOWN)), name="rated")
    assert "gave 'unknown' for example 't-1'" in error.what


def test_of_several_feedbacks_the_scorers_own_counts() -> None:
    """The first of the scorer's name; without one, an error that names those that came."""

    @scorer
    def several(outputs: Any) -> Any:
        return [
            feedback(name="other", value=0.1),
            feedback(name="several", value=0.2),
            feedback(name="several", value=1),
        ]

    @scorer
    def others(outputs: Any) -> Any:
        return [feedback(name="tone", value=0.1), feedback(name="length", value=0.2)]

    @scorer
    def none(outputs: Any) -> Any:
        return []

    assert one(several) == 0.2
    error = failed(others)
    assert error.what == "the scorer others gave 2 feedbacks for example 't-1', none of its name: tone, length"
    assert "gave 0 feedbacks" in failed(none).what


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        (None, "gave None"),
        ("perhaps", "gave 'perhaps' for example 't-1': neither yes nor no, nor a number"),
        ("4", "gave '4'"),
        (7, "gave 7 for example 't-1', no finite number from 0 to 1"),
        (float("nan"), "gave nan"),
        ("", "gave ''"),
    ],
)
def test_what_is_no_score_is_an_error_and_no_low_score(said: Any, problem: str) -> None:
    """None, an unknown word, NaN or a number out of bounds is the metric's failure."""
    assert problem in failed(scorer(lambda outputs: said), name="said").what
    if said is not None:
        assert problem in failed(scorer(lambda outputs: feedback(value=said)), name="said").what


def test_a_feedback_with_an_error_is_an_error() -> None:
    """What a scorer reports as its own failure is told with its words."""
    error = failed(scorer(lambda outputs: feedback(error=RuntimeError("rate\nlimit"))), name="limited")
    assert error.what == "the metric limited failed for example 't-1': RuntimeError: rate limit"


def test_what_a_scorer_raises_is_an_error_with_its_line() -> None:
    """An exception names metric, example and the line of the user's scorer."""

    @scorer
    def raising(outputs: Any) -> Any:
        raise RuntimeError("no model")

    error = failed(raising)
    assert error.what == "the metric raising failed for example 't-1': RuntimeError: no model"
    assert str(error.where).startswith(f"{Path('tests', 'metrics', 'test_judges.py')}:")
    assert "must return one of" in failed(scorer(lambda outputs: {"a": 1}), name="odd").what


def test_scorers_that_want_more_than_a_case_has_are_refused() -> None:
    """Traces, sessions, conversations and unknown parameters are refused when the metric is adopted."""
    from mlflow.genai.scorers import ConversationCompleteness, RetrievalGroundedness

    for source, wanted in [
        (RetrievalGroundedness(), "wants trace"),
        (ConversationCompleteness(), "wants session"),
        (judge(instructions="Look at {{ trace }}."), "wants trace"),
        (scorer(lambda outputs, trace: True), "wants trace"),
        (scorer(lambda session: True), "wants session"),
        (scorer(lambda output, baseline: True), "wants baseline and output"),
    ]:
        with pytest.raises(ConfigError) as error:
            adopt(source, name="refused", where="test_a.py:1")
        assert wanted in error.value.what
        assert error.value.where == "test_a.py:1"
    assert one(scorer(lambda outputs, trace=None: trace is None), name="fine") == 1.0


def test_a_judge_of_numbers_must_say_their_range() -> None:
    """The worst of five stars, 1, must not pass for the best of a metric from 0 to 1; words must be yes or no."""
    for answers in (int, float, Literal[1, 2, 3]):
        with pytest.raises(ConfigError, match="nothing says what they run between") as error:
            adopt(judge(feedback_value_type=answers))
        assert "low=1, high=5" in str(error.value.next_step)
        assert adopt(metric(low=1, high=5)(judge(feedback_value_type=answers))).info.high == 5.0
    with pytest.raises(ConfigError, match="answers 'good' or 'bad', which is no score"):
        adopt(judge(feedback_value_type=Literal["good", "bad"]))
    assert adopt(judge(feedback_value_type=bool)).info.high == 1.0


def test_a_scorers_name_must_be_one_that_gates_can_write() -> None:
    """A scorer with a name of several words can be given another."""
    source = judge(name="in English")
    with pytest.raises(ConfigError, match="'in English' cannot be a metric's name"):
        adopt(source)
    assert adopt(source, name="english").metric.name == "english"


def test_the_builtin_judges_judge(model: Model) -> None:
    """MLflow's own judges ask the model once for each pair, about the inputs, the output and the baseline."""
    from mlflow.genai.scorers import Correctness, Equivalence, Guidelines, RelevanceToQuery, Safety

    for source in (
        Correctness(),
        Equivalence(),
        Guidelines(guidelines="Be kind."),
        RelevanceToQuery(),
        Safety(),
        judge(),
    ):
        for answer, value in (("yes", 1.0), ("no", 0.0)):
            model.asked.clear()
            model.answer = {"result": answer, "rationale": "because"}
            assert one(source) == value
            assert len(model.asked) == 1
            assert "It is 4." in json.dumps(model.asked)
    model.asked.clear()
    one(Correctness(), Pair("It is 4.", "the accepted answer", case(question="How many?")))
    assert "the accepted answer" in json.dumps(model.asked)
    assert "How many?" in json.dumps(model.asked)


def test_a_judge_of_stars_keeps_its_scale(model: Model) -> None:
    """A judge of 1 to 5 is a metric from 1 to 5."""
    stars = adopt(metric(low=1, high=5)(judge(feedback_value_type=int)))
    model.answer = {"result": 4, "rationale": ""}
    assert stars.metric.score([PAIR]) == [4.0]
    assert stars.metric.signature().endswith("|range:1..5")
    model.answer = {"result": 9, "rationale": ""}
    with pytest.raises(MetricError, match="no finite number from 1 to 5"):
        stars.metric.score([PAIR])


def test_a_judge_that_fails_is_an_error(model: Model) -> None:
    """A refused key, an answer that is no JSON and one that is neither yes nor no are errors, never a no."""
    from mlflow.genai.scorers import Correctness

    for source in (Correctness(), judge()):
        model.answer = {"result": "hard to say", "rationale": ""}
        assert "neither yes nor no" in failed(source).what
        model.answer = "I would rather not say."
        assert "Failed to parse response from judge model" in failed(source).what
        model.status = 401
        assert "no such key" in failed(source).what
        model.status = 200


def test_a_judge_without_a_key_is_an_error(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing is named, and the model is not asked."""
    monkeypatch.delenv("OPENAI_API_KEY")
    assert "OPENAI_API_KEY" in failed(judge()).what
    assert not model.asked


def test_a_judge_keeps_the_rules_of_a_metric(model: Model) -> None:
    """The published check passes for a judge that always says yes."""
    check_metric(judge())


def test_scoring_leaves_no_trace(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No run, trace, experiment or file comes of a score, nor is the user's environment another afterwards."""
    import mlflow
    from mlflow.genai.scorers import Guidelines

    monkeypatch.chdir(tmp_path)
    for name in ("MLFLOW_DISABLE_TELEMETRY", "MLFLOW_MODEL_CATALOG_URI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'tracking.db'}")
    before = dict(os.environ)
    told: list[object] = []

    @scorer
    def noting(outputs: Any) -> bool:
        told.append((os.environ["MLFLOW_DISABLE_TELEMETRY"], os.environ["MLFLOW_MODEL_CATALOG_URI"]))
        return True

    for source in (noting, judge(), Guidelines(guidelines="Be kind.")):
        adopt(source).metric.signature()
        assert one(source) == 1.0
    assert list(tmp_path.iterdir()) == []
    assert mlflow.active_run() is None
    assert told == [("true", "")], "no telemetry, and no list of models fetched from the network"
    assert dict(os.environ) == before


def test_the_users_word_on_telemetry_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has set MLflow's variable keeps what was set."""
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")
    assert one(scorer(lambda outputs: os.environ["MLFLOW_DISABLE_TELEMETRY"] == "false"), name="telling") == 1.0
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "false"


def test_scores_are_in_order_and_asked_for_at_the_same_time() -> None:
    """Several are in flight at once, and each pair has its own score."""
    together = threading.Barrier(4, timeout=30)

    @scorer
    def slow(outputs: Any) -> float:
        together.wait()
        return float(outputs)

    pairs = [Pair(str(number / 8), "", case(f"t-{number}")) for number in range(8)]
    own = adopt(slow).metric
    assert own.score(pairs) == [number / 8 for number in range(8)]
    assert own.score([]) == []


def test_a_scorer_sees_the_callers_context() -> None:
    """Context variables, in which tracing and clients keep theirs, reach the threads that score."""
    tenant = contextvars.ContextVar("tenant", default="nobody")
    tenant.set("somebody")
    assert one(scorer(lambda outputs: tenant.get() == "somebody"), name="asked") == 1.0


def test_the_first_error_cancels_the_rest() -> None:
    """After a failure no further pair is asked about, beyond those already in flight; the error names its example."""
    asked: list[str] = []
    together = threading.Barrier(8, timeout=30)

    def asking() -> int:
        return sum(thread.name == "promptreg-judge" for thread in threading.enumerate())

    @scorer
    def failing(outputs: Any) -> float:
        asked.append(outputs)
        if int(outputs) < 8:
            together.wait()
        if outputs == "0":
            raise RuntimeError("quota")
        for _ in range(3_000):
            if asking() < 8:  # MLflow calls from a thread of its own; the one that asks ends when all know its error
                break
            time.sleep(0.01)
        return 1.0

    pairs = [Pair(str(number), "", case(f"t-{number}")) for number in range(60)]
    error = failed(failing, pairs)
    assert not any(thread.name.startswith("promptreg-judge") for thread in threading.enumerate())
    assert error.what == "the metric failing failed for example 't-0': RuntimeError: quota"
    assert len(asked) < 20


def test_answers_from_before_an_error_are_not_asked_for_again() -> None:
    """A batch that one pair broke off is scored pair by pair: what was answered already is not paid for twice."""
    asked: list[str] = []

    @scorer
    def failing(outputs: Any) -> float:
        if outputs == "1":
            while len(own._answered) < 3:  # until the others are through
                time.sleep(0.001)
            raise RuntimeError("quota")
        asked.append(outputs)
        return 0.5

    own: Any = adopt(failing).metric
    pairs = [Pair(str(number), "", case(f"t-{number}")) for number in range(4)]
    with pytest.raises(MetricError):
        own.score(pairs)
    assert [own.score([pair]) for pair in (pairs[0], pairs[2], pairs[3])] == [[0.5]] * 3
    assert sorted(asked) == ["0", "2", "3"]
    assert own.score([pairs[0], pairs[0]]) == [0.5, 0.5]
    assert sorted(asked) == ["0", "0", "2", "3"], "an answer is kept for an error's sake alone"


def test_a_signature_tells_what_shapes_the_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Class, model, guidelines, instructions, kind of answer and a scorer's own source are told apart."""
    from mlflow.genai.scorers import Guidelines, RelevanceToQuery, Safety

    _need_judges_that_are_led()

    def signature(source: object) -> str:
        said = adopt(source, name="judged").metric.signature()
        assert said == adopt(source, name="judged").metric.signature()
        assert said.startswith("judged|scorer")
        assert len(said.splitlines()) == 1
        return said

    monkeypatch.setenv("MLFLOW_GENAI_JUDGE_DEFAULT_MODEL", "openai:/one")
    said = [
        signature(source)
        for source in (
            Guidelines(guidelines="Be kind."),
            Guidelines(guidelines=["Be kind.", "Be brief."]),
            Guidelines(guidelines="Be kind.", model="openai:/other"),
            RelevanceToQuery(),
            Safety(),
            judge(),
            judge(instructions="Is {{ outputs }} brief?"),
            judge(feedback_value_type=bool),
            judge(inference_params={"temperature": 0.5}),
            scorer(lambda outputs: len(outputs) > 3),
            scorer(lambda outputs: len(outputs) > 4),
        )
    ]
    assert len(set(said)) == len(said)
    assert "|scorer:Guidelines|model:openai:/one|asks:" in said[0]
    monkeypatch.setenv("MLFLOW_GENAI_JUDGE_DEFAULT_MODEL", "openai:/two")
    assert signature(RelevanceToQuery()) != said[3]
    assert signature(judge(description="for people")) == said[5]
    assert signature(judge(base_url="http://127.0.0.1/v1", extra_headers={"key": "secret"})) == said[5]


def test_an_ensembles_signature_is_of_its_parts() -> None:
    """Another part, or another way to put the answers together, is another signature."""
    from mlflow.genai import scorers

    if not hasattr(scorers, "make_scorer_ensemble"):
        pytest.skip("this MLflow has no ensembles")

    def signature(*parts: Any, together: Any) -> str:
        ensemble = scorers.make_scorer_ensemble(name="both", scorers=list(parts), ensemble_fn=together)
        return adopt(ensemble).metric.signature()

    short, brief = scorer(_short), scorer(_brief)
    said = {signature(short, together=min), signature(short, brief, together=_any), signature(brief, together=_any)}
    assert len(said) == 3


def _short(outputs: str) -> bool:
    return len(outputs) < 100


def _brief(outputs: str) -> bool:
    return len(outputs) < 50


def _any(values: list[bool]) -> bool:
    return any(values)


def test_a_users_scorer_class_is_told_by_its_source() -> None:
    """A subclass of Scorer is a scorer, with its own code in the signature and its fields in the digest."""
    from mlflow.genai.scorers import Scorer

    class Longer(Scorer):  # type: ignore[misc]  # mypy does not look into MLflow
        name: str = "longer"
        than: int = 3

        def __call__(self, *, outputs: str) -> bool:
            return len(outputs) > self.than

    assert (one(Longer()), one(Longer(than=99))) == (1.0, 0.0)
    said = adopt(Longer()).metric.signature()
    assert said.startswith("longer|scorer:Longer|source:")
    assert said != adopt(Longer(than=99)).metric.signature()
