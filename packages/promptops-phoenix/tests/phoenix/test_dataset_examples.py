"""Any example comes back from what Phoenix keeps of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from promptops.phoenix._generated import models as wire
from promptops.phoenix._numbers import large_numbers
from promptops.phoenix.datasets._examples import MARKER, example_of, fields_of, parts_of

FINITE = st.floats(allow_nan=False, allow_infinity=False)
# Half of a surrogate pair is no text, and is refused before.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
LEAVES = st.none() | st.booleans() | st.integers() | st.integers(-(2**80), 2**80) | FINITE | TEXT
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4), max_leaves=12
)
NAMES = st.sampled_from(["input", "expected", "metadata", "output", MARKER, "split"]) | TEXT
METADATA = st.dictionaries(st.just(MARKER) | TEXT, JSON, max_size=3)
FIELDS = st.dictionaries(NAMES, JSON | METADATA, max_size=5)


def stored(value: Any) -> Any:
    """What the server sends after it has been sent that."""
    assert not list(large_numbers(value))
    return msgspec.json.decode(msgspec.json.encode(value))


@given(FIELDS)
@example({"input": {"a": 1}, "expected": {"b": 1}, "metadata": {"c": 1}})
@example({"input": {"a": 1}, "expected": {}})
@example({"input": {"a": 2**64}, "metadata": {"c": [-(2**64)]}})
@example({"metadata": {}, "expected": None})
@example({"metadata": {MARKER: []}, "input": {"a": 1}})
def test_any_example_comes_back(fields: dict[str, Any]) -> None:
    encoded = msgspec.json.encode(fields)
    for parts in (parts_of(fields), parts_of(fields, encoded)):
        back = fields_of(stored(parts.input), stored(parts.output), stored(parts.metadata))
        assert back == fields
        # Also the kinds of numbers: 1, 1.0 and true are equal to each other.
        assert msgspec.json.encode(back, order="deterministic") == msgspec.json.encode(fields, order="deterministic")


@given(FIELDS)
def test_the_order_of_fields_makes_no_other_content(fields: dict[str, Any]) -> None:
    turned = dict(reversed(fields.items()))
    assert parts_of(fields) == parts_of(turned)


def test_what_is_in_phoenix_form_is_kept_without_a_mark() -> None:
    parts = parts_of({"input": {"q": 1}, "expected": {"a": 1}, "metadata": {"m": 1}})
    assert (parts.input, parts.output, parts.metadata) == ({"q": 1}, {"a": 1}, {"m": 1})
    parts = parts_of({"input": {"q": 1}})
    assert (parts.input, parts.output, parts.metadata) == ({"q": 1}, {}, {})


def test_a_flat_example_is_kept_with_a_mark() -> None:
    parts = parts_of({"question": "2+2", "expected": "4", "metadata": {"m": 1}})
    assert parts.input == {"question": "2+2"}
    assert parts.output == {"expected": "4"}
    assert parts.metadata == {"m": 1, MARKER: ["expected", "metadata"]}


@pytest.mark.parametrize(
    ("given", "output", "metadata", "fields"),
    [
        ({}, {}, {}, {"input": {}}),
        ({"q": 1}, {"a": 1}, {"m": 1}, {"input": {"q": 1}, "expected": {"a": 1}, "metadata": {"m": 1}}),
        # A mark that nobody of us wrote is metadata.
        ({"q": 1}, {}, {MARKER: "x"}, {"input": {"q": 1}, "metadata": {MARKER: "x"}}),
        # Somebody changed the example on the server's pages.
        ({"q": 1, "more": 2}, {"answer": 1}, {MARKER: []}, {"q": 1, "more": 2, "expected": {"answer": 1}}),
        ({"q": 1}, {"expected": 1, "b": 2}, {MARKER: ["expected"]}, {"q": 1, "expected": {"expected": 1, "b": 2}}),
        ({"q": 1}, {}, {MARKER: [], "reviewed": True}, {"q": 1, "metadata": {"reviewed": True}}),
        ({"n": "no number"}, {}, {MARKER: {"outside": [], "integers": [["n"], ["gone", 0], []]}}, {"n": "no number"}),
        ({"n": "42"}, {}, {MARKER: {"outside": [], "integers": [["n"]]}}, {"n": "42"}),
        ({"n": "1.5e+20"}, {}, {MARKER: {"outside": [], "integers": [["n"]]}}, {"n": 1.5e20}),
        ({"n": "1e+10"}, {}, {MARKER: {"outside": [], "integers": [["n"]]}}, {"n": "1e+10"}),
        ({"n": "1e+999"}, {}, {MARKER: {"outside": [], "integers": [["n"]]}}, {"n": "1e+999"}),
        ({"n": "9" * 19}, {}, {MARKER: {"outside": [], "integers": [["n"]]}}, {"n": "9" * 19}),
        ({"n": "9" * 5000}, {}, {MARKER: {"outside": [], "integers": [["n"]]}}, {"n": "9" * 5000}),
    ],
)
def test_what_others_wrote_or_changed_is_not_left_out(
    given: dict[str, Any], output: dict[str, Any], metadata: dict[str, Any], fields: dict[str, Any]
) -> None:
    assert fields_of(given, output, metadata) == fields


@pytest.mark.parametrize("path", [["n", -1], [[0]], [{}], [None], [True]], ids=str)
def test_a_mark_that_makes_no_sense_changes_nothing(path: list[Any]) -> None:
    """Anybody can write one."""
    fields: dict[str, Any] = {"n": ["9" * 30]}
    assert fields_of(fields, {}, {MARKER: {"outside": [], "integers": [path]}}) == fields


def test_what_the_server_keeps_is_not_changed_by_reading_it() -> None:
    """A replacement that deletes sends it again, and the server fails on an integer of that size."""
    fields = {"a": [2**64, {"b": 2**70}], "expected": {"c": -(2**64)}, "metadata": {"d": [2**65]}}
    kept = parts_of(fields)
    before = msgspec.json.encode(kept)
    assert fields_of(kept.input, kept.output, kept.metadata) == fields
    assert msgspec.json.encode(kept) == before


def test_numbers_that_the_server_cannot_store_are_found_wherever_they_are() -> None:
    value = {"a": [1, 2**64, {"b": -(2**63) - 1}], "c": [2**64 - 1, -(2**63), True, 1e300]}
    assert list(large_numbers(value)) == [("a", 1), ("a", 2, "b"), ("c", 3)]


def test_runs_are_stored_with_the_id_of_the_server_and_the_own_id_is_kept() -> None:
    item = wire.DatasetExample(
        id="mine",
        node_id="RGF0YXNldEV4YW1wbGU6MQ==",
        input={"q": 1},
        output={},
        metadata={},
        updated_at=datetime(2026, 1, 1, tzinfo=UTC),
        source=wire.DatasetExampleSource(span_id="00f067aa0ba902b7", span_node_id="U3Bhbjox"),
    )
    found = example_of(item)
    assert (found.id, found.example_id, found.span_id) == ("RGF0YXNldEV4YW1wbGU6MQ==", "mine", "00f067aa0ba902b7")
    assert (found["input"], found.input, found.output) == ({"q": 1}, {"q": 1}, {})
    assert found.updated_at == item.updated_at
