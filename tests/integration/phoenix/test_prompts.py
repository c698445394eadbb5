"""Prompts on a real Phoenix server, through both clients."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from promptops.cache import CacheConfig, CacheLevel
from promptops.core.errors import (
    ConflictError,
    NetworkError,
    NotFoundError,
    PromptNotFoundError,
    PromptOpsError,
    ServerError,
    UnsupportedOperation,
    ValidationError,
)
from promptops.core.errors import TimeoutError as OutOfTime
from promptops.core.testing import FaultProxy
from promptops.core.testing.faults import Canned, Exchange, Mode, Pass, Refuse
from promptops.models import ModelSettings, PromptCreate, PromptUpdate
from promptops.phoenix import PhoenixClient, SyncPhoenixClient
from promptops.phoenix.prompts import (
    PromptChatTemplate,
    PromptMessage,
    PromptOpenAIInvocationParameters,
    PromptOpenAIInvocationParametersContent,
    PromptToolRaw,
    PromptTools,
    PromptVersionData,
    _wire,
)

pytestmark = pytest.mark.anyio

MakePhoenix = Callable[..., PhoenixClient]
Unique = Callable[..., str]
CHAT: list[dict[str, Any]] = [
    {"role": "system", "content": "Be {{ mood }} ☃."},
    {"role": "user", "content": [{"type": "text", "text": "{{ question }}"}]},
]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS = [{"name": "weather", "description": "Tells the weather.", "parameters": SCHEMA}]
FORMAT = {"type": "json_schema", "name": "answer", "schema": SCHEMA}
SETTINGS = {"provider": "openai", "model": "gpt-4o", "temperature": 0.5}


def theirs(text: str, **fields: Any) -> PromptVersionData:
    """A version of Phoenix's own kind."""
    return PromptVersionData(
        model_provider="OPENAI",
        model_name="gpt-4o",
        template=PromptChatTemplate(messages=[PromptMessage(role="user", content=text)]),
        template_type="CHAT",
        template_format="MUSTACHE",
        invocation_parameters=PromptOpenAIInvocationParameters(openai=PromptOpenAIInvocationParametersContent()),
        **fields,
    )


class Once(Mode):
    """Does something to the first request of a kind, and lets everything else pass."""

    def __init__(self, method: str, ending: str, fault: Callable[[Exchange], Any], *, times: int = 1) -> None:
        self.met = 0
        self._method = method
        self._ending = ending
        self._fault = fault
        self._times = times

    async def answer(self, exchange: Exchange) -> None:
        if exchange.method != self._method or not exchange.target.endswith(self._ending) or self.met >= self._times:
            await exchange.write(await exchange.fetch())
            return
        self.met += 1
        await self._fault(exchange)


async def lose_answer(exchange: Exchange) -> None:
    await exchange.fetch()
    exchange.close()


