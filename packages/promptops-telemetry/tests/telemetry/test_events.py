"""What an event may carry."""

from __future__ import annotations

import enum
from typing import Any

import msgspec
import pytest
from promptops.telemetry import ATTRIBUTES, TelemetryEvent
from promptops.telemetry.events import encode_event

KEY = f"po_live_{'a' * 12}_{'B' * 43}_{'0' * 6}"


class Provider(enum.StrEnum):
    OPENAI = "openai"


def encoded(name: str = "prompt.get", **attributes: Any) -> TelemetryEvent:
    data = encode_event(name, at=1_700_000_000.25, duration_ms=1.5, outcome="ok", attributes=attributes)
    return msgspec.json.decode(data, type=TelemetryEvent)


def test_event_says_what_when_and_how_long() -> None:
    event = encoded()
    assert (event.name, event.duration_ms, event.outcome) == ("prompt.get", 1.5, "ok")
    assert event.timestamp.isoformat() == "2023-11-14T22:13:20.250000+00:00"
    assert event.attributes == {}


def test_known_attributes_of_the_right_type_are_kept() -> None:
    facts: dict[str, Any] = {"prompt": "greeting", "cache_hit": True, "attempts": 2, "count": 1.5}
    assert encoded(**facts).attributes == facts
    assert encoded(model_provider=Provider.OPENAI).attributes == {"model_provider": "openai"}


@pytest.mark.parametrize("name", ["content", "messages", "variables", "rendered_content", "text", "api_key", "x"])
def test_a_name_that_is_not_on_the_list_never_leaves(name: str) -> None:
    assert name not in ATTRIBUTES
    assert encoded(**{name: "anything"}).attributes == {}


@pytest.mark.parametrize(
    "facts",
    [
        {"prompt": "x" * 256},
        {"prompt": "two\nlines"},
        {"prompt": "nul\x00"},
        {"prompt": 3},
        {"prompt": True},
        {"prompt": b"bytes"},
        {"prompt": ["list"]},
        {"prompt": {"a": 1}},
        {"prompt": None},
        {"cache_hit": "yes"},
        {"cache_hit": 1},
        {"attempts": "2"},
        {"attempts": True},
        {"count": float("nan")},
        {"count": float("inf")},
        {"count": 10**30},
        {"count": object()},
    ],
)
def test_a_value_of_another_type_never_leaves(facts: dict[str, Any]) -> None:
    assert encoded(**facts).attributes == {}


def test_what_looks_like_a_credential_is_removed_from_labels() -> None:
    assert KEY not in str(encoded(prompt=KEY, error=f"Bearer {KEY}").attributes)


@pytest.mark.parametrize("name", ["", "two words", "x" * 129, "ümlaut", "a\n"])
def test_a_name_that_no_server_takes_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        encoded(name)


@pytest.mark.parametrize("duration", [-1.0, float("nan"), float("inf"), 1e12])
def test_a_duration_that_is_none_is_left_out(duration: float) -> None:
    data = encode_event("a", at=0.0, duration_ms=duration, outcome="x" * 65, attributes={})
    assert set(msgspec.json.decode(data)) == {"name", "timestamp"}
