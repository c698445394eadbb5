"""What the official client makes of arguments of Google's SDK, in an environment that has it, is read alike."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from promptops.models import ChatMessage, ModelSettings, TextPart, ToolCallPart, ToolDefinition, ToolResultPart
from promptops.phoenix import PhoenixClient
from promptops.prompts import render_prompt

if TYPE_CHECKING:
    from tools.phoenix.official import OfficialClient

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[3]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
VARIABLES = {"tone": "kind", "name": "Ada"}
ARGUMENTS: dict[str, Any] = {
    "model": "gemini-2.0-flash",
    "contents": [
        {"role": "user", "parts": [{"text": "Hi {{name}}"}]},
        {"role": "model", "parts": [{"function_call": {"name": "find", "args": {"city": "Oslo"}}}]},
        {"role": "user", "parts": [{"function_response": {"name": "find", "response": {"result": "Rain."}}}]},
    ],
    "config": {
        "system_instruction": "Be {{tone}}.",
        "temperature": 0.2,
        "max_output_tokens": 64,
        "stop_sequences": ["END"],
        "tools": [
            {"function_declarations": [{"name": "find", "description": "Looks.", "parameters_json_schema": SCHEMA}]}
        ],
    },
}
WRITE = """
from google.genai import types
from phoenix.client.types import PromptVersion

def run(client, payload):
    arguments = payload["arguments"]
    contents = [types.Content.model_validate(one) for one in arguments["contents"]]
    config = types.GenerateContentConfig.model_validate(arguments["config"])
    version = PromptVersion.from_google_genai(arguments["model"], contents, config=config)
    made = client.prompts.create(name=payload["name"], version=version)
    formatted = made.format(variables=payload["variables"])
    config = types.GenerateContentConfig.model_validate(formatted.kwargs["config"])
    return {
        "id": made.id,
        "model": formatted.kwargs["model"],
        "contents": [one.model_dump(mode="json", exclude_none=True) for one in formatted.messages],
        "config": config.model_dump(mode="json", exclude_none=True),
    }
"""


@pytest.fixture(scope="module")
def with_google(phoenix_url: str) -> Iterator[OfficialClient]:
    if str(ROOT) not in sys.path:
        sys.path.insert(0, str(ROOT))
    from tools.phoenix.official import OfficialClient

    class WithGoogle(OfficialClient):
        requirements = ROOT / "tools/phoenix/official_google.txt"

    with WithGoogle(phoenix_url) as client:
        yield client


async def test_what_the_official_client_makes_of_arguments_of_google_is_read_and_rendered_alike(
    phoenix: PhoenixClient, with_google: OfficialClient, unique: Callable[..., str]
) -> None:
    name = unique("google")
    theirs = with_google(WRITE, {"name": name, "arguments": ARGUMENTS, "variables": VARIABLES}, timeout=120)
    prompt = await phoenix.prompts.get(name, timeout=30)
    assert prompt.etag == theirs.pop("id")
    assert prompt.messages == [
        ChatMessage(role="system", content="Be {{tone}}."),
        ChatMessage(role="user", content=[TextPart(text="Hi {{name}}")]),
        ChatMessage(role="assistant", content=[ToolCallPart(id="find", name="find", arguments={"city": "Oslo"})]),
        ChatMessage(role="tool", content=[ToolResultPart(tool_call_id="find", content='{"result": "Rain."}')]),
    ]
    assert prompt.tools == [ToolDefinition(name="find", description="Looks.", parameters=SCHEMA)]
    assert prompt.model_settings == ModelSettings(
        provider="google", model="gemini-2.0-flash", temperature=0.2, max_tokens=64, stop=["END"]
    )
    ours: dict[str, Any] = dict(render_prompt(prompt, VARIABLES).to("google"))
    call, answer = ours["contents"][1]["parts"][0]["function_call"], ours["contents"][2]["parts"][0]
    # Google's arguments have no ids, so the official client stores the name as one; and what a tool says is text to us.
    assert call.pop("id") == answer["function_response"].pop("id") == "find"
    assert answer["function_response"]["response"] == {"output": '{"result": "Rain."}'}
    answer["function_response"]["response"] = {"result": "Rain."}
    assert ours == theirs