async def lose_half_of_the_answer(exchange: Exchange) -> None:
    data = await exchange.fetch()
    await exchange.write(data[: len(data) // 2])
    exchange.abort()


async def lose_request(exchange: Exchange) -> None:
    exchange.abort()


async def fail(exchange: Exchange) -> None:
    await Canned(status=500, body=b"Internal Server Error").answer(exchange)


async def fail_after_storing(exchange: Exchange) -> None:
    await exchange.fetch()
    await fail(exchange)


@pytest.fixture
def proxy(phoenix_url: str) -> Iterator[FaultProxy]:
    with FaultProxy(phoenix_url) as proxy:
        yield proxy


@pytest.fixture
def proxied(make_phoenix: MakePhoenix, proxy: FaultProxy) -> PhoenixClient:
    """A client behind the proxy."""
    return make_phoenix(base_url=proxy.url)


@pytest.fixture(params=["open", "auth"])
def client(request: pytest.FixtureRequest, make_phoenix: MakePhoenix) -> PhoenixClient:
    """A client of the server without authentication, then of the one with it."""
    if request.param == "open":
        return make_phoenix(base_url=request.getfixturevalue("phoenix_url"))
    server = request.getfixturevalue("phoenix_auth")
    return make_phoenix(base_url=server.url, api_key=server.secret)


async def test_prompt_lives_from_its_creation_to_its_deletion(client: PhoenixClient, unique: Unique) -> None:
    prompts, name = client.prompts, unique()
    made = await prompts.create(
        name, messages=CHAT, tools=TOOLS, response_format=FORMAT, model_settings=SETTINGS, description="about"
    )
    assert (made.id, made.slug, made.name, made.description) == (name, name, name, "about")
    assert made.version.endswith(".0.0")
    changed = await prompts.update(name, messages=CHAT[:1])
    assert int(changed.version.split(".")[0]) > int(made.version.split(".")[0])
    assert [found.version for found in await prompts.versions(name)] == [changed.version, made.version]
    assert (await prompts.get(name)).version == changed.version
    assert (await prompts.get(name, version=made.version.removesuffix(".0"))).etag == made.etag
    assert len(await prompts.list(limit=1, sort_by="name", sort_order="asc")) == 1
    await prompts.set_label(name, "production", version=made.version)
    assert (await prompts.get(name, label="production")).tools == made.tools
    assert [label.label for label in await prompts.labels(name)] == ["production"]
    assert await prompts.remove_label(name, "production")
    found = await prompts.get_many([name, unique("absent")], versions={name: made.version})
    assert (found.prompts[name].version, len(found.errors)) == (made.version, 1)
    assert await prompts.delete(name)
    with pytest.raises(PromptNotFoundError, match=name):
        await prompts.get(name)
    assert not await prompts.validate(name)


async def test_prompts_are_found_by_name_and_description_and_come_newest_first(
    phoenix: PhoenixClient, unique: Unique
) -> None:
    word = unique("word")
    names = [unique(), unique(), f"{word}-x"]
    await phoenix.prompts.create(names[0], content="x", description=f"say {word.upper()}")
    await phoenix.prompts.create_prompt(name=names[1], version=theirs("x"), description=f"about {word}")
    await phoenix.prompts.create(names[2], content="x")
    await phoenix.prompts.create(unique(), content=f"{word} of a content, which Phoenix does not list")
    assert [found.name async for found in phoenix.prompts.iterate(query=word)] == names[::-1]
    page = await phoenix.prompts.list_page(query=word, limit=2)
    assert ([found.name for found in page.items], page.total, page.has_more) == (names[:0:-1], 3, True)
    rest = await phoenix.prompts.list_page(query=word, skip=2)
    assert ([found.name for found in rest.items], rest.has_more) == (names[:1], False)


async def test_chat_with_tools_renders_and_becomes_the_arguments_of_a_provider(
    phoenix: PhoenixClient, unique: Unique
) -> None:
    name = unique()
    await phoenix.prompts.create(
        name, messages=CHAT, tools=TOOLS, response_format=FORMAT, model_settings=SETTINGS, tool_choice={"type": "auto"}
    )
    rendered = await phoenix.prompts.render(name, {"mood": "kind", "question": "{{ mood }} ☃ \\ {"})
    assert rendered.messages[0] == {"role": "system", "content": "Be kind ☃."}
    arguments: Any = rendered.to("openai")
    assert arguments["model"] == "gpt-4o"
    assert arguments["temperature"] == 0.5
    assert arguments["tools"][0]["function"]["parameters"] == SCHEMA
    assert arguments["response_format"]["json_schema"]["schema"] == SCHEMA
    assert "{{ mood }} ☃ \\ {" in str(arguments["messages"][1]["content"]).replace("\\\\", "\\")


async def test_rollback_and_differences_work_over_versions(phoenix: PhoenixClient, unique: Unique) -> None:
    name = unique()
    first = await phoenix.prompts.create(name, content="first", description="one")
    second = await phoenix.prompts.update(name, content="second", if_match=first.etag)
    assert (await phoenix.prompts.diff(name, first.version)).new_version == second.version
    again = await phoenix.prompts.rollback(name, version=first.version)
    assert (again.content, again.description, again.content_hash) == ("first", "one", first.content_hash)
    assert len(await phoenix.prompts.versions(name)) == 3
    with pytest.raises(ConflictError, match=r"Read it again"):
        await phoenix.prompts.update(name, content="third", if_match=second.etag)


async def test_second_get_sends_nothing(proxied: PhoenixClient, proxy: FaultProxy, unique: Unique) -> None:
    name = unique()
    made = await proxied.prompts.create(name, content="Hello {{ who }}")
    await proxied.prompts.set_label(name, "production", version=made.version)
    choices: list[dict[str, Any]] = [{}, {"version": made.version}, {"label": "production"}]
    before = 0
    for choice in choices:
        before = proxy.requests
        assert (await proxied.prompts.get(name, **choice)).content == made.content
        assert proxy.requests == before + 1
        assert (await proxied.prompts.get(name, **choice)).content == made.content
        rendered: Any = await proxied.prompts.render(name, {"who": "Ada"}, **choice)
        assert rendered.cache_hit
        assert proxy.requests == before + 1
    await proxied.prompts.get(name, use_cache=False)
    assert proxy.requests == before + 2


async def test_warm_prompt_is_at_hand(phoenix: PhoenixClient, make_phoenix: MakePhoenix, unique: Unique) -> None:
    name = unique()
    made = await phoenix.prompts.create(name, messages=CHAT, model_settings=SETTINGS)
    reader = make_phoenix(base_url=phoenix.url).prompts
    assert reader.peek(name) is None
    found = await reader.warm([name, unique("absent")])
    assert (list(found.prompts), len(found.errors)) == ([name], 1)
    at_hand = reader.peek(name)
    assert at_hand is not None
    assert at_hand.etag == made.etag


async def test_write_of_the_client_shows_in_its_next_get(phoenix: PhoenixClient, unique: Unique) -> None:
    prompts, name = phoenix.prompts, unique()
    with pytest.raises(PromptNotFoundError):
        await prompts.get(name)
    first = await prompts.create_prompt(name=name, version=theirs("first"))
    assert (await prompts.get(name)).content == "first"
    second = await prompts.create_version(name=name, version=theirs("second"))
    assert (await prompts.get(name)).content == "second"
    await prompts.add_tag(version_id=first.id, name="production")
    assert (await prompts.get(name, label="production")).content == "first"
    await prompts.add_tag(version_id=second.id, name="production")
    assert (await prompts.get(name, label="production")).content == "second"
    await prompts.remove_tag(version_id=second.id, name="production")
    with pytest.raises(PromptNotFoundError):
        await prompts.get(name, label="production")
    await prompts.add_tag(version_id=first.id, name="production")
    assert (await prompts.get(name, label="production")).content == "first"


async def test_stale_prompt_is_served_and_brought_up_to_date_behind(
    make_phoenix: MakePhoenix, phoenix_url: str, unique: Unique
) -> None:
    reader = make_phoenix(base_url=phoenix_url, cache=CacheConfig(level=CacheLevel.MEMORY, ttl=0.2))
    writer, name = make_phoenix(base_url=phoenix_url), unique()
    await writer.prompts.create(name, content="old")
    assert (await reader.prompts.get(name)).content == "old"
    await writer.prompts.update(name, content="new")
    await asyncio.sleep(0.25)
    read = await reader.prompts.read(name)
    assert (read.prompt.content, read.source) == ("old", "memory")
    for _ in range(500):
        if (await reader.prompts.get(name)).content == "new":
            return
        await asyncio.sleep(0.01)
    pytest.fail("it was never brought up to date")


async def test_prompt_that_is_at_hand_or_a_fallback_serves_while_the_server_is_away(
    make_phoenix: MakePhoenix, proxy: FaultProxy, unique: Unique
) -> None:
    client, name = make_phoenix(base_url=proxy.url, cache=CacheConfig(level=CacheLevel.MEMORY, ttl=0.05)), unique()
    await client.prompts.create(name, content="Hello {{ who }}")
    await client.prompts.get(name)
    proxy.set(Refuse())
    await asyncio.sleep(0.1)
    assert (await client.prompts.get(name)).content == "Hello {{ who }}"
    assert await client.prompts.get(unique("absent"), fallback="mine", timeout=0.3) == "mine"
    rendered = await client.prompts.render(unique("absent"), {"who": "Ada"}, fallback="Hi {{ who }}", timeout=0.3)
    assert (rendered.rendered_content, rendered.source) == ("Hi Ada", "fallback")
    with pytest.raises((NetworkError, OutOfTime)):
        await client.prompts.get(unique("absent"), timeout=0.3)


async def test_not_found_of_something_in_between_evicts_nothing(
    make_phoenix: MakePhoenix, proxy: FaultProxy, unique: Unique
) -> None:
    client, name = make_phoenix(base_url=proxy.url, cache=CacheConfig(level=CacheLevel.MEMORY, ttl=0.05)), unique()
    await client.prompts.create(name, content="mine")
    await client.prompts.get(name)
    proxy.set(Canned(status=404, headers=(("content-type", "text/plain"),), body=b"404 page not found"))
    await asyncio.sleep(0.1)
    for _ in range(3):
        assert (await client.prompts.get(name)).content == "mine"
        await asyncio.sleep(0.02)
    with pytest.raises(PromptOpsError, match="proxy") as caught:
        await client.prompts.get(name, use_cache=False)
    assert not isinstance(caught.value, NotFoundError)
    proxy.set(Pass())
    await client.prompts.delete(name)
    with pytest.raises(PromptNotFoundError):
        await client.prompts.get(name, use_cache=False)


@pytest.mark.parametrize("name", ["team/greeting", "Greeting", "a b", "-a", "a_", "grüße", "a\n"])
async def test_name_that_phoenix_cannot_hold_is_refused_before_anything_is_sent(
    proxied: PhoenixClient, proxy: FaultProxy, name: str
) -> None:
    prompts = proxied.prompts
    calls = [
        prompts.get(name),
        prompts.create(name, content="x"),
        prompts.update(name, content="x"),
        prompts.delete(name),
        prompts.versions(name),
        prompts.labels(name),
        prompts.set_label(name, "production", version="1.0.0"),
        prompts.list_versions(name=name),
        prompts.create_prompt(name=name, version=theirs("x")),
        prompts.create_version(name=name, version=theirs("x")),
        prompts.update_prompt(name=name, description="x"),
    ]
    for call in calls:
        with pytest.raises(ValidationError, match="lower-case"):
            await call
    assert proxy.requests == 0


async def test_label_that_phoenix_cannot_hold_is_refused_before_anything_is_sent(
    proxied: PhoenixClient, proxy: FaultProxy, unique: Unique
) -> None:
    prompts, name = proxied.prompts, unique()
    for call in (
        prompts.get(name, label="Production"),
        prompts.set_label(name, "v.x", version="1.0.0"),
        prompts.remove_label(name, "Production"),
        prompts.create_prompt(name=name, version=theirs("x"), tags=["fine", "a/b"]),
        prompts.create_prompt(name=name, version=theirs("x"), tags="fine"),
        prompts.add_tag(version_id="UHJvbXB0VmVyc2lvbjox", name="A"),
        prompts.add_tag(version_id="UHJvbXB0OjE=", name="a"),
        prompts.remove_tag(version_id="1", name="a"),
        prompts.tags(version_id="UHJvbXB0OjE="),
        prompts.get_version(version_id="nothing"),
    ):
        with pytest.raises(ValidationError):
            await call
    assert proxy.requests == 0


async def test_what_phoenix_cannot_do_is_refused_by_name(
    proxied: PhoenixClient, proxy: FaultProxy, unique: Unique
) -> None:
    prompts, name = proxied.prompts, unique()
    calls: dict[str, list[Any]] = {
        "projects": [
            prompts.get(name, project="p"),
            prompts.create(name, content="x", project="p"),
            prompts.update(name, content="x", project="p"),
            prompts.list(project="p"),
            prompts.versions(name, project="p"),
            prompts.labels(name, project="p"),
            prompts.set_label(name, "a", version="1.0.0", project="p"),
            prompts.remove_label(name, "a", project="p"),
            prompts.delete(name, project="p"),
            prompts.get_many([name], project="p"),
        ],
        "choose_versions": [
            prompts.create(name, content="x", version="1.0.0"),
            prompts.update(name, content="x", new_version="2.0.0"),
        ],
        "edit_versions": [prompts.update(name, version="1.0.0", content="x")],
        "delete_versions": [prompts.delete(name, version="1.0.0")],
        "history": [prompts.history(name)],
        "server_rendering": [prompts.render(name, on_server=True)],
        "modules": [prompts.list(module_id="m")],
        "tags": [prompts.list(tags=["t"])],
    }
    for feature, refused in calls.items():
        for call in refused:
            with pytest.raises(UnsupportedOperation, match="phoenix") as caught:
                await call
            assert caught.value.details == {"store": "phoenix", "feature": feature}
    with pytest.raises(UnsupportedOperation, match="history"):
        _ = [event async for event in prompts.iterate_history(name)]
    assert proxy.requests == 0


async def test_what_phoenix_has_no_place_for_is_refused_or_left_out_when_told(
    phoenix: PhoenixClient, unique: Unique
) -> None:
    prompts, name = phoenix.prompts, unique()
    rich: dict[str, Any] = {
        "messages": [*CHAT, {"role": "placeholder", "content": "", "name": "before"}],
        "model_specific_prompts": [{"model_provider": "anthropic", "model_name": "", "content": "x"}],
        "variables_schema": {"type": "object"},
        "tags": ["word"],
    }
    with pytest.raises(ValidationError, match="allow_loss") as caught:
        await prompts.create(name, **rich)
    fields = {problem["field"] for problem in caught.value.validation_errors}
    assert fields == {"messages[2]", "model_specific_prompts", "variables_schema", "tags"}
    assert not await prompts.validate(name)
    with pytest.raises(ValidationError, match="one name"):
        await prompts.create("For people", slug=name, content="x")
    draft = PromptCreate(name="For people", content="Hello", tags=["word"])
    with pytest.raises(ValidationError, match="tags"):
        await prompts.create_prompt(name=name, version=draft)
    await prompts.create_prompt(name=name, version=draft, allow_loss=True)
    assert (await prompts.get(name)).content == "Hello"
    with pytest.raises(ValidationError, match="tags"):
        await prompts.update(name, tags=["word"])
    with pytest.raises(ValidationError, match="keep their names"):
        await prompts.update(name, new_name="other")
    assert len(await prompts.versions(name)) == 1


async def test_what_phoenix_says_otherwise_is_told_before_and_after(
    phoenix: PhoenixClient, unique: Unique, caplog: pytest.LogCaptureFixture
) -> None:
    prompts, name = phoenix.prompts, unique()
    settings = ModelSettings(provider="anthropic", model="claude")
    draft = PromptCreate(name=name, content="Hello {{ who }}", model_settings=settings)
    foreseen = await prompts.preview(version=draft)
    assert [(loss.field, loss.what) for loss in foreseen.losses] == [("model_settings.max_tokens", "assumed")]
    with pytest.raises(PromptNotFoundError):
        await prompts.list_versions(name=name)
    made = await prompts.create_prompt(name=name, version=draft)
    assert made.invocation_parameters == foreseen.value.invocation_parameters
    changes = PromptUpdate(description="new")
    assert (await prompts.preview(name=name, version=changes)).losses == ()
    assert await prompts.list_versions(name=name) == [made]
    await prompts.update(name, description="new")
    told = [record.getMessage() for record in caplog.records if "prompt_stored_differently" in record.getMessage()]
    assert len(told) == 1
    assert "model_settings.max_tokens: assumed" in told[0]
    assert "Hello" not in told[0]


async def test_what_only_phoenix_can_say_is_not_lost_by_an_update(phoenix: PhoenixClient, unique: Unique) -> None:
    prompts, name = phoenix.prompts, unique()
    tools = PromptTools(tools=[PromptToolRaw(raw={"type": "web_search"})])
    made = await prompts.create_prompt(name=name, version=theirs("first", tools=tools))
    assert (await prompts.get(name)).content == "first"
    with pytest.raises(ValidationError, match="create_version"):
        await prompts.update(name, content="second")
    assert await prompts.list_versions(name=name) == [made]


async def test_change_that_changes_nothing_makes_no_version(
    proxied: PhoenixClient, proxy: FaultProxy, unique: Unique
) -> None:
    prompts, name = proxied.prompts, unique()
    made = await prompts.create(
        name, messages=CHAT, tools=TOOLS, response_format=FORMAT, model_settings=SETTINGS, metadata={"a": [1, None]}
    )
    before = proxy.requests
    assert await prompts.update(name, messages=CHAT, tools=TOOLS, model_settings=SETTINGS, bump="major") == made
    assert proxy.requests == before + 1
    assert (await prompts.update(name, metadata={"a": [1]})).version != made.version
    changed = await prompts.update(name, description="said otherwise")
    assert changed.metadata == {"a": [1]}
    latest = await prompts.create_version(name=name, version=changed)
    assert latest.id == changed.etag
    assert (await prompts.create_version(name=name, version=latest, tags=["one", "two"])).id == changed.etag
    assert {tag.name for tag in await prompts.tags(version_id=latest.id)} == {"one", "two"}


async def test_two_prompts_share_the_numbers_and_not_the_versions(phoenix: PhoenixClient, unique: Unique) -> None:
    prompts, one, other = phoenix.prompts, unique("one"), unique("other")
    for name in (one, other):
        await prompts.create(name, content="0")
    for number in ("1", "2"):
        for name in (one, other):
            await prompts.update(name, content=number)
    versions = {name: [found.version for found in await prompts.versions(name)] for name in (one, other)}
    assert not set(versions[one]) & set(versions[other])
    for name, stranger in ((one, other), (other, one)):
        assert [(await prompts.get(name, version=version)).content for version in versions[name]] == ["2", "1", "0"]
        for version in versions[stranger]:
            with pytest.raises(PromptNotFoundError, match=version):
                await prompts.get(name, version=version)


async def test_versions_and_prompts_come_from_all_pages(
    phoenix: PhoenixClient, unique: Unique, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts, name = phoenix.prompts, unique()
    made = [await prompts.create_prompt(name=name, version=theirs("0"), tags=["a", "b", "c"])]
    made += [await prompts.create_version(name=name, version=theirs(str(number))) for number in range(1, 5)]
    monkeypatch.setattr(_wire, "_PER_PAGE", 2)
    assert await prompts.list_versions(name=name) == made[::-1]
    assert {tag.name for tag in await prompts.tags(version_id=made[0].id)} == {"a", "b", "c"}
    assert [found.etag for found in await prompts.versions(name)] == [version.id for version in made[::-1]]
    monkeypatch.setattr(_wire, "_PER_PAGE", 1000)
    assert [found.name for found in await prompts.list_prompts()].count(name) == 1


@pytest.mark.parametrize("fault", [lose_answer, lose_half_of_the_answer, fail_after_storing])
async def test_create_whose_answer_was_lost_creates_once(
    proxied: PhoenixClient, proxy: FaultProxy, unique: Unique, fault: Any
) -> None:
    name = unique()
    proxy.set(mode := Once("POST", "/v1/prompts", fault))
    made = await proxied.prompts.create(name, messages=CHAT, tools=TOOLS, response_format=FORMAT, description="☃")
    assert mode.met == 1
    assert [found.version for found in await proxied.prompts.versions(name)] == [made.version]


@pytest.mark.parametrize("fault", [lose_answer, lose_half_of_the_answer, fail_after_storing, lose_request])
async def test_version_whose_answer_was_lost_is_added_once(
    proxied: PhoenixClient, proxy: FaultProxy, unique: Unique, fault: Any
) -> None:
    name = unique()
    first = await proxied.prompts.create(name, content="first")
    proxy.set(mode := Once("POST", "/versions", fault))
    second = await proxied.prompts.update(name, content="second")
    assert mode.met == 1
    versions = await proxied.prompts.versions(name)
    assert [(found.version, found.content) for found in versions] == [
        (second.version, "second"),
        (first.version, "first"),
    ]


async def test_request_that_never_arrived_is_sent_again(
    proxied: PhoenixClient, proxy: FaultProxy, unique: Unique
) -> None:
    name = unique()
    proxy.set(mode := Once("POST", "/v1/prompts", lose_request))
    made = await proxied.prompts.create(name, content="first")
    assert mode.met == 1
    assert [found.version for found in await proxied.prompts.versions(name)] == [made.version]


async def test_server_that_failed_is_not_asked_again_and_its_error_is_raised(
    proxied: PhoenixClient, proxy: FaultProxy, unique: Unique
) -> None:
    name = unique()
    proxy.set(mode := Once("POST", "/v1/prompts", fail, times=9))
    with pytest.raises(ServerError, match="Internal Server Error"):
        await proxied.prompts.create(name, content="first")
    assert mode.met == 1
    assert not await proxied.prompts.validate(name)


async def test_what_cannot_be_looked_at_is_said_to_be_unknown(
    proxied: PhoenixClient, proxy: FaultProxy, unique: Unique
) -> None:
    name = unique()
    await proxied.prompts.create(name, content="first")

    class Gone(Mode):
        async def answer(self, exchange: Exchange) -> None:
            if exchange.method == "POST" or exchange.target.partition("?")[0].endswith("/versions"):
                await lose_answer(exchange)
            else:
                await exchange.write(await exchange.fetch())

    proxy.set(Gone())
    with pytest.raises(NetworkError) as caught:
        await proxied.prompts.update(name, content="second", timeout=5)
    assert not caught.value.retryable
    assert "not known" in caught.value.__notes__[0]
    proxy.set(Pass())
    assert len(await proxied.prompts.versions(name)) == 2


async def test_server_itself_adds_a_version_for_every_create(phoenix: PhoenixClient, unique: Unique) -> None:
    """What the checks above are for: sent twice, the same body is two versions."""
    from promptops.phoenix._generated import CreatePromptRequestBody, PromptData

    routes, name = phoenix.stores.prompts.routes, unique()
    body = CreatePromptRequestBody(prompt=PromptData(name=name), version=theirs("same"))
    assert (await routes.create(body)).id != (await routes.create(body)).id


async def test_one_of_eight_creates_at_once_in_a_loop_creates(phoenix_url: str, unique: Unique) -> None:
    name = unique()
    async with PhoenixClient(base_url=phoenix_url) as client:
        results = await asyncio.gather(
            *(client.prompts.create(name, content=f"text {number}") for number in range(8)), return_exceptions=True
        )
        assert sorted(type(result).__name__ for result in results) == ["ConflictError"] * 7 + ["PromptResponse"]
        assert len(await client.prompts.versions(name)) == 1


async def test_resource_and_store_of_a_client_write_to_a_prompt_in_turn(phoenix_url: str, unique: Unique) -> None:
    name = unique()
    async with PhoenixClient(base_url=phoenix_url) as client:
        await client.prompts.create(name, content="0", model_settings={"provider": "openai", "model": "0"})
        for turn in map(str, range(1, 9)):
            change = PromptUpdate(model_settings=ModelSettings(provider="openai", model=turn))
            await asyncio.gather(
                client.prompts.update(name, content=turn),
                client.stores.prompts.update(name, change, if_match=None, timeout=None),
            )
            made = await client.prompts.get(name, use_cache=False)
            assert made.model_settings is not None
            assert (made.content, made.model_settings.model) == (turn, turn)


def test_one_of_eight_creates_at_once_in_threads_says_that_it_did(phoenix_url: str, unique: Unique) -> None:
    name = unique()

    def create(number: int) -> str:
        with SyncPhoenixClient(base_url=phoenix_url) as client:
            try:
                return client.prompts.create(name, content=f"text {number}").version
            except ConflictError as error:
                return str(error.details.get("version"))

    with ThreadPoolExecutor(8) as threads:
        said = list(threads.map(create, range(8)))
    with SyncPhoenixClient(base_url=phoenix_url) as client:
        versions = [found.version for found in client.prompts.versions(name)]
    assert versions[-1] in said
    assert set(versions) <= set(said)


async def test_conflict_of_two_clients_says_what_became_of_the_text(
    proxied: PhoenixClient, proxy: FaultProxy, phoenix: PhoenixClient, unique: Unique
) -> None:
    """The server has no "create unless it is there": another client may come between the look and the creation."""
    name = unique()
    others: list[str] = []

    async def be_faster(exchange: Exchange) -> None:
        async with PhoenixClient(base_url=str(phoenix.url)) as faster:
            others.append((await faster.prompts.create(name, content="theirs")).version)
        await exchange.write(await exchange.fetch())

    proxy.set(Once("POST", "/v1/prompts", be_faster))
    with pytest.raises(ConflictError, match="same time") as caught:
        await proxied.prompts.create(name, content="mine")
    versions = await phoenix.prompts.versions(name)
    assert [found.content for found in versions] == ["mine", "theirs"]
    assert caught.value.details == {"name": name, "version": versions[0].version, "first_version": others[0]}


async def test_prompt_is_created_with_tags_description_and_facts(phoenix: PhoenixClient, unique: Unique) -> None:
    prompts, name = phoenix.prompts, unique()
    made = await prompts.create_prompt(
        name=name, version=theirs("x"), description="what for", metadata={"team": "☃"}, tags=["production", "v1"]
    )
    assert {label.label: label.version for label in await prompts.labels(name)} == dict.fromkeys(
        ["production", "v1"], (await prompts.get(name)).version
    )
    (about,) = [found for found in await prompts.list_prompts() if found.name == name]
    assert (about.description, about.metadata) == ("what for", {"team": "☃"})
    assert await prompts.get_version(version_id=made.id) == made
    with pytest.raises(ConflictError, match=name):
        await prompts.create_prompt(name=name, version=theirs("y"))
    following = await prompts.create_version(name=name, version=theirs("y"), tags=["production"])
    assert {label.label: label.version for label in await prompts.labels(name)} == {
        "production": (await prompts.get(name)).version,
        "v1": (await prompts.versions(name))[1].version,
    }
    assert [tag.name for tag in await prompts.tags(version_id=following.id)] == ["production"]


async def test_tag_that_fails_says_that_the_prompt_is_there(
    proxied: PhoenixClient, proxy: FaultProxy, unique: Unique
) -> None:
    name = unique()

    async def refuse(exchange: Exchange) -> None:
        await Canned(status=403, body=b"Forbidden").answer(exchange)

    proxy.set(Once("POST", "/tags", refuse))
    with pytest.raises(PromptOpsError, match="is stored, but without the tags") as caught:
        await proxied.prompts.create_prompt(name=name, version=theirs("x"), tags=["one", "two"])
    made = await proxied.prompts.get(name)
    assert caught.value.details["tags_missing"] == ["one", "two"]
    assert (caught.value.details["name"], caught.value.details["version"]) == (name, made.version)


async def test_what_is_said_beside_the_versions_changes_without_one(phoenix: PhoenixClient, unique: Unique) -> None:
    prompts, name = phoenix.prompts, unique()
    made = await prompts.create_prompt(name=name, version=theirs("x"), description="old", metadata={"a": 1})
    assert (await prompts.update_prompt(name=name, description="new ☃")).metadata == {"a": 1}
    changed = await prompts.update_prompt(name=name, metadata={"b": [None]})
    assert (changed.description, changed.metadata) == ("new ☃", {"b": [None]})
    assert not (await prompts.update_prompt(name=name, description=None)).description
    assert (await prompts.update_prompt(name=name, metadata={})).metadata == {}
    assert await prompts.list_versions(name=name) == [made]
    with pytest.raises(PromptNotFoundError):
        await prompts.update_prompt(name=unique("absent"), description="x")


async def test_change_of_nothing_and_metadata_of_null_are_refused_before_they_are_sent(
    proxied: PhoenixClient, proxy: FaultProxy, unique: Unique
) -> None:
    nothing: Any = None
    wrong: list[dict[str, Any]] = [{}, {"metadata": None}, {"metadata": []}, {"metadata": {"a": float("nan")}}]
    for changes in wrong:
        with pytest.raises(ValidationError):
            await proxied.prompts.update_prompt(name=unique(), **changes)
    with pytest.raises(ValidationError):
        await proxied.prompts.create_version(name=unique(), version=nothing)
    assert proxy.requests <= 1  # the version of the server, at most


async def test_absent_things_of_phoenix_are_not_found(phoenix: PhoenixClient, unique: Unique) -> None:
    prompts, name = phoenix.prompts, unique()
    made = await prompts.create_prompt(name=name, version=theirs("x"))
    await prompts.delete(name, force=True)
    calls: list[Awaitable[Any]] = [
        prompts.get_version(version_id=made.id),
        prompts.tags(version_id=made.id),
        prompts.add_tag(version_id=made.id, name="a"),
        prompts.remove_tag(version_id=made.id, name="a"),
    ]
    for call in calls:
        with pytest.raises(NotFoundError):
            await call
    named: list[Awaitable[Any]] = [
        prompts.list_versions(name=name),
        prompts.create_version(name=name, version=theirs("x")),
    ]
    for call in named:
        with pytest.raises(PromptNotFoundError, match=name):
            await call


async def test_tags_have_descriptions_and_move(phoenix: PhoenixClient, unique: Unique) -> None:
    prompts, name = phoenix.prompts, unique()
    first = await prompts.create_prompt(name=name, version=theirs("1"))
    second = await prompts.create_version(name=name, version=theirs("2"))
    await prompts.add_tag(version_id=first.id, name="live", description="served ☃")
    assert [(tag.name, tag.description) for tag in await prompts.tags(version_id=first.id)] == [("live", "served ☃")]
    await prompts.set_label(name, "live", version=(await prompts.get(name)).version)
    assert await prompts.tags(version_id=first.id) == []
    assert [tag.name for tag in await prompts.tags(version_id=second.id)] == ["live"]
    with pytest.raises(ConflictError, match="live"):
        await prompts.delete(name)
    await prompts.remove_tag(version_id=second.id, name="live")
    with pytest.raises(NotFoundError):
        await prompts.remove_tag(version_id=second.id, name="live")
    assert await prompts.delete(name)


async def test_reading_says_that_the_prompt_came_from_the_server(phoenix: PhoenixClient, unique: Unique) -> None:
    name = unique()
    made = await phoenix.prompts.create(name, content="text")
    found = await phoenix.prompts.read(name, use_cache=False, timeout=30)
    assert (found.prompt.etag, found.stale, found.cache_hit) == (made.etag, False, False)
