"""What clients of this kind got wrong in silence before: each is a promise here, in async and in blocking form.

The numbers are those of the list of regressions in the contract. Numbers that are not here belong to the server, to
the caches of other processes, or to work that is still to come.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from promptops.client import (
    ClientConfig,
    ConflictError,
    PromptNotFoundError,
    PromptOpsClient,
    SyncPromptOpsClient,
    TelemetryConfig,
)
from promptops.server import EmbeddedServer

pytestmark = pytest.mark.anyio
Unique = Callable[[str], str]
MakeClient = Callable[..., PromptOpsClient]

TRICKY: list[Any] = [
    "{{ other }}",
    "{other} ${other} {{{other}}}",
    '{"a": {"b": [1, 2]}}',
    "\\1 \\g<0> %s {0}",
    "line\r\nline\ttab",
    "Zoë 🎈 — «naïve»",
    "</script>&amp;",
    True,
    None,
    0,
    -1.5,
    1e100,
    [1, {"b": None}],
    {"nested": {"list": ["{{ other }}"]}},
]


@pytest.fixture
def local(make_client: MakeClient, open_server: Any) -> PromptOpsClient:
    """A client of the server without keys."""
    return make_client(open_server.config())


# 1 -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["{{ b }}", "{{b}}", "{b}", "${b}", "{{ a }}", "{{{{ b }}}}"])
async def test_01_a_value_that_looks_like_a_template_is_not_expanded(
    local: PromptOpsClient, unique: Unique, value: str
) -> None:
    name = unique("r1")
    await local.create_prompt({"name": name, "content": "{{ a }}|{{ b }}|{{ a }}"})
    for on_server in (False, True):
        rendered = await local.render_prompt(name, {"a": value, "b": "SECRET"}, on_server=on_server)
        assert rendered.rendered_content == f"{value}|SECRET|{value}"
        assert rendered.variables_used == ["a", "b"]


# 2 -------------------------------------------------------------------------------------------------------------------


async def test_02_json_braces_survive_in_contents_and_in_values(local: PromptOpsClient, unique: Unique) -> None:
    name = unique("r2")
    content = 'Answer as {"name": "...", "tags": [{"a": 1}]} for {{ who }}. ${not} {a} {variable}'
    made = await local.create_prompt({"name": name, "content": content})
    assert made.variables == ["who"]
    value = '{"deep": {"er": {}}}'
    rendered = await local.render_prompt(name, {"who": value})
    assert rendered.rendered_content == content.replace("{{ who }}", value)


# 3 -------------------------------------------------------------------------------------------------------------------


async def test_03_one_prompt_for_two_models_gives_each_its_own_text(local: PromptOpsClient, unique: Unique) -> None:
    name = unique("r3")
    await local.create_prompt(
        {
            "name": name,
            "content": "any {{ x }}",
            "model_specific_prompts": [
                {"model_provider": "openai", "model_name": "gpt-4", "content": "four {{ x }}"},
                {"model_provider": "anthropic", "model_name": "*", "content": "claude {{ x }}"},
            ],
        }
    )
    asked = [("openai", "gpt-4"), ("anthropic", "claude-3"), ("openai", "gpt-4"), ("google", "gemini"), (None, None)]
    texts = [
        (await local.render_prompt(name, {"x": "same"}, model_provider=provider, model_name=model)).rendered_content
        for provider, model in asked
    ]
    assert texts == ["four same", "claude same", "four same", "any same", "any same"]


# 4 -------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def two_projects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClientConfig]:
    """A server with one key that grants the projects ``p`` and ``q``."""
    directory: Path = tmp_path_factory.mktemp("two-projects")
    command = [sys.executable, "-m", "promptops.cli", "keys", "create", "--name", "tests", "--data-dir", str(directory)]
    granted = ["--project", "p", "--project", "q", "--scope", "prompts:read", "--scope", "prompts:write"]
    made = subprocess.run([*command, *granted], capture_output=True, text=True, check=True)
    key = next(word for word in made.stdout.split() if word.count("_") == 4)
    with EmbeddedServer(directory) as server:
        yield ClientConfig(base_url=server.url, api_key=key, read_environment=False)


async def test_04_two_projects_with_one_slug_never_share_an_entry(
    make_client: MakeClient, two_projects: ClientConfig, unique: Unique
) -> None:
    name, client = unique("r4"), make_client(two_projects)
    for project in ("p", "q"):
        await client.create_prompt({"name": name, "content": f"of {project}"}, project)
    for _ in range(2):  # from the server, then from memory
        for project in ("p", "q"):
            assert (await client.get_prompt(name, project_id=project)).content == f"of {project}"
            assert (await client.render_prompt(name, {}, project_id=project)).rendered_content == f"of {project}"
    assert (await client.get_prompt(name)).content == "of p"
    await client.delete_prompt(name, project_id="p")
    assert (await client.get_prompt(name, project_id="q")).content == "of q"
    with pytest.raises(PromptNotFoundError):
        await client.get_prompt(name, project_id="p")


# 5 -------------------------------------------------------------------------------------------------------------------


async def test_05_version_1_10_0_is_newer_than_1_9_0(local: PromptOpsClient, unique: Unique) -> None:
    name = unique("r5")
    await local.create_prompt({"name": name, "content": "nine", "version": "1.9.0"})
    await local.update_prompt(name, {"content": "ten"}, new_version="1.10.0")
    await local.update_prompt(name, {"content": "late, and older"}, new_version="1.9.1")
    await local.update_prompt(name, {"content": "not yet"}, new_version="2.0.0-rc.1")
    assert (await local.get_prompt(name, use_cache=False)).content == "ten"
    listed = {prompt.slug: prompt.version for prompt in await local.list_prompts(query=name)}
    assert listed == {name: "1.10.0"}
    assert [prompt.version for prompt in await local.list_versions(name)] == ["1.10.0", "1.9.1", "1.9.0", "2.0.0-rc.1"]


# 6 -------------------------------------------------------------------------------------------------------------------


async def test_06_a_prompt_never_answers_for_another_whose_name_begins_alike(
    local: PromptOpsClient, unique: Unique
) -> None:
    name = unique("r6")
    for other in (f"{name}-v2x", f"{name}-v1.2.3", f"{name}_", f"{name}%"[:-1] + "x"):
        await local.create_prompt({"name": other, "slug": other, "content": other, "version": "9.0.0"})
    with pytest.raises(PromptNotFoundError):
        await local.get_prompt(name)
    with pytest.raises(PromptNotFoundError):
        await local.get_prompt(name[:-1] + "_")
    await local.create_prompt({"name": name, "content": "mine"})
    assert (await local.get_prompt(name)).content == "mine"
    assert [prompt.content for prompt in await local.list_versions(name)] == ["mine"]
    await local.delete_prompt(name)
    assert (await local.get_prompt(f"{name}-v2x", use_cache=False)).content == f"{name}-v2x"


# 7 -------------------------------------------------------------------------------------------------------------------


async def test_07_creating_a_prompt_leaves_unrelated_entries_at_hand(local: PromptOpsClient, unique: Unique) -> None:
    names = [unique("r7") for _ in range(3)]
    for name in names:
        await local.create_prompt({"name": name, "content": name})
        await local.get_prompt(name)
    before = local.get_stats()
    await local.create_prompt({"name": unique("r7-new"), "content": "new"})
    assert local.get_cache_stats().size == 3
    assert [(await local.get_prompt(name)).content for name in names] == names
    after = local.get_stats()
    assert (after.total_requests, after.cache_hits) == (before.total_requests + 1, before.cache_hits + 3)


# 8 -------------------------------------------------------------------------------------------------------------------


async def test_08_every_spelling_of_a_version_is_one_entry(local: PromptOpsClient, unique: Unique) -> None:
    name = unique("r8")
    await local.create_prompt({"name": name, "content": "x"})
    for version in ("v1.0", "1.0", "1.0.0", "v1", "1"):
        assert (await local.get_prompt(name, version)).version == "1.0.0"
    assert local.get_cache_stats().size == 1
    assert local.get_stats().cache_hits == 4
    await local.clear_cache(name, "v1.0")
    assert local.get_cache_stats().size == 0


# 9 -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sample_rate", [0.0, 0.5, 1.0])
async def test_09_sampling_never_raises_into_a_call(
    make_client: MakeClient, open_server: Any, unique: Unique, sample_rate: float
) -> None:
    telemetry = TelemetryConfig(sample_rate=sample_rate, flush_interval=3600.0)
    client, name = make_client(open_server.config(telemetry=telemetry)), unique("r9")
    await client.create_prompt({"name": name, "content": "x {{ a }}"})
    for _ in range(200):
        await client.get_prompt(name)
        await client.render_prompt(name, {"a": 1})
    summary = client.get_telemetry_summary()
    offered = {0.0: range(1), 0.5: range(100, 300), 1.0: range(401, 402)}[sample_rate]
    assert summary.offered_events in offered
    assert summary.offered_events == summary.delivered_events + summary.dropped_events + summary.pending_events
    await client.flush_telemetry()
    assert client.get_telemetry_summary().pending_events == 0


async def test_09_the_queue_is_bounded_when_nothing_takes_the_events(
    make_client: MakeClient, open_server: Any, unique: Unique
) -> None:
    nowhere = TelemetryConfig(sample_rate=1.0, endpoint="http://127.0.0.1:9", batch_size=2, flush_interval=3600.0)
    client, name = make_client(open_server.config(telemetry=nowhere)), unique("r9")
    await client.create_prompt({"name": name, "content": "x"})
    for _ in range(10_500):
        await client.get_prompt(name)
    summary = client.get_telemetry_summary()
    assert summary.offered_events == 10_501
    assert summary.delivered_events == 0
    assert 9_000 <= summary.pending_events <= 10_000
    assert summary.dropped_events == summary.offered_events - summary.pending_events


async def test_one_version_is_one_text_whoever_asks(make_client: MakeClient, open_server: Any, unique: Unique) -> None:
    name = unique("r17")
    first = make_client(open_server.config())
    await first.create_prompt({"name": name, "content": "one"})
    await first.update_prompt(name, {"content": "two"})
    for _ in range(5):
        reader = make_client(open_server.config())
        assert (await reader.get_prompt(name, "1.0.0")).content == "one"
        assert (await reader.get_prompt(name)).content == "two"


# 18 ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", ["slug", "id"])
async def test_18_a_deleted_prompt_is_gone_from_every_entry(local: PromptOpsClient, unique: Unique, by: str) -> None:
    name = unique("r18")
    made = await local.create_prompt({"name": name, "content": "one"})
    await local.update_prompt(name, {"content": "two"})
    spellings: list[tuple[str, str | None]] = [(name, None), (made.id, None), (name, "1.0.0"), (made.id, "v1.0.1")]
    for spelling, version in spellings:
        await local.get_prompt(spelling, version)
    assert local.get_cache_stats().size == 4
    assert await local.delete_prompt(getattr(made, {"slug": "slug", "id": "id"}[by])) is True
    for spelling, version in spellings:
        with pytest.raises(PromptNotFoundError):
            await local.get_prompt(spelling, version)
        assert await local.validate_prompt(spelling, version) is False
    with pytest.raises(PromptNotFoundError):
        await local.delete_prompt(name)


async def test_18_deleting_one_version_leaves_the_others(local: PromptOpsClient, unique: Unique) -> None:
    name = unique("r18")
    await local.create_prompt({"name": name, "content": "one"})
    await local.update_prompt(name, {"content": "two"})
    assert (await local.get_prompt(name)).content == "two"
    assert await local.delete_prompt(name, "v1.0.1") is True
    assert (await local.get_prompt(name)).content == "one"
    with pytest.raises(PromptNotFoundError):
        await local.get_prompt(name, "1.0.1")


# 19 ------------------------------------------------------------------------------------------------------------------


async def test_19_a_prompt_rendered_here_and_on_the_server_is_the_same_bytes(
    local: PromptOpsClient, unique: Unique
) -> None:
    text, chat = unique("r19"), unique("r19-chat")
    await local.create_prompt({"name": text, "content": "{{ v }}|{{v}}|{{ d.k }}|{ v }"})
    messages = [{"role": "system", "content": "S {{ v }}"}, {"role": "user", "content": "{{ d.k }} {{ v }}"}]
    await local.create_prompt({"name": chat, "messages": messages})
    for value in TRICKY:
        values = {"v": value, "d": {"k": value}, "other": "NEVER"}
        for name in (text, chat):
            here = await local.render_prompt(name, values)
            there = await local.render_prompt(name, values, on_server=True)
            assert here.rendered_content.encode() == there.rendered_content.encode()
            assert (here.messages, here.variables_used) == (there.messages, there.variables_used)
            assert "NEVER" not in here.rendered_content


# beside the list -----------------------------------------------------------------------------------------------------


async def test_a_rollback_publishes_the_old_text_as_a_new_version(local: PromptOpsClient, unique: Unique) -> None:
    name = unique("back")
    old = await local.create_prompt({"name": name, "content": "good {{ a }}", "tags": ["t"], "metadata": {"m": 1}})
    await local.update_prompt(name, {"content": "bad", "tags": [], "metadata": {}}, bump="minor")
    assert (await local.get_prompt(name)).content == "bad"
    back = await local.rollback(name, "v1")
    assert (back.version, back.content, back.tags, back.metadata) == ("1.1.1", old.content, old.tags, old.metadata)
    assert (back.content_hash, back.variables) == (old.content_hash, old.variables)
    assert (await local.get_prompt(name)).version == "1.1.1"
    assert [prompt.content for prompt in await local.versions(name)] == ["good {{ a }}", "bad", "good {{ a }}"]
    with pytest.raises(PromptNotFoundError):
        await local.rollback(name, "7.0.0")


async def test_a_rollback_between_text_and_chat_keeps_the_kind(local: PromptOpsClient, unique: Unique) -> None:
    name = unique("back")
    await local.create_prompt({"name": name, "messages": [{"role": "user", "content": "hi"}]})
    assert (await local.update_prompt(name, {"content": "plain"})).messages is None
    back = await local.rollback(name, "1.0.0")
    assert back.messages is not None
    assert [message.role for message in back.messages] == ["user"]


async def test_a_batch_of_more_than_a_hundred_is_complete_and_its_errors_are_typed(
    local: PromptOpsClient, unique: Unique
) -> None:
    stem = unique("batch")
    names = [f"{stem}-{number}" for number in range(130)]
    for name in names:
        await local.create_prompt({"name": name, "slug": name, "content": name})
    await local.get_prompt(names[0])
    before = local.get_stats().total_requests
    found = await local.get_prompts([*names, f"{stem}-missing", names[5]], versions={names[1]: "v1"})
    assert local.get_stats().total_requests - before == 2
    assert list(found.prompts) == names
    assert all(prompt.content == name for name, prompt in found.prompts.items())
    assert list(found.errors) == [f"{stem}-missing"]
    error = found.errors[f"{stem}-missing"]
    assert isinstance(error, PromptNotFoundError)
    assert error.prompt_id == f"{stem}-missing"
    again = await local.get_prompts(names, versions={names[1]: "1.0.0"})
    assert local.get_stats().total_requests - before == 2
    assert again.prompts == found.prompts


async def test_pages_and_the_iterator_see_every_prompt_once(local: PromptOpsClient, unique: Unique) -> None:
    module = unique("module")
    names = [unique("page") for _ in range(7)]
    for name in names:
        await local.create_prompt({"name": name, "content": "x", "module_id": module})
    page = await local.list_prompts_page(module, 2, 3, "name", "asc")
    assert (page.total, page.has_more, [prompt.name for prompt in page.items]) == (7, True, sorted(names)[2:5])
    assert [prompt.name async for prompt in local.iterate_prompts(module, "name", "desc", page_size=2)] == sorted(
        names, reverse=True
    )


async def test_an_edit_in_place_and_a_stale_one(local: PromptOpsClient, unique: Unique) -> None:
    name = unique("edit")
    made = await local.create_prompt({"name": name, "content": "one"})
    edited = await local.update_prompt(name, {"content": "two"}, "v1.0", if_match=made.etag)
    assert (edited.version, edited.content) == ("1.0.0", "two")
    assert (await local.get_prompt(name, "1")).content == "two"
    with pytest.raises(ConflictError):
        await local.update_prompt(name, {"content": "three"}, if_match=made.etag)


async def test_compatibility_says_why(local: PromptOpsClient, unique: Unique) -> None:
    name = unique("fits")
    await local.create_prompt({"name": name, "content": "word " * 12_000})
    models = {model.name: model for model in await local.list_models("openai")}
    assert models["gpt-4"].context_window == 8192
    report = await local.check_compatibility(name, "openai", "gpt-4")
    assert (report.compatible, report.score) == (False, 0.0)
    assert "error" in {issue.severity for issue in report.issues}
    assert await local.get_model_compatibility(name, "openai", "gpt-4") is False
    with pytest.raises(PromptNotFoundError):
        await local.get_model_compatibility(unique("no-such"), "openai", "gpt-4")


async def test_a_list_of_models_is_asked_for_once(local: PromptOpsClient) -> None:
    first = await local.list_models()
    asked = local.get_stats().total_requests
    assert await local.list_models() == first
    assert local.get_stats().total_requests == asked
    assert await local.list_models(use_cache=False) == first
    assert local.get_stats().total_requests == asked + 1
    first.clear()
    assert await local.list_models()


def test_many_threads_and_tasks_count_every_call(open_server: Any, unique: Unique) -> None:
    with SyncPromptOpsClient(open_server.config()) as client:
        name = unique("count")
        client.create_prompt({"name": name, "content": "x"})

        def read() -> None:
            for _ in range(25):
                client.get_prompt(name, use_cache=False)

        threads = [threading.Thread(target=read) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        stats = client.get_stats()
    assert (stats.total_requests, stats.failed_requests) == (201, 0)

    async def tasks() -> int:
        # A connection for each: on a busy machine those that wait for one would run out of time.
        async with PromptOpsClient(open_server.config(max_connections=100)) as client:
            await asyncio.gather(*(client.get_prompt(name, use_cache=False) for _ in range(100)))
            return client.get_stats().total_requests

    assert asyncio.run(tasks()) == 100
