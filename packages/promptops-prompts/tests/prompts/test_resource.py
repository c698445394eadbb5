"""The prompts resource: what it asks, what it remembers, and what it refuses before asking."""

from __future__ import annotations

from typing import Any

import pytest
from promptops.cache import CacheConfig
from promptops.core.errors import NetworkError, PromptNotFoundError, ValidationError
from promptops.core.messages import PROMPT_READ, WRITE, Request
from promptops.core.testing import assert_parity
from promptops.models import ChatMessage, ModelProvider, PromptVariables
from promptops.prompts import AsyncPrompts, PromptCache, SyncPrompts

pytestmark = pytest.mark.anyio


@pytest.fixture
def prompts(stub: Any) -> AsyncPrompts:
    return AsyncPrompts(stub.runtime)


async def test_get_asks_for_the_prompt(stub: Any, prompts: AsyncPrompts) -> None:
    prompt = await prompts.get("a/b ü", version="v1.0", project="p", timeout=2.5)
    assert prompt.content == "Hello {{ who }}!"
    request = stub.requests[0]
    assert (request.method, request.path) == ("GET", "/v1/client/prompts/a%2Fb%20%C3%BC")
    assert request.query == (("version", "1.0.0"), ("project_id", "p"))
    assert (request.profile, request.timeout) == (PROMPT_READ, 2.5)
    assert request.headers == ()


async def test_a_second_get_asks_nothing(stub: Any, prompts: AsyncPrompts) -> None:
    first = await prompts.get("greeting")
    assert await prompts.get("greeting") is first
    assert prompts.peek("greeting") is first
    assert len(stub.requests) == 1
    stats = prompts.cache.stats()
    assert (stats.hits, stats.misses, stats.size) == (2, 1, 1)


async def test_every_spelling_of_a_version_hits_one_entry(stub: Any, prompts: AsyncPrompts) -> None:
    for version in ("v1.0", "1.0", "1.0.0", "1", "v1"):
        await prompts.get("greeting", version=version)
    for latest in (None, "latest"):
        await prompts.get("greeting", version=latest)
    assert len(stub.requests) == 2


async def test_projects_never_share_an_entry(stub: Any, make_json: Any) -> None:
    def answer(request: Request) -> Any:
        return make_json(content=dict(request.query).get("project_id", "default"))

    stub.answer = answer
    cache = PromptCache()
    prompts = AsyncPrompts(stub.runtime, project="p", cache=cache)
    assert (await prompts.get("greeting")).content == "p"
    assert (await prompts.get("greeting", project="q")).content == "q"
    assert (await AsyncPrompts(stub.runtime, cache=cache).get("greeting")).content == "default"
    assert (await prompts.get("greeting")).content == "p"
    assert len(stub.requests) == 3


async def test_use_cache_false_passes_by_every_cache_and_refreshes_ours(
    stub: Any, prompts: AsyncPrompts, make_json: Any
) -> None:
    await prompts.get("greeting")
    stub.reply(make_json(content="new"))
    assert (await prompts.get("greeting", use_cache=False)).content == "new"
    assert stub.requests[1].headers == (("cache-control", "no-cache"),)
    assert (await prompts.get("greeting")).content == "new"
    assert len(stub.requests) == 2


async def test_level_none_asks_every_time(stub: Any) -> None:
    prompts = AsyncPrompts(stub.runtime, cache=CacheConfig(level="none"))
    await prompts.get("greeting")
    await prompts.get("greeting")
    assert len(stub.requests) == 2


async def test_a_missing_prompt_passes_through_with_its_suggestions(stub: Any, prompts: AsyncPrompts) -> None:
    stub.fail(PromptNotFoundError("none", prompt_id="greting", suggested_prompts=["greeting"]))
    with pytest.raises(PromptNotFoundError) as caught:
        await prompts.get("greting")
    assert caught.value.suggested_prompts == ["greeting"]


