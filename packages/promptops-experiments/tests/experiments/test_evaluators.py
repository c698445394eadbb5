from __future__ import annotations

import sys
import types
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from promptops.core.errors import ConfigurationError, ValidationError
from promptops.experiments import (
    Evaluation,
    Evaluator,
    contains,
    contains_all,
    contains_any,
    exact_match,
    normalized_match,
    numeric_match,
    overlap,
    regex_match,
    schema_match,
    token_f1,
    valid_json,
)
from promptops.experiments._binding import Values
from promptops.experiments._evaluation import named_evaluators
from promptops.experiments.evaluators._text import normalized
from promptops.models.datasets import DatasetExample


def judged(evaluator: Evaluator, output: object, **fields: Any) -> Evaluation:
    bound = named_evaluators(evaluator)[0].bound
    positional, named = bound.arguments(Values(DatasetExample(id="e", fields=fields), output))
    found = bound.call(*positional, **named)
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


@pytest.mark.parametrize(
    ("output", "expected", "score"),
    [
        ("1000", 1009, 1),
        ("1000", 1011, 0),
        ("0", "0", 1),
        ("-99", "-100", 1),
    ],
)
def test_numeric_match_allows_a_share_of_the_right_number(output: str, expected: object, score: float) -> None:
    assert judged(numeric_match(relative=0.01), output, expected=expected).score == score


def test_numeric_match_takes_the_larger_of_two_tolerances() -> None:
    assert judged(numeric_match(relative=0.01, tolerance=1), "3", expected=4).score == 1
    with pytest.raises(ValidationError, match="relative"):
        numeric_match(relative=float("nan"))


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("  The  Eiffel\tTower! ", "eiffel tower"),
        ("STRASSE", "straße"),
        (
            "\uff57\uff49\uff44\uff45",
            "wide",
        ),
        ("\ufb01ne", "fine"),
        ("caf\u00e9", "cafe\u0301"),
        ("«Paris», a city.", "paris city"),
        ("don't", "dont"),
    ],
)
def test_normalized_match_ignores_what_does_not_matter(output: str, expected: str) -> None:
    assert judged(normalized_match(), output, expected=expected).score == 1


@pytest.mark.parametrize(
    ("option", "output", "expected"),
    [
        ("ignore_case", "Paris", "paris"),
        ("ignore_punctuation", "Paris!", "Paris"),
        ("ignore_articles", "the Louvre", "Louvre"),
        ("ignore_white_space", "New  York", "New York"),
        ("unicode_form", "caf\u00e9", "cafe\u0301"),
    ],
)
def test_each_option_of_normalized_match_has_an_effect_of_its_own(option: str, output: str, expected: str) -> None:
    assert judged(normalized_match(), output, expected=expected).score == 1
    options: dict[str, Any] = {option: False}
    assert judged(normalized_match(**options), output, expected=expected).score == 0


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalized(normalized(text)) == normalized(text)


def test_contains_all_names_what_is_missing() -> None:
    found = judged(contains_all(), "red and green", expected=["red", "blue", "green"])
    assert (found.score, found.explanation) == (0, "lacks 'blue'")
    assert judged(contains_all(partial=True), "red and green", expected=["red", "blue"]).score == 0.5
    assert judged(contains_all(texts=["RED"], ignore_case=True), "red").score == 1


def test_contains_any_needs_one() -> None:
    assert judged(contains_any(), "red", expected=["red", "blue"]).score == 1
    assert judged(contains_any(), "pink", expected=["red", "blue"]).explanation == "has none of 'red', 'blue'"


@pytest.mark.parametrize("texts", [[], [""], ["a", 3], 7, {"a": 1}, None])
def test_texts_that_would_match_anything_or_nothing_are_an_error(texts: Any) -> None:
    with pytest.raises(ValidationError, match="'expected' must be a list of texts"):
        judged(contains_all(), "x", expected=texts)
    if texts is not None:
        with pytest.raises(ValidationError, match="'texts' must be a list of texts"):
            contains_any(texts=texts)


@pytest.mark.parametrize(
    ("output", "expected", "score"),
    [
        ("the cat sat", "a cat sat down", 0.8),
        ("Paris", "Paris.", 1),
        ("Rome", "Paris", 0),
        ("", "", 1),
        ("", "Paris", 0),
        ("cat cat", "cat", 2 / 3),
        ("Lutetia", ["Paris", "lutetia"], 1),
    ],
)
def test_token_f1_counts_shared_words(output: str, expected: object, score: float) -> None:
    assert judged(token_f1(), output, expected=expected).score == pytest.approx(score)


def test_token_f1_without_an_answer_is_an_error() -> None:
    with pytest.raises(ValueError, match="empty list"):
        judged(token_f1(), "x", expected=[])


