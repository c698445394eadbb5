"""The hand-written neighbours of the generated prompt models."""

from __future__ import annotations

from typing import Any

import pytest
from promptops.models import ModelProvider, PromptLike, PromptResponse, PromptVariables


def test_variables_are_collected_step_by_step() -> None:
    given: dict[str, Any] = {"a": 1}
    variables = PromptVariables(given)
    variables.add_variable("b", None)
    assert variables.to_dict() == {"a": 1, "b": None}
    assert given == {"a": 1}
    assert (variables.get_variable("a"), variables.get_variable("x"), variables.get_variable("x", 2)) == (1, None, 2)
    assert variables.has_variable("b")
    assert not variables.has_variable("x")


def test_variables_start_empty_and_take_the_keyword() -> None:
    assert PromptVariables().to_dict() == {}
    assert PromptVariables(variables={"a": 1}).to_dict() == {"a": 1}


def test_variables_are_a_mapping() -> None:
    variables = PromptVariables({"b": 2, "a": 1})
    assert dict(variables) == {"b": 2, "a": 1}
    assert len(variables) == 2
    assert variables == {"b": 2, "a": 1}
    with pytest.raises(KeyError):
        variables["x"]


def test_the_dict_of_the_variables_is_a_copy() -> None:
    variables = PromptVariables({"a": 1})
    variables.to_dict()["a"] = 2
    assert variables["a"] == 1


def test_showing_variables_shows_no_values() -> None:
    assert repr(PromptVariables({"token": "hush"})) == "PromptVariables(token)"


def test_a_provider_is_its_text() -> None:
    assert str(ModelProvider("openai")) == "openai"
    assert {provider.value for provider in ModelProvider} == {
        "openai",
        "anthropic",
        "google",
        "cohere",
        "huggingface",
        "local",
    }


def takes(prompt: PromptLike) -> str:
    return prompt.name


def checked_by_the_type_checkers(prompt: PromptResponse) -> str:
    return takes(prompt)