async def test_a_prompt_that_turns_out_to_be_gone_is_forgotten(stub: Any, prompts: AsyncPrompts) -> None:
    await prompts.get("greeting")
    stub.fail(PromptNotFoundError("gone"))
    with pytest.raises(PromptNotFoundError):
        await prompts.get("greeting", use_cache=False)
    assert prompts.peek("greeting") is None


async def test_a_failing_server_does_not_empty_the_cache(stub: Any, prompts: AsyncPrompts) -> None:
    await prompts.get("greeting")
    stub.fail(NetworkError("down"))
    with pytest.raises(NetworkError):
        await prompts.get("greeting", use_cache=False)
    assert prompts.peek("greeting") is not None


async def test_render_fills_in_here_and_says_what_it_did(stub: Any, prompts: AsyncPrompts) -> None:
    rendered = await prompts.render("greeting", {"who": "Ada", "unused": 1})
    assert rendered.rendered_content == "Hello Ada!"
    assert rendered.messages == [{"role": "system", "content": "Hello Ada!"}]
    assert (rendered.variables_used, rendered.version) == (["who"], "1.0.0")
    assert rendered.prompt_id == "5f0c2e9e-0000-4000-8000-000000000001"
    assert rendered.processing_time_ms > 0
    assert not rendered.cache_hit
    again = await prompts.render("greeting", PromptVariables({"who": "Bob"}))
    assert (again.rendered_content, again.cache_hit) == ("Hello Bob!", True)
    assert not (await prompts.render("greeting", {"who": "Bob"}, use_cache=False)).cache_hit
    assert len(stub.requests) == 2


async def test_two_models_get_two_texts_from_one_prompt(stub: Any, prompts: AsyncPrompts, make_json: Any) -> None:
    variants = [{"model_provider": name, "content": name + " {{ who }}"} for name in ("openai", "anthropic")]
    stub.reply(make_json(model_specific_prompts=variants))
    for provider, text in ((ModelProvider.OPENAI, "openai Ada"), ("claude", "anthropic Ada"), (None, "Hello Ada!")):
        assert (await prompts.render("greeting", {"who": "Ada"}, model_provider=provider)).rendered_content == text
    assert len(stub.requests) == 1


async def test_render_on_the_server_sends_plain_values(stub: Any, prompts: AsyncPrompts) -> None:
    stub.reply(
        {
            "prompt_id": "1",
            "version": "1.0.0",
            "rendered_content": "done",
            "messages": [],
            "variables_used": ["who"],
            "processing_time_ms": 0.1,
            "cache_hit": False,
        }
    )
    rendered = await prompts.render(
        "greeting", {"who": (1, 2)}, version="v1", model_provider=ModelProvider.OPENAI, on_server=True, project="p"
    )
    assert rendered.rendered_content == "done"
    assert (stub.requests[0].method, stub.requests[0].path) == ("POST", "/v1/client/prompts/greeting/render")
    assert stub.sent() == {
        "variables": {"who": [1, 2]},
        "version": "1.0.0",
        "model_provider": "openai",
        "project_id": "p",
    }
    with pytest.raises(ValidationError, match=r"variables\.who"):
        await prompts.render("greeting", {"who": object()}, on_server=True)
    assert len(stub.requests) == 1


def page(items: list[Any], offset: int, total: int, key: str = "prompts") -> dict[str, Any]:
    return {key: items, "total": total, "limit": 2, "offset": offset, "has_more": offset + len(items) < total}


async def test_list_sends_its_filters(stub: Any, prompts: AsyncPrompts, make_json: Any) -> None:
    stub.reply(page([make_json()], 3, 9))
    found = await prompts.list(
        module_id="m", query="hi & ho", tags=["a", "b"], skip=3, limit=2, sort_by="name", sort_order="asc", project="p"
    )
    assert [prompt.slug for prompt in found] == ["greeting"]
    assert set(stub.requests[0].query) == {
        ("module_id", "m"),
        ("query", "hi & ho"),
        ("tags", "a,b"),
        ("offset", "3"),
        ("limit", "2"),
        ("sort_by", "name"),
        ("sort_order", "asc"),
        ("project_id", "p"),
    }
    listed = await prompts.list_page(skip=3, limit=2)
    assert (listed.total, listed.offset, listed.limit, listed.has_more) == (9, 3, 2, True)


