from __future__ import annotations

import json
import math
import sys
import threading
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from promptops.core import InvalidResponseError, Response, ValidationError
from promptops.core.codec import MAX_DEPTH, decode_response, depth_exceeds, encode
from promptops.core.narrow import is_array, is_object


class Point(msgspec.Struct):
    x: float
    note: str | None = None


@dataclass
class Pair:
    left: Any
    right: Any


def answer(body: bytes, *, status: int = 200, **headers: str) -> Response:
    return Response(status=status, headers={"x-request-id": "req-12345", **headers}, body=body)


@pytest.mark.parametrize(
    ("value", "path"),
    [
        (math.nan, "$"),
        ([1.0, math.inf], "$[1]"),
        ({"a": {"b": [None, -math.inf]}}, "$.a.b[1]"),
        (Point(math.nan), "$.x"),
        (Pair(left=None, right=(1, math.nan)), "$.right[1]"),
        ({"a": None, math.nan: 1, "b": None}, "$.<key>"),
        ([None, Point(1.0), {"deep": [Point(math.inf, note=None)]}], "$[2].deep[0].x"),
        ({"a": object()}, "$.a"),
        ([{"b": {1, object()}}], "$[0].b"),
        ({"a": ["ok", "\ud800"]}, "$.a[1]"),
        ({"\udfff": 1}, "$.<key>"),
        ({"a": {(1, 2): 3}}, "$.a"),
    ],
)
def test_value_that_json_cannot_carry_is_refused_by_path(value: Any, path: str) -> None:
    with pytest.raises(ValidationError) as caught:
        encode(value)
    assert caught.value.message.startswith(path)
    assert caught.value.validation_errors[0]["field"].startswith(path)


def test_nan_as_a_key_is_refused_without_a_null_beside_it() -> None:
    with pytest.raises(ValidationError):
        encode({math.nan: 1})


def test_value_that_holds_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(ValidationError, match="itself"):
        encode(loop)


@pytest.mark.parametrize("value", [None, [None], {"a": None}, 0.0, 1e308, "null", {"null": [1, "ü", True]}, 2**64 - 1])
def test_plain_values_encode_as_they_are(value: Any) -> None:
    assert json.loads(encode(value)) == value


def test_scalars_and_arrays_of_numpy_become_numbers() -> None:
    class Scalar:
        def __init__(self, value: Any) -> None:
            self.value = value

        def tolist(self) -> Any:
            return self.value

    Scalar.__module__ = "numpy"
    assert encode({"score": Scalar(0.5), "all": Scalar([1, 2])}) == b'{"score":0.5,"all":[1,2]}'
    with pytest.raises(ValidationError) as caught:
        encode({"score": [Scalar(math.nan)]})
    assert caught.value.message.startswith("$.score[0]")


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


@pytest.mark.parametrize(
    ("body", "deep"),
    [
        (nested(64), False),
        (nested(65), True),
        (b'{"a":' * 64 + b"1" + b"}" * 64, False),
        (b'{"a":' * 65 + b"1" + b"}" * 65, True),
        (b'[{"a":' * 33 + b"1" + b"}]" * 33, True),
        (b"[" + b"[]," * 10_000 + b"[]]", False),
        (b'"' + b"[" * 10_000 + b'"', False),
        (rb'["\"' + b"[" * 100 + rb'\\"]', False),
        (rb'["\\",' + nested(70) + b"]", True),
        (b'["' + b"[{" * 500 + b'","' + b"]}" * 3 + b'"]', False),
        (b"[" * 100_000, True),
        (b"[" * 2_000 + b'"' + b"]" * 2_000, True),
        (b'{"a":"' + b"[" * 200, False),
        (b"]" * 10 + nested(70), True),
        (b"", False),
    ],
)
def test_depth_is_counted_outside_of_strings_only(body: bytes, deep: bool) -> None:
    assert depth_exceeds(body) is deep


def reference_depth(value: Any) -> int:
    if is_object(value):
        return 1 + max((reference_depth(item) for item in value.values()), default=0)
    if is_array(value):
        return 1 + max((reference_depth(item) for item in value), default=0)
    return 0


JSON = st.recursive(
    st.none() | st.text(alphabet='[]{}"\\ aü\n', max_size=12) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(alphabet='[{"\\', max_size=4), inner, max_size=3)
    ),
    max_leaves=60,
)


@given(JSON, st.integers(min_value=0, max_value=6), st.booleans())
def test_depth_scan_agrees_with_the_decoded_value(value: Any, limit: int, ascii_only: bool) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert depth_exceeds(body, limit) is (reference_depth(value) > limit)


def test_good_body_is_decoded() -> None:
    assert decode_response(answer(b'{"x": 1.5}'), msgspec.json.Decoder(Point)) == Point(1.5)


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"x": "text"}', "$.x"),
        (b'{"note": "n"}', "`x`"),
        (b'{"x": 1.5', "complete JSON"),
        (b"", "empty"),
        (b"  ", "empty"),
        (b"\xff\xfe", "complete JSON"),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "base_url"),
        (b"\xef\xbb\xbf\n<html>", "base_url"),
        (nested(65), "nests deeper than 64"),
        (b"[" * 200_000, "nests deeper than 64"),
    ],
)
def test_unusable_body_says_what_is_wrong_with_it(body: bytes, says: str) -> None:
    with pytest.raises(InvalidResponseError) as caught:
        decode_response(answer(body, status=203), msgspec.json.Decoder(Point))
    assert says in caught.value.message
    assert (caught.value.status_code, caught.value.request_id) == (203, "req-12345")
    assert len(caught.value.message) < 500


def test_nested_bombs_do_not_kill_a_thread_with_a_small_stack() -> None:
    outcomes: list[str] = []

    def work() -> None:
        for depth in (65, 2_000, 100_000):
            try:
                decode_response(answer(nested(depth)), msgspec.json.Decoder())
            except InvalidResponseError:
                outcomes.append("refused")
        deep_enough = nested(MAX_DEPTH)
        outcomes.append(type(decode_response(answer(deep_enough), msgspec.json.Decoder())).__name__)

    size = threading.stack_size(256 * 1024)
    try:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(size)
    assert outcomes == ["refused"] * 3 + ["list"]
    assert sys.getrecursionlimit() == 1000


def test_a_value_within_itself_is_named_by_its_field() -> None:
    value: dict[str, Any] = {}
    value["self"] = value
    with pytest.raises(ValidationError, match=r"\$\.metadata: the value refers to itself"):
        encode({"name": "a", "metadata": value})
