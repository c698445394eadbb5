"""What the server would store wrongly, or fail on, is refused before a request."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from promptops.core.errors import ValidationError
from promptops.phoenix._checks import (
    aware,
    check_finite,
    check_name,
    check_prompt_name,
    check_repetitions,
    check_storable,
    check_tag_name,
    json_body,
)


@pytest.mark.parametrize("check", [check_prompt_name, check_tag_name])
@pytest.mark.parametrize("name", ["a", "0", "a-b", "a_b", "a--b", "greet-v2", "x" * 300])
def test_identifier_is_returned(check: Callable[[str], str], name: str) -> None:
    assert check(name) == name


BAD_IDENTIFIERS: list[Any] = [
    "",
    "A",
    "a b",
    "-a",
    "a-",
    "_a",
    "a_",
    "a/b",
    "é",
    "a\n",
    "a.b",
    None,
    5,
    "x" * 300 + "/",
]


@pytest.mark.parametrize(("check", "field"), [(check_prompt_name, "name"), (check_tag_name, "tag")])
@pytest.mark.parametrize("name", BAD_IDENTIFIERS)
def test_other_identifiers_are_refused_by_field(check: Callable[[str], str], field: str, name: Any) -> None:
    with pytest.raises(ValidationError, match=f"{field} must be lower-case") as caught:
        check(name)
    assert caught.value.validation_errors[0]["field"] == field
    assert len(caught.value.message) < 250


@pytest.mark.parametrize("name", ["a", "Any Name / of mine", "é", "日本", " padded "])
def test_free_form_name_is_returned(name: str) -> None:
    assert check_name("name", name) == name


BAD_NAMES: list[Any] = ["", "  ", "\n", "a\0b", "\ud800", None, 5]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_name_that_cannot_be_stored_is_refused_by_field(name: Any) -> None:
    with pytest.raises(ValidationError, match="experiment_name"):
        check_name("experiment_name", name)


@pytest.mark.parametrize("value", [None, 1, 1.5, "NaN", {"a": [1, None, {"b": "inf"}]}, [], {"nan": 1}])
def test_json_is_finite(value: Any) -> None:
    check_finite("output", value)
    assert json_body(value)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_number_that_is_not_finite_is_refused_with_its_place(number: float) -> None:
    with pytest.raises(ValidationError, match=r"^output\.scores\[1\]\.x ") as caught:
        check_finite("output", {"scores": [1.0, {"x": number}]})
    assert caught.value.validation_errors[0]["field"] == "output.scores[1].x"
    with pytest.raises(ValidationError):
        json_body({"score": number})


@pytest.mark.parametrize("number", [1e20, -1.5e300, 2.0**64, -(2.0**63), 2**64, -(2**63) - 1])
def test_number_that_the_server_could_not_read_again_is_refused_with_its_place(number: float) -> None:
    check_finite("metadata", {"a": number})
    check_storable("metadata", {"a": [1e15, 1.8e19, -9.2e18, 2**64 - 1, 1e-300, "1e20", {"1e20": True}]})
    with pytest.raises(ValidationError, match=r"^metadata\.a\[1\]\.b is a number of more than 64 bits"):
        check_storable("metadata", {"a": [1, {"b": number}]})


@pytest.mark.parametrize("value", [object(), {"a": {1, object()}}, "\ud800"])
def test_what_json_cannot_carry_is_refused_by_field(value: Any) -> None:
    with pytest.raises(ValidationError, match=r"^output"):
        check_finite("output", value)


def test_value_that_holds_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(ValidationError, match=r"^output"):
        check_finite("output", value)


@pytest.mark.parametrize("number", [1, 2, 1000])
def test_repetitions_are_returned(number: int) -> None:
    assert check_repetitions(number) == number


BAD_REPETITIONS: list[Any] = [0, -1, True, 1.0, "2", None, 2**31]


@pytest.mark.parametrize("number", BAD_REPETITIONS)
def test_repetitions_that_would_spoil_the_dataset_are_refused(number: Any) -> None:
    with pytest.raises(ValidationError, match="repetitions must be"):
        check_repetitions(number)


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=5, minutes=30))])
def test_moment_with_an_offset_is_returned(zone: timezone) -> None:
    moment = datetime(2026, 1, 1, tzinfo=zone)
    assert aware("start_time", moment) is moment


BAD_MOMENTS: list[Any] = [datetime(2026, 1, 1), "2026-01-01", None]


@pytest.mark.parametrize("moment", BAD_MOMENTS)
def test_moment_without_an_offset_is_refused(moment: Any) -> None:
    with pytest.raises(ValidationError, match="start_time"):
        aware("start_time", moment)