async def test_iterate_goes_through_all_pages(stub: Any, prompts: AsyncPrompts, make_json: Any) -> None:
    everything = [make_json(slug=f"s{number}") for number in range(5)]

    def answer(request: Request) -> Any:
        query = dict(request.query)
        skip, limit = int(query["offset"]), int(query["limit"])
        return page(everything[skip : skip + limit], skip, 5)

    stub.answer = answer
    assert [prompt.slug async for prompt in prompts.iterate(page_size=2)] == ["s0", "s1", "s2", "s3", "s4"]
    assert len(stub.requests) == 3
    assert [prompt.slug for prompt in SyncPrompts(prompts).iterate(page_size=4)] == ["s0", "s1", "s2", "s3", "s4"]


async def test_versions_goes_through_all_pages(stub: Any, prompts: AsyncPrompts, make_json: Any) -> None:
    numbers = ["1.10.0", "1.9.0", "1.0.0"]

    def answer(request: Request) -> Any:
        skip = int(dict(request.query)["offset"])
        return page([make_json(version=number) for number in numbers[skip : skip + 2]], skip, 3, "versions")

    stub.answer = answer
    assert [prompt.version for prompt in await prompts.versions("greeting", project="p")] == numbers
    assert stub.requests[0].path == "/v1/client/prompts/greeting/versions"
    assert ("project_id", "p") in stub.requests[0].query


async def test_create_sends_the_prompt_under_one_idempotency_key(stub: Any, prompts: AsyncPrompts) -> None:
    created = await prompts.create(
        "Greeting",
        content="Hello {{ who }}!",
        slug="greeting",
        version="v2",
        tags=["a"],
        metadata={"k": 1},
        project="p",
    )
    assert created.slug == "greeting"
    request = stub.requests[0]
    assert (request.method, request.path, request.profile) == ("POST", "/v1/client/prompts", WRITE)
    assert request.idempotency_key
    assert stub.sent() == {
        "name": "Greeting",
        "content": "Hello {{ who }}!",
        "slug": "greeting",
        "version": "2.0.0",
        "tags": ["a"],
        "metadata": {"k": 1},
        "project_id": "p",
    }
    await prompts.create("Greeting", content="x")
    assert stub.requests[1].idempotency_key != request.idempotency_key


async def test_create_takes_messages_and_variants_as_dicts_or_structs(stub: Any, prompts: AsyncPrompts) -> None:
    await prompts.create(
        "Chat",
        messages=[{"role": "system", "content": "a"}, ChatMessage(role="user", content="b")],
        model_specific_prompts=[{"model_provider": "openai", "content": "c"}],
    )
    sent = stub.sent()
    assert sent["messages"] == [
        {"role": "system", "content": "a", "name": None},
        {"role": "user", "content": "b", "name": None},
    ]
    assert sent["model_specific_prompts"][0]["model_provider"] == "openai"


async def test_create_leaves_other_entries_alone(stub: Any, prompts: AsyncPrompts, make_json: Any) -> None:
    await prompts.get("greeting", project="q")
    await prompts.get("greeting")
    stub.reply(make_json(id="2", slug="other"))
    await prompts.create("Other", content="x")
    assert prompts.cache.stats().size == 2


