"""What changed from one version of a prompt to another: texts, messages, settings, and what is said about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec
from promptops.prompts._parts import is_list, is_object, part_dict

if TYPE_CHECKING:
    from promptops.models.prompts import MessageLike, PromptLike, VariantLike

__all__ = ["MessageChange", "PromptDiff", "TextChange", "ValueChange", "diff_prompts"]

Kind: TypeAlias = Literal["added", "removed", "changed"]

_SETTINGS: Final = ("template_format", "tool_choice", "response_format", "model_settings", "variables_schema")
_VARIANT: Final = ("model_settings", "instructions", "expected_output_format")
_METADATA: Final = ("name", "description", "module_id", "target_models", "variables", "tags", "labels", "metadata")
_ABSENT: Final[Any] = object()


class TextChange(msgspec.Struct, frozen=True, kw_only=True):
    """A text that is another one now.

    Attributes:
        field: Which: ``content``, or that of a variant.
        kind: ``added``, ``removed`` or ``changed``.
        lines: A unified diff, without the lines that name files.
    """

    field: str
    kind: Kind
    lines: list[str]


class MessageChange(msgspec.Struct, frozen=True, kw_only=True):
    """A message that is new, gone or another one now.

    Attributes:
        field: Where the messages are: ``messages``, or those of a variant.
        kind: ``added``, ``removed`` or ``changed``.
        old_index: Its place before, from 0; None when it was not there.
        new_index: Its place now; None when it is gone.
        role: Who speaks, now or before it went.
        lines: A unified diff of ``[role]`` and what is said; parts that are no text are lines of JSON.
    """

    field: str
    kind: Kind
    old_index: int | None
    new_index: int | None
    role: str
    lines: list[str]


class ValueChange(msgspec.Struct, frozen=True, kw_only=True):
    """A value that is another one now.

    Attributes:
        path: Which, for example ``model_settings.temperature`` or ``tools.search.parameters.properties.q.type``.
        kind: ``added``, ``removed`` or ``changed``.
        old: The value before; None when it was not there.
        new: The value now; None when it is gone.
    """

    path: str
    kind: Kind
    old: Any = None
    new: Any = None


class PromptDiff(msgspec.Struct, frozen=True, kw_only=True):
    """What changed from one version of a prompt to another; all of it has a JSON form.

    Attributes:
        old_version: The version before.
        new_version: The version now.
        text: The text of a plain prompt, and those of variants.
        messages: The messages of a chat prompt, and those of variants.
        settings: Format, tools, tool choice, response format, model settings, variables schema and includes.
        metadata: Name, description, module, target models, variables, tags, labels and free facts.
    """

    old_version: str
    new_version: str
    text: list[TextChange]
    messages: list[MessageChange]
    settings: list[ValueChange]
    metadata: list[ValueChange]

    @property
    def is_empty(self) -> bool:
        """Whether nothing changed but the version."""
        return not (self.text or self.messages or self.settings or self.metadata)

    def unified(self) -> str:
        """All of it as one text in the manner of a unified diff; empty when nothing changed."""
        if self.is_empty:
            return ""
        lines = [f"--- {self.old_version}", f"+++ {self.new_version}"]
        for text in self.text:
            lines += [f"== {text.field} ({text.kind})", *text.lines]
        for message in self.messages:
            index = message.old_index if message.new_index is None else message.new_index
            lines += [f"== {message.field}[{index}] ({message.kind})", *message.lines]
        for title, values in (("settings", self.settings), ("metadata", self.metadata)):
            if values:
                lines.append(f"== {title}")
            for value in values:
                lines += [f"-{value.path}: {_json(value.old)}"] if value.kind != "added" else []
                lines += [f"+{value.path}: {_json(value.new)}"] if value.kind != "removed" else []
        return "\n".join(lines) + "\n"


def diff_prompts(old: PromptLike, new: PromptLike) -> PromptDiff:
    """What changed from ``old`` to ``new``; nothing is fetched.

    Any two prompts will do. Texts are compared as they are rendered: what they include is in them.
    """
    text: list[TextChange] = list(_text("content", _own_text(old), _own_text(new)))
    messages = list(_messages("messages", _own_messages(old), _own_messages(new)))
    settings: list[ValueChange] = []
    before, after = _by_model(old.model_specific_prompts), _by_model(new.model_specific_prompts)
    for name in dict.fromkeys([*before, *after]):
        one, other = before.get(name), after.get(name)
        field = f"model_specific_prompts[{name}]"
        text += _text(f"{field}.content", _own_text(one), _own_text(other))
        messages += _messages(f"{field}.messages", _own_messages(one), _own_messages(other))
        settings += _values(field, _facts(one, _VARIANT), _facts(other, _VARIANT))
    first, second = _facts(old, _SETTINGS), _facts(new, _SETTINGS)
    for facts, prompt in ((first, old), (second, new)):
        facts["tools"] = {tool.name: _plain(tool) for tool in prompt.tools}
        facts["includes"] = {item.name: item.version for item in getattr(prompt, "includes", ())}
    settings += _values("", first, second)
    settings += _order("tools", list(first["tools"]), list(second["tools"]))
    return PromptDiff(
        old_version=old.version,
        new_version=new.version,
        text=text,
        messages=messages,
        settings=settings,
        metadata=list(_values("", _facts(old, _METADATA), _facts(new, _METADATA))),
    )


def _own_text(prompt: PromptLike | VariantLike | None) -> str | None:
    """The text, unless messages stand in its place: then its content is no more than their texts joined."""
    return None if prompt is None or prompt.messages else prompt.content


def _own_messages(prompt: PromptLike | VariantLike | None) -> Sequence[MessageLike]:
    return () if prompt is None else prompt.messages or ()


def _by_model(variants: Sequence[VariantLike]) -> dict[str, VariantLike]:
    """The variants by their model; further ones of the same model, which no render chooses, by a number."""
    found: dict[str, VariantLike] = {}
    for variant in variants:
        model = name = f"{variant.model_provider}/{variant.model_name or '*'}"
        number = 1
        while name in found:
            number += 1
            name = f"{model}#{number}"
        found[name] = variant
    return found


def _text(field: str, old: str | None, new: str | None) -> Iterator[TextChange]:
    if old != new:
        lines = _unified(_split(old), _split(new))
        yield TextChange(field=field, kind=_kind(old, new), lines=lines)


def _messages(field: str, old: Sequence[MessageLike], new: Sequence[MessageLike]) -> Iterator[MessageChange]:
    """Messages paired so that as many as possible stay the same."""
    from difflib import SequenceMatcher

    before, after = [_lines_of(message) for message in old], [_lines_of(message) for message in new]
    keys = [
        [(isinstance(message.content, str), *lines) for message, lines in zip(side, texts, strict=True)]
        for side, texts in ((old, before), (new, after))
    ]
    matcher = SequenceMatcher(None, keys[0], keys[1], autojunk=False)
    for tag, old_start, old_end, new_start, new_end in matcher.get_opcodes():
        if tag == "equal":
            continue
        for step in range(max(old_end - old_start, new_end - new_start)):
            left = old_start + step if old_start + step < old_end else None
            right = new_start + step if new_start + step < new_end else None
            message = old[left] if right is None and left is not None else new[right or 0]
            yield MessageChange(
                field=field,
                kind=_kind(left, right),
                old_index=left,
                new_index=right,
                role=message.role,
                lines=_unified([] if left is None else before[left], [] if right is None else after[right]),
            )


def _lines_of(message: MessageLike) -> list[str]:
    lines = [f"[{message.role}]" if message.name is None else f"[{message.role} {message.name}]"]
    if isinstance(message.content, str):
        return lines + _split(message.content)
    for part in message.content:
        fields = part_dict(part)
        lines += ["[text]", *_split(fields["text"])] if fields["type"] == "text" else [_json(fields)]
    return lines


def _split(text: str | None) -> list[str]:
    """The lines; other ends of lines than ``\\n``, and a last one that is missing, are differences too."""
    return text.split("\n") if text else []


def _unified(old: list[str], new: list[str]) -> list[str]:
    from difflib import unified_diff

    return [line.rstrip("\n") for line in unified_diff(old, new, lineterm="")][2:]


def _facts(prompt: object, names: Sequence[str]) -> dict[str, Any]:
    """What is said under these names, as plain values; what is not said, or empty, is left out."""
    found: dict[str, Any] = {}
    for name in names:
        value = _plain(getattr(prompt, name, None))
        if value not in (None, "", [], {}):
            found[name] = value
    return found


def _plain(value: Any) -> Any:
    """A value as plain JSON; fields of structs that are None are left out."""
    if isinstance(value, msgspec.Struct):
        fields = {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
        return {name: item for name, item in fields.items() if item is not None and item != {}}
    return msgspec.to_builtins(value)


def _values(path: str, old: Any, new: Any) -> Iterator[ValueChange]:
    """The values that differ, as deep as both have the same shape."""
    if is_object(old) and is_object(new):
        for name in dict.fromkeys([*old, *new]):
            yield from _values(f"{path}.{name}" if path else name, old.get(name, _ABSENT), new.get(name, _ABSENT))
    elif old is _ABSENT and is_object(new) and new:
        yield from _values(path, {}, new)
    elif new is _ABSENT and is_object(old) and old:
        yield from _values(path, old, {})
    elif is_list(old) and is_list(new) and len(old) == len(new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            yield from _values(f"{path}[{index}]", one, other)
    elif _differ(old, new):
        if new is _ABSENT:
            yield ValueChange(path=path, kind="removed", old=old)
        elif old is _ABSENT:
            yield ValueChange(path=path, kind="added", new=new)
        else:
            yield ValueChange(path=path, kind="changed", old=old, new=new)


def _order(path: str, old: list[str], new: list[str]) -> Iterator[ValueChange]:
    """The names on both sides, when they come in another order."""
    before, after = [name for name in old if name in new], [name for name in new if name in old]
    if before != after:
        yield ValueChange(path=path, kind="changed", old=before, new=after)


def _differ(old: Any, new: Any) -> bool:
    """Whether two values differ in JSON, where true is not 1."""
    return bool(old != new) or isinstance(old, bool) != isinstance(new, bool)


def _kind(old: object, new: object) -> Kind:
    return "added" if old is None else "removed" if new is None else "changed"


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
