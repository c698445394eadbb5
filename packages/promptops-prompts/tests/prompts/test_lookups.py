"""Many prompts at once, whether one is usable, and a return to an older version: what is asked and what is kept."""

from __future__ import annotations

from typing import Any

import pytest
from promptops.core.errors import (
    InvalidResponseError,
    NetworkError,
    PromptNotFoundError,
    RateLimitError,
    ValidationError,
)
from promptops.core.messages import Request
from promptops.core.testing import FakeClock
from promptops.models import ModelProvider
from promptops.prompts import AsyncModels, AsyncPrompts

pytestmark = pytest.mark.anyio


class Shelf:
    """Answers batches; what it does not have is an error."""

    def __init__(self, stub: Any, make_json: Any, *names: str) -> None:
        self._stub = stub
        self._make = make_json
        self._names = names
        stub.answer = self.answer

    def answer(self, request: Request) -> Any:
        asked = self._stub.sent()["prompt_ids"]
        found = {name: self._make(slug=name, id=f"id-{name}") for name in asked if name in self._names}
        missing = [
            {"prompt_id": name, "code": "PROMPT_NOT_FOUND", "message": "no"} for name in asked if name not in found
        ]
        return {"prompts": found, "errors": missing}


@pytest.fixture
def prompts(stub: Any) -> AsyncPrompts:
    return AsyncPrompts(stub.runtime, project="p")


async def test_many_prompts_are_asked_for_in_hundreds(stub: Any, prompts: AsyncPrompts, make_json: Any) -> None:
    names = [f"n{number}" for number in range(250)]
    Shelf(stub, make_json, *names)
    found = await prompts.get_many(names)
    assert [len(stub.sent(index)["prompt_ids"]) for index in range(3)] == [100, 100, 50]
    assert {request.path for request in stub.requests} == {"/v1/client/prompts/batch"}
    assert all(request.is_idempotent for request in stub.requests)
    assert stub.sent(0)["project_id"] == "p"
    assert (list(found.prompts), found.errors) == (names, {})


async def test_what_is_at_hand_is_not_asked_for_again(stub: Any, prompts: AsyncPrompts, make_json: Any) -> None:
    Shelf(stub, make_json, "a", "b", "c")
    first = await prompts.get_many(["a", "b"], versions={"b": "v2"})
    assert stub.sent(0)["versions"] == {"b": "2.0.0"}
    again = await prompts.get_many(["c", "a", "b", "a"], versions={"b": "2.0.0"})
    assert stub.sent(1)["prompt_ids"] == ["c"]
    assert list(again.prompts) == ["c", "a", "b"]
    assert again.prompts["a"] is first.prompts["a"]
    assert await prompts.get("a") is first.prompts["a"]
    await prompts.get_many(["a"], use_cache=False)
    assert stub.requests[-1].headers == (("cache-control", "no-cache"),)


async def test_each_item_has_an_error_of_its_own(stub: Any, prompts: AsyncPrompts, make_json: Any) -> None:
    Shelf(stub, make_json, "a")
    found = await prompts.get_many(["a", "b"])
    assert list(found.prompts) == ["a"]
    error = found.errors["b"]
    assert isinstance(error, PromptNotFoundError)
    assert error.prompt_id == "b"


async def test_an_answer_that_leaves_a_prompt_out_says_so(stub: Any, prompts: AsyncPrompts) -> None:
    stub.reply({"prompts": {}, "errors": [{"prompt_id": "a", "code": "RATE_LIMIT_ERROR", "message": "slow"}]})
    found = await prompts.get_many(["a", "b"])
    assert {name: type(error) for name, error in found.errors.items()} == {
        "a": RateLimitError,
        "b": InvalidResponseError,
    }


async def test_no_names_ask_nothing(stub: Any, prompts: AsyncPrompts) -> None:
    found = await prompts.get_many([])
    assert (found.prompts, found.errors, stub.requests) == ({}, {}, [])


async def test_a_prompt_is_valid_when_it_is_there_and_a_template(
    stub: Any, prompts: AsyncPrompts, make_json: Any
) -> None:
    assert await prompts.validate("greeting") is True
    assert await prompts.validate("greeting") is True
    assert len(stub.requests) == 2
    stub.reply(make_json(content="Hello {{ who"))
    assert await prompts.validate("greeting") is False
    stub.fail(PromptNotFoundError("no"))
    assert await prompts.validate("greeting") is False
    stub.fail(NetworkError("away"))
    with pytest.raises(NetworkError):
        await prompts.validate("greeting")
    with pytest.raises(ValidationError):
        await prompts.validate("")


async def test_a_rollback_reads_one_version_and_publishes_it(stub: Any, prompts: AsyncPrompts, make_json: Any) -> None:
    stub.reply(make_json(content="old {{ a }}", tags=["t"], metadata={"m": 1}, variables=["a"]))
    await prompts.rollback("greeting", version="v1")
    read, write = stub.requests
    assert (read.method, read.query) == ("GET", (("version", "1.0.0"), ("project_id", "p")))
    assert write.method == "PUT"
    sent = stub.sent()
    assert (sent["content"], sent["tags"], sent["metadata"], sent["variables"]) == (
        "old {{ a }}",
        ["t"],
        {"m": 1},
        ["a"],
    )
    assert sent.get("version") is None
    assert "messages" not in sent


async def test_a_list_of_models_is_kept_for_five_minutes(stub: Any) -> None:
    clock = FakeClock()
    models = AsyncModels(stub.runtime, clock=clock.monotonic)
    stub.reply({"models": [], "total": 0})
    for provider in (ModelProvider.GOOGLE, "gemini", " Google "):
        assert await models.list(provider=provider) == []
    assert [request.query for request in stub.requests] == [(("provider", "google"),)]
    await models.list()
    assert stub.requests[1].query == ()
    await models.list(use_cache=False)
    assert stub.requests[2].headers == (("cache-control", "no-cache"),)
    clock.advance(300.0)
    await models.list()
    assert len(stub.requests) == 4
    models.clear()
    await models.list()
    assert (len(stub.requests), models.stats().hits) == (5, 2)


async def test_a_report_about_another_number_of_models_is_no_answer(stub: Any) -> None:
    models = AsyncModels(stub.runtime)
    stub.reply({"prompt_id": "a", "slug": "a", "version": "1.0.0", "results": []})
    with pytest.raises(InvalidResponseError):
        await models.check("a", model_provider="openai", model_name="gpt-4")
