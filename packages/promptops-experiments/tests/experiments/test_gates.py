from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import pytest
from promptops.core.errors import ValidationError
from promptops.experiments import Comparison, ExperimentResult, Gate, SyncExperiments, compare, exact_match, judge
from promptops.experiments._result import metrics_of
from promptops.models import Experiment
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import ExperimentRun


def rows(scores: Sequence[float | None], *, name: str = "m") -> list[ExperimentRun]:
    return [
        ExperimentRun(example_id=f"e{place}", output="", fields={} if score is None else {f"eval.{name}.score": score})
        for place, score in enumerate(scores)
    ]


def result(scores: Sequence[float | None]) -> ExperimentResult:
    own = rows(scores)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    experiment = Experiment(
        id="x", name="mine", space_id="s", dataset_id=None, dataset_version_id=None, created_at=at, updated_at=at
    )
    return ExperimentResult(experiment=experiment, rows=own, metrics=metrics_of(own), duration_s=1.0)


def compared(gained: int, lost: int, same: int, *, lower_is_better: bool = False) -> Comparison:
    before = [0.0] * gained + [1.0] * lost + [1.0] * same
    after = [1.0] * gained + [0.0] * lost + [1.0] * same
    return compare(rows(before), rows(after), lower_is_better={"m"} if lower_is_better else ())


@pytest.mark.parametrize(
    ("gained", "lost", "same", "gate", "status"),
    [
        (30, 28, 942, Gate(metric="m", max_regression=0.05), "pass"),
        (10, 120, 870, Gate(metric="m", max_regression=0.05), "fail"),
        (5, 9, 86, Gate(metric="m", max_regression=0.05), "inconclusive"),
        (306, 79, 934, Gate(metric="m", min_improvement=0.1), "pass"),
        (306, 79, 934, Gate(metric="m", min_improvement=0.25), "fail"),
        (306, 79, 934, Gate(metric="m", min_improvement=0.18), "inconclusive"),
        (0, 0, 20, Gate(metric="m", max_regression=0.0), "inconclusive"),
        (0, 0, 2000, Gate(metric="m", max_regression=0.01), "pass"),
    ],
)
def test_an_interval_beyond_the_limit_decides(gained: int, lost: int, same: int, gate: Gate, status: str) -> None:
    verdict = judge(compared(gained, lost, same), gate)
    assert verdict.status == status
    (only,) = verdict.results
    assert (only.status, only.metric) == (status, "m")
    assert verdict.reasons == [only.reason]


def test_lower_scores_may_be_the_better_ones() -> None:
    gate = Gate(metric="m", max_regression=0.05)
    assert judge(compared(10, 120, 870), gate).status == "fail"
    turned = judge(compared(10, 120, 870, lower_is_better=True), gate)
    assert turned.status == "pass"
    (found,) = turned.results
    assert found.estimate == pytest.approx(0.11)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.11 < found.high


def test_an_inconclusive_gate_says_how_many_examples_would_decide() -> None:
    (found,) = judge(compared(5, 9, 86), Gate(metric="m", max_regression=0.05)).results
    assert found.needed is not None
    assert 5_000 < found.needed < 20_000
    assert f"about {found.needed:,} examples would decide" in found.reason
    assert "(100 now)" in found.reason


def test_more_examples_as_advised_do_decide() -> None:
    gate = Gate(metric="m", max_regression=0.1)
    (found,) = judge(compared(5, 9, 86), gate).results
    assert found.status == "inconclusive"
    assert found.needed is not None
    times = found.needed // 100 + 1
    assert judge(compared(5 * times, 9 * times, 86 * times), gate).status == "pass"


@pytest.mark.parametrize(
    ("gate", "status"),
    [
        (Gate(metric="m", min_mean=0.7), "pass"),
        (Gate(metric="m", min_mean=0.9), "fail"),
        (Gate(metric="m", min_mean=0.79), "inconclusive"),
        (Gate(metric="m", max_mean=0.9), "pass"),
        (Gate(metric="m", max_mean=0.7), "fail"),
    ],
)
def test_an_experiment_alone_is_held_against_its_mean(gate: Gate, status: str) -> None:
    assert judge(result([1.0] * 320 + [0.0] * 80), gate).status == status


def test_the_candidate_of_a_comparison_is_held_against_its_mean() -> None:
    verdict = judge(compared(306, 79, 934), Gate(metric="m", min_mean=0.9))
    assert verdict.status == "pass"
    assert verdict.results[0].estimate == pytest.approx(1240 / 1319)


def test_one_failed_limit_fails_and_one_open_limit_leaves_it_open() -> None:
    comparison = compared(306, 79, 934)
    good, bad = Gate(metric="m", min_improvement=0.1), Gate(metric="m", min_improvement=0.3)
    unknown = Gate(metric="m", min_improvement=0.17)
    assert judge(comparison, [good, unknown]).status == "inconclusive"
    assert judge(comparison, [good, unknown, bad]).status == "fail"
    assert judge(comparison, [Gate(metric="m", min_improvement=0.1, min_mean=0.99)]).status == "fail"


