"""What authors of resources and users of models see: both checkers read this file, nothing runs it."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal, assert_type, overload

from msgspec import UnsetType
from promptops.core import AsyncResource, PromptNotFoundError, RateLimitError, SyncResource, bridge, bridge_iter
from promptops.core.errors import ValidationError
from promptops.models import (
    Decoder,
    Pagination,
    PromptLike,
    PromptResponse,
    TemplateFormat,
    TemplateFormatKnown,
    Unknown,
    decoder,
    enveloped,
)


class AsyncThings(AsyncResource):
    """A resource with every shape of method that a bridge has to carry."""

    async def get(self, name: str, *, version: int | None = None) -> list[str]:
        raise NotImplementedError

    @overload
    async def read(self, name: str, *, raw: Literal[True]) -> bytes: ...
    @overload
    async def read(self, name: str, *, raw: Literal[False] = False) -> str: ...
    async def read(self, name: str, *, raw: bool = False) -> str | bytes:
        raise NotImplementedError

    async def iterate(self, *, limit: int = 10) -> AsyncIterator[int]:
        for number in range(limit):
            yield number


class SyncThings(SyncResource[AsyncThings]):
    """Its blocking view."""

    get = bridge(AsyncThings.get)
    read = bridge(AsyncThings.read)
    iterate = bridge_iter(AsyncThings.iterate)


def bridges(things: SyncThings) -> None:
    assert_type(things.get("a", version=1), list[str])
    assert_type(things.read("a", raw=True), bytes)
    assert_type(things.read("a"), str)
    assert_type(things.iterate(limit=3), Iterator[int])
    things.get("a", version="1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    things.get()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    things.iterate(3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def decoders(data: bytes) -> None:
    assert_type(decoder(PromptResponse), Decoder[PromptResponse])
    assert_type(decoder(PromptResponse).decode(data), PromptResponse)
    assert_type(decoder(list[PromptResponse]).decode(data), list[PromptResponse])
    assert_type(enveloped(PromptResponse).decode(data), PromptResponse)
    assert_type(decoder(PromptResponse | Unknown).decode(data), Any)


def models(prompt: PromptResponse, page: Pagination) -> None:
    likes: PromptLike = prompt
    assert_type(likes.version, str)
    assert_type(page.next_cursor, str | UnsetType)
    known: TemplateFormatKnown = "mustache"
    from_newer_server: TemplateFormat = "not known yet"
    assert_type(prompt.template_format, str)
    print(known, from_newer_server)


def errors(error: PromptNotFoundError | RateLimitError | ValidationError) -> None:
    assert_type(error.request_id, str | None)
    if isinstance(error, RateLimitError):
        assert_type(error.retry_after, int)
    elif isinstance(error, PromptNotFoundError):
        assert_type(error.suggested_prompts, list[str])
    else:
        assert_type(error.validation_errors, list[dict[str, Any]])
