"""Reads what a provider answered, whatever library it comes from: the content, the tokens and the cost."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeGuard, cast

import msgspec
from promptops.experiments._json import NotStorable, json_text, shown

__all__ = ["JudgeAnswer", "UnreadableAnswerError", "answer_of", "as_text"]

_INPUT_NAMES: Final = ("input_tokens", "prompt_tokens", "prompt_token_count")
_OUTPUT_NAMES: Final = ("output_tokens", "completion_tokens", "candidates_token_count")
_USAGE_NAMES: Final = ("usage", "usage_metadata")


class UnreadableAnswerError(ValueError):
    """An answer that holds no verdict; the message says why."""


class JudgeAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a model answered, for an ``ask`` that says what the call cost.

    Attributes:
        content: The text of the answer, or the object that was read of it.
        input_tokens: Tokens that went in, or None when not known.
        output_tokens: Tokens that came out, or None when not known.
        cost: What the call cost, in the currency of the run's budget; None when not known.
    """

    content: str | Mapping[str, Any]
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: float | None = None


def answer_of(returned: object) -> JudgeAnswer:
    """Return what ``ask`` returned as an answer.

    A text and a mapping are the answer itself. Of the objects of client libraries it takes ``choices[0].message``,
    ``content`` (a text or blocks of text), ``output_text`` or ``text``; any other object that JSON can hold is the
    answer itself. ``usage`` and ``cost`` are taken from mappings and objects alike.

    Raises:
        UnreadableAnswerError: There is no answer in it.
    """
    if isinstance(returned, JudgeAnswer):
        return returned
    content = _content(returned)
    usage = next((found for name in _USAGE_NAMES if (found := _get(returned, name)) is not None), None)
    cost = _get(returned, "cost")
    return JudgeAnswer(
        content=content,
        input_tokens=_count(usage, _INPUT_NAMES),
        output_tokens=_count(usage, _OUTPUT_NAMES),
        cost=float(cost) if _is_cost(cost) else None,
    )


def as_text(content: object) -> str:
    """Return the content of an answer as text, for the message that asks again."""
    try:
        return content if isinstance(content, str) else json_text(content)
    except NotStorable:
        return shown(content)


def _content(returned: object) -> str | Mapping[str, Any]:
    if isinstance(returned, str):
        return returned
    choices = _get(returned, "choices")
    if isinstance(choices, Sequence) and choices and not isinstance(choices, str):
        return _of_message(_get(cast("Sequence[object]", choices)[0], "message"))
    for name in ("content", "output_text", "text"):
        found = _get(returned, name)
        if found is not None and not callable(found):
            return _of_message({"content": found})
    return _plain(returned)


def _of_message(message: object) -> str | Mapping[str, Any]:
    parsed = _get(message, "parsed")
    if parsed is not None:
        return _plain(parsed)
    content = _get(message, "content")
    if isinstance(content, list | tuple):
        texts = [_get(block, "text") for block in cast("Sequence[object]", content)]
        content = "".join(text for text in texts if isinstance(text, str))
    if isinstance(content, str):
        return content
    if content is None:
        refusal = _get(message, "refusal")
        why = f": {shown(refusal)}" if isinstance(refusal, str) else ""
        raise UnreadableAnswerError(f"the model answered nothing{why}")
    return _plain(content)


def _plain(value: object) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return cast("Mapping[str, Any]", value)
    try:
        plain = None if value is None else msgspec.json.decode(json_text(value))
    except NotStorable:
        plain = None
    if not isinstance(plain, dict):
        raise UnreadableAnswerError(f"ask returned {shown(value)}; a text, a mapping or an answer object is expected")
    return cast("dict[str, Any]", plain)


def _get(holder: object, name: str) -> object:
    if isinstance(holder, Mapping):
        return cast("Mapping[str, object]", holder).get(name)
    return getattr(holder, name, None)


def _is_cost(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < math.inf


def _count(usage: object, names: Sequence[str]) -> int | None:
    for name in names:
        found = _get(usage, name)
        if isinstance(found, int) and not isinstance(found, bool) and found >= 0:
            return found
    return None
