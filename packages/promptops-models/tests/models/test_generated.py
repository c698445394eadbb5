"""The generated models are what the rest of PromptOps counts on."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import msgspec
import promptops.models
import pytest
from promptops.models import (
    ChatMessage,
    DatasetList,
    Pagination,
    PromptCreate,
    PromptResponse,
    PromptUpdate,
    decoder,
    enveloped,
)

PROMPT = {
    "id": "0b6c3a9e-4c50-4f6f-9f9c-6f7b1f0c7f11",
    "name": "Greeting",
    "content": "Hello {{ name }}",
    "version": "1.0.0",
    "created_at": "2024-05-01T10:00:00Z",
    "updated_at": "2024-05-01T10:00:00+02:00",
}


def test_everything_that_is_exported_exists_once() -> None:
    names = list[str](vars(promptops.models)["__all__"])
    assert len(names) == len(set(names))
    assert all(hasattr(promptops.models, name) for name in names)


def test_prompt_that_lacks_what_older_servers_lack_is_complete() -> None:
    prompt = enveloped(PromptResponse).decode(msgspec.json.encode(PROMPT))
    assert (prompt.tags, prompt.description, prompt.metadata, prompt.messages) == ([], "", {}, None)
    assert prompt.template_format == "mustache"
    assert prompt.created_at == datetime(2024, 5, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize("field", ["id", "name", "content", "version", "created_at"])
def test_prompt_without_what_every_server_sends_is_refused(field: str) -> None:
    body = {name: value for name, value in PROMPT.items() if name != field}
    with pytest.raises(msgspec.ValidationError, match=f"`{field}`"):
        decoder(PromptResponse).decode(msgspec.json.encode(body))


def test_unknown_template_format_is_no_error() -> None:
    body = {**PROMPT, "template_format": "jinja3", "messages": [{"role": "critic", "content": "x", "weight": 1}]}
    prompt = decoder(PromptResponse).decode(msgspec.json.encode(body))
    assert prompt.template_format == "jinja3"
    assert prompt.messages == [ChatMessage(role="critic", content="x")]


def test_create_sends_only_what_was_said() -> None:
    assert msgspec.json.encode(PromptCreate(name="n", content="c")) == b'{"name":"n","content":"c"}'


def test_update_tells_absent_from_null() -> None:
    assert msgspec.json.decode(msgspec.json.encode(PromptUpdate(description=""))) == {"description": ""}
    assert msgspec.json.decode(msgspec.json.encode(PromptUpdate(module_id=None))) == {"module_id": None}


def test_page_without_its_list_is_refused_rather_than_empty() -> None:
    with pytest.raises(msgspec.ValidationError, match="datasets"):
        decoder(DatasetList).decode(b'{"pagination":{"has_more":false}}')


def test_last_page_has_no_cursor() -> None:
    assert decoder(Pagination).decode(b'{"has_more":false}').next_cursor is msgspec.UNSET


def test_import_is_light() -> None:
    basis = _modules_after("import msgspec, typing, datetime, enum")
    ours = _modules_after("import promptops.models") - basis
    assert {name for name in ours if not name.startswith("promptops")} == set()


def _modules_after(statement: str) -> set[str]:
    command = [sys.executable, "-c", f"{statement}\nimport sys\nprint(*sys.modules)"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