async def test_update_makes_a_new_version_and_forgets_the_latest(
    stub: Any, prompts: AsyncPrompts, make_json: Any
) -> None:
    await prompts.get("greeting")
    await prompts.get("greeting", version="1.0.0")
    stub.reply(make_json(content="new", version="1.1.0"))
    updated = await prompts.update("greeting", content="new", bump="minor", if_match="e", tags=[])
    assert updated.version == "1.1.0"
    request = stub.requests[-1]
    assert (request.method, request.path) == ("PUT", "/v1/client/prompts/greeting")
    assert request.headers == (("if-match", '"e"'),)
    assert request.idempotency_key
    assert stub.sent() == {"bump": "minor", "content": "new", "tags": []}
    assert prompts.peek("greeting") is None
    assert prompts.peek("greeting", version="1.0.0") is not None


async def test_update_of_a_version_edits_it_in_place(stub: Any, prompts: AsyncPrompts) -> None:
    await prompts.get("greeting", version="1.0.0")
    await prompts.update("greeting", version="v1.0", messages=None, module_id=None, new_name="Other")
    assert stub.requests[-1].idempotency_key is None
    assert stub.sent() == {
        "create_new_version": False,
        "version": "1.0.0",
        "messages": None,
        "module_id": None,
        "name": "Other",
    }
    assert prompts.peek("greeting", version="1.0.0") is None


async def test_update_may_name_the_new_version(stub: Any, prompts: AsyncPrompts) -> None:
    await prompts.update("greeting", new_version="v3", content="x", if_match='W/"e"')
    assert stub.sent() == {"version": "3.0.0", "content": "x"}
    assert stub.requests[-1].headers == (("if-match", 'W/"e"'),)


async def test_a_write_that_failed_half_way_forgets_all_the_same(stub: Any, prompts: AsyncPrompts) -> None:
    await prompts.get("greeting")
    stub.fail(NetworkError("lost"))
    with pytest.raises(NetworkError):
        await prompts.update("greeting", content="new")
    assert prompts.peek("greeting") is None


async def test_delete_of_everything_leaves_no_stale_entry(stub: Any, prompts: AsyncPrompts, make_json: Any) -> None:
    prompt = await prompts.get("greeting")
    await prompts.get(prompt.id)
    await prompts.get("greeting", version="1.0.0")
    stub.reply({"deleted": True, "versions": ["1.0.0"]})
    assert await prompts.delete("greeting") is True
    assert (stub.requests[-1].method, stub.requests[-1].query) == ("DELETE", ())
    stub.fail(PromptNotFoundError("gone"))
    for name, version in (("greeting", None), (prompt.id, None), ("greeting", "1.0.0")):
        with pytest.raises(PromptNotFoundError):
            await prompts.get(name, version=version)


async def test_delete_of_one_version_names_it(stub: Any, prompts: AsyncPrompts) -> None:
    stub.reply({"deleted": True, "versions": ["1.0.0"]})
    assert await prompts.delete("greeting", version="v1", project="p")
    assert stub.requests[-1].query == (("version", "1.0.0"), ("project_id", "p"))


