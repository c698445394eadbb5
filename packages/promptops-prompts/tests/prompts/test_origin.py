"""How the freshness policy asks for prompts, and what it makes of errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from promptops.cache import CacheConfig
from promptops.core.errors import (
    AuthenticationError,
    InvalidResponseError,
    NetworkError,
    NotFoundError,
    PromptNotFoundError,
    RateLimitError,
    ValidationError,
)
from promptops.core.messages import PROMPT_READ, PROMPT_REFRESH, Request, Response
from promptops.prompts import AsyncPrompts, NativePromptStore, PromptCache
from promptops.prompts._origin import PromptOrigin, answer_of, decode_prompt

pytestmark = pytest.mark.anyio


class Time:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def prompts(stub: Any, time: Time) -> AsyncPrompts:
    return AsyncPrompts(stub.runtime, cache=PromptCache(CacheConfig(ttl=60.0), clock=time, random=lambda: 0.5))


def origin(stub: Any) -> PromptOrigin:
    return PromptOrigin(NativePromptStore(stub.runtime), behind=None, addresses=lambda: None)


async def test_what_is_known_is_asked_for_by_its_etag_and_kept_when_nothing_changed(
    stub: Any, prompts: AsyncPrompts, time: Time
) -> None:
    first = await prompts.get("greeting")
    time.now += 61.0
    sent: list[Request] = []

    async def unchanged(request: Request) -> Response:
        sent.append(request)
        return Response(status=304, headers={"etag": '"e"'}, body=b"")

    stub.send = unchanged
    read = await prompts.read("greeting")
    assert (read.prompt is first, read.source, read.stale, read.age) == (True, "network", False, 0.0)
    assert (sent[0].headers, sent[0].accept_statuses) == ((("if-none-match", '"e"'),), (304,))
    time.now += 10.0
    assert (await prompts.read("greeting")).source == "memory"
    assert len(sent) == 1


async def test_what_is_old_is_served_when_the_server_cannot_be_asked(
    stub: Any, prompts: AsyncPrompts, time: Time
) -> None:
    first = await prompts.get("greeting")
    for error in (NetworkError("x"), AuthenticationError("x"), RateLimitError("x"), InvalidResponseError("x")):
        time.now += 3600.0
        stub.fail(error)
        read = await prompts.read("greeting")
        assert (read.prompt is first, read.source, read.stale, read.cache_hit) == (True, "memory", True, True)
        assert read.age is not None
        assert read.age >= 3600.0


async def test_only_our_own_not_found_makes_it_forget(stub: Any, prompts: AsyncPrompts, time: Time) -> None:
    await prompts.get("greeting")
    time.now += 61.0
    stub.fail(NotFoundError("somebody's"))
    assert (await prompts.read("greeting")).stale
    time.now += 61.0
    stub.fail(PromptNotFoundError("ours"))
    with pytest.raises(PromptNotFoundError):
        await prompts.get("greeting")
    stub.fail(NetworkError("away"))
    time.now += 10.0
    with pytest.raises(NetworkError):
        await prompts.get("greeting")


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (PromptNotFoundError("x"), "gone"),
        (NotFoundError("x"), "failed"),
        (AuthenticationError("x"), "refused"),
        (ValidationError("x"), "raised"),
        (InvalidResponseError("x"), "failed"),
        (RuntimeError("x"), "failed"),
    ],
)
def test_an_error_means(stub: Any, error: Exception, outcome: str) -> None:
    assert origin(stub).outcome(error) == outcome


def test_a_prompt_comes_back_from_its_bytes_as_it_was_and_frozen(make_prompt: Callable[..., Any]) -> None:
    messages = [{"role": "user", "content": "Hi {{ a }}"}]
    prompt = make_prompt(messages=messages, metadata={"a": [1, {"b": None}]}, labels=["production"])
    answer = answer_of(prompt)
    again = decode_prompt(answer.body)
    assert again == prompt
    assert answer.etag == "e"
    with pytest.raises(TypeError):
        again.labels.append("x")


def test_bytes_of_another_version_are_of_no_use(stub: Any, make_prompt: Callable[..., Any]) -> None:
    body = answer_of(make_prompt(version="1.0.0")).body
    source = origin(stub)
    assert source.decode((None, "greeting", "1.0.0"), body).version == "1.0.0"
    assert source.decode((None, "greeting", None), body).version == "1.0.0"
    with pytest.raises(ValueError, match=r"1\.0\.0"):
        source.decode((None, "greeting", "1.0.1"), body)
    with pytest.raises(msgspec.MsgspecError):
        source.decode((None, "greeting", None), body[:-1])


async def test_the_background_asks_once_and_with_more_patience(stub: Any) -> None:
    behind = NativePromptStore(stub.runtime, profile=PROMPT_REFRESH)
    source = PromptOrigin(NativePromptStore(stub.runtime), behind=lambda: behind, addresses=lambda: None)
    await source.fetch((None, "greeting", "@production"), None)
    await source.fetch_behind((None, "greeting", "@production"), None)
    assert [request.profile for request in stub.requests] == [PROMPT_READ, PROMPT_REFRESH]
    assert all(request.query == (("label", "production"),) for request in stub.requests)
    assert PROMPT_REFRESH.attempts == 1


async def test_a_ttl_of_nothing_waits_for_the_server(stub: Any) -> None:
    prompts = AsyncPrompts(stub.runtime, cache=CacheConfig(ttl=0.0))
    for _ in range(3):
        assert (await prompts.read("greeting")).source == "network"
    stub.fail(NetworkError("away"))
    assert (await prompts.read("greeting")).stale
