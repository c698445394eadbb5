"""A runtime whose server is a function, and prompts to answer with."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, cast

import msgspec
import pytest
from promptops.core.messages import Request, Response
from promptops.core.runtime import Runtime

Answer = Callable[[Request], Any]


class StubRuntime:
    """Never suspends, so that it serves both facades; what it sends is answered by ``answer``."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answer: Answer
        self.reply(prompt_json())

    def reply(self, data: Any) -> None:
        """Answer everything with this, in the envelope."""
        self.answer = lambda _: data

    def fail(self, error: Exception) -> None:
        """Answer nothing."""

        def answer(_: Request) -> Any:
            raise error

        self.answer = answer

    async def send(self, request: Request) -> Response:
        self.requests.append(request)
        data = self.answer(request)
        body = {"success": True, "data": data, "metadata": {"request_id": "r", "timestamp": "2026-01-01T00:00:00Z"}}
        return Response(status=200, headers={"content-type": "application/json"}, body=msgspec.json.encode(body))

    def deadline(self, seconds: float) -> AbstractContextManager[None]:
        """Nothing here takes any time."""
        del seconds
        return nullcontext()

    def lock(self) -> Any:
        """Nobody else is here."""
        return nullcontext()

    async def gather(self, *thunks: Any, limit: int | None = None) -> list[Any]:
        """One after another."""
        del limit
        return [await thunk() for thunk in thunks]

    @property
    def runtime(self) -> Runtime:
        return cast("Runtime", self)

    def sent(self, index: int = -1) -> Any:
        """The body of a request."""
        body = self.requests[index].body
        assert body is not None
        return msgspec.json.decode(body)


def prompt_json(**changes: Any) -> dict[str, Any]:
    return {
        "id": "5f0c2e9e-0000-4000-8000-000000000001",
        "slug": "greeting",
        "project_id": "p1",
        "name": "Greeting",
        "description": "",
        "content": "Hello {{ who }}!",
        "messages": None,
        "template_format": "mustache",
        "variables": ["who"],
        "target_models": [],
        "model_specific_prompts": [],
        "version": "1.0.0",
        "status": "active",
        "content_hash": "h",
        "etag": "e",
        "tags": [],
        "metadata": {},
        "module_id": None,
        "created_by": None,
        "created_at": "2026-01-01T00:00:00Z",
        "updated_at": "2026-01-01T00:00:00Z",
        **changes,
    }


@pytest.fixture
def stub() -> StubRuntime:
    return StubRuntime()


@pytest.fixture
def make_json() -> Callable[..., dict[str, Any]]:
    return prompt_json


@pytest.fixture
def make_prompt() -> Callable[..., Any]:
    from promptops.models import PromptResponse

    def make(**changes: Any) -> PromptResponse:
        return msgspec.convert(prompt_json(**changes), PromptResponse)

    return make
