"""Prompts against a running server: every operation, in async and in blocking form, without and with a key."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from promptops.client import ConflictError, PromptNotFoundError, PromptOpsClient, PromptVariables, ValidationError

pytestmark = pytest.mark.anyio
Unique = Callable[[str], str]


async def test_a_created_prompt_is_read_back_as_it_was_given(client: PromptOpsClient, unique: Unique) -> None:
    name = unique("greeting")
    made = await client.prompts.create(
        name,
        content="Hello {{ name }}, {{ topic }}?",
        description="A friendly start.",
        tags=["chat", "start"],
        target_models=["openai"],
        metadata={"owner": {"team": "support"}, "weight": 1.5},
    )
    read = await client.prompts.get(name, use_cache=False)
    assert read == made
    assert (read.slug, read.version, read.variables) == (name, "1.0.0", ["name", "topic"])
    assert read.metadata == {"owner": {"team": "support"}, "weight": 1.5}
    assert read.created_at.tzinfo is not None


async def test_a_prompt_is_found_by_its_id_too(client: PromptOpsClient, unique: Unique) -> None:
    made = await client.prompts.create(unique("by-id"), content="x")
    assert (await client.prompts.get(made.id, use_cache=False)).slug == made.slug


async def test_a_chat_prompt_keeps_its_roles(client: PromptOpsClient, unique: Unique) -> None:
    name = unique("chat")
    messages = [{"role": "system", "content": "You are {{ mood }}."}, {"role": "user", "content": "{{ question }}"}]
    await client.prompts.create(name, messages=messages)
    rendered = await client.prompts.render(name, {"mood": "brief", "question": "Why {{ this }}?"})
    assert rendered.messages == [
        {"role": "system", "content": "You are brief."},
        {"role": "user", "content": "Why {{ this }}?"},
    ]
    assert rendered.rendered_content == "You are brief.\n\nWhy {{ this }}?"
    assert rendered.variables_used == ["mood", "question"]


@pytest.mark.parametrize("text", ["", "Zoë 🎈 — «naïve»", "a\r\nb\tc", '{"json": {"a": [1]}}', "</script>&amp;"])
async def test_any_text_survives_the_way_there_and_back(client: PromptOpsClient, unique: Unique, text: str) -> None:
    name = unique("text")
    await client.prompts.create(name, content=f"[{text}] {{{{ value }}}}")
    rendered = await client.prompts.render(name, {"value": text})
    assert rendered.rendered_content == f"[{text}] {text}"


async def test_the_server_renders_the_same_bytes_as_the_client(client: PromptOpsClient, unique: Unique) -> None:
    name = unique("twice")
    await client.prompts.create(name, content="{{ a }} / {{ b.c }} / {{ d }} / {{ e }}")
    values = {"a": "{{ b }}", "b": {"c": [1, 2.5, None]}, "d": True, "e": "ü"}
    here = await client.prompts.render(name, values)
    there = await client.prompts.render(name, values, on_server=True)
    assert here.rendered_content == there.rendered_content
    assert here.messages == there.messages
    assert here.variables_used == there.variables_used


async def test_variables_collected_step_by_step_are_rendered(client: PromptOpsClient, unique: Unique) -> None:
    name = unique("collected")
    await client.prompts.create(name, content="{{ a }}{{ b }}")
    variables = PromptVariables({"a": 1})
    variables.add_variable("b", 2)
    assert (await client.prompts.render(name, variables)).rendered_content == "12"


async def test_the_text_for_a_model_is_chosen_where_there_is_one(client: PromptOpsClient, unique: Unique) -> None:
    name = unique("variants")
    await client.prompts.create(
        name,
        content="general {{ x }}",
        model_specific_prompts=[
            {"model_provider": "anthropic", "content": "for all of anthropic {{ x }}"},
            {"model_provider": "anthropic", "model_name": "small", "content": "for the small one {{ x }}"},
        ],
    )
    for provider, model, text in (
        (None, None, "general 1"),
        ("openai", "any", "general 1"),
        ("anthropic", "other", "for all of anthropic 1"),
        ("claude", "small", "for the small one 1"),
    ):
        rendered = await client.prompts.render(name, {"x": 1}, model_provider=provider, model_name=model)
        assert rendered.rendered_content == text


async def test_an_update_makes_a_new_version_and_keeps_the_old_one(client: PromptOpsClient, unique: Unique) -> None:
    name = unique("versions")
    await client.prompts.create(name, content="one", description="kept")
    second = await client.prompts.update(name, content="two")
    third = await client.prompts.update(name, content="three", bump="minor")
    fourth = await client.prompts.update(name, content="four", new_version="v3.0")
    assert [item.version for item in (second, third, fourth)] == ["1.0.1", "1.1.0", "3.0.0"]
    assert fourth.description == "kept"
    assert [item.version for item in await client.prompts.versions(name)] == ["3.0.0", "1.1.0", "1.0.1", "1.0.0"]
    assert (await client.prompts.get(name)).content == "four"
    assert (await client.prompts.get(name, version="v1.0")).content == "one"


async def test_the_highest_version_is_the_latest_whatever_came_last(client: PromptOpsClient, unique: Unique) -> None:
    name = unique("latest")
    await client.prompts.create(name, content="ten", version="1.10.0")
    await client.prompts.update(name, content="nine", new_version="1.9.0")
    assert (await client.prompts.get(name, use_cache=False)).version == "1.10.0"


async def test_a_version_edited_in_place_changes_its_content_hash(client: PromptOpsClient, unique: Unique) -> None:
    name = unique("edited")
    made = await client.prompts.create(name, content="before")
    edited = await client.prompts.update(name, version="1.0.0", content="after")
    assert (edited.version, edited.content) == ("1.0.0", "after")
    assert edited.content_hash != made.content_hash
    assert (await client.prompts.get(name, version="1.0.0")).content == "after"


async def test_an_edit_of_something_that_changed_meanwhile_is_refused(client: PromptOpsClient, unique: Unique) -> None:
    name = unique("raced")
    made = await client.prompts.create(name, content="before")
    await client.prompts.update(name, version="1.0.0", content="somebody else")
    with pytest.raises(ConflictError):
        await client.prompts.update(name, version="1.0.0", content="mine", if_match=made.etag)
    assert (await client.prompts.get(name, use_cache=False)).content == "somebody else"


async def test_one_version_can_be_deleted_alone(client: PromptOpsClient, unique: Unique) -> None:
    name = unique("pruned")
    await client.prompts.create(name, content="one")
    await client.prompts.update(name, content="two")
    assert await client.prompts.delete(name, version="1.0.1") is True
    assert [item.version for item in await client.prompts.versions(name)] == ["1.0.0"]
    with pytest.raises(PromptNotFoundError):
        await client.prompts.get(name, version="1.0.1")
    assert (await client.prompts.get(name)).content == "one"


async def test_a_deleted_prompt_is_gone_also_from_the_cache(client: PromptOpsClient, unique: Unique) -> None:
    name = unique("deleted")
    await client.prompts.create(name, content="one")
    await client.prompts.get(name)
    assert await client.prompts.delete(name) is True
    for version in (None, "1.0.0"):
        with pytest.raises(PromptNotFoundError):
            await client.prompts.get(name, version=version)
    with pytest.raises(PromptNotFoundError):
        await client.prompts.delete(name)


async def test_prompts_are_listed_by_text_and_tag(client: PromptOpsClient, unique: Unique) -> None:
    tag = unique("tag")
    for name in ("alpha", "beta", "gamma"):
        await client.prompts.create(unique(name), content=f"about {name}", tags=[tag, name], description=f"the {name}")
    everything = await client.prompts.list(tags=[tag], sort_by="name", sort_order="asc")
    assert [item.tags[1] for item in everything] == ["alpha", "beta", "gamma"]
    assert [item.tags[1] for item in await client.prompts.list(tags=[tag], query="the bet")] == ["beta"]
    assert await client.prompts.list(tags=[tag, "alpha", "beta"]) == []


async def test_a_list_is_read_page_by_page_without_gaps(client: PromptOpsClient, unique: Unique) -> None:
    tag = unique("paged")
    names = {(await client.prompts.create(unique("page"), content=str(number), tags=[tag])).slug for number in range(5)}
    page = await client.prompts.list_page(tags=[tag], limit=2, skip=2)
    assert (len(page.items), page.total, page.has_more) == (2, 5, True)
    walked = [prompt.slug async for prompt in client.prompts.iterate(tags=[tag], page_size=2)]
    assert len(walked) == 5
    assert set(walked) == names


async def test_the_second_read_needs_no_server(client: PromptOpsClient, unique: Unique) -> None:
    name = unique("cached")
    await client.prompts.create(name, content="{{ x }}")
    first = await client.prompts.render(name, {"x": 1})
    second = await client.prompts.render(name, {"x": 2})
    assert (first.cache_hit, second.cache_hit) == (False, True)
    assert client.prompts.peek(name) is not None


@pytest.mark.parametrize("slug", ["a.b", "a_b-c", "0", "x" * 128])
async def test_names_with_separators_reach_the_right_prompt(client: PromptOpsClient, unique: Unique, slug: str) -> None:
    own = f"{unique('s')}-{slug}"[:128]
    await client.prompts.create(own, slug=own, content=own)
    assert (await client.prompts.get(own, use_cache=False)).content == own


@pytest.mark.parametrize("name", ["../health", "a/b", "a?b=c", "a#b", "%2e%2e", " ", "..", "é/ü"])
async def test_an_odd_name_never_reaches_another_route(client: PromptOpsClient, name: str) -> None:
    with pytest.raises((PromptNotFoundError, ValidationError)):
        await client.prompts.get(name, use_cache=False)
