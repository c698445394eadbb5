from __future__ import annotations

from random import Random

import msgspec
import pytest
from promptops.core.errors import ValidationError
from promptops.experiments import Gate, compare, compare_many
from promptops.experiments.statistics import holm
from promptops.models.datasets import DatasetExample
from promptops.models.experiments import ExperimentRun


def experiment(seed: int, share: float) -> list[ExperimentRun]:
    random = Random(seed)
    return [
        ExperimentRun(
            example_id=f"e{place}",
            output="",
            fields={"eval.right.score": float(random.random() < share), "eval.length.score": random.gauss(100, 20)},
        )
        for place in range(120)
    ]


@pytest.fixture
def models() -> dict[str, list[ExperimentRun]]:
    return {name: experiment(place, 0.4 + 0.1 * place) for place, name in enumerate(["a", "b", "c", "d"])}


@pytest.fixture
def examples() -> dict[str, DatasetExample]:
    return {
        f"e{place}": DatasetExample(
            id=f"e{place}",
            fields={"question": f"q{place}", "hard": place % 2 == 0, "metadata": {"topic": "xyz"[place % 3]}},
        )
        for place in range(120)
    }


def test_every_pair_is_compared_and_all_tests_are_adjusted_together(models: dict[str, list[ExperimentRun]]) -> None:
    many = compare_many(models)
    assert [(item.baseline, item.candidate) for item in many] == [
        ("a", "b"), ("a", "c"), ("a", "d"), ("b", "c"), ("b", "d"), ("c", "d"),
    ]  # fmt: skip
    tests = [metric.test for item in many for metric in item.metrics.values()]
    known = [test for test in tests if test is not None]
    assert (many.tests, len(known)) == (12, 12)
    assert [test.holm_p for test in known] == holm([test.p_value for test in known])
    assert any(test.holm_p > test.p_value for test in known)


def test_each_is_compared_with_the_baseline(models: dict[str, list[ExperimentRun]]) -> None:
    many = compare_many(models, baseline="c", evaluator="right")
    assert [(item.baseline, item.candidate) for item in many] == [("c", "a"), ("c", "b"), ("c", "d")]
    assert many.tests == 3
    alone = compare(models["c"], models["d"], evaluator="right")["right"].test
    together = many["c", "d"]["right"].test
    assert alone is not None
    assert together is not None
    assert (alone.low, alone.p_value) == (together.low, together.p_value)


def test_many_are_shown_in_one_table_and_can_be_json(models: dict[str, list[ExperimentRun]]) -> None:
    many = compare_many(models, evaluator="right", gates=[Gate(metric="right", min_improvement=0.01)])
    text = str(many)
    assert text.count("\nd - ") == 3
    assert "p (Holm, 6)" in text
    assert "d, verdict: " in text
    plain = msgspec.json.decode(msgspec.json.encode(many.to_dict()))
    assert (len(plain["comparisons"]), plain["names"]) == (6, ["a", "b", "c", "d"])
    assert plain["comparisons"][0]["metrics"]["right"]["test"]["clusters"] == 120


def test_what_cannot_be_compared_is_refused(models: dict[str, list[ExperimentRun]]) -> None:
    with pytest.raises(ValidationError, match="give at least two"):
        compare_many({"a": models["a"]})
    with pytest.raises(ValidationError, match="baseline 'z' is none of the experiments: a, b, c, d"):
        compare_many(models, baseline="z")
    with pytest.raises(KeyError, match="a was not compared with d"):
        compare_many(models)["d", "a"]


def test_metrics_of_one_comparison_are_adjusted_together(models: dict[str, list[ExperimentRun]]) -> None:
    comparison = compare(models["a"], models["d"])
    right, length = comparison["right"].test, comparison["length"].test
    assert right is not None
    assert length is not None
    assert [right.holm_p, length.holm_p] == holm([right.p_value, length.p_value])
    assert comparison.tests == 2


def test_slices_show_their_own_means_and_are_adjusted_together(
    models: dict[str, list[ExperimentRun]], examples: dict[str, DatasetExample]
) -> None:
    def long(example: DatasetExample) -> bool:
        return len(str(example["question"])) > 3

    comparison = compare(models["a"], models["d"], examples=examples, evaluator="right", slices=["topic", "hard", long])
    assert [(part.name, part.value, part.pairs) for part in comparison.slices] == [
        ("topic", "x", 40), ("topic", "y", 40), ("topic", "z", 40),
        ("hard", "false", 60), ("hard", "true", 60),
        ("long", "false", 100), ("long", "true", 20),
    ]  # fmt: skip
    tests = [metric.test for part in comparison.slices for metric in part.metrics.values()]
    p_values = [test.p_value for test in tests if test is not None]
    assert [test.holm_p for test in tests if test is not None] == holm(p_values)
    whole = comparison["right"].difference
    parts = [part.metrics["right"].difference for part in comparison.slices[:3]]
    assert whole == pytest.approx(sum(part for part in parts if part is not None) / 3)
    text = comparison.to_text()
    assert "7 looks at slices" in text
    assert "topic  metric" in text
    assert [part["value"] for part in comparison.to_dict()["slices"]][:3] == ["x", "y", "z"]


def test_the_p_value_of_the_whole_does_not_depend_on_slices(
    models: dict[str, list[ExperimentRun]], examples: dict[str, DatasetExample]
) -> None:
    plain = compare(models["a"], models["d"], examples=examples)
    sliced = compare(models["a"], models["d"], examples=examples, slices=["topic"])
    assert sliced["right"].test == plain["right"].test


def test_examples_without_the_field_are_a_slice_of_their_own(models: dict[str, list[ExperimentRun]]) -> None:
    examples = {"e1": DatasetExample(id="e1", fields={"level": "easy"})}
    comparison = compare(models["a"], models["b"], examples=examples, slices=["level"])
    assert [(part.value, part.pairs) for part in comparison.slices] == [("(none)", 119), ("easy", 1)]


def test_slices_that_make_no_sense_are_refused(
    models: dict[str, list[ExperimentRun]], examples: dict[str, DatasetExample]
) -> None:
    with pytest.raises(ValidationError, match="slices by 'topic' need the examples"):
        compare(models["a"], models["b"], slices=["topic"])
    with pytest.raises(ValidationError, match=r"no example has 'tpoic' to slice by; there are: .*topic"):
        compare(models["a"], models["b"], examples=examples, slices=["tpoic"])
    with pytest.raises(ValidationError, match="'question' gives 120 slices; slice by something with at most 50"):
        compare(models["a"], models["b"], examples=examples, slices=["question"])


@pytest.mark.parametrize(
    ("options", "said"),
    [({"confidence": 95}, "confidence is 95; give a number"), ({"resamples": 5}, "resamples is 5; give a number")],
)
def test_figures_out_of_range_are_refused(
    options: dict[str, int], said: str, models: dict[str, list[ExperimentRun]]
) -> None:
    confidence, resamples = options.get("confidence", 0.95), options.get("resamples", 1000)
    with pytest.raises(ValidationError, match=said):
        compare(models["a"], models["b"], confidence=confidence, resamples=resamples)