def test_a_stricter_alpha_asks_for_more() -> None:
    comparison = compared(306, 79, 934)
    assert judge(comparison, Gate(metric="m", min_improvement=0.14)).status == "pass"
    assert judge(comparison, Gate(metric="m", min_improvement=0.14, alpha=0.001)).status == "inconclusive"
    assert judge(comparison, Gate(metric="m", min_improvement=0.14, alpha=0.2)).status == "pass"


def test_rows_without_a_score_cannot_make_an_experiment_pass() -> None:
    before, after = [1.0] * 200, [1.0] * 150 + [None] * 50
    gate = Gate(metric="m", max_regression=0.1)
    verdict = judge(compare(rows(before), rows(after)), gate)
    assert verdict.status == "inconclusive"
    assert "50 of 200 rows have no score, more than max_unscored=0.05" in verdict.reasons[0]
    allowed = msgspec.structs.replace(gate, max_unscored=None)
    assert judge(compare(rows(before), rows(after)), allowed).status == "pass"
    assert judge(result(after), Gate(metric="m", min_mean=0.5)).status == "inconclusive"


def test_a_candidate_without_any_score_is_inconclusive() -> None:
    comparison = compare(rows([1.0] * 20), rows([None] * 20))
    for gate in (Gate(metric="m", max_regression=0.5), Gate(metric="m", min_mean=0.1)):
        verdict = judge(comparison, gate)
        assert (verdict.status, verdict.results[0].estimate) == ("inconclusive", None)
        assert "no score to judge" in verdict.reasons[0]


def test_scores_without_spread_are_inconclusive() -> None:
    verdict = judge(result([3.0] * 50), Gate(metric="m", min_mean=2))
    assert verdict.status == "inconclusive"
    assert "do not vary" in verdict.reasons[0]


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({}, "the gate for 'm' has no limit; give one of max_regression, min_improvement, min_mean, max_mean"),
        ({"max_regression": -0.1}, "max_regression of the gate for 'm' is -0.1; give a number from 0 up"),
        ({"min_mean": float("nan")}, "min_mean of the gate for 'm' is nan; give a finite number"),
        ({"min_mean": 0.5, "alpha": 0.0}, "alpha of the gate for 'm' is 0.0"),
        ({"min_mean": 0.5, "max_unscored": 5.0}, "max_unscored of the gate for 'm' is 5.0"),
    ],
)
def test_a_gate_that_makes_no_sense_is_refused(limits: dict[str, float], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Gate(metric="m", **limits)


def test_what_cannot_be_judged_is_refused() -> None:
    with pytest.raises(ValidationError, match="at least one gate"):
        judge(compared(1, 1, 1), [])
    with pytest.raises(ValidationError, match="'typo', which a gate names; the evaluators are: m"):
        judge(compared(1, 1, 1), Gate(metric="typo", max_regression=0.1))
    with pytest.raises(ValidationError, match="'typo', which a gate names"):
        judge(result([1.0]), Gate(metric="typo", min_mean=0.1))
    with pytest.raises(ValidationError, match="max_regression of the gate for 'm' needs a baseline"):
        judge(result([1.0]), Gate(metric="m", max_regression=0.1))


def test_a_verdict_is_shown_and_can_be_json() -> None:
    verdict = judge(compared(306, 79, 934), Gate(metric="m", min_improvement=0.1))
    assert str(verdict).startswith("verdict: pass\n  pass: m: must be better by 0.1, and is better by 0.1721, 95%")
    plain = msgspec.json.decode(msgspec.json.encode(verdict.to_dict()))
    assert (plain["status"], plain["results"][0]["rule"]) == ("pass", "min_improvement")


def test_a_comparison_can_carry_its_verdict() -> None:
    gates = [Gate(metric="m", max_regression=0.5)]
    comparison = compare(rows([1.0, 0.0] * 50), rows([1.0, 0.0] * 50), gates=gates)
    assert comparison.verdict == judge(comparison, gates)
    assert "verdict: pass" in comparison.to_text()
    assert comparison.to_dict()["verdict"]["status"] == "pass"


def test_stored_experiments_are_compared_by_slices_and_gates(experiments: SyncExperiments, questions: str) -> None:
    def good(example: DatasetExample) -> str:
        return str(example["expected"])

    def bad(example: DatasetExample) -> str:
        return "4"

    for name, task in (("good", good), ("bad", bad)):
        experiments.run(name, dataset=questions, task=task, evaluators=[exact_match()], progress=False)
    comparison = experiments.compare(
        "good",
        "bad",
        dataset=questions,
        slices=[lambda example: int(example["expected"]) > 8],
        gates=[Gate(metric="exact_match", max_regression=0.1)],
    )
    assert comparison.verdict is not None
    assert comparison.verdict.status == "fail"
    assert [(part.value, part.pairs) for part in comparison.slices] == [("false", 5), ("true", 5)]
