from __future__ import annotations

from typing import Any

import pytest
from promptops.core.errors import ValidationError
from promptops.experiments import Evaluation, Evaluator, contains, exact_match, numeric_match, regex_match
from promptops.models.datasets import DatasetExample


def judged(evaluator: Evaluator, output: object, **fields: Any) -> Evaluation:
    found = evaluator.evaluate(output, DatasetExample(id="e", fields=fields))
    assert isinstance(found, Evaluation)
    return found


@pytest.mark.parametrize(
    ("output", "expected", "score"),
    [
        ("Paris", "Paris", 1),
        (" Paris\n", "Paris", 1),
        ("paris", "Paris", 0),
        (4, 4, 1),
        ("4", 4, 1),
        ({"a": 1}, {"a": 1}, 1),
    ],
)
def test_exact_match_compares_text_and_values(output: object, expected: object, score: float) -> None:
    assert judged(exact_match(), output, expected=expected).score == score


def test_exact_match_ignores_case_when_asked() -> None:
    assert judged(exact_match("city", ignore_case=True), "PARIS", city="paris").score == 1


def test_contains_looks_within_the_output() -> None:
    assert judged(contains(), "It is Paris.", expected="Paris").score == 1
    assert judged(contains(), "It is Rome.", expected="Paris").score == 0


def test_regex_match_alone_asks_whether_it_matches() -> None:
    assert judged(regex_match(r"\d+"), "about 12").score == 1
    assert judged(regex_match(r"\d+"), "about").score == 0


def test_regex_match_with_a_field_compares_the_last_group() -> None:
    evaluator = regex_match(r"answer: (\w+)", field="label")
    assert judged(evaluator, "answer: no ... answer: yes", label="yes").score == 1
    missed = judged(evaluator, "answer: no", label="yes")
    assert (missed.score, missed.explanation) == (0, "found 'no', expected 'yes'")


def test_a_pattern_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match="regular expression"):
        regex_match("(")


@pytest.mark.parametrize(
    ("output", "expected", "score"),
    [
        ("the answer is 18", "18", 1),
        ("first 3, then 18.", 18, 1),
        ("$1,234.50", "1234.5", 1),
        ("-5", "5", 0),
        ("it is \N{MINUS SIGN}5 degrees", "-5", 1),
        ("10-5", "5", 1),
        ("1e3", 1000, 1),
        (".5", "0.5", 1),
        (18, "18", 1),
        ("no number", "18", 0),
        ("3.0", "3", 1),
        ("12345678", "345678", 0),
    ],
)
def test_numeric_match_compares_the_last_number(output: object, expected: object, score: float) -> None:
    assert judged(numeric_match(), output, expected=expected).score == score


@pytest.mark.parametrize(
    ("output", "score"),
    [("7 and A: 3 eggs\nA: 18", 1), ("A: 18 of 20", 1), ("the answer is 18", 0), ("A: 3", 0), ("A: none", 0)],
)
def test_numeric_match_reads_the_number_after_the_last_marker(output: str, score: float) -> None:
    assert judged(numeric_match("truth", after="A:"), output, truth="so 2 * 9 = 18\nA: 18").score == score


def test_numeric_match_allows_a_tolerance() -> None:
    assert judged(numeric_match(tolerance=0.01), "3.14", expected="3.1416").score == 1
    assert judged(numeric_match(tolerance=0.001), "3.14", expected="3.1416").score == 0


def test_numeric_match_says_what_it_found() -> None:
    assert judged(numeric_match(), "so 17", expected="18").explanation == "got 17, expected 18"


def test_a_field_without_a_number_is_an_error_rather_than_a_score() -> None:
    with pytest.raises(ValueError, match="'expected' holds no number"):
        judged(numeric_match(), "17", expected="many")


def test_a_tolerance_below_zero_is_refused() -> None:
    with pytest.raises(ValidationError, match="tolerance"):
        numeric_match(tolerance=-1)
