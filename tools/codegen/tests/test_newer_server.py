"""What a newer server adds to a valid answer never breaks its decoding."""

from __future__ import annotations

import copy
from collections.abc import Callable
from types import ModuleType
from typing import Any

import msgspec
import msgspec.inspect as mi
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from promptops.models import Unknown, decoder

_SETTINGS = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def instances(info: mi.Type, depth: int = 0) -> st.SearchStrategy[Any]:
    """JSON values that a type decodes; deep ones are kept small."""
    if isinstance(info, mi.UnionType):
        arms = [arm for arm in info.types if not _is_unknown(arm) and not isinstance(arm, mi.UnionType)]
        plain = [arm for arm in arms if not isinstance(arm, mi.StructType | mi.ListType | mi.DictType)]
        return st.one_of([instances(arm, depth) for arm in (plain if plain and depth > 3 else arms)])
    if isinstance(info, mi.StructType):
        return _objects(info, depth)
    if isinstance(info, mi.ListType):
        return (
            st.lists(instances(info.item_type, depth + 1), max_size=0 if depth > 3 else 2)
            if depth <= 3
            else st.just([])
        )
    if isinstance(info, mi.DictType):
        return st.dictionaries(st.text("ab", max_size=2), instances(info.value_type, depth + 1), max_size=1)
    simple: dict[type[mi.Type], st.SearchStrategy[Any]] = {
        mi.StrType: st.sampled_from(["", "text", "é"]),
        mi.IntType: st.integers(-5, 5),
        mi.FloatType: st.sampled_from([0.5, -1.25]),
        mi.BoolType: st.booleans(),
        mi.NoneType: st.none(),
        mi.AnyType: st.sampled_from([None, 1, "a", {"type": "x"}, [{}]]),
        mi.DateTimeType: st.just("2024-05-01T10:00:00Z"),
        mi.DateType: st.just("2024-05-01"),
    }
    return simple[type(info)]


@st.composite
def _objects(draw: Callable[..., Any], info: mi.StructType, depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {} if info.tag_field is None else {info.tag_field: info.tag}
    for field in info.fields:
        if field.required or (depth < 3 and draw(st.booleans())):
            value[field.encode_name] = draw(instances(field.type, depth + 1))
    return value


def _is_unknown(info: mi.Type) -> bool:
    return isinstance(info, mi.StructType) and issubclass(info.cls, Unknown)


def age(value: Any, info: mi.Type, draw: Callable[..., Any]) -> Any:
    """The same value as a newer server would send it: more fields, and now and then another kind of object."""
    if isinstance(info, mi.UnionType):
        return _age_union(value, info, draw)
    if isinstance(info, mi.StructType):
        types = {field.encode_name: field.type for field in info.fields}
        grown = {key: age(item, types[key], draw) if key in types else item for key, item in value.items()}
        return {**grown, "x-new": draw(st.sampled_from([None, "a", {"type": "text"}]))}
    if isinstance(info, mi.ListType):
        return [age(item, info.item_type, draw) for item in value]
    if isinstance(info, mi.DictType):
        return {key: age(item, info.value_type, draw) for key, item in value.items()}
    return value


def _age_union(value: Any, info: mi.UnionType, draw: Callable[..., Any]) -> Any:
    kind = type(value).__name__
    lists = [arm for arm in info.types if isinstance(arm, mi.ListType)]
    if kind == "list" and lists:
        return age(value, lists[0], draw)
    arms = [arm for arm in info.types if isinstance(arm, mi.StructType)]
    if kind != "dict" or not arms:
        return value
    tag_field = arms[0].tag_field
    if tag_field is None:
        return age(value, arms[0], draw)
    if any(_is_unknown(arm) for arm in arms) and draw(st.booleans()):
        new: str | int = 77 if isinstance(value[tag_field], int) else "from the future"
        return {tag_field: new, "more": draw(st.sampled_from([None, {"type": "text"}, [1]]))}
    return age(value, next(arm for arm in arms if arm.tag == value[tag_field]), draw)


@pytest.mark.parametrize("name", ["Conversation", "Turn", "Event", "Settings", "Content", "ConversationPage"])
@given(data=st.data())
@_SETTINGS
def test_valid_answer_with_additions_decodes(assistant: ModuleType, name: str, data: st.DataObject) -> None:
    kind = getattr(assistant, name)
    info = mi.type_info(kind)
    valid = data.draw(instances(info))
    older = decoder(kind).decode(msgspec.json.encode(valid))
    assert older == msgspec.json.decode(msgspec.json.encode(valid), type=kind)
    newer = age(copy.deepcopy(valid), info, data.draw)
    decoder(kind).decode(msgspec.json.encode(newer))


@pytest.mark.parametrize("name", ["Thing", "Part", "Step", "Owner", "Either", "Renamed", "Event"])
@given(data=st.data())
@_SETTINGS
def test_hard_cases_with_additions_decode(hard: ModuleType, name: str, data: st.DataObject) -> None:
    kind = getattr(hard, name)
    info = mi.type_info(kind)
    newer = age(data.draw(instances(info)), info, data.draw)
    decoder(kind).decode(msgspec.json.encode(newer))


@given(data=st.data())
@_SETTINGS
def test_unknown_object_keeps_all_of_itself(hard: ModuleType, data: st.DataObject) -> None:
    more = data.draw(st.dictionaries(st.text("abc", min_size=1), st.integers() | st.text(), max_size=3))
    sent = {**more, "type": "hologram"}
    found = decoder(hard.Part).decode(msgspec.json.encode(sent))
    assert isinstance(found, Unknown)
    assert (found.tag, found.raw) == ("hologram", sent)


def test_plain_msgspec_refuses_what_the_decoder_takes(hard: ModuleType) -> None:
    body = b'{"type":"hologram"}'
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(body, type=hard.Part)
    assert isinstance(decoder(hard.Part).decode(body), Unknown)
