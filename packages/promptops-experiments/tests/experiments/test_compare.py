from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from promptops.core.errors import ValidationError
from promptops.experiments import Comparison, compare
from promptops.models.experiments import ExperimentRun


def row(
    example: str | None, score: float | None = None, *, repetition: int | None = None, name: str = "m"
) -> ExperimentRun:
    fields: dict[str, object] = {} if score is None else {f"eval.{name}.score": score}
    if repetition is not None:
        fields["promptops.repetition"] = repetition
    return ExperimentRun(example_id=example, output="", fields=fields)


scores = st.one_of(st.none(), st.sampled_from([0.0, 0.5, 1.0]), st.floats(-1e6, 1e6))
rows = st.lists(
    st.builds(
        row,
        st.sampled_from(["a", "b", "c", "d"]),
        scores,
        repetition=st.one_of(st.none(), st.integers(1, 3)),
        name=st.sampled_from(["m", "n.dotted"]),
    ),
    max_size=12,
)


@given(rows, rows)
def test_swapping_the_sides_swaps_better_and_worse(first: list[ExperimentRun], second: list[ExperimentRun]) -> None:
    there, back = compare(first, second), compare(second, first)
    assert set(there.metrics) == set(back.metrics)
    assert (there.only_in_baseline, there.only_in_candidate) == (back.only_in_candidate, back.only_in_baseline)
    for name, metric in there.metrics.items():
        other = back[name]
        assert {pair.key for pair in metric.better} == {pair.key for pair in other.worse}
        assert {pair.key for pair in metric.worse} == {pair.key for pair in other.better}
        assert len(metric.same) == len(other.same)
        assert metric.difference == (None if other.difference is None else pytest.approx(-other.difference))
        assert metric.baseline_mean == (None if other.candidate_mean is None else pytest.approx(other.candidate_mean))


@given(rows)
def test_an_experiment_compared_with_itself_is_the_same(some: list[ExperimentRun]) -> None:
    comparison = compare(some, some)
    assert comparison.only_in_baseline == comparison.only_in_candidate == 0
    for metric in comparison.metrics.values():
        assert len(metric.same) == len(metric.pairs)
        assert metric.difference in {None, 0.0}


@given(rows, rows)
def test_every_row_is_in_a_pair_or_counted_as_alone(first: list[ExperimentRun], second: list[ExperimentRun]) -> None:
    comparison = compare(first, second)
    assert len(comparison.rows) + comparison.only_in_baseline == len(first)
    assert len(comparison.rows) + comparison.only_in_candidate == len(second)
    for metric in comparison.metrics.values():
        assert len(metric.better) + len(metric.worse) + len(metric.same) == len(metric.pairs)
        assert len(metric.pairs) + metric.unscored == len(comparison.rows)


def test_means_are_over_the_pairs_in_which_both_have_a_score() -> None:
    comparison = compare([row("a", 1), row("b", 0), row("c")], [row("a", 1), row("b", 1), row("c", 1), row("d", 1)])
    metric = comparison["m"]
    assert (metric.baseline_mean, metric.candidate_mean, metric.difference) == (0.5, 1.0, 0.5)
    assert (metric.unscored, comparison.only_in_candidate) == (1, 1)


def test_repetitions_are_compared_with_their_own() -> None:
    first = [row("a", 1, repetition=1), row("a", 0, repetition=2)]
    second = [row("a", 0, repetition=2), row("a", 1, repetition=1)]
    assert len(compare(first, second)["m"].same) == 2


def test_rows_without_a_repetition_are_numbered_as_they_come() -> None:
    comparison = compare([row("a", 0), row("a", 1)], [row("a", 0), row("a", 1), row("a", 1)])
    assert (len(comparison["m"].same), comparison.only_in_candidate) == (2, 1)


def test_rows_without_an_example_are_alone() -> None:
    comparison = compare([row(None, 1)], [row(None, 0)])
    assert (len(comparison.rows), comparison.only_in_baseline, comparison.only_in_candidate) == (0, 1, 1)


def test_lower_may_be_better() -> None:
    comparison = compare([row("a", 5)], [row("a", 3)], lower_is_better={"m"})
    assert [pair.key.example_id for pair in comparison["m"].better] == ["a"]
    assert comparison["m"].difference == -2


def test_one_evaluator_may_be_asked_for() -> None:
    both = [row("a", 1), row("b", 1, name="other")]
    assert list(compare(both, both, evaluator="other").metrics) == ["other"]
    with pytest.raises(ValidationError, match="'nothing'; the evaluators are: m, other"):
        compare(both, both, evaluator="nothing")


def test_what_only_one_side_has_is_named() -> None:
    assert compare([row("a", 1)], [row("a", 1, name="new")]).not_compared == ["m", "new"]


@pytest.fixture
def comparison() -> Comparison:
    first = [row(f"e{i}", float(i % 2)) for i in range(30)]
    second = [row(f"e{i}", 1.0 if i < 25 else 0.0) for i in range(30)]
    return compare(first, second, baseline_name="old", candidate_name="new")


def test_the_text_shows_the_figures_and_names_examples(comparison: Comparison) -> None:
    text = comparison.to_text(listed=2)
    assert text.startswith("new compared with old: 30 pairs")
    assert "m       0.5000  0.8333     +0.3333      13      3    14" in text
    assert "m: 13 better\n  e0  0 -> 1\n  e2  0 -> 1\n  and 11 more" in text
    assert "m: 3 worse\n  e25  1 -> 0\n  e27  1 -> 0\n  and 1 more" in text
    assert str(comparison)


def test_the_plain_values_can_be_json(comparison: Comparison) -> None:
    plain = msgspec.json.decode(msgspec.json.encode(comparison.to_dict()))
    assert plain["metrics"]["m"]["difference"] == pytest.approx(1 / 3)
    assert [item["example_id"] for item in plain["metrics"]["m"]["worse"]] == ["e25", "e27", "e29"]


def test_two_that_have_nothing_in_common_say_so() -> None:
    assert "no metric has a score in both" in compare([], []).to_text()
