from __future__ import annotations

from datetime import UTC, datetime

import pytest
from promptops.server.calls import Visit
from promptops.server.errors import error_reply
from promptops.server.idempotency import IdempotencyInProgress, InFlight, Once, fingerprint_of


def once(key: str = "k", owner: str = "me") -> Once:
    return Once(owner=owner, key=key, fingerprint=b"", status=201, encode=lambda _: b"")


def test_a_key_is_held_while_its_write_runs_and_free_afterwards() -> None:
    flights = InFlight()
    with flights.claim(once()):
        with pytest.raises(IdempotencyInProgress), flights.claim(once()):
            pass
        with flights.claim(once("other")), flights.claim(once(owner="you")), flights.claim(None):
            pass
    with pytest.raises(ValueError, match="failed"), flights.claim(once()):
        raise ValueError("failed")
    with flights.claim(once()):
        pass


@pytest.mark.parametrize("family", ["v1", "v2"])
def test_a_write_under_way_is_answered_with_when_to_come_back(family: str) -> None:
    visit = Visit(
        family="v1" if family == "v1" else "v2", request_id="r", timestamp=datetime.now(UTC), method="POST", path="/"
    )
    reply = error_reply(IdempotencyInProgress("busy"), visit)
    assert reply.status == 409
    assert {(b"retry-after", b"1"), (b"x-should-retry", b"true")} <= set(reply.headers)
    assert b"IDEMPOTENCY_IN_PROGRESS" in reply.body


def test_the_fingerprint_tells_apart_what_is_only_split_differently() -> None:
    assert fingerprint_of("POST", "/a", b"b", b"c") != fingerprint_of("POST", "/ab", b"", b"c")
