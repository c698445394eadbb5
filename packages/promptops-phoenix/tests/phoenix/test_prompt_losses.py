"""What becomes of a prompt that Phoenix says in another way: logged when it is stored, listed before."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from promptops.core import RuntimeConfig, SyncRuntime
from promptops.core.errors import PromptNotFoundError, ValidationError
from promptops.core.messages import Response
from promptops.core.testing import FakeTransport, json_response
from promptops.models import ChatMessage, ModelSettings, PromptCreate, PromptUpdate
from promptops.phoenix._generated import PromptVersion
from promptops.phoenix._ids import global_id
from promptops.phoenix.prompts._resource import AsyncPhoenixPrompts, SyncPhoenixPrompts
from promptops.phoenix.prompts._store_drafts import draft_of

SECRET = "what the prompt says"
ASSUMED = "model_settings.max_tokens: assumed"
CLAUDE = ModelSettings(provider="anthropic", model="claude")


Said = Callable[[], list[str]]


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture) -> Said:
    """The warnings so far."""
    caplog.set_level(logging.WARNING, logger="promptops")
    return lambda: [record.getMessage() for record in caplog.records]


def prompt(settings: ModelSettings = CLAUDE, **fields: Any) -> PromptCreate:
    return PromptCreate(
        name="greeting",
        messages=[ChatMessage(role="user", content=SECRET)],
        model_settings=settings,
        **fields,
    )


def stored(given: PromptCreate, number: int = 1) -> dict[str, Any]:
    """What the server answers once it has stored a prompt."""
    plain: dict[str, Any] = msgspec.to_builtins(draft_of(given, allow_loss=True).value)
    return plain | {"id": global_id("PromptVersion", number)}


def answer(data: Any, **more: Any) -> Response:
    return json_response({"data": data, **more}, headers={"x-phoenix-server-version": "20.26.1"})


def absent() -> Response:
    return json_response({"detail": "x"}, status=404, headers={"x-phoenix-server-version": "20.26.1"})


def prompts(*script: Response) -> tuple[SyncPhoenixPrompts, FakeTransport]:
    transport = FakeTransport(list(script))
    runtime = SyncRuntime(RuntimeConfig(base_url="http://phoenix.invalid"), transport=transport)
    return SyncPhoenixPrompts(AsyncPhoenixPrompts(runtime)), transport


def test_created_prompt_tells_what_was_assumed(said: Said) -> None:
    made = stored(prompt())
    api, _ = prompts(absent(), answer(made), answer([made], next_cursor=None))
    api.create("greeting", messages=[{"role": "user", "content": SECRET}], model_settings=CLAUDE)
    [line] = said()
    assert line.startswith("prompt_stored_differently name='greeting' version='1.0.0'")
    assert ASSUMED in line
    assert SECRET not in line


def test_prompt_that_is_stored_as_it_was_given_tells_nothing(said: Said) -> None:
    """The control: without a loss there is no line."""
    settings = ModelSettings(provider="anthropic", model="claude", max_tokens=5)
    made = stored(prompt(settings))
    api, _ = prompts(absent(), answer(made), answer([made], next_cursor=None))
    api.create_prompt(name="greeting", version=prompt(settings))
    assert said() == []


def test_what_is_left_out_when_that_is_allowed_is_told(said: Said) -> None:
    given = prompt(variables_schema={"x": 1})
    made = stored(given)
    api, _ = prompts(absent(), answer(made), answer([made], next_cursor=None))
    api.create_prompt(name="greeting", version=given, allow_loss=True)
    assert "variables_schema: unsupported" in said()[0]


def test_version_tells_also_when_the_latest_says_the_same(said: Said) -> None:
    api, transport = prompts(answer(stored(prompt(), 7)))
    api.create_version(name="greeting", version=prompt())
    assert [attempt.method for attempt in transport.attempts] == ["GET"]
    assert "version='7.0.0'" in said()[0]
    assert ASSUMED in said()[0]


@pytest.mark.parametrize("named", [True, False])
def test_update_tells_of_what_it_names_alone(named: bool, said: Said) -> None:
    """The limit that the server has is sent as it is, unless the update names the settings."""
    before, after = stored(prompt(), 1), stored(prompt(description="new"), 2)
    api, _ = prompts(answer(before), answer(after))
    if named:
        api.update("greeting", description="new", model_settings=CLAUDE)
    else:
        api.update("greeting", description="new")
    assert [ASSUMED in line for line in said()] == [True] * named


def test_versions_of_the_servers_own_kind_tell_nothing(said: Said) -> None:
    version = msgspec.convert(stored(prompt()), PromptVersion)
    api, _ = prompts(answer(stored(prompt())))
    api.create_version(name="greeting", version=version)
    assert said() == []
    assert api.preview(version=version).losses == ()


def test_preview_lists_losses_of_every_kind_and_sends_nothing(said: Said) -> None:
    api, transport = prompts()
    found = api.preview(version=prompt(variables_schema={"x": 1}))
    assert {(loss.field, loss.what) for loss in found.losses} == {
        ("variables_schema", "unsupported"),
        ("model_settings.max_tokens", "assumed"),
    }
    assert found.value.model_provider == "ANTHROPIC"
    assert (transport.attempts, said()) == ([], [])


def test_preview_of_changes_reads_the_latest_version_and_stores_nothing(said: Said) -> None:
    api, transport = prompts(answer(stored(prompt())))
    found = api.preview(name="greeting", version=PromptUpdate(description="new", module_id="m", model_settings=CLAUDE))
    assert [(loss.field, loss.what) for loss in found.losses] == [
        ("module_id", "unsupported"),
        ("model_settings.max_tokens", "assumed"),
    ]
    assert found.value.description == "new"
    assert [attempt.method for attempt in transport.attempts] == ["GET"]
    assert said() == []


def test_preview_of_changes_says_of_which_prompt() -> None:
    with pytest.raises(ValidationError, match="name must say which prompt"):
        prompts()[0].preview(version=PromptUpdate(description="new"))
    with pytest.raises(PromptNotFoundError, match="greeting"):
        prompts(absent())[0].preview(name="greeting", version=PromptUpdate(description="new"))
