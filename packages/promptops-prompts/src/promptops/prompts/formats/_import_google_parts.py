"""The contents of a Gemini call as messages."""

from __future__ import annotations

from base64 import b64encode
from typing import Final

import msgspec
from promptops.models import ChatMessage, FilePart, ImagePart, TextPart, ToolCallPart, ToolResultPart
from promptops.prompts.formats._google_parts import SERVICE
from promptops.prompts.formats._imported import Rest, listed
from promptops.prompts.formats._media import guessed
from promptops.prompts.formats._parts import is_object
from promptops.prompts.formats._report import Report

__all__ = ["Conversation", "SnakeRest"]

_ROLES: Final = {"user": "user", "model": "assistant", "function": "user", "tool": "user"}

Part = TextPart | ImagePart | FilePart | ToolCallPart | ToolResultPart


class SnakeRest(Rest):
    """A dict of the SDK, which takes ``inlineData`` for ``inline_data``."""

    def __init__(self, value: object, field: str, report: Report) -> None:
        super().__init__(value, field, report)
        self.left = {_snake(key): item for key, item in self.left.items()}


def _snake(key: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in key)


class Conversation:
    """The reading of contents; it remembers calls, because results name theirs by id or by name alone.

    Args:
        report: Where the losses go.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._open: list[tuple[str, str]] = []
        self._calls = 0

    def system(self, given: object) -> list[ChatMessage]:
        """The messages of the system; each text is one."""
        texts = [part for _, parts in self._contents(given, "config.system_instruction") for part in parts]
        made = [ChatMessage(role="system", content=part.text) for part in texts if isinstance(part, TextPart)]
        if len(made) < len(texts):
            self._report.lose("config.system_instruction", "unsupported", "the system says texts alone")
        return made

    def contents(self, given: object) -> list[ChatMessage]:
        """The messages of the conversation."""
        messages: list[ChatMessage] = []
        for role, parts in self._contents(given, "contents"):
            messages += [ChatMessage(role="tool", content=[part]) for part in parts if isinstance(part, ToolResultPart)]
            said = [part for part in parts if not isinstance(part, ToolResultPart)]
            if len(said) == 1 and isinstance(said[0], TextPart):
                messages.append(ChatMessage(role=role, content=said[0].text))
            elif said:
                messages.append(ChatMessage(role=role, content=list(said)))
        return messages

    def _contents(self, given: object, field: str) -> list[tuple[str, list[Part]]]:
        """Roles and parts; those outside of a content are one as long as the same side says them, as for the SDK."""
        if given is None:
            return []
        single = isinstance(given, str) or is_object(given) or hasattr(given, "model_dump")
        items: list[tuple[str, object]] = [(f"{field}[{index}]", item) for index, item in enumerate(listed(given))]
        if single:
            items = [(field, given)]
        made: list[tuple[str, list[Part]]] = []
        loose = ""
        for place, item in items:
            rest = SnakeRest(item, place, self._report)
            if "parts" in rest.left:
                made.append(self._content(rest))
                loose = ""
                continue
            part = self._part(item, place)
            role = "assistant" if any(isinstance(one, ToolCallPart) for one in part) else "user"
            if loose == role:
                made[-1][1].extend(part)
            else:
                made.append((role, part))
            loose = role
        return [(role, parts) for role, parts in made if parts]

    def _content(self, rest: SnakeRest) -> tuple[str, list[Part]]:
        role = rest.take("role", str) or "user"
        parts: list[Part] = []
        for index, item in enumerate(listed(rest.left.pop("parts"))):
            parts += self._part(item, f"{rest.field}.parts[{index}]")
        if role not in _ROLES:
            self._report.lose(f"{rest.field}.role", "changed", "a role that nobody knows is taken for the user's")
        rest.lose()
        return _ROLES.get(role, "user"), parts

    def _part(self, given: object, field: str) -> list[Part]:
        if isinstance(given, str):
            return [TextPart(text=given)]
        rest = SnakeRest(given, field, self._report)
        part: Part | None = None
        if rest.left.get("thought") is True:
            pass
        elif "text" in rest.left:
            part = TextPart(text=rest.take("text", str) or "")
        elif "function_call" in rest.left:
            part = self._call(SnakeRest(rest.left.pop("function_call"), f"{field}.function_call", self._report))
        elif "function_response" in rest.left:
            part = self._result(
                SnakeRest(rest.left.pop("function_response"), f"{field}.function_response", self._report)
            )
        elif "inline_data" in rest.left:
            part = _inline(SnakeRest(rest.left.pop("inline_data"), f"{field}.inline_data", self._report))
        elif "file_data" in rest.left:
            part = _address(SnakeRest(rest.left.pop("file_data"), f"{field}.file_data", self._report))
        if part is None:
            self._report.lose(field, "unknown", "a prompt has no part of this kind")
            return []
        rest.lose()
        return [part]

    def _call(self, rest: SnakeRest) -> ToolCallPart:
        self._calls += 1
        name = rest.take("name", str) or ""
        given = rest.take("id", str)
        if given is None:
            given = f"call_{self._calls}"
            self._report.lose(f"{rest.field}.id", "assumed", "calls of a prompt have an id")
        self._open.append((given, name))
        arguments = rest.table("args")
        rest.lose()
        return ToolCallPart(id=given, name=name, arguments=arguments)

    def _result(self, rest: SnakeRest) -> ToolResultPart:
        name = rest.take("name", str)
        given = rest.take("id", str)
        if given is None:
            given = next((call for call, called in self._open if called == name), "")
            self._report.lose(f"{rest.field}.id", "assumed", "it answers the first open call of its name")
        self._open = [call for call in self._open if call[0] != given]
        response = rest.table("response")
        rest.lose()
        for key in ("output", "error"):
            if set(response) == {key} and isinstance(response[key], str):
                return ToolResultPart(tool_call_id=given, content=response[key], name=name, is_error=key == "error")
        self._report.lose(f"{rest.field}.response", "changed", "the answer of a tool is a text in a prompt: its JSON")
        text = msgspec.json.encode(response).decode()
        return ToolResultPart(tool_call_id=given, content=text, name=name)


def _inline(rest: SnakeRest) -> ImagePart | FilePart | None:
    kind = rest.take("mime_type", str)
    data = rest.left.pop("data", None)
    name = rest.take("display_name", str)
    text = b64encode(data).decode() if isinstance(data, bytes) else data
    if not isinstance(text, str):
        return None
    if (kind or "").startswith("image/") and name is None:
        return ImagePart(data=text, media_type=kind)
    return FilePart(data=text, media_type=kind, filename=name)


def _address(rest: SnakeRest) -> ImagePart | FilePart | None:
    kind = rest.take("mime_type", str)
    uri = rest.take("file_uri", str)
    name = rest.take("display_name", str)
    if uri is None:
        return None
    if uri.startswith(SERVICE) and "/files/" in uri:
        return FilePart(file_id=f"files/{uri.partition('/files/')[2]}", media_type=kind, filename=name)
    if (kind or guessed(uri) or "").startswith("image/") and name is None:
        return ImagePart(url=uri, media_type=kind)
    return FilePart(url=uri, media_type=kind, filename=name)
