"""Prompts of a Phoenix server without one: what is decided before and after the requests."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Callable
from typing import Any

import anyio
import msgspec
import pytest
from promptops.core import AsyncRuntime, RuntimeConfig, SyncRuntime
from promptops.core.bridge import drive
from promptops.core.errors import (
    ConflictError,
    InvalidResponseError,
    NetworkError,
    NotFoundError,
    PromptNotFoundError,
    ServerError,
    UnsupportedOperation,
    ValidationError,
)
from promptops.core.messages import PROMPT_READ, Response
from promptops.core.testing import FakeTransport, assert_parity, json_response
from promptops.core.transport import Attempt, ConnectFailed, ExchangeFailed
from promptops.models import PromptCreate, PromptUpdate
from promptops.phoenix._generated import PromptVersion, PromptVersionData
from promptops.phoenix._ids import global_id
from promptops.phoenix._profiles import PROMPT
from promptops.phoenix._versions import ServerVersion
from promptops.phoenix.prompts._cache import PromptBackground
from promptops.phoenix.prompts._resource import AsyncPhoenixPrompts, SyncPhoenixPrompts
from promptops.phoenix.prompts._response import UNKNOWN_TIME, response_of
from promptops.phoenix.prompts._store import PhoenixPromptStore
from promptops.phoenix.prompts._store_drafts import draft_of, name_of, same_content
from promptops.phoenix.prompts._turns import Turns
from promptops.prompts import NativePromptStore
from promptops.prompts.stores import PromptStore

FUNCTION = {"type": "function", "function": {"name": "f"}}
HEADERS = {"x-phoenix-server-version": "20.26.1"}


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def wire(number: int, text: str = "Hello {{ who }}", **fields: Any) -> dict[str, Any]:
    return {
        "id": global_id("PromptVersion", number),
        "description": "",
        "model_provider": "OPENAI",
        "model_name": "gpt-4o",
        "template": {"type": "chat", "messages": [{"role": "user", "content": text}]},
        "template_type": "CHAT",
        "template_format": "MUSTACHE",
        "invocation_parameters": {"type": "openai", "openai": {}},
        **fields,
    }


def version(number: int, text: str = "Hello {{ who }}", **fields: Any) -> PromptVersion:
    return msgspec.convert(wire(number, text, **fields), PromptVersion)


def answer(data: Any, **more: Any) -> Response:
    return json_response({"data": data, **more}, headers=HEADERS)


def not_found() -> Response:
    return Response(status=404, headers={**HEADERS, "content-type": "text/plain"}, body=b"Not Found")


def blocking(*script: Response | BaseException) -> tuple[PhoenixPromptStore, FakeTransport]:
    transport = FakeTransport(script)
    return PhoenixPromptStore(
        SyncRuntime(RuntimeConfig(base_url="http://phoenix.invalid"), transport=transport)
    ), transport


def get(store: PromptStore, name: str = "greeting", **fields: Any) -> Any:
    arguments: dict[str, Any] = {"version": None, "label": None, "project": None, "fresh": False, "timeout": None}
    return drive(store.get(name, **arguments | fields))


def sent(attempt: Attempt) -> Any:
    return json.loads(attempt.body or b"null")


def test_blocking_prompts_offer_what_the_asynchronous_ones_do() -> None:
    assert_parity(AsyncPhoenixPrompts, SyncPhoenixPrompts)


def test_version_is_a_semver_of_its_number_and_says_no_times() -> None:
    prompt = response_of("greeting", version(12), labels=["production"])
    assert (prompt.id, prompt.slug, prompt.name, prompt.version) == ("greeting", "greeting", "greeting", "12.0.0")
    assert (prompt.etag, prompt.labels) == (global_id("PromptVersion", 12), ["production"])
    assert prompt.created_at == prompt.updated_at == UNKNOWN_TIME
    assert len(prompt.content_hash) == 64


def test_version_is_asked_for_from_itself_on() -> None:
    store, transport = blocking(answer([wire(12)], next_cursor=None))
    assert get(store, version="12.0.0").version == "12.0.0"
    (attempt,) = transport.attempts
    assert attempt.target == "/v1/prompts/greeting/versions?limit=1&cursor=UHJvbXB0VmVyc2lvbjoxMg%3D%3D"


def test_server_that_starts_its_list_elsewhere_is_asked_for_all_of_it() -> None:
    store, transport = blocking(
        answer([wire(30)], next_cursor="x"),
        answer([wire(30), wire(20)], next_cursor="y"),
        answer([wire(12), wire(5)], next_cursor=None),
    )
    assert get(store, version="12.0.0").content == "Hello {{ who }}"
    assert len(transport.attempts) == 3


@pytest.mark.parametrize("first", [[], [11]], ids=["none", "older"])
def test_version_that_the_list_passes_over_is_not_there(first: list[int]) -> None:
    store, transport = blocking(answer([wire(number) for number in first], next_cursor=None))
    with pytest.raises(PromptNotFoundError, match=r"'greeting' with the version 12\.0\.0") as caught:
        get(store, version="12.0.0")
    assert caught.value.prompt_id == "greeting"
    assert len(transport.attempts) == 1


@pytest.mark.parametrize("named", ["1.2.0", "0.0.0", "1.0.1", "1.0.0-rc.1", "1.0.0+build"])
def test_version_that_phoenix_cannot_have_is_not_asked_for(named: str) -> None:
    store, transport = blocking()
    with pytest.raises(PromptNotFoundError):
        get(store, version=named)
    assert transport.attempts == []


def test_etag_of_the_latest_version_still_holds() -> None:
    store, _ = blocking(answer(wire(12)), answer(wire(13)))
    etag = global_id("PromptVersion", 12)
    assert get(store, etag=etag) is None
    assert get(store, etag=etag).version == "13.0.0"


def test_only_the_server_itself_says_that_a_prompt_is_gone() -> None:
    store, _ = blocking(not_found(), Response(status=404, headers={"content-type": "text/plain"}, body=b"not found"))
    with pytest.raises(PromptNotFoundError):
        get(store)
    with pytest.raises(InvalidResponseError, match="proxy"):
        get(store)


def test_name_of_a_new_prompt_is_its_slug_or_its_name() -> None:
    assert name_of(PromptCreate(name="greeting", content="x")) == "greeting"
    assert name_of(PromptCreate(name="greeting", slug="greeting", content="x")) == "greeting"
    for prompt in (PromptCreate(name="Greeting", content="x"), PromptCreate(name="Greeting", slug="a", content="x")):
        with pytest.raises(ValidationError):
            name_of(prompt)


def test_refused_tag_is_told_how_to_set_one_and_not_how_to_lose_it() -> None:
    with pytest.raises(ValidationError) as caught:
        draft_of(PromptCreate(name="greeting", content="x", tags=["production"]), allow_loss=False)
    assert "create_prompt(..., tags=[...])" in caught.value.message
    assert "set_label(" in caught.value.message
    assert "allow_loss" not in caught.value.message
    with pytest.raises(ValidationError, match="allow_loss") as caught:
        draft_of(PromptCreate(name="greeting", content="x", tags=["a"], variables_schema={"a": 1}), allow_loss=False)
    assert "set_label(" in caught.value.message
    with pytest.raises(ValidationError, match="allow_loss") as caught:
        draft_of(PromptCreate(name="greeting", content="x", variables_schema={"a": 1}), allow_loss=False)
    assert "set_label(" not in caught.value.message


def test_versions_that_say_the_same_are_the_same() -> None:
    data = draft_of(version(1, description=None), allow_loss=False).value
    assert isinstance(data, PromptVersionData)
    assert same_content(data, version(2, description=""))
    assert same_content(data, version(2, metadata={}, tools=None, response_format=None))
    assert not same_content(data, version(2, "Hello {{ who }}!"))
    assert not same_content(data, version(2, metadata={"a": None}))
    assert not same_content(data, version(2, template_format="NONE"))
    assert not same_content(data, version(2, invocation_parameters={"type": "openai", "openai": {"temperature": 0.0}}))
    older = version(3, model_provider="XAI", invocation_parameters={"type": "xai", "xai": {"seed": 1}})
    stored = version(3, model_provider="XAI", invocation_parameters={"type": "openai", "openai": {"seed": 1}})
    assert same_content(older, stored)  # so the server stores it


def test_create_looks_first_sends_once_and_looks_whether_it_was_the_first() -> None:
    store, transport = blocking(not_found(), answer(wire(3, "x")), answer([wire(3, "x")], next_cursor=None))
    prompt = PromptCreate(name="greeting", content="x", description="about", metadata={"a": 1})
    assert drive(store.create(prompt, timeout=None)).version == "3.0.0"
    assert [attempt.method for attempt in transport.attempts] == ["GET", "POST", "GET"]
    body = sent(transport.attempts[1])
    assert body["prompt"] == {"name": "greeting", "description": "about", "metadata": {"a": 1}}
    assert (body["version"]["description"], body["version"]["template"]["messages"][0]["content"]) == ("about", "x")


def test_create_that_failed_half_way_shows_in_the_next_get() -> None:
    """What was not there a moment ago may be there now."""
    listed = answer([wire(3, "x"), wire(2)], next_cursor=None)
    transport = FakeTransport([not_found(), not_found(), answer(wire(3, "x")), listed, answer(wire(3, "x"))])
    runtime = SyncRuntime(RuntimeConfig(base_url="http://phoenix.invalid"), transport=transport)
    prompts = SyncPhoenixPrompts(AsyncPhoenixPrompts(runtime))
    with pytest.raises(PromptNotFoundError):
        prompts.get("greeting")
    with pytest.raises(ConflictError, match="became its version"):
        prompts.create("greeting", content="x")
    assert prompts.get("greeting").content == "x"


def test_create_that_never_left_is_not_looked_for() -> None:
    store, transport = blocking(not_found(), *[ConnectFailed("refused")] * 3)
    with pytest.raises(NetworkError) as caught:
        drive(store.create(PromptCreate(name="greeting", content="x"), timeout=None))
    assert caught.value.retryable
    assert [attempt.method for attempt in transport.attempts] == ["GET", "POST", "POST", "POST"]


def test_second_request_counts_as_the_first_when_both_were_stored() -> None:
    """The first was on its way for longer than its effect was waited for."""
    sent_data = draft_of(PromptCreate(name="greeting", content="x"), allow_loss=False).value
    plain: Any = msgspec.to_builtins(sent_data)
    late, second = (plain | {"id": global_id("PromptVersion", number)} for number in (3, 4))
    store, transport = blocking(
        not_found(),
        ExchangeFailed("reset", sent=True),
        answer([], next_cursor=None),
        answer(second),
        answer([second, late], next_cursor=None),
        answer([second, late], next_cursor=None),
    )
    assert drive(store.create(PromptCreate(name="greeting", content="x"), timeout=None)).version == "3.0.0"
    assert [attempt.method for attempt in transport.attempts].count("POST") == 2


def test_update_of_another_latest_version_sends_nothing_more() -> None:
    store, transport = blocking(answer(wire(3)))
    with pytest.raises(ConflictError, match=r"3\.0\.0"):
        drive(store.update("greeting", PromptUpdate(content="x"), if_match=global_id("PromptVersion", 2), timeout=None))
    assert len(transport.attempts) == 1


@pytest.mark.parametrize("written", ['"{}"', 'W/"{}"', "{}", "*"])
def test_etag_is_understood_however_it_is_written(written: str) -> None:
    etag = global_id("PromptVersion", 3)
    store, _ = blocking(answer(wire(3)), answer(wire(4, "x")), answer([wire(4, "x"), wire(3)], next_cursor=None))
    changed = drive(store.update("greeting", PromptUpdate(content="x"), if_match=written.format(etag), timeout=None))
    assert changed.version == "4.0.0"


@pytest.mark.parametrize("listed", [[5, 4], [6, 5, 4, 3]], ids=["from the version on", "from the newest on"])
def test_version_that_came_in_between_is_a_conflict_for_who_named_an_etag(listed: list[int]) -> None:
    """The server takes no condition, so this shows afterwards."""
    pages = [answer([wire(number) for number in listed], next_cursor=None)] * 2
    store, transport = blocking(answer(wire(3)), answer(wire(5, "x")), *pages)
    with pytest.raises(ConflictError, match=r"4\.0\.0 is not in what was sent, which became version 5\.0\.0") as caught:
        drive(store.update("greeting", PromptUpdate(content="x"), if_match=global_id("PromptVersion", 3), timeout=None))
    assert caught.value.details["overtaken_version"] == "4.0.0"
    assert [attempt.method for attempt in transport.attempts].count("POST") == 1


def test_write_that_went_well_is_not_taken_for_one_that_failed() -> None:
    """What fails is the look at what others did at the same time."""
    failed = Response(status=503, headers=HEADERS, body=b"")
    store, _ = blocking(not_found(), answer(wire(3, "x")), *[failed] * 5)
    with pytest.raises(ServerError, match=r"Version 3\.0\.0 of the prompt 'greeting' is stored") as caught:
        drive(store.create(PromptCreate(name="greeting", content="x"), timeout=None))
    assert not caught.value.retryable
    store, _ = blocking(answer(wire(3)), answer(wire(4, "x")), *[failed] * 5)
    with pytest.raises(ServerError, match=r"Version 4\.0\.0 of the prompt 'greeting' is stored"):
        drive(store.update("greeting", PromptUpdate(content="x"), if_match=global_id("PromptVersion", 3), timeout=None))


@pytest.mark.parametrize(
    ("template_format", "text"),
    [("MUSTACHE", "\\{{who}} {{user-name}} {{who}}"), ("MUSTACHE", "{{#all}}{{who}}"), ("F_STRING", "{who!r}")],
)
def test_what_an_update_does_not_name_is_sent_as_the_server_has_it(template_format: str, text: str) -> None:
    """Written in our words it would read otherwise for the official client."""
    call = {"type": "function", "name": "f", "arguments": '{"a":"{{who}}"}'}
    messages = [
        {"role": "ai", "content": [{"type": "tool_call", "tool_call_id": "c", "tool_call": call}]},
        {"role": "user", "content": text},
    ]
    kept: dict[str, Any] = {
        "template": {"type": "chat", "messages": messages},
        "template_type": "CHAT",
        "template_format": template_format,
        "invocation_parameters": {"type": "openai", "openai": {"max_tokens": 5}},
        "tools": {"type": "tools", "tools": [FUNCTION], "disable_parallel_tool_calls": True},
    }
    store, transport = blocking(answer(wire(3, **kept)), answer(wire(4)))
    drive(store.update("greeting", PromptUpdate(description="newer"), if_match=None, timeout=None))
    body = sent(transport.attempts[1])["version"]
    assert {field: body[field] for field in kept} == kept
    assert body["description"] == "newer"


def test_role_of_a_plain_text_follows_its_metadata() -> None:
    """They say whose text it is, so the message does not stay as it is."""
    messages = [{"role": "system", "content": "Hi"}]
    plain = wire(3, template={"type": "chat", "messages": messages}, metadata={"promptops.text": True})
    store, transport = blocking(answer(plain), answer(wire(4)))
    changes = PromptUpdate(metadata={"message_role": "user"})
    drive(store.update("greeting", changes, if_match=None, timeout=None))
    assert sent(transport.attempts[1])["version"]["template"]["messages"] == [{"role": "user", "content": "Hi"}]


def test_old_server_is_told_apart_before_a_prompt_is_deleted() -> None:
    store, transport = blocking(Response(status=200, headers={}, body=b"13.19.9"))
    with pytest.raises(UnsupportedOperation, match=r"13\.19\.9.*13\.20"):
        drive(store.delete("greeting", version=None, project=None, force=True, timeout=None))
    assert [attempt.target for attempt in transport.attempts] == ["/arize_phoenix_version"]


@pytest.mark.anyio
async def test_writers_of_one_prompt_take_turns_and_others_do_not_wait() -> None:
    runtime = AsyncRuntime(RuntimeConfig(base_url="http://phoenix.invalid"), transport=FakeTransport())
    turns, steps = Turns(runtime), list[str]()

    async def work(name: str, number: int, wait: Callable[[], Any]) -> None:
        async with turns.of(name):
            steps.append(f"{name}{number} in")
            await wait()
            steps.append(f"{name}{number} out")

    go = anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(work, "a", 1, go.wait)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(work, "a", 2, go.wait)
        group.start_soon(work, "b", 1, anyio.lowlevel.checkpoint)
        await anyio.wait_all_tasks_blocked()
        assert steps == ["a1 in", "b1 in", "b1 out"]
        go.set()
    assert steps[3:] == ["a1 out", "a2 in", "a2 out"]
    assert not turns._queues  # pyright: ignore[reportPrivateUsage]  # nothing is kept of names that nobody writes


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), float("inf"), "3"])
def test_timeout_that_is_none_is_refused_before_anything_is_sent(timeout: Any) -> None:
    store, transport = blocking()
    with pytest.raises(ValidationError, match="timeout"):
        drive(store.labels("greeting", project=None, timeout=timeout))
    assert transport.attempts == []


def test_cache_of_a_client_is_made_once_and_closed_with_it() -> None:
    transport = FakeTransport()
    config = RuntimeConfig(base_url="http://phoenix.invalid")
    runtime = SyncRuntime(config, transport=transport)
    background = PromptBackground(runtime, config, blocking=True)
    assert background.cache(None) is background.cache(None)
    drive(background.aclose())
    drive(background.aclose())


def test_prompts_go_with_their_last_reference() -> None:
    """The reader of the cache must not hold what holds it."""
    runtime = SyncRuntime(RuntimeConfig(base_url="http://phoenix.invalid"), transport=FakeTransport())
    gc.disable()
    try:
        prompts = AsyncPhoenixPrompts(runtime, version=ServerVersion(runtime))
        gone = weakref.ref(prompts)
        del prompts
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.anyio
async def test_callers_of_one_prompt_wait_for_their_turn_and_no_longer_in_all() -> None:
    """More callers than connections wait for each other for a while: the server answers one after the other."""
    transport = FakeTransport([answer(wire(1)), not_found()])
    runtime = AsyncRuntime(RuntimeConfig(base_url="http://phoenix.test"), transport=transport)
    reading: dict[str, Any] = {"version": None, "label": None, "project": None, "fresh": True, "timeout": None}
    await PhoenixPromptStore(runtime).get("greeting", **reading)
    with pytest.raises(NotFoundError):
        await NativePromptStore(runtime).get("greeting", **reading)
    here, elsewhere = [attempt.timeouts for attempt in transport.attempts]
    assert (here.pool, here.read) == (1.0, 2.5)
    assert here.pool > elsewhere.pool
    assert here.read > elsewhere.read
    assert PROMPT.deadline == PROMPT_READ.deadline


def test_numbers_that_the_server_could_never_read_again_are_refused_wherever_they_stand() -> None:
    transport = FakeTransport([])
    runtime = SyncRuntime(RuntimeConfig(base_url="http://phoenix.test"), transport=transport)
    prompts = SyncPhoenixPrompts(AsyncPhoenixPrompts(runtime))
    tool = {"type": "function", "function": {"name": "f", "parameters": {"properties": {"x": {"maximum": 1e20}}}}}
    stored = version(1, tools={"type": "tools", "tools": [tool]})
    own = msgspec.convert(msgspec.to_builtins(stored), PromptVersionData)

    for call in (
        lambda: prompts.update_prompt(name="p", metadata={"a": [1e20]}),
        lambda: prompts.update_prompt(name="p", metadata={"a": 10**20}),
        lambda: prompts.create_prompt(name="p", version=own),
        lambda: prompts.create_version(name="p", version=stored),
    ):
        with pytest.raises(ValidationError, match="64 bits"):
            call()
    assert transport.attempts == []
