"""The policy loop on both runtimes, in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from promptops.core import (
    AuthenticationError,
    ConfigurationError,
    NetworkError,
    PromptNotFoundError,
    PromptOpsError,
    RateLimitError,
    Request,
    Response,
    RuntimeConfig,
    ServerError,
    ValidationError,
)
from promptops.core import TimeoutError as PromptOpsTimeoutError
from promptops.core.messages import PROMPT_READ, PROMPT_REFRESH, READ, WRITE
from promptops.core.testing import FakeClock, FakeTransport, Outcome, json_response
from promptops.core.transport import ConnectFailed, DeadlineExceeded, ExchangeFailed, PoolTimeout

Play = Callable[..., Any]

GET = Request(method="GET", path="/x")
PROMPT = Request(method="GET", path="/p", profile=PROMPT_READ)
POST = Request(method="POST", path="/x", body=b"{}", profile=WRITE)
KEYED = Request(method="POST", path="/x", body=b"{}", profile=WRITE, idempotency_key="one-key")
OK = json_response({"ok": True})
REFUSED = ConnectFailed("refused")
RESET = ExchangeFailed("reset", sent=True)
HUNG = ExchangeFailed("hung", sent=True, timed_out=True)


def status(code: int, **headers: str) -> Response:
    return json_response({}, status=code, headers={name.replace("_", "-"): value for name, value in headers.items()})


class Bench:
    """A transport, a clock and how to run one call against them."""

    def __init__(self, play: Play, *script: Outcome, always: Outcome | None = None, **transport: Any) -> None:
        self.clock = FakeClock()
        self.transport = FakeTransport(script, clock=self.clock, **transport)
        self.transport.then(always)
        self._play = play

    def run(self, scenario: Any, **config: Any) -> Any:
        settings: dict[str, Any] = {"base_url": "http://server.test/base/v1", "api_key": "the-key", **config}
        return self._play(
            scenario, RuntimeConfig(**settings), transport=self.transport, clock=self.clock, random=lambda: 0.5
        )

    def send(self, *requests: Request, **config: Any) -> Any:
        async def scenario(runtime: Any) -> Any:
            answer = None
            for request in requests:
                answer = await runtime.send(request)
            return answer

        return self.run(scenario, **config)


def test_first_attempt_carries_address_key_and_limits(play: Play) -> None:
    bench = Bench(play, OK)
    request = Request(
        method="GET", path="/v1/client/prompts/a%2Fb", query=(("v", "1 2"),), headers=(("if-none-match", '"e"'),)
    )
    assert bench.send(request) is OK
    (attempt,) = bench.transport.attempts
    headers = dict(attempt.headers)
    assert attempt.target == "/base/v1/client/prompts/a%2Fb?v=1%202"
    assert headers["authorization"] == "Bearer the-key"
    assert headers["user-agent"].startswith("promptops-python/")
    assert headers["accept"] == "application/json"
    assert headers["if-none-match"] == '"e"'
    assert "content-type" not in headers
    assert (attempt.timeouts, attempt.retry_stale, attempt.body) == (READ.timeouts, True, b"")
    assert attempt.deadline == pytest.approx(1_000.0 + READ.deadline)


def test_without_a_key_there_is_no_authorization(play: Play) -> None:
    bench = Bench(play, OK)
    bench.send(GET, api_key=None)
    assert "authorization" not in dict(bench.transport.attempts[0].headers)


def test_header_of_the_request_replaces_the_standard_one_but_never_the_key(play: Play) -> None:
    bench = Bench(play, OK)
    bench.send(Request(method="GET", path="/x", headers=(("accept", "text/csv"),)))
    assert [pair for pair in bench.transport.attempts[0].headers if pair[0] == "accept"] == [("accept", "text/csv")]
    with pytest.raises(ConfigurationError, match="authorization"):
        bench.send(Request(method="GET", path="/x", headers=(("authorization", "Bearer other"),)))


def test_every_attempt_of_a_write_carries_the_same_key_and_body(play: Play) -> None:
    bench = Bench(play, RESET, status(503), OK)
    assert bench.send(KEYED) is OK
    assert len(bench.transport.attempts) == 3
    for attempt in bench.transport.attempts:
        headers = dict(attempt.headers)
        assert (headers["idempotency-key"], headers["content-type"], attempt.body) == (
            "one-key",
            "application/json",
            b"{}",
        )


def test_rotated_key_is_used_by_the_next_attempt(play: Play) -> None:
    keys = iter(["first-key", "second-key"])
    bench = Bench(play, status(503), OK)
    bench.send(GET, api_key=lambda: next(keys))
    sent = [dict(attempt.headers)["authorization"] for attempt in bench.transport.attempts]
    assert sent == ["Bearer first-key", "Bearer second-key"]


def test_key_function_that_gives_no_key_is_a_configuration_error(play: Play) -> None:
    bench = Bench(play, OK)
    with pytest.raises(ConfigurationError, match="api_key"):
        bench.send(GET, api_key=lambda: "")
    assert bench.transport.attempts == []


def test_every_attempt_is_signed_anew(play: Play) -> None:
    bench = Bench(play, status(503), status(503), OK)
    bench.send(KEYED, secret_key="the-secret", key_id="id-of-the-key")
    signed = [dict(attempt.headers) for attempt in bench.transport.attempts]
    assert len({headers["x-promptops-nonce"] for headers in signed}) == 3
    assert len({headers["x-promptops-signature"] for headers in signed}) == 3
    assert all(headers["x-promptops-timestamp"].endswith("Z") for headers in signed)
    assert all("the-secret" not in str(headers) for headers in signed)


def test_signing_without_a_key_id_fails_before_any_call(play: Play) -> None:
    with pytest.raises(ConfigurationError, match="key_id"):
        Bench(play, OK).send(GET, secret_key="the-secret")


@pytest.mark.parametrize(
    "failure", [REFUSED, RESET, HUNG, status(408), status(429), status(500), status(502), status(504)]
)
def test_transient_trouble_is_retried(play: Play, failure: Any) -> None:
    bench = Bench(play, failure, OK)
    assert bench.send(GET) is OK
    assert bench.clock.sleeps == [0.125]


@pytest.mark.parametrize("failure", [RESET, HUNG, status(408), status(429), status(500), status(502), status(503)])
def test_post_without_a_key_is_sent_once(play: Play, failure: Any) -> None:
    bench = Bench(play, failure)
    with pytest.raises((NetworkError, PromptOpsTimeoutError, ServerError, RateLimitError)):
        bench.send(POST)
    assert len(bench.transport.attempts) == 1


def test_post_without_a_key_is_retried_when_nothing_was_sent_or_the_server_names_a_time(play: Play) -> None:
    bench = Bench(play, REFUSED, status(503, retry_after="1"), OK)
    assert bench.send(POST) is OK


@pytest.mark.parametrize("code", [400, 401, 403, 404, 409, 412, 422, 501])
def test_final_statuses_are_not_retried(play: Play, code: int) -> None:
    bench = Bench(play, status(code))
    with pytest.raises(Exception):  # noqa: B017, PT011 - which one is the subject of test_decode
        bench.send(GET)
    assert len(bench.transport.attempts) == 1


def test_conflict_of_an_idempotency_key_in_progress_is_retried(play: Play) -> None:
    busy = json_response(
        {"error": {"code": "IDEMPOTENCY_IN_PROGRESS", "message": "m"}}, status=409, headers={"Retry-After": "1"}
    )
    bench = Bench(play, busy, OK)
    assert bench.send(KEYED) is OK
    assert bench.clock.sleeps == [pytest.approx(1.05)]


@pytest.mark.parametrize(
    ("earlier", "repeated"),
    [
        (RESET, True),
        (HUNG, True),
        (status(502), True),
        (status(504), True),
        (REFUSED, False),
        (status(429, retry_after="0"), False),
    ],
)
def test_an_error_says_whether_an_earlier_attempt_may_have_had_its_effect(
    play: Play, earlier: Any, repeated: bool
) -> None:
    gone = json_response({"error": {"code": "PROMPT_NOT_FOUND", "message": "gone"}}, status=404)
    with pytest.raises(PromptNotFoundError) as caught:
        Bench(play, earlier, gone).send(Request(method="DELETE", path="/x", profile=WRITE))
    assert caught.value.repeated is repeated


def test_an_error_of_the_first_attempt_is_no_repetition(play: Play) -> None:
    with pytest.raises(PromptOpsError) as caught:
        Bench(play, RESET).send(POST)
    assert caught.value.repeated is False


def test_a_deletion_is_never_repeated_behind_the_back_of_the_loop(play: Play) -> None:
    bench = Bench(play, OK)
    bench.send(Request(method="DELETE", path="/x", profile=WRITE))
    assert bench.transport.attempts[0].retry_stale is False


def test_should_retry_of_the_server_is_obeyed(play: Play) -> None:
    bench = Bench(play, status(500, x_should_retry="true"), OK)
    assert bench.send(POST) is OK
    bench = Bench(play, status(503, x_should_retry="false", retry_after="1"))
    with pytest.raises(ServerError):
        bench.send(GET)
    assert len(bench.transport.attempts) == 1


def test_attempts_end_with_the_profile(play: Play) -> None:
    for request, attempts in ((GET, 3), (PROMPT, 2), (Request(method="GET", path="/x", profile=PROMPT_REFRESH), 1)):
        bench = Bench(play, always=status(503))
        with pytest.raises(ServerError):
            bench.send(request)
        assert len(bench.transport.attempts) == attempts


def test_accepted_status_is_an_answer(play: Play) -> None:
    bench = Bench(play, status(304))
    assert bench.send(Request(method="GET", path="/x", accept_statuses=(304,))).status == 304


def test_refused_key_is_a_typed_error_with_the_request_id(play: Play) -> None:
    bench = Bench(play, status(401, x_request_id="req-9"))
    with pytest.raises(AuthenticationError) as caught:
        bench.send(GET)
    assert caught.value.request_id == "req-9"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"api_key": None}, "No key was sent; pass api_key, or set PROMPTOPS_API_KEY."),
        ({"api_key": "the-key"}, "The server refused the key; check api_key or PROMPTOPS_API_KEY."),
        ({"api_key": lambda: "the-key"}, "The server refused the key; check api_key or PROMPTOPS_API_KEY."),
        ({"api_key": None, "headers": (("authorization", "Basic abcd"),)}, "The server refused the key"),
        ({"api_key": None, "headers": (("x-api-key", "abcd"),)}, "The server refused the key"),
        ({"api_key": None, "headers": (("x-team", "search"),)}, "No key was sent"),
    ],
    ids=["none", "key", "function", "authorization", "header of its own", "another header"],
)
def test_refusal_without_a_key_says_that_none_was_sent(play: Play, settings: dict[str, Any], said: str) -> None:
    bench = Bench(play, Response(status=401, headers={"content-type": "text/plain"}, body=b"Invalid token"))
    with pytest.raises(AuthenticationError) as caught:
        bench.send(GET, **settings)
    assert caught.value.message.startswith(f"Invalid token. {said}")


def test_client_of_the_callers_may_have_sent_a_key(play: Play) -> None:
    """It is not said then that there was none."""
    bench = Bench(play, Response(status=401, headers={"content-type": "text/plain"}, body=b"Invalid token"))
    with pytest.raises(AuthenticationError, match="refused the key"):
        bench.send(GET, api_key=None, http_client=object())


def test_busy_pool_is_not_retried_on_the_prompt_path(play: Play) -> None:
    bench = Bench(play, PoolTimeout("busy", timed_out=True))
    with pytest.raises(PromptOpsTimeoutError) as caught:
        bench.send(PROMPT)
    assert caught.value.timeout_duration == PROMPT_READ.timeouts.pool
    bench = Bench(play, PoolTimeout("busy", timed_out=True), OK)
    assert bench.send(GET) is OK


def test_network_error_says_what_to_do_and_keeps_its_cause(play: Play) -> None:
    bench = Bench(play, always=ConnectFailed("refused by the peer"))
    with pytest.raises(NetworkError) as caught:
        bench.send(GET, base_url="http://127.0.0.1:9")
    assert "promptops serve" in caught.value.message
    assert "http://127.0.0.1:9" in caught.value.message
    assert isinstance(caught.value.__cause__, ConnectFailed)
    assert caught.value.original_error is caught.value.__cause__
    assert caught.value.details["attempts"] == 3
    assert caught.value.request_id is None


def test_whole_call_keeps_the_deadline_of_its_profile(play: Play) -> None:
    bench = Bench(play, always=HUNG, latency=1.5)
    with pytest.raises(PromptOpsTimeoutError) as caught:
        bench.send(PROMPT)
    assert bench.clock.now - 1_000.0 <= PROMPT_READ.deadline
    assert caught.value.timeout_duration == PROMPT_READ.deadline


def test_explicit_timeouts_replace_the_deadline(play: Play) -> None:
    bench = Bench(play, OK, OK)
    bench.send(PROMPT, timeout=20.0)
    bench.send(Request(method="GET", path="/x", timeout=0.5), timeout=20.0)
    first, second = bench.transport.attempts
    assert first.deadline == pytest.approx(1_020.0)
    assert second.deadline == pytest.approx(1_000.5)


@pytest.mark.parametrize("seconds", [0, -1.0, float("nan"), float("inf")])
def test_timeout_that_makes_no_sense_is_refused_before_any_attempt(play: Play, seconds: float) -> None:
    bench = Bench(play, OK)
    with pytest.raises(ValidationError, match="timeout"):
        bench.send(Request(method="GET", path="/x", timeout=seconds))
    assert bench.transport.attempts == []


def test_retry_that_would_begin_after_the_deadline_is_not_waited_for(play: Play) -> None:
    bench = Bench(play, status(503, retry_after="5"))
    with pytest.raises(ServerError):
        bench.send(PROMPT)
    assert bench.clock.sleeps == []


def test_deadline_scope_covers_calls_and_waits_together(play: Play) -> None:
    bench = Bench(play, OK, OK, latency=0.4)

    async def scenario(runtime: Any) -> None:
        with runtime.deadline(1.0):
            await runtime.send(GET)
            await runtime.sleep(0.4)
            await runtime.send(GET)

    with pytest.raises(PromptOpsTimeoutError) as caught:
        bench.run(scenario)
    assert caught.value.timeout_duration == 1.0
    assert bench.clock.now == pytest.approx(1_001.0)


def test_sleep_ends_with_the_scope(play: Play) -> None:
    bench = Bench(play)

    async def scenario(runtime: Any) -> None:
        with runtime.deadline(10.0), runtime.deadline(2.0):
            await runtime.sleep(5.0)

    with pytest.raises(PromptOpsTimeoutError) as caught:
        bench.run(scenario)
    assert (bench.clock.now, caught.value.timeout_duration) == (1_002.0, 2.0)


def test_scope_ends_with_its_block(play: Play) -> None:
    bench = Bench(play, OK)

    async def scenario(runtime: Any) -> None:
        with runtime.deadline(1.0):
            with runtime.deadline(5.0):
                await runtime.sleep(0.5)
            await runtime.sleep(0.1)
        await runtime.sleep(60.0)
        await runtime.send(GET)

    bench.run(scenario)
    assert bench.transport.attempts[0].deadline == pytest.approx(1_000.0 + 60.6 + READ.deadline)


def test_pause_asked_for_by_one_answer_is_kept_by_every_caller(play: Play) -> None:
    bench = Bench(play, status(429, retry_after="7"), OK)

    async def scenario(runtime: Any) -> Any:
        with pytest.raises(RateLimitError):
            await runtime.send(POST_ONCE)
        return await runtime.send(GET)

    assert bench.run(scenario) is OK
    assert bench.transport.times[1] - bench.transport.times[0] >= 7.0
    assert sum(bench.clock.sleeps) <= 7.0 * 1.1


POST_ONCE = Request(method="POST", path="/x", body=b"{}", profile=PROMPT_REFRESH)


def test_caller_who_cannot_wait_for_the_pause_fails_at_once_without_asking(play: Play) -> None:
    bench = Bench(play, status(429, retry_after="30", x_request_id="req-1"))

    async def scenario(runtime: Any) -> None:
        with pytest.raises(RateLimitError):
            await runtime.send(POST_ONCE)
        with pytest.raises(RateLimitError) as caught:
            await runtime.send(PROMPT)
        assert caught.value.retry_after == 30
        assert caught.value.request_id == "req-1"
        assert "not sent" in caught.value.message

    bench.run(scenario)
    assert len(bench.transport.attempts) == 1
    assert bench.clock.sleeps == []


def test_pause_ends(play: Play) -> None:
    bench = Bench(play, status(503, retry_after="2"), OK)

    async def scenario(runtime: Any) -> Any:
        with pytest.raises(ServerError):
            await runtime.send(POST_ONCE)
        await runtime.sleep(2.0)
        return await runtime.send(PROMPT)

    assert bench.run(scenario) is OK
    assert bench.clock.sleeps == [2.0]


def test_pause_of_one_key_does_not_hold_another(play: Play) -> None:
    keys = ["first"]
    bench = Bench(play, status(429, retry_after="30"), OK)

    async def scenario(runtime: Any) -> Any:
        with pytest.raises(RateLimitError):
            await runtime.send(POST_ONCE)
        keys[0] = "second"
        return await runtime.send(PROMPT)

    assert bench.run(scenario, api_key=lambda: keys[0]) is OK


def test_empty_budget_fails_with_the_first_error(play: Play) -> None:
    bench = Bench(play, always=status(503))

    async def scenario(runtime: Any) -> list[int]:
        counts: list[int] = []
        for _ in range(8):
            before = len(bench.transport.attempts)
            with pytest.raises(ServerError):
                await runtime.send(GET)
            counts.append(len(bench.transport.attempts) - before)
        return counts

    assert bench.run(scenario) == [3, 3, 3, 3, 3, 1, 1, 1]


def test_retries_after_timeouts_use_the_budget_up_twice_as_fast(play: Play) -> None:
    bench = Bench(play, always=HUNG)

    async def scenario(runtime: Any) -> int:
        for _ in range(10):
            with pytest.raises(PromptOpsTimeoutError):
                await runtime.send(GET)
        return len(bench.transport.attempts)

    assert bench.run(scenario) == 10 + 5


def test_silent_server_costs_one_deadline_then_errors_come_at_once(play: Play) -> None:
    bench = Bench(play, always=HUNG, latency=1.5)

    async def scenario(runtime: Any) -> None:
        with pytest.raises(PromptOpsTimeoutError):
            await runtime.send(PROMPT)
        asked, start = len(bench.transport.attempts), bench.clock.now
        for _ in range(100):
            with pytest.raises(NetworkError) as caught:
                await runtime.send(PROMPT)
            assert caught.value.details["fail_fast"] is True
        assert len(bench.transport.attempts) == asked
        assert bench.clock.now == start

    bench.run(scenario)


def test_refusing_server_opens_the_gate_and_one_answer_closes_it(play: Play) -> None:
    down = [True]

    def outcome(attempt: Any) -> Response:
        if down[0]:
            raise REFUSED
        return OK

    bench = Bench(play, always=outcome)

    async def scenario(runtime: Any) -> None:
        for _ in range(3):
            with pytest.raises(NetworkError):
                await runtime.send(PROMPT)
        asked = len(bench.transport.attempts)
        for _ in range(50):  # five seconds, ten calls a second: one probe each second
            with pytest.raises(NetworkError):
                await runtime.send(PROMPT)
            await runtime.sleep(0.1)
        assert 4 <= len(bench.transport.attempts) - asked <= 10
        down[0] = False
        await runtime.sleep(1.0)
        for _ in range(10):
            assert await runtime.send(PROMPT) is OK

    bench.run(scenario)


def test_error_answers_never_open_the_gate(play: Play) -> None:
    bench = Bench(play, always=status(503))

    async def scenario(runtime: Any) -> None:
        for _ in range(20):
            with pytest.raises(ServerError):
                await runtime.send(PROMPT)

    bench.run(scenario)


def test_gate_is_for_prompt_reads_only(play: Play) -> None:
    bench = Bench(play, always=REFUSED)

    async def scenario(runtime: Any) -> None:
        for _ in range(5):
            with pytest.raises(NetworkError):
                await runtime.send(PROMPT)
        before = len(bench.transport.attempts)
        with pytest.raises(NetworkError):
            await runtime.send(POST)
        assert len(bench.transport.attempts) > before

    bench.run(scenario)


def test_deadline_of_the_caller_is_no_sign_of_a_silent_server(play: Play) -> None:
    slow = DeadlineExceeded("late", sent=True, timed_out=True)
    bench = Bench(play, slow, OK)

    async def scenario(runtime: Any) -> Any:
        with pytest.raises(PromptOpsTimeoutError), runtime.deadline(0.01):
            await runtime.send(PROMPT)
        return await runtime.send(PROMPT)

    assert bench.run(scenario) is OK


def test_use_after_close_is_a_clear_error_and_closing_twice_is_fine(play: Play) -> None:
    bench = Bench(play, OK)

    async def scenario(runtime: Any) -> None:
        await runtime.send(GET)
        await runtime.aclose()
        await runtime.aclose()
        for call in (runtime.send(GET), runtime.send(PROMPT)):
            with pytest.raises(ConfigurationError, match="closed"):
                await call
        with pytest.raises(ConfigurationError, match="closed"):
            async with runtime.stream(GET):
                pass

    bench.run(scenario)
    assert bench.transport.closed


def test_stream_gives_the_body_in_pieces(play: Play) -> None:
    bench = Bench(play, Response(status=200, headers={"x-a": "b"}, body=b"0123456789" * 10))

    async def scenario(runtime: Any) -> tuple[int, str, bytes]:
        async with runtime.stream(GET) as answer:
            return answer.status, answer.headers["x-a"], b"".join([chunk async for chunk in answer.chunks()])

    assert bench.run(scenario) == (200, "b", b"0123456789" * 10)
    assert dict(bench.transport.attempts[0].headers)["authorization"] == "Bearer the-key"


def test_stream_has_the_errors_of_send(play: Play) -> None:
    missing = json_response({"error": {"code": "PROMPT_NOT_FOUND", "message": "no"}}, status=404)
    bench = Bench(play, missing, REFUSED)

    async def scenario(runtime: Any) -> None:
        with pytest.raises(PromptNotFoundError):
            async with runtime.stream(GET):
                pass
        with pytest.raises(NetworkError):
            async with runtime.stream(GET):
                pass

    bench.run(scenario)


def test_error_of_the_caller_within_a_stream_is_left_alone(play: Play) -> None:
    bench = Bench(play, OK)

    async def scenario(runtime: Any) -> None:
        async with runtime.stream(GET):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        bench.run(scenario)