ANY: Any = object()
REFUSED: list[tuple[str, tuple[Any, ...], dict[str, Any], str]] = [
    ("get", ("",), {}, "name"),
    ("get", ("  ",), {}, "name"),
    ("get", ("x" * 256,), {}, "name"),
    ("get", (None,), {}, "name"),
    ("get", (["a"],), {}, "name"),
    ("get", ("a",), {"version": "1.x"}, "version"),
    ("get", ("a",), {"version": 1.0}, "version"),
    ("render", ("",), {}, "name"),
    ("render", ("a", [("who", "Ada")]), {}, "variables"),
    ("render", ("a",), {"version": ""}, "version"),
    ("list", (), {"limit": 0}, "limit"),
    ("list", (), {"limit": 1001}, "limit"),
    ("list", (), {"limit": True}, "limit"),
    ("list", (), {"limit": "5"}, "limit"),
    ("list", (), {"skip": -1}, "skip"),
    ("list", (), {"sort_by": "size"}, "sort_by"),
    ("list", (), {"sort_by": ["name"]}, "sort_by"),
    ("list", (), {"sort_order": "up"}, "sort_order"),
    ("list", (), {"tags": "a"}, "tags"),
    ("list", (), {"tags": ["a,b"]}, "tags"),
    ("list_page", (), {"limit": 0}, "limit"),
    ("versions", ("",), {}, "name"),
    ("create", ("",), {"content": "x"}, "name"),
    ("create", ("a",), {}, "content"),
    ("create", ("a",), {"content": "x", "messages": [{"role": "user", "content": "x"}]}, "content"),
    ("create", ("a",), {"messages": []}, "messages"),
    ("create", ("a",), {"messages": [{"role": "user"}]}, "messages[0]"),
    ("create", ("a",), {"messages": [ANY]}, "messages[0]"),
    ("create", ("a",), {"content": "x", "slug": ""}, "slug"),
    ("create", ("a",), {"content": "x", "version": "one"}, "version"),
    ("create", ("a",), {"content": "x", "tags": "tag"}, "tags"),
    ("create", ("a",), {"content": "x", "template_format": "handlebars"}, "template_format"),
    ("create", ("a",), {"content": "x", "model_specific_prompts": [{"content": "x"}]}, "model_specific_prompts[0]"),
    ("update", ("",), {}, "name"),
    ("update", ("a",), {"version": "latest"}, "version"),
    ("update", ("a",), {"version": "1.0.0", "new_version": "1.1.0"}, "new_version"),
    ("update", ("a",), {"new_version": "x"}, "new_version"),
    ("update", ("a",), {"bump": "huge"}, "bump"),
    ("update", ("a",), {"new_name": ""}, "new_name"),
    ("update", ("a",), {"template_format": "x"}, "template_format"),
    ("delete", ("",), {}, "name"),
    ("delete", ("a",), {"version": "latest"}, "version"),
]


@pytest.mark.parametrize(("method", "arguments", "keywords", "field"), REFUSED)
async def test_bad_input_is_refused_before_any_request(
    stub: Any, prompts: AsyncPrompts, method: str, arguments: Any, keywords: Any, field: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        await getattr(prompts, method)(*arguments, **keywords)
    assert caught.value.validation_errors[0]["field"] == field
    with pytest.raises(ValidationError):
        getattr(SyncPrompts(prompts), method)(*arguments, **keywords)
    assert stub.requests == []


def test_the_blocking_view_does_the_same(stub: Any, prompts: AsyncPrompts) -> None:
    blocking = SyncPrompts(prompts)
    first = blocking.get("greeting")
    assert blocking.get("greeting") is first
    assert blocking.peek("greeting") is first
    assert blocking.cache is prompts.cache
    assert prompts.cache.stats().misses == 1
    assert blocking.render("greeting", {"who": "Ada"}).rendered_content == "Hello Ada!"
    assert blocking.update("greeting", content="x").id == first.id
    assert blocking.get("greeting", use_cache=False) is not first


def test_every_public_method_has_its_blocking_twin() -> None:
    assert_parity(AsyncPrompts, SyncPrompts)


async def test_another_store_serves_the_same_resource(stub: Any, make_prompt: Any) -> None:
    class Shelf:
        async def get(self, name: str, **_: Any) -> Any:
            return make_prompt(slug=name)

    shelf: Any = Shelf()
    prompts = AsyncPrompts(stub.runtime, store=shelf)
    assert (await prompts.render("from-shelf", {"who": "Ada"})).rendered_content == "Hello Ada!"
    assert stub.requests == []


async def test_a_newer_server_may_say_more(stub: Any, prompts: AsyncPrompts, make_json: Any) -> None:
    stub.reply(make_json(something_new={"a": 1}, template_format="handlebars"))
    assert (await prompts.get("greeting")).template_format == "handlebars"
    with pytest.raises(ValidationError, match="handlebars"):
        await prompts.render("greeting", {"who": "Ada"})
