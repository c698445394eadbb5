"""Decoders take what a newer server sends, and name what is truly wrong."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import Any

import msgspec
import pytest
from promptops.models import Decoder, Unknown, decoder, enveloped
from promptops.models._tolerance import tolerated


class UnknownType(Unknown, frozen=True, tag_field="type", tag="__unknown__"):
    pass


class Text(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="text"):
    text: str


class Group(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="group"):
    parts: list[Text | Group | UnknownType]


class Document(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    all_parts: list[Text | Group | UnknownType]
    named: dict[str, Text | Group | UnknownType] = {}
    main: Text | Group | UnknownType | None = None
    single: Text | None = None
    pair: tuple[int, Text | Group | UnknownType] | None = None


DOCUMENT = Document(all_parts=[Text(text="a")])


def test_known_answer_is_decoded() -> None:
    assert decoder(Document).decode(b'{"allParts":[{"type":"text","text":"a"}]}') == DOCUMENT


def test_known_path_is_msgspec_alone() -> None:
    # Whether the slow path's module was needed shows in a fresh interpreter.
    code = (
        "import sys, msgspec\n"
        "from promptops.models import Pagination, decoder\n"
        'assert decoder(Pagination).decode(b\'{"has_more":true,"new":{}}\').has_more\n'
        "assert 'promptops.models._tolerance' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_unknown_field_is_ignored() -> None:
    assert decoder(Document).decode(b'{"new":1,"allParts":[{"type":"text","text":"a","new":[]}]}') == DOCUMENT


@pytest.mark.parametrize("place", ["list", "dict", "optional", "tuple", "deep"])
def test_unknown_tag_becomes_the_unknown_arm(place: str) -> None:
    new: dict[str, Any] = {"type": "hologram", "beams": [1, {"type": "text"}]}
    body: dict[str, Any] = {"allParts": []}
    if place == "list":
        body["allParts"] = [{"type": "text", "text": "a"}, new]
    elif place == "dict":
        body["named"] = {"x": new}
    elif place == "optional":
        body["main"] = new
    elif place == "tuple":
        body["pair"] = [1, new]
    else:
        body["allParts"] = [{"type": "group", "parts": [{"type": "group", "parts": [new]}]}]
    found = decoder(Document).decode(msgspec.json.encode(body))
    arm: object = found.main
    if place == "list":
        arm = found.all_parts[1]
    elif place == "dict":
        arm = found.named["x"]
    elif place == "tuple":
        assert found.pair is not None
        arm = found.pair[1]
    elif place == "deep":
        outer = found.all_parts[0]
        assert isinstance(outer, Group)
        inner = outer.parts[0]
        assert isinstance(inner, Group)
        arm = inner.parts[0]
    assert isinstance(arm, Unknown)
    assert (arm.tag, arm.raw) == ("hologram", new)


def test_our_own_sentinel_from_the_wire_is_unknown_too() -> None:
    found = decoder(Document).decode(b'{"allParts":[{"type":"__unknown__","x":1}]}')
    assert found.all_parts == [UnknownType(tag="__unknown__", raw={"type": "__unknown__", "x": 1})]


def test_changed_tag_of_a_struct_outside_of_a_union_is_no_error() -> None:
    found = decoder(Document).decode(b'{"allParts":[],"single":{"type":"rich_text","text":"a"}}')
    assert found.single == Text(text="a")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"allParts":[{"type":"text","text":1}]}', "Expected `str`, got `int` - at `$.allParts[0].text`"),
        (b'{"allParts":[{"text":"a"}]}', "Object missing required field `type` - at `$.allParts[0]`"),
        (b'{"allParts":[{"type":7}]}', "Expected `str`, got `int` - at `$.allParts[0].type`"),
        (b"{}", "Object missing required field `allParts`"),
        (b"[]", "Expected `object`, got `array`"),
        (b'{"allParts":[],"pair":[1]}', "Expected `array` of length 2, got 1 - at `$.pair`"),
    ],
)
def test_error_names_the_path(body: bytes, message: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        decoder(Document).decode(body)
    assert str(caught.value) == message


def test_only_the_real_error_survives_beside_unknown_tags() -> None:
    body = (
        b'{"allParts":[{"type":"hologram"},{"type":"group","parts":[{"type":"hologram"},{"type":"text","text":null}]}]}'
    )
    with pytest.raises(msgspec.ValidationError, match="got `null`") as caught:
        decoder(Document).decode(body)
    assert "$.allParts[1].parts[1].text" in str(caught.value)
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


def test_text_that_is_not_json_is_a_decode_error() -> None:
    for wrong in (b"", b"<html>", b'{"allParts":['):
        for made in (decoder(Document), enveloped(Document)):
            with pytest.raises(msgspec.DecodeError) as caught:
                made.decode(wrong)
            assert not isinstance(caught.value, msgspec.ValidationError)


def test_same_type_has_the_same_decoder() -> None:
    assert decoder(Document) is decoder(Document)
    assert decoder(list[Document]) is decoder(list[Document])
    assert enveloped(Document) is enveloped(Document)
    assert decoder(Document) is not enveloped(Document)


def test_generic_containers_have_decoders() -> None:
    made: Decoder[list[Document]] = decoder(list[Document])
    assert made.decode(b'[{"allParts":[]}]') == [Document(all_parts=[])]
    assert enveloped(list[int]).decode(b'{"success":true,"data":[1]}') == [1]
    assert enveloped(list[int]).decode(b"[1]") == [1]


@pytest.mark.parametrize(
    "body",
    [
        b'{"success":true,"data":{"allParts":[{"type":"text","text":"a"}]},"metadata":{"request_id":"r"}}',
        b'{"success":true,"data":{"allParts":[{"type":"text","text":"a"}]}}',
        b'{"allParts":[{"type":"text","text":"a"}]}',
        b'{"success":1,"allParts":[{"type":"text","text":"a"}]}',
        b'{"success":true,"allParts":[{"type":"text","text":"a"}]}',
        b'{"data":{},"allParts":[{"type":"text","text":"a"}]}',
    ],
)
def test_answer_is_taken_in_the_envelope_or_bare(body: bytes) -> None:
    assert enveloped(Document).decode(body) == DOCUMENT


def test_unknown_tag_in_the_envelope_becomes_the_unknown_arm() -> None:
    for body in (b'{"success":true,"data":{"allParts":[{"type":"new"}]}}', b'{"allParts":[{"type":"new"}]}'):
        assert enveloped(Document).decode(body).all_parts == [UnknownType(tag="new", raw={"type": "new"})]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"success":true,"data":{"allParts":1}}', "Expected `array`, got `int` - at `$.data.allParts`"),
        (b'{"success":true,"data":{}}', "Object missing required field `allParts` - at `$.data`"),
        (b'{"success":true,"data":null}', "Expected `object`, got `null` - at `$.data`"),
        (b'{"success":false,"error":{"code":"X"}}', "Object missing required field `data`"),
        (b'{"allParts":1}', "Expected `array`, got `int` - at `$.allParts`"),
        (b'{"success":true}', "Object missing required field `allParts`"),
    ],
)
def test_error_in_the_envelope_names_the_path_from_the_top(body: bytes, message: str) -> None:
    with pytest.raises(msgspec.ValidationError) as caught:
        enveloped(Document).decode(body)
    assert str(caught.value) == message


def test_values_without_unions_are_left_as_they_are() -> None:
    value = {"allParts": [], "new": {"type": "x"}, "pair": [1]}
    assert tolerated(value, Document) == value


def test_decoder_is_shared_by_threads() -> None:
    found: list[Document] = []
    made = Decoder[Document](Document)
    barrier = threading.Barrier(8)

    def work() -> None:
        barrier.wait()
        found.append(made.decode(b'{"allParts":[{"type":"text","text":"a"}]}'))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [DOCUMENT] * 8
