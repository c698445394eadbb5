"""Labels, history and the bundle: what is asked, what is remembered, and what is refused before asking."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from promptops.core.errors import (
    NetworkError,
    PromptNotFoundError,
    PromptOpsError,
    RateLimitError,
    ServerError,
    TimeoutError,  # noqa: A004 - ours
    ValidationError,
)
from promptops.core.messages import WRITE, Request
from promptops.prompts import AsyncPrompts, PromptCache, SyncPrompts

pytestmark = pytest.mark.anyio

LABEL = {
    "label": "production",
    "version": "1.0.0",
    "protected": True,
    "updated_at": "2026-01-01T00:00:00Z",
    "updated_by": None,
}
EVENT = {
    "at": "2026-01-01T00:00:00Z",
    "action": "created",
    "version": "1.0.0",
    "from_version": None,
    "label": None,
    "content_hash": "h",
    "by": None,
    "request_id": None,
}


@pytest.fixture
def prompts(stub: Any) -> AsyncPrompts:
    return AsyncPrompts(stub.runtime)


async def test_a_label_is_asked_for_and_remembered_apart_from_the_versions(stub: Any, prompts: AsyncPrompts) -> None:
    first = await prompts.get("greeting", label="production", project="p")
    assert stub.requests[0].query == (("label", "production"), ("project_id", "p"))
    assert await prompts.get("greeting", label="production", project="p") is first
    assert prompts.peek("greeting", label="production", project="p") is first
    assert prompts.peek("greeting", project="p") is None
    assert prompts.peek("greeting", label="other", project="p") is None
    assert len(stub.requests) == 1


@pytest.mark.parametrize("label", ["", "-a", "a b", "a" * 65, "latest", "1", "v1.2", "1.0.0-rc.1", "ü", 7])
@pytest.mark.parametrize("call", ["get", "peek", "render", "validate", "set_label", "remove_label", "history"])
async def test_what_is_no_label_is_refused_before_any_request(
    stub: Any, prompts: AsyncPrompts, call: str, label: Any
) -> None:
    calls: dict[str, Callable[[], Any]] = {
        "get": lambda: prompts.get("a", label=label),
        "peek": lambda: prompts.peek("a", label=label),
        "render": lambda: prompts.render("a", label=label),
        "validate": lambda: prompts.validate("a", label=label),
        "set_label": lambda: prompts.set_label("a", label, version="1.0.0"),
        "remove_label": lambda: prompts.remove_label("a", label),
        "history": lambda: prompts.history("a", label=label),
    }
    with pytest.raises(ValidationError) as caught:
        await calls[call]()
    assert caught.value.validation_errors[0]["code"] == "invalid_label"
    assert not stub.requests


@pytest.mark.parametrize("version", ["1.0.0", "latest"])
async def test_a_label_and_a_version_exclude_each_other(stub: Any, prompts: AsyncPrompts, version: str) -> None:
    calls: list[Callable[[], Any]] = [
        lambda: prompts.get("a", version=version, label="b"),
        lambda: prompts.render("a", version=version, label="b"),
        lambda: prompts.render("a", version=version, label="b", on_server=True),
        lambda: prompts.get_many(["a"], versions={"a": version}, labels={"a": "b"}),
    ]
    for call in calls:
        with pytest.raises(ValidationError, match="give one of the two"):
            await call()
    assert not stub.requests


async def test_many_prompts_are_asked_for_by_version_and_by_label_at_once(
    stub: Any, prompts: AsyncPrompts, make_json: Any
) -> None:
    stub.reply({"prompts": {name: make_json(slug=name) for name in "abc"}, "errors": []})
    found = await prompts.get_many(["a", "b", "c"], versions={"a": "v1"}, labels={"b": "production"})
    assert stub.sent()["versions"] == {"a": "1.0.0"}
    assert stub.sent()["labels"] == {"b": "production"}
    assert prompts.peek("b", label="production") is found.prompts["b"]
    with pytest.raises(ValidationError, match="not among the names"):
        await prompts.get_many(["a"], labels={"b": "production"})


async def test_a_render_on_the_server_names_the_label(stub: Any, prompts: AsyncPrompts, make_json: Any) -> None:
    rendering: dict[str, Any] = {
        "prompt_id": "x",
        "version": "1.0.0",
        "rendered_content": "Hi",
        "messages": [],
        "tools": [{"name": "search"}],
        "variables_used": ["who"],
        "processing_time_ms": 1.0,
        "cache_hit": False,
    }
    declared: list[str] = ["who"]

    def answer(request: Request) -> Any:
        return rendering if request.method == "POST" else make_json(variables=declared)

    stub.answer = answer
    rendered = await prompts.render("a", {"who": "Ada", "more": 1}, label="production", on_server=True)
    assert (stub.sent()["label"], stub.sent().get("version")) == ("production", None)
    assert (rendered.rendered_content, rendered.tools[0].name) == ("Hi", "search")
    assert rendered.variables_unused == ["more"]
    with pytest.raises(ValidationError, match="does not use: more"):
        await prompts.render("a", {"who": "Ada", "more": 1}, on_server=True, strict=True)
    assert dict(stub.requests[-1].query) == {"version": "1.0.0"}


async def test_a_strict_render_on_the_server_takes_what_the_version_declares(
    stub: Any, prompts: AsyncPrompts, make_json: Any
) -> None:
    rendering: dict[str, Any] = {"prompt_id": "x", "version": "1.0.0", "rendered_content": "Hi", "messages": []}
    rendering |= {"variables_used": [], "processing_time_ms": 1.0, "cache_hit": False}
    declared = make_json(variables=["spare"], content="Hi")

    def answer(request: Request) -> Any:
        return rendering if request.method == "POST" else declared

    stub.answer = answer
    rendered = await prompts.render("a", {"spare": 1}, on_server=True, strict=True)
    assert rendered.variables_unused == ["spare"]
    # The version is asked for only when something would be refused.
    count = len(stub.requests)
    await prompts.render("a", {}, on_server=True, strict=True)
    assert [each.method for each in stub.requests[count:]] == ["POST"]


@pytest.mark.parametrize(("timeout", "least", "most"), [(60.0, 0.5, 59.95), (0.01, 0.0005, 0.0015), (None, None, None)])
async def test_the_version_that_a_strict_render_asks_for_has_the_time_that_is_left(
    stub: Any, prompts: AsyncPrompts, make_json: Any, timeout: float | None, least: float | None, most: float | None
) -> None:
    rendering: dict[str, Any] = {"prompt_id": "x", "version": "1.0.0", "rendered_content": "Hi", "messages": []}
    rendering |= {"variables_used": [], "processing_time_ms": 1.0, "cache_hit": False}
    declared = make_json(variables=["spare"], content="Hi")

    def answer(request: Request) -> Any:
        if request.method == "GET":
            return declared
        time.sleep(0.05)
        return rendering

    stub.answer = answer
    await prompts.render("a", {"spare": 1}, on_server=True, strict=True, timeout=timeout)
    given, left = (each.timeout for each in stub.requests)
    assert given == timeout
    assert left is None if least is None or most is None else least <= left <= most


async def test_a_local_render_of_a_label_uses_what_is_at_hand(stub: Any, prompts: AsyncPrompts) -> None:
    assert not (await prompts.render("a", {"who": "Ada"}, label="production")).cache_hit
    again = await prompts.render("a", {"who": "Ada", "more": 1}, label="production")
    assert (again.cache_hit, again.variables_unused, len(stub.requests)) == (True, ["more"], 1)
    with pytest.raises(ValidationError, match="does not use: more"):
        await prompts.render("a", {"who": "Ada", "more": 1}, label="production", strict=True)


async def test_setting_a_label_sends_the_move_once_and_forgets_the_prompt(
    stub: Any, prompts: AsyncPrompts, make_json: Any
) -> None:
    await prompts.get("greeting", label="production")
    await prompts.get("greeting", version="1.0.0")
    stub.reply(LABEL)
    moved = await prompts.set_label("greeting", "production", version="v1", expected_version=None, project="p")
    request = stub.requests[-1]
    assert (request.method, request.path) == ("PUT", "/v1/client/prompts/greeting/labels/production")
    assert request.profile == WRITE
    assert request.idempotency_key
    assert stub.sent() == {"version": "1.0.0", "expected_version": None, "project_id": "p"}
    assert (moved.version, moved.protected) == ("1.0.0", True)
    assert prompts.peek("greeting", label="production") is None
    assert prompts.peek("greeting", version="1.0.0") is None, "it says which labels point to it"
    await prompts.set_label("greeting", "production", version="1.0.0")
    assert "expected_version" not in stub.sent()


@pytest.mark.parametrize("version", [None, "latest", "x"])
async def test_a_label_points_to_a_version_that_is_named(stub: Any, prompts: AsyncPrompts, version: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        await prompts.set_label("a", "b", version=version)
    assert caught.value.validation_errors[0]["field"] == "version"
    assert not stub.requests


async def test_a_label_is_forgotten_even_when_the_move_fails(stub: Any, prompts: AsyncPrompts) -> None:
    await prompts.get("greeting", label="production")
    stub.fail(NetworkError("cut off"))
    with pytest.raises(NetworkError):
        await prompts.set_label("greeting", "production", version="1.0.0")
    assert prompts.peek("greeting", label="production") is None


async def test_a_write_to_a_prompt_forgets_what_its_labels_point_to(stub: Any, prompts: AsyncPrompts) -> None:
    await prompts.get("greeting", label="production")
    await prompts.get("greeting", version="0.9.0")
    await prompts.update("greeting", content="x")
    assert prompts.peek("greeting", label="production") is None
    assert prompts.peek("greeting", version="0.9.0") is not None


async def test_what_a_label_points_to_is_fresh_for_the_ttl(make_prompt: Any) -> None:
    now = [0.0]
    cache = PromptCache(clock=lambda: now[0], random=lambda: 0.5)
    cache.keep((None, "a", "@production"), make_prompt(), epoch=0)
    cache.keep((None, "a", "1.0.0"), make_prompt(), epoch=0)
    now[0] = cache.config.ttl
    assert cache.peek((None, "a", "@production")) is None
    assert cache.peek((None, "a", "1.0.0")) is not None


async def test_a_label_that_is_gone_is_not_remembered(stub: Any, prompts: AsyncPrompts) -> None:
    await prompts.get("greeting", label="production")
    stub.fail(PromptNotFoundError("gone"))
    with pytest.raises(PromptNotFoundError):
        await prompts.get("greeting", label="production", use_cache=False)
    assert prompts.peek("greeting", label="production") is None


async def test_labels_are_listed_and_removed(stub: Any, prompts: AsyncPrompts) -> None:
    stub.reply({"labels": [LABEL]})
    assert [item.label for item in await prompts.labels("a/b", project="p")] == ["production"]
    assert (stub.requests[-1].path, stub.requests[-1].query) == (
        "/v1/client/prompts/a%2Fb/labels",
        (("project_id", "p"),),
    )
    stub.reply({"removed": True, "label": "x", "version": "1.0.0"})
    assert await prompts.remove_label("a", "x") is True
    assert (stub.requests[-1].method, stub.requests[-1].path) == ("DELETE", "/v1/client/prompts/a/labels/x")


async def test_history_is_a_page_and_an_iterator(stub: Any, prompts: AsyncPrompts) -> None:
    def answer(request: Request) -> Any:
        offset = int(dict(request.query)["offset"])
        return {"events": [EVENT], "total": 3, "limit": 1, "offset": offset, "has_more": offset < 2}

    stub.answer = answer
    page = await prompts.history("a", label="x", skip=1, limit=1)
    assert (page.total, page.has_more, page.items[0].action) == (3, True, "created")
    assert dict(stub.requests[-1].query) == {"label": "x", "limit": "1", "offset": "1"}
    assert len([event async for event in prompts.iterate_history("a", page_size=1)]) == 3
    with pytest.raises(ValidationError, match="limit"):
        await prompts.history("a", limit=0)


async def test_a_diff_fetches_both_versions(stub: Any, prompts: AsyncPrompts, make_json: Any) -> None:
    def answer(request: Request) -> Any:
        version = dict(request.query).get("version", "2.0.0")
        return make_json(version=version, content=f"text {version}")

    stub.answer = answer
    diff = await prompts.diff("a", "v1")
    assert (diff.old_version, diff.new_version) == ("1.0.0", "2.0.0")
    assert diff.text[0].lines == ["@@ -1 +1 @@", "-text 1.0.0", "+text 2.0.0"]


async def test_a_diff_takes_a_label_for_either_side(stub: Any, prompts: AsyncPrompts, make_json: Any) -> None:
    def answer(request: Request) -> Any:
        query = dict(request.query)
        version = query.get("version") or {"staging": "1.5.0", "production": "1.2.0"}[query["label"]]
        return make_json(version=version, content=f"text {version}")

    stub.answer = answer
    diff = await prompts.diff("a", "production", "staging")
    assert (diff.old_version, diff.new_version) == ("1.2.0", "1.5.0")
    assert (await prompts.diff("a", "v1", "staging")).old_version == "1.0.0"
    assert (await prompts.diff("a", "staging", "1.7")).new_version == "1.7.0"
    with pytest.raises(ValidationError, match="new_version"):
        await prompts.diff("a", "production", "no label!")


async def test_a_delete_takes_labels_along_only_when_forced(stub: Any, prompts: AsyncPrompts) -> None:
    stub.reply({"deleted": True, "versions": ["1.0.0"]})
    await prompts.delete("a", version="1.0.0")
    assert stub.requests[-1].query == (("version", "1.0.0"),)
    await prompts.delete("a", version="1.0.0", force=True)
    assert dict(stub.requests[-1].query)["force"] == "true"


class FakeBundle:
    """Answers with the prompt whatever it is asked, and remembers what that was."""

    def __init__(self, prompt: Any) -> None:
        self.prompt = prompt
        self.asked: list[Any] = []

    def get(self, name: str, *, version: str | None, label: str | None, project: str | None) -> Any:
        self.asked.append((name, version, label, project))
        return None if name == "absent" else self.prompt


@pytest.mark.parametrize("error", [NetworkError("x"), TimeoutError("x"), ServerError("x", status_code=503)])
async def test_the_bundle_serves_when_the_server_cannot_be_asked(
    stub: Any, make_prompt: Any, error: PromptOpsError
) -> None:
    bundle: Any = FakeBundle(make_prompt(content="bundled {{ who }}"))
    prompts = AsyncPrompts(stub.runtime, project="p", bundle=bundle)
    stub.fail(error)
    assert (await prompts.get("a", label="production")).content == "bundled {{ who }}"
    assert (await prompts.render("a", {"who": "Ada"}, version="v1")).rendered_content == "bundled Ada"
    assert set((await prompts.get_many(["a", "b"])).prompts) == {"a", "b"}
    assert bundle.asked[:2] == [("a", None, "production", "p"), ("a", "1.0.0", None, "p")]
    assert prompts.peek("a", label="production") is None, "the next call asks the server again"
    assert SyncPrompts(AsyncPrompts(stub.runtime, bundle=bundle)).get("a") is bundle.prompt


async def test_the_bundle_serves_nothing_else(stub: Any, make_prompt: Any) -> None:
    bundle: Any = FakeBundle(make_prompt())
    prompts = AsyncPrompts(stub.runtime, bundle=bundle)
    stub.fail(NetworkError("cut off"))
    calls: list[Callable[[], Any]] = [
        lambda: prompts.get("a", use_cache=False),
        lambda: prompts.validate("a"),
        lambda: prompts.get("absent"),
        lambda: prompts.get_many(["a", "absent"]),
        lambda: AsyncPrompts(stub.runtime).get("a"),
    ]
    for call in calls:
        with pytest.raises(NetworkError):
            await call()
    for error in (PromptNotFoundError("no"), RateLimitError("slow"), ValidationError("bad")):
        stub.fail(error)
        with pytest.raises(type(error)):
            await prompts.get(f"a {type(error).__name__}")


async def test_what_is_at_hand_is_served_before_the_bundle(stub: Any, make_prompt: Any) -> None:
    bundle: Any = FakeBundle(make_prompt(content="bundled"))
    prompts = AsyncPrompts(stub.runtime, bundle=bundle)
    kept = await prompts.get("a")
    stub.fail(NetworkError("cut off"))
    assert await prompts.get("a") is kept
    assert not bundle.asked