@pytest.mark.parametrize(("measure", "score"), [("precision", 2 / 3), ("recall", 0.5), ("f1", 4 / 7), ("jaccard", 0.4)])
def test_overlap_measures(measure: Any, score: float) -> None:
    found = judged(overlap(measure=measure), ["a", "b", "z"], expected=["a", "b", "c", "d"])
    assert found.score == pytest.approx(score)
    assert found.explanation == "lacks 'c', 'd'; adds 'z'"


@pytest.mark.parametrize(
    ("output", "expected"), [('["a", 1, {"x": 2}]', ["a", 1, {"x": 2}]), ([1, "A"], ["A", 1]), ("[]", [])]
)
def test_overlap_reads_lists_and_texts_of_lists(output: object, expected: object) -> None:
    assert judged(overlap(), output, expected=expected).score == 1


def test_overlap_divides_texts_and_folds_case() -> None:
    evaluator = overlap(separator=",", ignore_case=True, measure="recall")
    assert judged(evaluator, "Red, green ,", expected="red,GREEN").score == 1


def test_overlap_of_what_is_no_list_scores_0_and_a_field_that_is_none_is_an_error() -> None:
    assert judged(overlap(), "no list", expected=["a"]).score == 0
    with pytest.raises(ValueError, match="'expected' is no list"):
        judged(overlap(), "[]", expected="no list")


@pytest.mark.parametrize("options", [{"measure": "dice"}, {"separator": ""}])
def test_overlap_refuses_what_makes_no_sense(options: Any) -> None:
    with pytest.raises(ValidationError):
        overlap(**options)


@given(st.lists(st.sampled_from("abcd")), st.lists(st.sampled_from("abcd")))
def test_overlap_is_between_0_and_1_and_1_only_for_the_same_members(got: list[str], wanted: list[str]) -> None:
    for measure in ("f1", "jaccard"):
        score = judged(overlap(measure=measure), got, expected=wanted).score
        assert score is not None
        assert 0 <= score <= 1
        assert (score == 1) == (set(got) == set(wanted))


@pytest.mark.parametrize(
    ("output", "score"),
    [
        ('{"a": [1, null]}', 1),
        ("3", 1),
        ({"a": 1}, 1),
        ("{'a': 1}", 0),
        ('{"a": 1} and more', 0),
        ('{"a": NaN}', 0),
        ('{"a": 1, "a": 2}', 0),
        ("", 0),
        ("[" * 100_000, 0),
    ],
)
def test_valid_json_is_strict(output: object, score: float) -> None:
    found = judged(valid_json(), output)
    assert found.score == score
    assert (found.explanation is None) == (score == 1)


def test_valid_json_may_ask_for_objects() -> None:
    assert judged(valid_json(objects_only=True), "[]").explanation == "it is JSON, but no object: list"
    assert judged(valid_json(objects_only=True), "{}").score == 1


class Violation:
    def __init__(self, path: str, message: str) -> None:
        self.path, self.message, self.code = path, message, "invalid"


class NeedsName:
    """Stands for a compiled schema that wants an object with a name."""

    def check(self, value: object) -> list[Violation]:
        named = isinstance(value, dict) and "name" in value
        return [] if named else [Violation("", "must have a name"), Violation("age", "must be a number")]


@pytest.fixture
def schemas(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Puts a schema module in the place of the core's; the schemas that were compiled."""
    compiled: list[object] = []
    module = types.ModuleType("promptops.core.json_schema")

    def compile_schema(schema: object, field: str) -> NeedsName:
        compiled.append((schema, field))
        return NeedsName()

    vars(module)["compile_schema"] = compile_schema
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return compiled


def test_schema_match_says_where_the_output_does_not_meet_the_schema(schemas: list[object]) -> None:
    evaluator = schema_match({"required": ["name"]})
    assert schemas == [({"required": ["name"]}, "schema")]
    assert judged(evaluator, {"name": "Ada"}).score == 1
    assert judged(evaluator, '{"name": "Ada"}').score == 1
    found = judged(evaluator, '{"age": "x"}')
    assert (found.score, found.explanation) == (0, "the output: must have a name; age: must be a number")


def test_schema_match_of_a_text_that_is_no_json_scores_0(schemas: list[object]) -> None:
    assert "no JSON" in (judged(schema_match({}), "name").explanation or "")
    assert judged(schema_match({}, parse=False), '{"name": 1}').score == 0


def test_schema_match_without_schemas_in_the_core_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "promptops.core.json_schema", None)
    with pytest.raises(ConfigurationError, match="pip install --upgrade promptops-core"):
        schema_match({"type": "object"})


def test_what_is_no_schema_is_refused() -> None:
    with pytest.raises(ValidationError, match="schema must be"):
        schema_match("object")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - on purpose
