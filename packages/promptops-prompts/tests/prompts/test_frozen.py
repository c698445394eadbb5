"""A prompt that one caller got is the prompt that the next one gets."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from promptops.prompts import AsyncPrompts, SyncPrompts
from promptops.prompts._frozen import FrozenDict, FrozenList


@pytest.fixture
def prompt(stub: Any, make_json: Callable[..., Any]) -> Any:
    stub.reply(
        make_json(tags=["b", "a"], metadata={"k": {"deep": [1]}}, messages=[{"role": "user", "content": "{{ who }}"}])
    )
    return SyncPrompts(AsyncPrompts(stub.runtime)).get("greeting")


CHANGES: list[Callable[[Any], object]] = [
    lambda prompt: setattr(prompt, "content", "x"),
    lambda prompt: prompt.tags.append("x"),
    lambda prompt: prompt.tags.extend(["x"]),
    lambda prompt: prompt.tags.insert(0, "x"),
    lambda prompt: prompt.tags.sort(),
    lambda prompt: prompt.tags.reverse(),
    lambda prompt: prompt.tags.pop(),
    lambda prompt: prompt.tags.remove("a"),
    lambda prompt: prompt.tags.clear(),
    lambda prompt: prompt.tags.__setitem__(0, "x"),
    lambda prompt: prompt.tags.__delitem__(0),
    lambda prompt: prompt.tags.__iadd__(["x"]),
    lambda prompt: prompt.tags.__imul__(2),
    lambda prompt: prompt.messages.append("x"),
    lambda prompt: setattr(prompt.messages[0], "content", "x"),
    lambda prompt: prompt.metadata.__setitem__("x", 1),
    lambda prompt: prompt.metadata.__delitem__("k"),
    lambda prompt: prompt.metadata.update(x=1),
    lambda prompt: prompt.metadata.setdefault("x", 1),
    lambda prompt: prompt.metadata.pop("k"),
    lambda prompt: prompt.metadata.popitem(),
    lambda prompt: prompt.metadata.clear(),
    lambda prompt: prompt.metadata.__ior__({"x": 1}),
    lambda prompt: prompt.metadata["k"].clear(),
    lambda prompt: prompt.metadata["k"]["deep"].append(2),
]


@pytest.mark.parametrize("change", CHANGES)
def test_nobody_can_change_it(prompt: Any, change: Callable[[Any], object]) -> None:
    before = msgspec.json.encode(prompt)
    with pytest.raises((TypeError, AttributeError)):
        change(prompt)
    assert msgspec.json.encode(prompt) == before


def test_every_method_that_changes_a_list_or_dict_is_covered() -> None:
    for kind, readers in (
        (FrozenList, {"copy", "count", "index"}),
        (FrozenDict, {"copy", "fromkeys", "get", "items", "keys", "values"}),
    ):
        public = {name for name in dir(kind) if not name.startswith("_")}
        assert {name for name in public if getattr(kind, name).__name__ == "_refuse"} == public - readers


def test_it_reads_compares_and_encodes_like_any_other(prompt: Any) -> None:
    assert prompt.tags == ["b", "a"]
    assert type(prompt.tags).__mro__[1] is list
    assert [*prompt.tags, "c"] == ["b", "a", "c"]
    assert sorted(prompt.tags) == ["a", "b"]
    assert prompt.metadata == {"k": {"deep": [1]}}
    assert json.dumps(prompt.metadata) == '{"k": {"deep": [1]}}'
    assert repr(prompt.tags) == "['b', 'a']"


def through_pickle(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


CLONES: list[Callable[[Any], Any]] = [copy.copy, copy.deepcopy, through_pickle]


@pytest.mark.parametrize("clone", CLONES)
def test_copies_can_be_changed(prompt: Any, clone: Callable[[Any], Any]) -> None:
    tags, metadata = clone(prompt.tags), clone(prompt.metadata)
    tags.append("c")
    metadata["x"] = 1
    assert prompt.tags == ["b", "a"]
    assert "x" not in prompt.metadata
    assert clone(prompt) == prompt
