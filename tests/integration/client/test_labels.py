"""Labels and history against a running server, in async and in blocking form, without and with a key."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import pytest
from promptops.client import (
    ClientConfig,
    ConflictError,
    NotFoundError,
    PromptNotFoundError,
    PromptOpsClient,
    ValidationError,
)

pytestmark = pytest.mark.anyio
Unique = Callable[[str], str]
MakeClient = Callable[[ClientConfig], PromptOpsClient]


class Server(Protocol):
    """A running server; see the fixture."""

    def config(self) -> ClientConfig: ...


@pytest.fixture
async def name(client: PromptOpsClient, unique: Unique) -> str:
    """A prompt with the versions 1.0.0 and 1.1.0."""
    made = await client.prompts.create(unique("labelled"), content="one {{ who }}")
    await client.prompts.update(made.slug, content="two {{ who }}", bump="minor")
    return made.slug


async def test_a_label_points_to_a_version_until_it_is_moved(client: PromptOpsClient, name: str) -> None:
    set_to = await client.prompts.set_label(name, "staging", version="v1")
    assert (set_to.label, set_to.version, set_to.protected) == ("staging", "1.0.0", False)
    assert (await client.prompts.get(name, label="staging")).content == "one {{ who }}"
    await client.prompts.set_label(name, "staging", version="1.1.0", expected_version="1.0.0")
    assert (await client.prompts.get(name, label="staging")).content == "two {{ who }}"
    assert [(item.label, item.version) for item in await client.prompts.labels(name)] == [("staging", "1.1.0")]
    assert (await client.prompts.get(name, version="1.1.0")).labels == ["staging"]
    assert (await client.prompts.get(name, version="1.0.0")).labels == []


async def test_every_read_takes_a_label(client: PromptOpsClient, name: str) -> None:
    await client.set_label(name, "staging", "1.0.0")
    assert (await client.get_prompt(name, label="staging")).version == "1.0.0"
    assert (await client.get_prompt(name)).version == "1.1.0"
    found = await client.get_prompts([name], labels={name: "staging"})
    assert found.prompts[name].version == "1.0.0"
    for on_server in (False, True):
        rendered = await client.render_prompt(name, {"who": "Ada"}, label="staging", on_server=on_server)
        assert (rendered.rendered_content, rendered.version) == ("one Ada", "1.0.0")
    assert await client.validate_prompt(name, label="staging") is True
    assert await client.validate_prompt(name, label="other") is False


async def test_what_is_at_hand_under_a_label_is_asked_for_once(client: PromptOpsClient, name: str) -> None:
    await client.prompts.set_label(name, "staging", version="1.0.0")
    first = await client.prompts.get(name, label="staging")
    assert client.prompts.peek(name, label="staging") is first
    assert await client.prompts.get(name, label="staging") is first
    assert client.prompts.peek(name) is None


async def test_a_move_that_expects_something_else_changes_nothing(client: PromptOpsClient, name: str) -> None:
    await client.prompts.set_label(name, "staging", version="1.0.0", expected_version=None)
    for expected in (None, "1.1.0"):
        with pytest.raises(ConflictError):
            await client.prompts.set_label(name, "staging", version="1.1.0", expected_version=expected)
    assert (await client.prompts.get(name, label="staging", use_cache=False)).version == "1.0.0"


async def test_what_is_not_there_is_told(client: PromptOpsClient, name: str, unique: Unique) -> None:
    with pytest.raises(PromptNotFoundError):
        await client.prompts.get(name, label="nowhere")
    with pytest.raises(NotFoundError):
        await client.prompts.set_label(name, "staging", version="9.0.0")
    with pytest.raises(NotFoundError):
        await client.prompts.remove_label(name, "nowhere")
    with pytest.raises(PromptNotFoundError):
        await client.prompts.labels(unique("absent"))


async def test_flat_methods_name_their_own_arguments_when_a_label_is_refused(
    client: PromptOpsClient, name: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        await client.set_label("", "staging", "1.0.0")
    assert caught.value.validation_errors[0]["field"] == "prompt_id"
    with pytest.raises(ValidationError, match="give one of the two"):
        await client.get_prompt(name, "1.0.0", label="staging")


async def test_a_version_with_a_label_is_deleted_only_by_force(client: PromptOpsClient, name: str) -> None:
    await client.prompts.set_label(name, "staging", version="1.0.0")
    with pytest.raises(ConflictError, match="staging"):
        await client.delete_prompt(name, "1.0.0")
    assert (await client.prompts.get(name, version="1.0.0", use_cache=False)).labels == ["staging"]
    await client.delete_prompt(name, "1.0.0", force=True)
    with pytest.raises(PromptNotFoundError):
        await client.prompts.get(name, label="staging")
    assert await client.prompts.labels(name) == []


async def test_a_removed_label_is_gone_and_its_version_stays(client: PromptOpsClient, name: str) -> None:
    await client.prompts.set_label(name, "staging", version="1.0.0")
    await client.prompts.get(name, label="staging")
    assert await client.remove_label(name, "staging") is True
    with pytest.raises(PromptNotFoundError):
        await client.prompts.get(name, label="staging")
    assert (await client.prompts.get(name, version="1.0.0")).version == "1.0.0"


async def test_a_difference_to_the_latest_is_to_the_latest_of_now(
    client: PromptOpsClient, name: str, make_client: MakeClient, server: Server
) -> None:
    await client.prompts.get(name)
    await make_client(server.config()).prompts.update(name, content="three {{ who }}")
    assert not (await client.prompts.diff(name, "1.1.0")).is_empty
    assert (await client.prompts.diff(name, "1.1.0", "1.1.0")).is_empty


async def test_a_difference_may_be_asked_between_labels(
    client: PromptOpsClient, name: str, make_client: MakeClient, server: Server
) -> None:
    for label in ("production", "staging"):
        await client.prompts.set_label(name, label, version="1.0.0")
    assert (await client.prompts.diff(name, "production", "staging")).is_empty
    await make_client(server.config()).prompts.set_label(name, "staging", version="1.1.0")
    found = await client.prompts.diff(name, "production", "staging")
    assert (found.old_version, found.new_version) == ("1.0.0", "1.1.0")
    assert (await client.diff_prompt(name, "staging")).is_empty
    with pytest.raises(PromptNotFoundError):
        await client.prompts.diff(name, "nowhere")


async def test_history_tells_what_happened_the_newest_first(client: PromptOpsClient, name: str) -> None:
    await client.prompts.set_label(name, "staging", version="1.0.0")
    await client.prompts.set_label(name, "staging", version="1.1.0")
    await client.remove_label(name, "staging")
    events = [event async for event in client.prompts.iterate_history(name, page_size=2)]
    assert [(event.action, event.label, event.from_version, event.version) for event in events] == [
        ("label_removed", "staging", "1.1.0", None),
        ("label_moved", "staging", "1.0.0", "1.1.0"),
        ("label_moved", "staging", None, "1.0.0"),
        ("versioned", None, "1.0.0", "1.1.0"),
        ("created", None, None, "1.0.0"),
    ]
    page = await client.get_prompt_history(name, 1, 2, label="staging")
    assert (page.total, len(page.items), page.has_more) == (3, 2, False)
    assert page.items[0].action == "label_moved"
