"""The resource over the real runtimes: what the server sees, and how its errors come back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from promptops.core.async_runtime import AsyncRuntime
from promptops.core.config import RuntimeConfig
from promptops.core.errors import InvalidResponseError, PromptNotFoundError
from promptops.core.messages import Response
from promptops.core.sync_runtime import SyncRuntime
from promptops.core.testing import FakeClock, FakeTransport, json_response
from promptops.prompts import AsyncPrompts, SyncPrompts

CONFIG = RuntimeConfig(base_url="http://127.0.0.1:9/prefix/v1")
METADATA = {"request_id": "req-1", "timestamp": "2026-01-01T00:00:00Z"}


def envelope(data: Any, status: int = 200) -> Response:
    return json_response({"success": True, "data": data, "metadata": METADATA}, status=status)


def blocking(transport: FakeTransport) -> SyncPrompts:
    return SyncPrompts(AsyncPrompts(SyncRuntime(CONFIG, transport=transport, clock=FakeClock())))


def test_names_and_queries_are_encoded_once(make_json: Callable[..., Any]) -> None:
    transport = FakeTransport(envelope(make_json()))
    blocking(transport).get("a/b?c", version="1.0.0-rc.1+x", project="p&q")
    assert transport.attempts[0].target == (
        "/prefix/v1/client/prompts/a%2Fb%3Fc?version=1.0.0-rc.1%2Bx&project_id=p%26q"
    )


@pytest.mark.parametrize("name", [".", ".."])
def test_a_name_never_leads_to_another_route(name: str, make_json: Callable[..., Any]) -> None:
    transport = FakeTransport(envelope(make_json()))
    blocking(transport).get(name)
    assert transport.attempts[0].target == "/prefix/v1/client/prompts/" + name.replace(".", "%2E")


def test_a_bare_answer_is_taken_as_well(make_json: Callable[..., Any]) -> None:
    assert blocking(FakeTransport(json_response(make_json()))).get("greeting").slug == "greeting"


def test_every_attempt_of_a_write_carries_the_same_key(make_json: Callable[..., Any]) -> None:
    transport = FakeTransport([json_response({}, status=503), envelope(make_json(), 201)])
    blocking(transport).create("Greeting", content="x")
    keys = [dict(attempt.headers)["idempotency-key"] for attempt in transport.attempts]
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_a_missing_prompt_is_a_typed_error_with_suggestions() -> None:
    error = {
        "success": False,
        "error": {
            "code": "PROMPT_NOT_FOUND",
            "message": "There is no prompt 'greting'.",
            "details": {"prompt_id": "greting", "suggested_prompts": ["greeting"]},
        },
        "metadata": METADATA,
    }
    with pytest.raises(PromptNotFoundError) as caught:
        blocking(FakeTransport(json_response(error, status=404))).get("greting")
    assert caught.value.prompt_id == "greting"
    assert caught.value.suggested_prompts == ["greeting"]


@pytest.mark.parametrize("body", [b"", b"{", b"<html></html>", b"[]", b"{}", b'{"success": true, "data": {"id": 1}}'])
def test_an_answer_that_is_no_prompt_is_a_typed_error(body: bytes) -> None:
    response = Response(status=200, headers={"content-type": "application/json"}, body=body)
    prompts = blocking(FakeTransport(response))
    with pytest.raises(InvalidResponseError):
        prompts.get("greeting")
    assert prompts.cache.stats().size == 0


@pytest.mark.anyio
async def test_the_asynchronous_runtime_asks_the_same(make_json: Callable[..., Any]) -> None:
    transport = FakeTransport(envelope(make_json()))
    prompts = AsyncPrompts(AsyncRuntime(CONFIG, transport=transport, clock=FakeClock()), project="p")
    assert (await prompts.render("greeting", {"who": "Ada"})).rendered_content == "Hello Ada!"
    assert transport.attempts[0].target == "/prefix/v1/client/prompts/greeting?project_id=p"
