"""What each hard case of OpenAPI becomes."""

from __future__ import annotations

import datetime
import inspect
from types import ModuleType
from typing import Any, get_args

import msgspec
import pytest
from promptops.models import Unknown, decoder

THING = {"id": "1", "class": "c", "createdAt": "2024-05-01T10:00:00Z", "owner": None, "color": "red"}


def decode(kind: Any, value: Any) -> Any:
    return decoder(kind).decode(msgspec.json.encode(value))


def annotation(struct: Any, name: str) -> str:
    return str(inspect.get_annotations(struct)[name])


def test_every_name_builds_a_decoder(hard: ModuleType, assistant: ModuleType) -> None:
    for module in (hard, assistant):
        for name in module.__all__:
            msgspec.json.Decoder(getattr(module, name))


def test_every_struct_is_frozen_and_keyword_only(hard: ModuleType) -> None:
    structs = [kind for kind in vars(hard).values() if isinstance(kind, type) and issubclass(kind, msgspec.Struct)]
    assert len(structs) > 20
    assert all(struct.__struct_config__.frozen for struct in structs)
    with pytest.raises(TypeError):
        hard.Node("positional")


@pytest.mark.parametrize(
    ("wire", "python"),
    [("class", "class_"), ("createdAt", "created_at"), ("list", "list_"), ("$ref", "ref"), ("2nd", "field_2nd")],
)
def test_awkward_property_has_a_usable_name(hard: ModuleType, wire: str, python: str) -> None:
    names = dict(zip(hard.Thing.__struct_fields__, hard.Thing.__struct_encode_fields__, strict=True))
    assert names[python] == wire


def test_properties_that_would_share_a_name_are_numbered(hard: ModuleType) -> None:
    value = decode(hard.SnakeCaseName_2, {"fooBar": "a", "foo_bar": "b"})
    assert (value.foo_bar, value.foo_bar_2) == ("a", "b")


def test_schemas_that_would_share_a_name_are_numbered(hard: ModuleType) -> None:
    assert hard.SnakeCaseName.__struct_encode_fields__ == ("Any",)
    assert hard.SnakeCaseName_2.__struct_encode_fields__ == ("fooBar", "foo_bar")


def test_schema_named_like_a_name_of_ours_steps_aside(hard: ModuleType) -> None:
    assert decode(hard.UnknownModel, {"x": "y"}).x == "y"


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("id", "str | UnsetType"),  # read-only, so a request need not send it
        ("class_", "str"),
        ("owner", "str | None"),
        ("old_owner", "str | None | UnsetType"),
        ("born", "date | UnsetType"),
        ("created_at", "datetime"),
        ("scores", "dict[str, float] | UnsetType"),
        ("extra", "JsonObject | UnsetType"),
        ("anything", "Any | UnsetType"),
        ("value", "str | int | bool | None | UnsetType"),
        ("moment", "str | int | UnsetType"),
        ("many", "list[str | int] | UnsetType"),
        ("main_part", "Part | None | UnsetType"),
        ("color", "Color"),
    ],
)
def test_field_has_the_type_that_its_schema_says(hard: ModuleType, field: str, expected: str) -> None:
    assert annotation(hard.Thing, field) == expected


def test_absent_and_null_are_different(hard: ModuleType) -> None:
    absent = decode(hard.Thing, THING)
    null = decode(hard.Thing, {**THING, "old_owner": None})
    assert absent.old_owner is msgspec.UNSET
    assert null.old_owner is None
    assert b"old_owner" not in msgspec.json.encode(absent)
    assert b'"old_owner":null' in msgspec.json.encode(null)


def test_dates_are_decoded(hard: ModuleType) -> None:
    thing = decode(hard.Thing, {**THING, "born": "2024-02-29"})
    assert thing.created_at == datetime.datetime(2024, 5, 1, 10, tzinfo=datetime.UTC)
    assert thing.born == datetime.date(2024, 2, 29)


def test_enum_is_open_and_lists_what_is_known(hard: ModuleType) -> None:
    assert hard.Color is str
    assert get_args(hard.ColorKnown) == ("red", "green")
    assert decode(hard.Thing, {**THING, "color": "ultraviolet"}).color == "ultraviolet"


def test_enum_with_null_is_nullable_where_it_is_used(hard: ModuleType) -> None:
    assert get_args(hard.MaybeColorKnown) == ("red", "green")


def test_constraints_are_words_and_not_checks(hard: ModuleType) -> None:
    assert "1 to 255 characters" in str(hard.ThingCreate.__doc__)
    assert decode(hard.ThingCreate, {"name": "", "kind": "thing", "owner": "o"}).name == ""


def test_constant_is_sent_without_being_given(hard: ModuleType) -> None:
    assert msgspec.json.decode(msgspec.json.encode(hard.ThingCreate(name="n")))["kind"] == "thing"


def test_defaults_of_the_document_are_the_defaults(hard: ModuleType) -> None:
    made = hard.ThingCreate(name="n")
    assert (made.count, made.labels) == (3, ["a", "b"])
    made.labels.append("c")
    assert hard.ThingCreate(name="n").labels == ["a", "b"]


def test_default_that_no_literal_can_say_is_left_to_the_server(hard: ModuleType) -> None:
    assert hard.ThingCreate(name="n").parent is msgspec.UNSET


def test_request_leaves_defaults_off_the_wire(assistant: ModuleType) -> None:
    assert msgspec.json.encode(assistant.TurnCreate(content=[])) == b'{"content":[]}'


