"""Ids have one form, and one that has another never reaches the server."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from promptops.core.errors import ValidationError
from promptops.phoenix._ids import check_id, global_id, is_global_id, number_of

GOOD = global_id("Dataset", 1)


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_id_is_what_the_server_writes() -> None:
    assert GOOD == "RGF0YXNldDox"
    assert global_id("ExperimentRun", 12) == "RXhwZXJpbWVudFJ1bjoxMg=="


@pytest.mark.parametrize("number", [0, 1, 99, 2**31, 2**63 - 1])
def test_number_comes_back(number: int) -> None:
    assert number_of(global_id("Experiment", number), "Experiment") == number


MALFORMED: list[Any] = [
    "",
    "1",
    "Dataset:1",
    "RGF0YXNldDox ",
    "RGF0YXNldDox\n",
    "RGF0YXNldDo",
    "RGF0YXNldDox=",
    "RGF0YXNldDpé",
    encoded("Dataset:"),
    encoded("Dataset:-1"),
    encoded("Dataset:01"),
    encoded("Dataset:1.5"),
    encoded("Dataset:1:2"),
    encoded(":1"),
    encoded("Data set:1"),
    encoded(f"Dataset:{2**63}"),
    encoded("Dataset:" + "1" * 300),
    encoded("Dataset:\u0661"),
    base64.b64encode(b"\xff\xfe:1").decode(),
    None,
    1,
    b"RGF0YXNldDox",
]


@pytest.mark.parametrize("value", MALFORMED)
def test_malformed_id_is_refused_by_field_and_wanted_kind(value: Any) -> None:
    assert not is_global_id(value)
    with pytest.raises(ValidationError, match=r"dataset_id must be an id of the kind Dataset") as caught:
        check_id("dataset_id", value, "Dataset")
    assert caught.value.validation_errors[0]["field"] == "dataset_id"
    assert len(caught.value.message) < 250


def test_id_of_another_kind_is_refused_and_named() -> None:
    with pytest.raises(ValidationError, match="of the kind Dataset, and one of the kind Experiment is wanted"):
        check_id("experiment_id", GOOD, "Experiment")
    assert not is_global_id(GOOD, "Experiment")


def test_well_formed_id_is_returned_as_it_is() -> None:
    assert check_id("dataset_id", GOOD, "Dataset") is GOOD
    assert is_global_id(GOOD)
    assert is_global_id(GOOD, "Dataset")


def test_number_of_another_kind_is_refused() -> None:
    with pytest.raises(ValidationError):
        number_of(GOOD, "Experiment")
