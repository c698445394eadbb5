"""What evaluators may return, and that everything else is an error which names evaluator and value."""

from __future__ import annotations

import math
import time
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from promptops.experiments._evaluation import as_evaluation, judged
from promptops.experiments._json import NotStorable
from promptops.models.experiments import Evaluation


class Unreadable:
    def __repr__(self) -> str:
        raise RuntimeError("no picture")


def cyclic() -> object:
    value: list[object] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("returned", "expected"),
    [
        (True, Evaluation(score=1.0, label="true")),
        (False, Evaluation(score=0.0, label="false")),
        (0, Evaluation(score=0.0)),
        (Decimal("0.25"), Evaluation(score=0.25)),
        (Fraction(1, 4), Evaluation(score=0.25)),
        ("good", Evaluation(label="good")),
        ((0.5, "half"), Evaluation(score=0.5, explanation="half")),
        ((True, "right"), Evaluation(score=1.0, label="true", explanation="right")),
        ((None, "good", "why"), Evaluation(label="good", explanation="why")),
        ((0.5, "so-so", "why"), Evaluation(score=0.5, label="so-so", explanation="why")),
        ((0.5, "so-so", None), Evaluation(score=0.5, label="so-so")),
        ((True, None, "why"), Evaluation(score=1.0, label="true", explanation="why")),
        ({"score": 1}, Evaluation(score=1.0)),
        ({"label": "l", "explanation": "e"}, Evaluation(label="l", explanation="e")),
        ({"score": False}, Evaluation(score=0.0, label="false")),
        (
            Evaluation(score=2, cost=1, usage={"input_tokens": 3}, duration_ms=5),
            Evaluation(score=2.0, cost=1.0, usage={"input_tokens": 3}, duration_ms=5.0),
        ),
    ],
)
def test_what_is_natural_is_understood(returned: object, expected: Evaluation) -> None:
    assert as_evaluation(returned) == expected


def test_a_list_gives_several_metrics_by_their_names() -> None:
    found = as_evaluation([Evaluation(name="precision", score=0.5), Evaluation(name="recall", score=1, label="all")])
    assert found.score is None
    assert found.parts == {"precision": Evaluation(score=0.5), "recall": Evaluation(score=1.0, label="all")}


def test_a_mapping_of_evaluations_gives_several_metrics() -> None:
    found = as_evaluation({"a": Evaluation(score=1), "b": Evaluation(error="no")})
    assert found.parts == {"a": Evaluation(score=1.0), "b": Evaluation(error="no")}


def test_parts_keep_the_cost_of_the_whole() -> None:
    found = as_evaluation(Evaluation(cost=0.5, parts={"a": Evaluation(score=1)}))
    assert (found.cost, found.parts) == (0.5, {"a": Evaluation(score=1.0)})


NONSENSE: list[Any] = [
    1e200,
    -1e308,
    None,
    object(),
    Unreadable(),
    b"bytes",
    1j,
    {1, 2},
    iter([1]),
    (),
    (1,),
    (1, 2),
    (1, 2, 3),
    (1, "a", "b", "c"),
    ("a", "b"),
    ("a", "b", "c"),
    (None, None, "why"),
    (math.nan, "why"),
    [],
    [1],
    [Evaluation(score=1)],
    [Evaluation(score=1, name="a"), Evaluation(score=2, name="a")],
    [Evaluation(score=1, name="a.b")],
    [Evaluation(score=1, name="")],
    [Evaluation(score=1, name="a" * 129)],
    [Evaluation(score=1, name=f"m{number}") for number in range(101)],
    {},
    {"points": 3},
    {"score": "high"},
    {"score": 1, "reason": "x"},
    {"score": [1]},
    {"a": Evaluation(score=1), "b": 2},
    {1: Evaluation(score=1)},
    math.nan,
    math.inf,
    -math.inf,
    10**400,
    Decimal("1e999"),
    "x" * 1_001,
    (1, "x" * 100_001),
    "\ud800",
    (1, "\udfff"),
    Evaluation(),
    Evaluation(score=math.nan),
    Evaluation(score=1, label=3),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - on purpose
    Evaluation(error=3),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - on purpose
    Evaluation(score=1, cost=-1),
    Evaluation(score=1, cost=math.nan),
    Evaluation(score=1, duration_ms=math.inf),
    Evaluation(score=1, usage={"a": -1}),
    Evaluation(score=1, usage={"a": 1.5}),  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType] - on purpose
    Evaluation(score=1, usage=[1]),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - on purpose
    Evaluation(parts={}),
    Evaluation(parts=[1]),  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - on purpose
    Evaluation(parts={"a": 1}),  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType] - on purpose
    Evaluation(parts={"a": Evaluation(parts={"b": Evaluation(score=1)})}),
    cyclic(),
    {"score": cyclic()},
]


