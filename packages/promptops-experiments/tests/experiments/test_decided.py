from __future__ import annotations

from itertools import product
from random import Random

import pytest
from promptops.core.errors import ValidationError
from promptops.experiments import Gate, PairKey, compare, decided, judge
from promptops.models.experiments import ExperimentRun


def row(place: int, score: float | None) -> ExperimentRun:
    fields = {} if score is None else {"eval.m.score": score}
    return ExperimentRun(example_id=f"e{place}", output="", fields=fields)


def keys(start: int, end: int) -> list[PairKey]:
    return [PairKey(f"e{place}", 1) for place in range(start, end)]


def final(gate: Gate, baseline: list[ExperimentRun], candidate: list[ExperimentRun]) -> str:
    return judge(compare(baseline, candidate), gate).status


@pytest.mark.parametrize(
    ("gate", "wrong", "left", "status"),
    [
        (Gate(metric="m", min_mean=0.8), 60, 60, "fail"),
        (Gate(metric="m", min_mean=0.8), 0, 12, "pass"),
        (Gate(metric="m", min_mean=0.8), 10, 60, None),
        (Gate(metric="m", min_mean=0.8), 45, 4, "inconclusive"),
        (Gate(metric="m", max_mean=0.3), 0, 60, "fail"),
    ],
)
def test_a_mean_is_decided_when_nothing_can_change_it(gate: Gate, wrong: int, left: int, status: str | None) -> None:
    done = [row(place, float(place >= wrong)) for place in range(200 - left)]
    verdict = decided(gate, done, keys(200 - left, 200))
    assert (None if verdict is None else verdict.status) == status
    if verdict is not None:
        assert f"the {left} units that remain cannot change" in verdict.reasons[0]


def test_a_decided_verdict_is_that_of_every_way_to_go_on() -> None:
    random = Random(3)
    baseline = [row(place, float(random.random() < 0.6)) for place in range(44)]
    stopped = 0
    for attempt in range(6):
        share = (0.05, 0.5, 0.99)[attempt % 3]
        done = [row(place, float(random.random() < share)) for place in range(40)]
        gate = Gate(metric="m", max_regression=0.05 if attempt % 2 else 0.5)
        verdict = decided(gate, done, keys(40, 44), baseline=baseline)
        if verdict is None:
            continue
        stopped += 1
        for scores in product((0.0, 1.0, None), repeat=4):
            rest = [row(40 + place, score) for place, score in enumerate(scores)]
            # A unit that fails leaves the gate open for another reason; here it is about the scores alone.
            loose = Gate(metric="m", max_regression=gate.max_regression, max_unscored=None)
            assert final(loose, baseline, [*done, *rest]) == verdict.status
    assert stopped >= 2


def test_a_decided_verdict_is_that_of_scores_in_between() -> None:
    random = Random(4)
    baseline = [row(place, random.random()) for place in range(120)]
    stopped = 0
    for shift in (-0.4, -0.2, -0.1, 0.0, 0.1, 0.3):
        done = [
            row(place, min(1.0, max(0.0, (score or 0.0) + shift + random.gauss(0, 0.05))))
            for place, score in enumerate(one.score("m") for one in baseline[:110])
        ]
        gate = Gate(metric="m", min_improvement=0.05)
        verdict = decided(gate, done, keys(110, 120), baseline=baseline)
        if verdict is None:
            continue
        stopped += 1
        for _ in range(10):
            rest = [row(place, random.choice((0.0, 1.0, random.random()))) for place in range(110, 120)]
            assert final(gate, baseline, [*done, *rest]) == verdict.status
    assert stopped >= 3


def test_what_looks_clear_but_could_still_turn_is_not_decided() -> None:
    # Half of the units are done and all are right; a forecast would stop here, and the other half could all be wrong.
    done = [row(place, 1.0) for place in range(100)]
    assert decided(Gate(metric="m", min_mean=0.8), done, keys(100, 200)) is None


def test_a_finished_run_is_decided_as_it_is_judged() -> None:
    random = Random(5)
    baseline = [row(place, float(random.random() < 0.5)) for place in range(150)]
    candidate = [row(place, float(random.random() < 0.7)) for place in range(150)]
    for limit in (0.01, 0.2, 0.5):
        gate = Gate(metric="m", min_improvement=limit)
        verdict = decided(gate, candidate, [], baseline=baseline)
        assert verdict is not None
        assert verdict.status == final(gate, baseline, candidate)


def test_one_failed_gate_decides_for_all() -> None:
    done = [row(place, 0.0) for place in range(120)]
    gates = [Gate(metric="m", min_mean=0.8), Gate(metric="m", max_mean=0.3)]
    verdict = decided(gates, done, keys(120, 200))
    assert verdict is not None
    assert verdict.status == "fail"
    assert decided(gates[1], done, keys(120, 200)) is None


def test_too_many_failed_rows_are_inconclusive_whatever_comes() -> None:
    done = [row(place, None) for place in range(30)] + [row(place, 1.0) for place in range(30, 100)]
    verdict = decided(Gate(metric="m", min_mean=0.1), done, keys(100, 200))
    assert verdict is not None
    assert verdict.status == "inconclusive"


def test_lower_scores_may_be_the_better_ones() -> None:
    baseline = [row(place, 0.5 + 0.001 * place) for place in range(100)]
    done = [row(place, 0.1 + 0.001 * place + 0.01 * (place % 3)) for place in range(95)]
    gate = Gate(metric="m", min_improvement=0.1)
    better = decided(gate, done, keys(95, 100), baseline=baseline, lower_is_better={"m"})
    worse = decided(gate, done, keys(95, 100), baseline=baseline)
    assert better is not None
    assert worse is not None
    assert (better.status, worse.status) == ("pass", "fail")


def test_other_bounds_are_named_or_the_call_is_refused() -> None:
    done = [row(place, 4.0 + place % 2) for place in range(100)]
    with pytest.raises(ValidationError, match="'m' gave 4, outside its bounds 0 to 1; give its bounds in bounds="):
        decided(Gate(metric="m", min_mean=3), done, keys(100, 110))
    verdict = decided(Gate(metric="m", min_mean=3), done, keys(100, 110), bounds={"m": (1, 5)})
    assert verdict is not None
    assert verdict.status == "pass"


def test_nothing_is_decided_before_the_first_row() -> None:
    assert decided(Gate(metric="m", min_mean=0.5), [], keys(0, 100)) is None
    with pytest.raises(ValidationError, match="at least one gate"):
        decided([], [], [])
