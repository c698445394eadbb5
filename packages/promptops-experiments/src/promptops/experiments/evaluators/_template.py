"""Fills the templates of judges: ``{{ name }}`` in one pass, so that no value is ever read as a template."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, cast

import msgspec
from promptops.core.errors import ValidationError
from promptops.experiments.evaluators._text import text_of
from promptops.models.datasets import DatasetExample
from promptops.models.prompts import MessageLike, PromptLike

__all__ = ["Message", "Messages", "MessagesLike", "Prompt", "TemplateLike", "prompt_of"]

Message = dict[str, str]
"""One message of a chat: ``{"role": ..., "content": ...}``."""

Messages = list[Message]
"""What a judge is asked."""

MessagesLike = str | Sequence[Mapping[str, str] | MessageLike]
"""What a function that builds messages may return: a text, which the user says, or messages."""

TemplateLike = str | PromptLike | Sequence[Mapping[str, str] | MessageLike] | Callable[..., MessagesLike]
"""A text, which the user says, a prompt, messages, or a function that builds them of its parameters by name."""

_VARIABLE: Final = re.compile(r"\{\{\s*([A-Za-z_][\w-]*(?:\.[\w-]+)*)\s*\}\}")


class Prompt:
    """The messages of a judge before their variables are filled.

    Args:
        build: Makes the messages of the values of one call.
        fields: Fields that an example must have.
        names: The variables.
    """

    def __init__(
        self, build: Callable[[Mapping[str, Any]], Messages], fields: Sequence[str], names: frozenset[str]
    ) -> None:
        self.build = build
        self.fields = tuple(fields)
        self.names = names


class _Part(msgspec.Struct, frozen=True):
    role: str
    content: str


def prompt_of(template: TemplateLike, *, who: str, judged: Collection[str], delimited: Collection[str] = ()) -> Prompt:
    """Read a template, and refuse what could not be filled.

    Args:
        template: Text, messages, a prompt, or a function.
        who: What errors call it.
        judged: The variables that stand for what is judged; at least these must be there.
        delimited: The variables whose values are put between markers.

    Raises:
        ValidationError: The template uses more than variables, lacks one of ``judged``, or is none.
    """
    if callable(template):
        return _of_function(template, who, judged)
    parts = _parts(template, who)
    names = frozenset(name for part in parts for name in _variables(part.content, who))
    missing = [name for name in judged if name not in names]
    if missing:
        raise ValidationError(
            f"the template of {who} lacks {', '.join(f'{{{{ {name} }}}}' for name in missing)}, so the judge would not "
            "see what it judges"
        )
    marked = frozenset([*judged, *delimited])

    def build(values: Mapping[str, Any]) -> Messages:
        def filled(found: re.Match[str]) -> str:
            value = _looked_up(found[1], values)
            text = text_of(value.to_wire() if isinstance(value, DatasetExample) else value)
            return _between_markers(found[1], text) if found[1] in marked else text

        return [{"role": part.role, "content": _VARIABLE.sub(filled, part.content)} for part in parts]

    roots = dict.fromkeys(name.partition(".")[0] for name in sorted(names))
    return Prompt(build, [name for name in roots if name not in {*judged, "example", "metadata"}], names)


def checked_messages(given: object, who: str) -> Messages:
    """Return what a function built as messages.

    Raises:
        ValidationError: It is neither a text nor messages.
    """
    return [{"role": part.role, "content": part.content} for part in _parts(given, who)]


def _between_markers(name: str, value: str) -> str:
    # The markers hold a digest of what is between them: a text that ends its own markers would have to know it.
    digest = hashlib.sha256(value.encode(errors="surrogatepass")).hexdigest()[:16]
    return f"<<<{name} {digest}>>>\n{value}\n<<<end {name} {digest}>>>"


def _of_function(function: Callable[..., MessagesLike], who: str, judged: Collection[str]) -> Prompt:
    import inspect

    known = (*judged, "example", "input", "expected", "metadata")
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        raise ValidationError(f"the template of {who} is a function that does not tell its parameters") from None
    everything = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters)
    wanted: list[str] = []
    for parameter in parameters:
        if parameter.kind in {parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL}:
            continue
        if parameter.name in known and parameter.kind is not parameter.POSITIONAL_ONLY:
            wanted.append(parameter.name)
        elif parameter.default is parameter.empty:
            raise ValidationError(
                f"the template of {who} has a parameter {parameter.name!r} that cannot be filled by name; the names "
                f"are {', '.join(known)}"
            )
    fields = [name for name in ("input", "expected") if name in wanted]

    def build(values: Mapping[str, Any]) -> Messages:
        names = [name for name in known if name in wanted or (everything and _has(name, values))]
        return checked_messages(function(**{name: _looked_up(name, values) for name in names}), who)

    return Prompt(build, fields, frozenset(wanted))


def _has(name: str, values: Mapping[str, Any]) -> bool:
    return name in values or name in values["example"]


def _parts(template: object, who: str) -> list[_Part]:
    if isinstance(template, str):
        return [_Part("user", template)]
    if isinstance(template, Sequence):
        parts = [_message(message, who) for message in cast("Sequence[object]", template)]
        if not parts:
            raise ValidationError(f"the template of {who} has no message")
        return parts
    written: object = getattr(template, "template_format", None)
    if not isinstance(written, str):
        raise ValidationError(
            f"the template of {who} must be a text, messages, a prompt, or a function, not {type(template).__name__}"
        )
    if written not in {"mustache", "none"}:
        raise ValidationError(
            f"the template of {who} is a prompt in the format {written!r}; judges fill {{{{ name }}}} only. Pass a "
            "function that renders it"
        )
    prompt = cast("PromptLike", template)
    if prompt.messages:
        return [_message(message, who) for message in prompt.messages]
    role: object = prompt.metadata.get("message_role")
    return [_Part(role if isinstance(role, str) else "user", prompt.content)]


def _message(message: object, who: str) -> _Part:
    if isinstance(message, Mapping):
        given = cast("Mapping[str, object]", message)
        role, content = given.get("role"), given.get("content")
    else:
        role, content = getattr(message, "role", None), getattr(message, "content", None)
    if not isinstance(role, str) or not isinstance(content, str):
        raise ValidationError(f"each message of the template of {who} needs a role and a content, both texts")
    return _Part(str(role), content)


def _variables(text: str, who: str) -> list[str]:
    left = _VARIABLE.sub("", text)
    beginning = text.find("{{{") if "{{{" in text else left.find("{{")
    if beginning >= 0:
        where = (text if "{{{" in text else left)[beginning:][:40]
        raise ValidationError(
            f"the template of {who} has {where!r}; judges fill {{{{ name }}}} only. Pass a function that builds the "
            "messages when that is not enough"
        )
    return _VARIABLE.findall(text)


def _looked_up(path: str, values: Mapping[str, Any]) -> object:
    name, *steps = path.split(".")
    example = values["example"]
    if name == "example":
        value: object = example
    elif name in values:
        value = values[name]
    elif name in example:
        value = example[name]
    else:
        raise KeyError(f"example {example.id} has no field {name!r}, which the template takes")
    for step in steps:
        if not hasattr(value, "__getitem__") or isinstance(value, str | list) or step not in cast("Any", value):
            raise KeyError(f"example {example.id} has no {path!r}, which the template takes")
        value = cast("Any", value)[step]
    return value
