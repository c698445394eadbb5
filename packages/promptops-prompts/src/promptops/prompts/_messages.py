"""The messages of a chat prompt: filled in, with lists of messages where placeholders stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, TypeGuard

import msgspec
from promptops.core.errors import ValidationError
from promptops.prompts._parts import given_part, is_list, is_object, map_texts, part_dict, part_problems, texts_of
from promptops.prompts._problems import MISSING_VARIABLE, problem, refusal
from promptops.prompts._values import MISSING, UnrenderableValue, elements, plain, type_name, type_of
from promptops.prompts.template import MAX_OUTPUT_BYTES, Work, compile_template

if TYPE_CHECKING:
    from promptops.models.prompts import MessageLike

__all__ = ["PLACEHOLDER", "fill_messages", "given_messages", "message_texts", "nameless"]

PLACEHOLDER: Final = "placeholder"
_FIELDS: Final = ("role", "content", "name")
_encode = msgspec.json.Encoder().encode


def fill_messages(
    messages: Sequence[MessageLike], template_format: str, values: Mapping[str, Any]
) -> tuple[str, list[dict[str, Any]], tuple[str, ...]]:
    """Fill the variables into messages.

    Returns:
        Their texts joined by a blank line, the messages, and the names that were filled in.

    Raises:
        ValidationError: Variables are missing or cannot be rendered, in any message; or all of it is over 1 MiB.
    """
    filling = _Filling(template_format, values)
    result: list[dict[str, Any]] = []
    texts: list[str] = []
    for index, message in enumerate(messages):
        content = message.content
        if message.role == PLACEHOLDER:
            given = filling.history(message.name, f"messages[{index}].name")
            result += given
            texts += [text for item in given for text in texts_of(item["content"])]
            continue
        if isinstance(content, str):
            # What most messages are, so nothing is made here that only an error needs.
            try:
                text, names = compile_template(content, template_format).render(values, filling.work)
            except ValidationError as error:
                filling.failed(error, f"messages[{index}].content")
                continue
            filling.grow(len(text) if text.isascii() else len(text.encode()))
            filling.used.update(dict.fromkeys(names))
            texts.append(text)
            filled: dict[str, Any] = {"role": message.role, "content": text}
        else:
            parts = filling.parts(content, f"messages[{index}].content")
            texts += texts_of(parts)
            filled = {"role": message.role, "content": parts}
        if message.name is not None:
            filled["name"] = message.name
        result.append(filled)
    if filling.problems:
        raise refusal(*filling.problems.values())
    return "\n\n".join(texts), result, tuple(filling.used)


def message_texts(messages: Sequence[MessageLike], field: str) -> Iterator[tuple[str, str, bool]]:
    """Every template of the messages with its field, and the names of the placeholders (True)."""
    for index, message in enumerate(messages):
        content = message.content
        where = f"{field}[{index}].content"
        if message.role == PLACEHOLDER:
            yield f"{field}[{index}].name", message.name or "", True
        elif isinstance(content, str):
            yield where, content, False
        else:
            found: list[tuple[str, str, bool]] = []

            def note(text: str, place: str, found: list[tuple[str, str, bool]] = found) -> str:
                found.append((place, text, False))
                return text

            for number, part in enumerate(content):
                map_texts(part_dict(part), f"{where}[{number}]", note)
            yield from found


def given_messages(value: Any) -> Any:
    """A variable with the message structs in it as dicts; everything else stays what it is."""
    if _is_sequence(value) and any(issubclass(type_of(item), msgspec.Struct) for item in elements(value)):
        return [_message_dict(item) for item in elements(value)]
    return value


class _Filling:
    """One render: what was filled in, how large it is, and everything that was wrong."""

    __slots__ = ("_format", "_size", "_values", "problems", "used", "work")

    def __init__(self, template_format: str, values: Mapping[str, Any]) -> None:
        self._format = template_format
        self._values = values
        self._size = 0
        self.work = Work()  # one for all messages, or each of many could cost as much as one may
        self.used: dict[str, None] = {}
        self.problems: dict[tuple[str, str], dict[str, Any]] = {}

    def text(self, source: str, field: str) -> str:
        """The text of a template; empty when something is wrong with it."""
        try:
            text, names = compile_template(source, self._format).render(self._values, self.work)
        except ValidationError as error:
            self.failed(error, field)
            return ""
        self.grow(len(text) if text.isascii() else len(text.encode()))
        self.used.update(dict.fromkeys(names))
        return text

    def parts(self, parts: Sequence[object], field: str) -> list[dict[str, Any]]:
        """The parts of a message as dicts."""
        filled: list[dict[str, Any]] = []
        for number, item in enumerate(parts):
            part = part_dict(item)
            # What is no template counts too: an image may be larger than every text.
            self.grow(sum(len(value) for name in ("data", "file_id") if isinstance(value := part.get(name), str)))
            filled.append(map_texts(part, f"{field}[{number}]", self.text))
        return filled

    def history(self, name: str | None, field: str) -> list[dict[str, Any]]:
        """The messages that a variable holds."""
        if not name:
            self._note(nameless(field))
            return []
        place = f"variables.{name}"
        value = self._values.get(name, MISSING)
        if value is MISSING:
            self._note(problem(place, "the prompt uses this variable and it was not given", MISSING_VARIABLE))
            return []
        if not _is_sequence(value):
            reason = f"expected a list of messages, got {type_name(value)!r}"
            self._note(problem(place, reason, "wrong_type"))
            return []
        try:
            messages = plain(given_messages(value), MAX_OUTPUT_BYTES)
            size = len(_encode(messages))
        except UnrenderableValue as error:
            self._note(problem(f"{place}{error.where}", error.reason, error.code))
            return []
        except UnicodeEncodeError:
            self._note(problem(place, "a text within the value holds half a surrogate pair", "invalid_value"))
            return []
        found = [
            item for index, message in enumerate(messages) for item in _message_problems(message, f"{place}[{index}]")
        ]
        for item in found:
            self._note(item)
        if found:
            return []
        self.grow(size)
        self.used[name] = None
        return [_without_none(message) for message in messages]

    def failed(self, error: ValidationError, field: str) -> None:
        """Note what was wrong with the text of a field."""
        for item in error.validation_errors:
            self._note({**item, "field": field} if item["field"] == "content" else item)

    def grow(self, size: int) -> None:
        """Count bytes.

        Raises:
            ValidationError: There are too many.
        """
        self._size += size
        if self._size > MAX_OUTPUT_BYTES:
            reason = f"the rendered messages exceed {MAX_OUTPUT_BYTES} bytes; give shorter values"
            raise refusal(problem("variables", reason, "too_large"))

    def _note(self, item: dict[str, Any]) -> None:
        self.problems.setdefault((item["field"], item["code"]), item)


def _message_dict(message: Any) -> Any:
    """A message struct as a dict; anything else as it is, for the checks to name."""
    if not issubclass(type_of(message), msgspec.Struct) or not {"role", "content"} <= set(message.__struct_fields__):
        return message
    fields = {name: getattr(message, name, None) for name in _FIELDS}
    if _is_sequence(content := fields["content"]):
        fields["content"] = [part_dict(part) if isinstance(part, msgspec.Struct) else part for part in content]
    return fields


def _message_problems(message: object, place: str) -> list[dict[str, Any]]:
    if not is_object(message):
        return [problem(place, "expected a message: a dict with 'role' and 'content'", "wrong_type")]
    problems = [
        problem(f"{place}.{name!s:.80}", f"a message has no such field; it has {', '.join(_FIELDS)}", "unknown_field")
        for name in message
        if name not in _FIELDS
    ]
    role, content, name = message.get("role"), message.get("content"), message.get("name")
    if not isinstance(role, str) or not role or role == PLACEHOLDER:
        reason = "expected who speaks: 'system', 'user', 'assistant' or another role"
        problems.append(problem(f"{place}.role", reason, "required" if role is None else "invalid_value"))
    if is_list(content):
        for index, part in enumerate(content):
            problems += part_problems(part, f"{place}.content[{index}]")
    elif not isinstance(content, str):
        reason = "expected a text or a list of parts"
        problems.append(problem(f"{place}.content", reason, "required" if content is None else "wrong_type"))
    if name is not None and not isinstance(name, str):
        problems.append(problem(f"{place}.name", "expected text", "wrong_type"))
    return problems


def _without_none(message: dict[str, Any]) -> dict[str, Any]:
    filled = {name: message[name] for name in _FIELDS if message.get(name) is not None}
    if is_list(filled["content"]):
        filled["content"] = [given_part(part) for part in filled["content"]]
    return filled


def nameless(field: str) -> dict[str, Any]:
    """The problem of a placeholder that names no variable."""
    return problem(field, "a placeholder needs the name of the variable that holds its messages", "required")


def _is_sequence(value: object) -> TypeGuard[Sequence[Any]]:
    return issubclass(type_of(value), (list, tuple))  # isinstance() would ask the value for its class
