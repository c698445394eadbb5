from __future__ import annotations

import pytest
from promptops.core.messages import PROMPT_READ, READ, WRITE, Request
from promptops.core.retry import (
    BACKOFF_FLOOR,
    Failure,
    next_delay,
    paced_delay,
    retries_failure,
    retries_status,
    should_retry_header,
)

GET = Request(method="GET", path="/x")
PUT = Request(method="PUT", path="/x", profile=WRITE)
DELETE = Request(method="DELETE", path="/x", profile=WRITE)
KEYED = Request(method="POST", path="/x", profile=WRITE, idempotency_key="k")
BARE = Request(method="POST", path="/x", profile=WRITE)
REPEATABLE = Request(method="POST", path="/x", repeatable=True)
SAFE = [GET, PUT, DELETE, KEYED, REPEATABLE]


@pytest.mark.parametrize("request_", [*SAFE, BARE])
def test_what_was_never_sent_is_always_retried(request_: Request) -> None:
    assert retries_failure(Failure.NEVER_SENT, request_)


@pytest.mark.parametrize("request_", SAFE)
def test_lost_answer_is_retried_when_sending_twice_is_harmless(request_: Request) -> None:
    assert retries_failure(Failure.NO_ANSWER, request_)


def test_lost_answer_of_a_post_without_a_key_is_not_retried() -> None:
    assert not retries_failure(Failure.NO_ANSWER, BARE)


def test_busy_pool_is_retried_except_where_prompts_are_served() -> None:
    assert retries_failure(Failure.POOL_BUSY, GET)
    assert retries_failure(Failure.POOL_BUSY, BARE)
    assert not retries_failure(Failure.POOL_BUSY, Request(method="GET", path="/x", profile=PROMPT_READ))


@pytest.mark.parametrize("failure", [Failure.REFUSED_TLS, Failure.OUT_OF_TIME])
def test_refused_certificates_and_spent_deadlines_are_final(failure: Failure) -> None:
    assert not any(retries_failure(failure, request) for request in [*SAFE, BARE])


@pytest.mark.parametrize("status", [408, 429, 502, 503, 504])
def test_transient_statuses_are_retried_when_harmless(status: int) -> None:
    assert all(retries_status(status, request) for request in SAFE)
    assert not retries_status(status, BARE)


def test_post_without_a_key_is_retried_only_when_the_server_names_a_time() -> None:
    assert [status for status in range(400, 600) if retries_status(status, BARE, paced=True)] == [429, 503]


def test_500_is_retried_for_reads_only() -> None:
    assert retries_status(500, GET)
    assert not any(retries_status(500, request) for request in (PUT, DELETE, KEYED, REPEATABLE, BARE))


def test_409_is_retried_only_while_the_same_key_is_at_work() -> None:
    assert retries_status(409, KEYED, code="IDEMPOTENCY_IN_PROGRESS")
    assert not retries_status(409, KEYED, code="CONFLICT_ERROR")
    assert not retries_status(409, BARE, code="IDEMPOTENCY_IN_PROGRESS")


def test_other_statuses_are_final() -> None:
    transient = {408, 429, 500, 502, 503, 504}
    assert not any(retries_status(status, GET) for status in range(300, 600) if status not in transient)


@pytest.mark.parametrize("request_", [*SAFE, BARE])
@pytest.mark.parametrize("status", [400, 409, 429, 500, 501, 503])
def test_server_that_says_whether_to_retry_is_obeyed(request_: Request, status: int) -> None:
    assert retries_status(status, request_, should_retry=True)
    assert not retries_status(status, request_, should_retry=False, paced=True)


def test_should_retry_header_is_read_strictly() -> None:
    assert should_retry_header({"x-should-retry": " True "}) is True
    assert should_retry_header({"x-should-retry": "false"}) is False
    assert should_retry_header({"x-should-retry": "maybe"}) is None
    assert should_retry_header({}) is None


def test_backoff_is_full_jitter_with_a_floor_and_a_cap() -> None:
    assert [next_delay(READ, n, 1.0) for n in range(7)] == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0]
    assert [next_delay(PROMPT_READ, n, 1.0) for n in range(4)] == [0.1, 0.2, 0.4, 0.5]
    assert next_delay(READ, 3, 0.0) == BACKOFF_FLOOR == 0.025
    assert next_delay(READ, 10_000, 0.5) == 4.0


@pytest.mark.parametrize(
    ("asked", "random", "waited"), [(10, 0.0, 10.0), (10, 1.0, 11.0), (60, 1.0, 60.0), (0, 0.5, 0.025)]
)
def test_pacing_is_lengthened_never_shortened_never_beyond_the_cap(asked: float, random: float, waited: float) -> None:
    assert paced_delay(asked, 60.0, random) == pytest.approx(waited)


def test_pacing_above_the_cap_stops() -> None:
    assert paced_delay(60.001, 60.0, 0.0) is None