@pytest.mark.parametrize("returned", NONSENSE, ids=lambda value: type(value).__name__)
def test_nonsense_is_an_error_that_names_evaluator_and_value_and_has_no_score(returned: object) -> None:
    evaluation = judged("odd", returned)
    assert (evaluation.error or "").startswith("evaluator 'odd' returned")
    assert (evaluation.score, evaluation.label, evaluation.parts) == (None, None, None)
    assert len(evaluation.error or "") < 1_000


@pytest.mark.parametrize(
    ("returned", "shown"), [({"points": 3}, "points"), ((1, 2, 3), r"(1, 2, 3)"), ([7], "7"), ({1, 2}, "{1, 2}")]
)
def test_an_error_shows_what_was_returned(returned: object, shown: str) -> None:
    assert shown in (judged("odd", returned).error or "")


@pytest.mark.parametrize("returned", [object(), {1, 2}, b"yes"])
def test_what_is_of_no_known_kind_is_told_every_kind_that_fits(returned: object) -> None:
    error = judged("mine", returned).error
    assert error is not None
    assert f"of type {type(returned).__name__}; return a bool, a number, a label, (score, explanation)" in error


def test_an_evaluation_with_an_error_keeps_no_score() -> None:
    assert as_evaluation(Evaluation(score=1, label="l", error="broken")) == Evaluation(label="l", error="broken")


ANYTHING = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.complex_numbers(),
        st.text(),
        st.binary(),
        st.decimals(),
        st.builds(
            Evaluation,
            score=st.none() | st.floats(),
            label=st.none() | st.text(max_size=5),
            name=st.none() | st.text(max_size=5),
            error=st.none() | st.text(max_size=5),
        ),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.tuples(inner, inner, inner),
        st.dictionaries(st.sampled_from(["score", "label", "explanation", "other"]), inner, max_size=3),
    ),
    max_leaves=6,
)


@given(ANYTHING)
def test_whatever_is_returned_becomes_a_finite_score_a_label_or_an_error(returned: object) -> None:
    evaluation = judged("any", returned)
    for part in [evaluation, *(evaluation.parts or {}).values()]:
        assert part.score is None or (type(part.score) is float and math.isfinite(part.score))
        assert part.error is None or part.score is None
    if not evaluation.parts:
        assert evaluation.error is not None or evaluation.score is not None or evaluation.label is not None


def test_signalling_numbers_are_refused_rather_than_raised() -> None:
    with pytest.raises(NotStorable):
        as_evaluation(Decimal("sNaN"))


@pytest.mark.parametrize(
    "returned", ["x" * 50_000_000, list(range(3_000_000)), (1, "x" * 50_000_000), {"score": "x" * 50_000_000}]
)
def test_what_is_huge_is_refused_without_a_look_at_all_of_it(returned: object) -> None:
    evaluation = judged("huge", returned)
    took: list[float] = []
    for _ in range(3):
        started = time.thread_time()
        judged("huge", returned)
        took.append(time.thread_time() - started)
    assert min(took) < 0.1
    assert (evaluation.error or "").startswith("evaluator 'huge' returned")
    assert len(evaluation.error or "") < 1_000
