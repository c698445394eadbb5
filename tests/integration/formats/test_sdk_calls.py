"""The SDKs of the providers take the arguments and send what they say; their server is a local one that records."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from anthropic import Anthropic
from google import genai
from openai import OpenAI
from promptops.core.narrow import is_array, is_object
from promptops.models import ModelSettings, ResponseFormat, ToolChoice, ToolDefinition
from promptops.prompts.formats import from_anthropic, from_openai
from promptops.prompts.render import Rendered

SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}
PNG = "iVBORw0KGgo="

OPENAI_ANSWER = {
    "id": "c",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-6",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "Ja."}}],
}
ANTHROPIC_ANSWER = {
    "id": "m",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-5",
    "content": [{"type": "text", "text": "Ja."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}
GOOGLE_ANSWER = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Ja."}]}, "finishReason": "STOP"}]}


class Recorder:
    """A server that answers everything with one canned answer, and keeps what it was sent."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] = {}
        self.requests: list[tuple[str, dict[str, Any]]] = []
        recorder = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                recorder.requests.append((self.path, json.loads(body)))
                payload = json.dumps(recorder.answer).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(payload)))
                self.end_headers()
                self.wfile.write(payload)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def snake(value: Any) -> Any:
    """The value with every key in one spelling: the SDK of Google mixes the two that its service reads."""
    if is_object(value):
        return {re.sub("[A-Z]", lambda found: f"_{found[0].lower()}", key): snake(item) for key, item in value.items()}
    return list(map(snake, value)) if is_array(value) else value


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recorder]:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("GOOGLE_API_KEY", "GEMINI_API_KEY", "ANTHROPIC_AUTH_TOKEN", "GOOGLE_GENAI_USE_VERTEXAI"):
        monkeypatch.delenv(name, raising=False)
    running = Recorder()
    yield running
    running.close()


def chat(provider: str, **known: Any) -> Rendered:
    """A chat with a bit of everything that all three can express."""
    return Rendered(
        content="",
        variables_used=[],
        messages=[
            {"role": "system", "content": "Be kind."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Add, and look."},
                    {"type": "image", "data": PNG, "media_type": "image/png"},
                    {"type": "file", "data": "JVBERi0x", "media_type": "application/pdf"},
                ],
            },
            {
                "role": "assistant",
                "content": [
                    {"type": "text", "text": "One moment."},
                    {"type": "tool_call", "id": "c1", "name": "sum", "arguments": {"a": 1}},
                    {"type": "tool_call", "id": "c2", "name": "sum", "arguments": {"a": 2}},
                ],
            },
            {"role": "tool", "content": [{"type": "tool_result", "tool_call_id": "c1", "content": "3"}]},
            {"role": "tool", "content": [{"type": "tool_result", "tool_call_id": "c2", "content": "4"}]},
            {"role": "user", "content": "So?"},
        ],
        tools=[ToolDefinition(name="sum", description="Adds.", parameters=SCHEMA)],
        tool_choice=ToolChoice(type="required"),
        response_format=ResponseFormat(
            type="json_schema", schema=SCHEMA, name="answer" if provider == "openai" else None
        ),
        model_settings=ModelSettings(provider=provider, max_tokens=64, stop=["END"], reasoning_effort="low", **known),
    )


def test_openai_sends_what_the_prompt_says(recorder: Recorder) -> None:
    recorder.answer = OPENAI_ANSWER
    made = chat("openai", model="gpt-6", temperature=0.5, extra={"user": "u1"}).to("openai", strict=True)
    with OpenAI(api_key="k", base_url=f"{recorder.url}/v1", max_retries=0) as client:
        answer = client.chat.completions.create(**made)
    assert answer.choices[0].message.content == "Ja."
    ((path, sent),) = recorder.requests
    assert path == "/v1/chat/completions"
    assert sent == made
    assert sent["messages"][2]["tool_calls"][0]["function"] == {"name": "sum", "arguments": '{"a":1}'}
    again = from_openai({**made, "messages": [*made["messages"], answer.choices[0].message]})
    assert again.messages[-1].content == "Ja."