@pytest.mark.parametrize("tag", ["text", "markdown"])
def test_union_is_told_apart_by_its_discriminator(hard: ModuleType, tag: str) -> None:
    part = decode(hard.Part, {"type": tag, "text": "x"})
    assert (part.type, part.text) == (tag, "x")
    assert msgspec.json.decode(msgspec.json.encode(part)) == {"type": tag, "text": "x"}


def test_union_without_discriminator_is_told_apart_by_its_constants(hard: ModuleType) -> None:
    assert isinstance(decode(hard.Event, {"event": "opened", "by": "me"}), hard.Opened)
    assert isinstance(decode(hard.Event, {"event": "closed", "at": "2024-05-01T10:00:00Z"}), hard.Closed)


def test_union_of_numbers_is_told_apart(hard: ModuleType) -> None:
    assert isinstance(decode(hard.Step, {"number": 2, "b": "x"}), hard.StepTwo)
    unknown = decode(hard.Step, {"number": 3, "c": "x"})
    assert isinstance(unknown, Unknown)
    assert unknown.tag == 3


def test_union_of_a_union_is_flat(hard: ModuleType) -> None:
    assert isinstance(decode(hard.Either, {"type": "video", "seconds": 1}), hard.VideoPart)
    assert isinstance(decode(hard.Either, {"type": "image", "url": "u"}), hard.ImagePart)


def test_struct_in_two_unions_has_both_tags(hard: ModuleType) -> None:
    picture = decode(hard.Renamed, {"kind": "picture", "type": "image", "url": "u"})
    assert (picture.kind, picture.type, picture.url) == ("picture", "image", "u")
    assert isinstance(decode(hard.Part, {"type": "image", "url": "u"}), hard.ImagePart)


def test_struct_without_the_property_does_not_send_it_alone(hard: ModuleType) -> None:
    stamped = decode(hard.Stamped, {"at": "2024-05-01T10:00:00Z"})
    assert msgspec.json.decode(msgspec.json.encode(stamped)) == {"at": "2024-05-01T10:00:00Z"}
    assert decode(hard.Renamed, {"kind": "stamp", "at": "2024-05-01T10:00:00Z"}).kind == "stamp"


def test_base_with_a_discriminator_is_the_union_of_its_subtypes(hard: ModuleType) -> None:
    owner = decode(
        hard.Owner, {"pet": {"petType": "cat", "name": "Tom", "lives": 9}, "pets": {"a": {"petType": "emu"}}}
    )
    assert isinstance(owner.pet, hard.Cat)
    assert owner.pets["a"].raw == {"petType": "emu"}
    assert decode(hard.Owner, {"pet": None}).pet is None


def test_union_that_nothing_tells_apart_is_an_open_object(hard: ModuleType) -> None:
    assert decode(hard.Untagged, {"name": "n", "q": 1}) == {"name": "n", "q": 1}


def test_object_that_is_declared_open_keeps_everything(hard: ModuleType) -> None:
    assert decode(hard.Run, {"id": "r", "eval.x.score": 1}) == {"id": "r", "eval.x.score": 1}


def test_recursion_through_structs_is_typed(hard: ModuleType) -> None:
    node = decode(hard.Node, {"name": "a", "children": [{"name": "b", "parent": {"name": "a"}}]})
    assert node.children[0].parent.name == "a"
    assert node.children[0].children == []


def test_recursion_through_aliases_alone_ends_in_anything(hard: ModuleType) -> None:
    assert decode(hard.Json, ["a", [1, [None]]]) == ["a", [1, [None]]]


def test_all_of_merges_also_in_a_circle(hard: ModuleType) -> None:
    assert set(hard.Loop.__struct_fields__) == {"a", "b"}
    assert hard.Closed.__struct_fields__ == ("at", "why")


def test_alternatives_of_required_properties_are_no_union(hard: ModuleType) -> None:
    assert decode(hard.Requirements, {"a": "x"}).b is msgspec.UNSET


def test_inline_objects_have_names_of_their_own(hard: ModuleType) -> None:
    assert decode(hard.ListThingsResponse, {"items": [THING]}).items[0].id == "1"
    assert decode(hard.Refusal, {"title": "t", "errors": [{}]}).errors[0] == hard.RefusalErrorsItem()


def test_description_is_the_docstring(hard: ModuleType) -> None:
    assert str(hard.ThingCreate.__doc__).startswith("A new thing.")
    assert 'Ends in a "quote"' in str(hard.Thing.__doc__)


def test_nested_unions_and_recursion_of_a_large_document_decode(assistant: ModuleType) -> None:
    quoted = {"role": "user", "content": [{"type": "text", "text": "hi"}], "usage": None}
    result = {"type": "result", "call_id": "c", "outcome": {"status": "failed", "error": {"code": 1, "message": "m"}}}
    turn = decode(assistant.Turn, {"role": "tool", "content": [{"type": "quote", "of": quoted}, result]})
    assert turn.content[0].of.content[0].text == "hi"
    assert isinstance(turn.content[1].outcome, assistant.Failed)


def test_document_in_two_orders_yields_the_same_text(generated: Any) -> None:
    import json
    from pathlib import Path

    from tools.codegen.cli import generate
    from tools.codegen.document import Document

    content = json.loads((Path(__file__).parent / "hard_cases.json").read_text())
    schemas = content["components"]["schemas"]
    turned = {**content, "components": {**content["components"], "schemas": dict(reversed(schemas.items()))}}
    assert generate(Document(turned)) == generate(Document(content))
