from __future__ import annotations

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from promptops.core import ValidationError
from promptops.core.urls import encode_query, quote_path, quote_segment


@pytest.mark.parametrize(
    ("value", "encoded"),
    [
        ("greeting", "greeting"),
        ("a/b", "a%2Fb"),
        ("a b?c#d%e", "a%20b%3Fc%23d%25e"),
        (".", "%2E"),
        ("..", "%2E%2E"),
        ("...", "..."),
        ("ü", "%C3%BC"),
        ("RGF0YTo1==", "RGF0YTo1%3D%3D"),
    ],
)
def test_segment_cannot_leave_its_place(value: str, encoded: str) -> None:
    assert quote_segment(value) == encoded


@given(st.text(min_size=1).filter(lambda text: text.isprintable() and not any("\ud800" <= c <= "\udfff" for c in text)))
def test_every_name_survives_the_round_trip(value: str) -> None:
    encoded = quote_segment(value)
    assert unquote(encoded) == value
    assert "/" not in encoded
    assert encoded not in {".", ".."}


@pytest.mark.parametrize("value", ["", "\ud800"])
def test_name_that_cannot_be_sent_is_refused(value: str) -> None:
    with pytest.raises(ValidationError):
        quote_segment(value)


def test_query_keeps_order_and_encodes_everything() -> None:
    assert encode_query([("b", "x y"), ("a", "1&2=3"), ("a", "")]) == "b=x%20y&a=1%262%3D3&a="
    with pytest.raises(ValidationError):
        encode_query([("a", "\udfff")])


def test_path_is_not_encoded_twice() -> None:
    assert quote_path("/a%20b/c d") == "/a%20b/c%20d"