def test_anthropic_sends_what_the_prompt_says(recorder: Recorder) -> None:
    recorder.answer = ANTHROPIC_ANSWER
    prompt = chat("anthropic", model="claude-opus-5", extra={"metadata": {"user_id": "u1"}})
    made = prompt.to("anthropic", strict=True)
    with Anthropic(api_key="k", base_url=recorder.url, max_retries=0) as client:
        answer = client.messages.create(**made)
    assert answer.content[0].type == "text"
    ((path, sent),) = recorder.requests
    assert path == "/v1/messages"
    assert sent == made
    assert [message["role"] for message in sent["messages"]] == ["user", "assistant", "user", "user"]
    again = from_anthropic({**made, "messages": [*made["messages"], {"role": "assistant", "content": answer.content}]})
    assert again.messages[-1].role == "assistant"


def test_google_sends_what_the_prompt_says(recorder: Recorder) -> None:
    recorder.answer = GOOGLE_ANSWER
    prompt = chat("google", model="gemini-3-pro", temperature=0.5, top_k=3, extra={"candidate_count": 1})
    made = prompt.to("google", strict=True)
    with genai.Client(api_key="k", http_options={"base_url": recorder.url}) as client:
        # Images of the library PIL, which is not installed, are among what its parameters take.
        answer = client.models.generate_content(**made)  # pyright: ignore[reportUnknownMemberType]
    assert answer.text == "Ja."
    ((path, sent),) = recorder.requests
    assert path.endswith("/models/gemini-3-pro:generateContent")
    image = {"inline_data": {"mime_type": "image/png", "data": PNG}}
    file = {"inline_data": {"mime_type": "application/pdf", "data": "JVBERi0x"}}
    written = snake(sent)
    assert written["contents"] == [
        {"role": "user", "parts": [{"text": "Add, and look."}, image, file]},
        {
            "role": "model",
            "parts": [
                {"text": "One moment."},
                {"function_call": {"id": "c1", "name": "sum", "args": {"a": 1}}},
                {"function_call": {"id": "c2", "name": "sum", "args": {"a": 2}}},
            ],
        },
        {
            "role": "user",
            "parts": [
                {"function_response": {"id": "c1", "name": "sum", "response": {"output": "3"}}},
                {"function_response": {"id": "c2", "name": "sum", "response": {"output": "4"}}},
            ],
        },
        {"role": "user", "parts": [{"text": "So?"}]},
    ]
    assert written["system_instruction"]["parts"] == [{"text": "Be kind."}]
    schema = snake(SCHEMA)
    declared = {"name": "sum", "description": "Adds.", "parameters_json_schema": schema}
    assert written["tools"] == [{"function_declarations": [declared]}]
    assert written["tool_config"] == {"function_calling_config": {"mode": "ANY"}}
    assert written["generation_config"] == {
        "temperature": 0.5,
        "top_k": 3,
        "max_output_tokens": 64,
        "stop_sequences": ["END"],
        "candidate_count": 1,
        "response_mime_type": "application/json",
        "response_json_schema": schema,
        "thinking_config": {"thinking_level": "LOW"},
    }


def test_an_argument_that_no_sdk_knows_never_leaves(recorder: Recorder) -> None:
    # The control of the three above: the SDKs do refuse what they do not declare.
    prompt = chat("", model="m", extra={"tempersture": 1})
    with OpenAI(api_key="k", base_url=f"{recorder.url}/v1") as openai, pytest.raises(TypeError, match="tempersture"):
        openai.chat.completions.create(**prompt.to("openai"))
    with Anthropic(api_key="k", base_url=recorder.url) as anthropic, pytest.raises(TypeError, match="tempersture"):
        anthropic.messages.create(**prompt.to("anthropic"))
    with (
        genai.Client(api_key="k", http_options={"base_url": recorder.url}) as google,
        pytest.raises(ValueError, match="tempersture"),
    ):
        google.models.generate_content(**prompt.to("google"))  # pyright: ignore[reportUnknownMemberType] - as above
    assert recorder.requests == []
