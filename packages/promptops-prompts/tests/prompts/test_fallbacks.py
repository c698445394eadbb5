"""What the caller wants instead is what the caller gets, in every failure, and never in place of a mistake."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from promptops.core.errors import (
    AuthenticationError,
    AuthorizationError,
    ConfigurationError,
    InvalidResponseError,
    NetworkError,
    NotFoundError,
    PromptNotFoundError,
    PromptOpsError,
    RateLimitError,
    ServerError,
    TimeoutError,  # noqa: A004 - ours
    UnsupportedOperation,
    ValidationError,
)
from promptops.models import ChatMessage
from promptops.prompts import AsyncPrompts, SyncPrompts

pytestmark = pytest.mark.anyio

FAILURES = [
    NetworkError("refused"),
    NetworkError("not sent", details={"fail_fast": True}),
    TimeoutError("late"),
    ServerError("503", status_code=503),
    InvalidResponseError("a page"),
    AuthenticationError("key"),
    AuthorizationError("scope"),
    RateLimitError("slow down"),
    NotFoundError("a proxy's"),
    PromptNotFoundError("none"),
    PromptOpsError("something"),
    OSError("the function that gives the key"),
]
MISTAKES = [ValidationError("bad"), ConfigurationError("closed"), UnsupportedOperation("no labels here")]


@pytest.fixture
def prompts(stub: Any) -> AsyncPrompts:
    return AsyncPrompts(stub.runtime)


@pytest.mark.parametrize("error", FAILURES, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("fallback", ["", [], None, 0, "Hello {{ a }}", {"any": "thing"}], ids=repr)
async def test_the_value_is_returned_as_it_was_given(
    stub: Any, prompts: AsyncPrompts, error: Exception, fallback: object
) -> None:
    stub.fail(error)
    assert await prompts.get("greeting", fallback=fallback) is fallback
    assert await prompts.get("greeting", label="production", use_cache=False, fallback=fallback) is fallback
    assert SyncPrompts(prompts).get("greeting", version="1.0.0", fallback=fallback) is fallback
    read = await prompts.read("greeting", fallback=fallback)
    assert read.prompt is fallback
    assert (read.source, read.age, read.stale, read.cache_hit) == ("fallback", None, True, False)


@pytest.mark.parametrize("error", MISTAKES, ids=lambda error: type(error).__name__)
async def test_a_mistake_of_the_caller_is_raised_all_the_same(
    stub: Any, prompts: AsyncPrompts, error: Exception
) -> None:
    stub.fail(error)
    with pytest.raises(type(error)):
        await prompts.get("greeting", fallback=None)
    with pytest.raises(type(error)):
        await prompts.render("greeting", {}, fallback="")


@pytest.mark.parametrize("call", [{"name": ""}, {"name": "a", "version": "x.y"}, {"name": "a", "timeout": -1}])
async def test_arguments_that_cannot_be_meant_are_refused_with_a_fallback_too(
    prompts: AsyncPrompts, call: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        await prompts.get(**call, fallback=None)


async def test_what_can_be_called_is_called_with_the_error(stub: Any, prompts: AsyncPrompts) -> None:
    error = NetworkError("refused")
    stub.fail(error)
    assert await prompts.get("greeting", fallback=lambda found: [found]) == [error]
    made = await prompts.render("greeting", {"a": 1}, fallback=lambda found: f"{found}: {{{{ a }}}}")
    assert made.rendered_content == "refused: 1"


async def test_a_prompt_that_can_be_had_is_preferred(stub: Any, prompts: AsyncPrompts) -> None:
    def never(_: Exception) -> str:
        raise AssertionError

    got = await prompts.get("greeting", fallback=never)
    assert not isinstance(got, str)
    assert got.slug == "greeting"
    stub.fail(NetworkError("refused"))
    assert await prompts.get("greeting", fallback=never) is got


@pytest.mark.parametrize(
    ("fallback", "content", "messages"),
    [
        ("Hello {{ who }}", "Hello Ada", [{"role": "system", "content": "Hello Ada"}]),
        ("", "", [{"role": "system", "content": ""}]),
        ([], "", [{"role": "system", "content": ""}]),
        ([{"role": "user", "content": "Hi {{ who }}"}], "Hi Ada", [{"role": "user", "content": "Hi Ada"}]),
        ([ChatMessage(role="user", content="Hi {{ who }}")], "Hi Ada", [{"role": "user", "content": "Hi Ada"}]),
    ],
)
@pytest.mark.parametrize("on_server", [False, True])
async def test_a_template_is_rendered_with_the_variables(
    stub: Any, prompts: AsyncPrompts, fallback: Any, content: str, messages: list[Any], on_server: bool
) -> None:
    stub.fail(ServerError("503"))
    rendered = await prompts.render("greeting", {"who": "Ada"}, fallback=fallback, on_server=on_server)
    assert rendered is not None
    assert (rendered.rendered_content, rendered.messages) == (content, messages)
    assert (rendered.source, rendered.stale, rendered.cache_hit, rendered.version) == ("fallback", True, False, "")


async def test_a_prompt_or_a_finished_render_serves_as_one(
    stub: Any, prompts: AsyncPrompts, make_prompt: Callable[..., Any]
) -> None:
    finished = await prompts.render("greeting", {"who": "Ada"})
    stub.fail(ServerError("503"))
    prompt = make_prompt(content="Bye {{ who }}", version="0.9.0")
    rendered = await prompts.render("other", {"who": "Ada"}, fallback=prompt)
    assert rendered is not None
    assert (rendered.rendered_content, rendered.version) == ("Bye Ada", "0.9.0")
    assert await prompts.render("other", {"who": "Ada"}, fallback=finished) is finished
    assert await prompts.render("other", {"who": "Ada"}, fallback=None) is None
    assert await prompts.render("other", {"who": "Ada"}, fallback=lambda _: None) is None


async def test_a_template_that_cannot_be_rendered_says_what_is_wrong(stub: Any, prompts: AsyncPrompts) -> None:
    stub.fail(ServerError("503"))
    with pytest.raises(ValidationError, match="who"):
        await prompts.render("greeting", {}, fallback="Hello {{ who }}")
    wrong: Any = 7
    with pytest.raises(ValidationError, match="fallback"):
        await prompts.render("greeting", {}, fallback=wrong)
