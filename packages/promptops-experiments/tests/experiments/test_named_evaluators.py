"""How evaluators are named, bound and checked before anything runs."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest
from promptops.core.errors import ValidationError
from promptops.experiments import (
    contains,
    contains_all,
    edit_similarity,
    evaluator,
    exact_match,
    llm_judge,
    numeric_match,
    regex_match,
)
from promptops.experiments._binding import Values
from promptops.experiments._evaluation import Evaluators, NamedEvaluator, named_evaluators
from promptops.experiments.journal._sources import digest_of_code
from promptops.models.datasets import DatasetExample


def score(output: str) -> float:
    return 1.0


def only(given: Evaluators) -> NamedEvaluator:
    found = named_evaluators(given)
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize(
    "given", [[score, score], [exact_match(), exact_match("b")], [evaluator(name="score")(score), score]]
)
def test_two_of_one_name_are_refused(given: Any) -> None:
    with pytest.raises(ValidationError, match="two evaluators are named"):
        named_evaluators(given)


def test_a_name_that_would_hide_a_metric_of_another_is_refused() -> None:
    with pytest.raises(ValidationError, match=r"'rouge\.f1' may be a metric of 'rouge'"):
        named_evaluators({"rouge.f1": score, "rouge": score})
    assert len(named_evaluators({"rouge2": score, "rouge": score})) == 2


@pytest.mark.parametrize("name", ["", "  ", 'a"b', "a\\b", "a\nb", "x" * 129])
def test_a_name_that_no_column_can_have_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="cannot be named"):
        named_evaluators({name: score})


@pytest.mark.parametrize("given", ["exact_match", ["exact_match"], [None], [5]])
def test_what_is_no_evaluator_is_refused_for_that_and_not_for_its_name(given: Any) -> None:
    with pytest.raises(ValidationError, match="an evaluator is a function, or an object with name and evaluate, not "):
        named_evaluators(given)


NAMELESS: list[Any] = [lambda output: 1, functools.partial(score)]  # pyright: ignore[reportUnknownLambdaType]


@pytest.mark.parametrize("given", NAMELESS, ids=["lambda", "partial"])
def test_what_has_no_name_is_refused(given: Any) -> None:
    with pytest.raises(ValidationError, match="has no name"):
        named_evaluators([given])


def test_a_class_instead_of_an_object_is_refused() -> None:
    class Length:
        name = "length"

        def evaluate(self, output: str) -> int:
            return len(output)

    with pytest.raises(ValidationError, match="'length' is a class"):
        named_evaluators([Length])
    assert only(Length()).name == "length"


def test_a_parameter_that_nothing_fills_is_refused() -> None:
    def odd(output: str, temperature: float) -> float:
        return 1.0

    with pytest.raises(ValidationError, match="'temperature' that cannot be filled"):
        named_evaluators([odd])


def test_the_decorator_names_and_stays_callable() -> None:
    @evaluator(name="length")
    def measure(output: str) -> int:
        """Count."""
        return len(output)

    @evaluator
    def plain(output: str) -> bool:
        return True

    assert measure("four") == 4
    assert measure.__doc__ == "Count."
    assert [item.name for item in named_evaluators([measure, plain])] == ["length", "plain"]


def test_the_decorator_knows_coroutine_functions() -> None:
    @evaluator
    async def later(output: str) -> bool:
        return True

    assert only(later).bound.is_async


def test_the_decorator_refuses_what_has_no_name() -> None:
    with pytest.raises(ValidationError, match="give one"):
        evaluator(lambda output: 1)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]


def test_evaluators_skip_failed_tasks_unless_they_declare_otherwise() -> None:
    def takes_error(output: str | None, error: str | None) -> bool:
        return error is None

    class Marked:
        name = "marked"
        on_error = True

        def evaluate(self, output: object) -> bool:
            return output is None

    assert not only(score).on_error
    assert not only(exact_match()).on_error
    assert only(takes_error).on_error
    assert only(Marked()).on_error
    assert only(evaluator(on_error=True)(score)).on_error


def test_the_error_of_the_task_is_passed_by_name() -> None:
    def takes_error(output: str | None, error: str | None) -> str:
        return f"{output} {error}"

    bound = only(takes_error).bound
    positional, named = bound.arguments(Values(DatasetExample(id="e", fields={}), error="TimeoutError"))
    assert bound.call(*positional, **named) == "None TimeoutError"


def test_on_error_that_is_no_truth_value_is_refused() -> None:
    class Odd:
        name = "odd"
        on_error = "yes"

        def evaluate(self, output: object) -> bool:
            return True

    with pytest.raises(ValidationError, match="on_error of evaluator 'odd'"):
        named_evaluators([Odd()])


@pytest.mark.parametrize(
    ("output", "quick"),
    [
        ("short", True),
        ("x" * 9_999, True),
        ("x" * 10_001, False),
        (None, True),
        ({"a": [1, 2, {"b": "c"}]}, True),
        (["x" * 6_000, "y" * 6_000], False),
        ({"k" * 11_000: 1}, False),
        (list(range(20_000)), False),
    ],
)
def test_only_small_outputs_are_scored_on_the_loop(output: object, quick: bool) -> None:
    assert only(contains()).is_quick(output) is quick


def test_what_users_wrote_and_what_may_be_slow_is_never_on_the_loop() -> None:
    assert not only(score).is_quick("short")
    assert not only(edit_similarity()).is_quick("short")


def ask(messages: list[dict[str, str]], *, schema: dict[str, Any]) -> str:
    return "x"


def ask_another(messages: list[dict[str, str]], *, schema: dict[str, Any]) -> str:
    return "y"


def judge(**options: Any) -> Any:
    given: dict[str, Any] = {"ask": ask, "template": "{{ output }}", **options}
    return llm_judge("j", **given)


DIFFERENT: list[Callable[[], Any]] = [
    exact_match,
    lambda: exact_match("other"),
    lambda: exact_match(ignore_case=True),
    numeric_match,
    lambda: numeric_match(relative=0.1),
    lambda: regex_match("a"),
    lambda: regex_match("b"),
    contains,
    lambda: contains_all(texts=["a"]),
    lambda: contains_all(texts=["b"]),
    judge,
    lambda: judge(ask=ask_another),
    lambda: judge(template="{{ output }}?"),
    lambda: judge(repair=False),
    lambda: judge(scale=(1, 5)),
    lambda: judge(choices={"correct": 1, "incorrect": -1}),
    lambda: evaluator(name="x")(score),
    lambda: evaluator(name="x", on_error=True)(score),
]


def test_every_option_is_part_of_what_a_resumed_run_compares() -> None:
    first = [digest_of_code(make(), "it") for make in DIFFERENT]
    assert first == [digest_of_code(make(), "it") for make in DIFFERENT]
    assert len(set(first)) == len(DIFFERENT)
