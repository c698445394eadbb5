"""Names of fields and attributes in a query, read and written as the expressions that the server takes for them."""

from __future__ import annotations

import keyword
import re
from typing import Final

from promptops.phoenix._checks import check_name, refused, shown

__all__ = ["SPAN_ID", "TRACE_ID", "check_element", "expression", "label_of", "not_empty"]

SPAN_ID: Final = "context.span_id"
TRACE_ID: Final = "context.trace_id"

_CONTEXT: Final = {"span_id": SPAN_ID, "trace_id": TRACE_ID, SPAN_ID: SPAN_ID, TRACE_ID: TRACE_ID}
_FIELDS: Final = frozenset(
    {
        "name",
        "span_kind",
        "parent_id",
        "start_time",
        "end_time",
        "status_code",
        "status_message",
        "latency_ms",
        "cumulative_llm_token_count_prompt",
        "cumulative_llm_token_count_completion",
        "cumulative_llm_token_count_total",
    }
)
_ATTRIBUTES: Final = "attributes"
_EVENTS: Final = "events"
_RESERVED: Final = _FIELDS | {_ATTRIBUTES, _EVENTS, "context", "span_id", "trace_id"}
_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PART: Final = re.compile(r"[\w$@#/:+-]+(?: +[\w$@#/:+-]+)*")
_NEXT: Final = re.compile(rf"\.({_PART.pattern})|\[([0-9]{{1,9}})\]|\['([^'\\]+)'\]|\[\"([^\"\\]+)\"\]")
_INDEX: Final = re.compile(r"[0-9]{1,9}")
_RULE: Final = (
    'must be names with dots between them (llm.model_name), with other characters in brackets (attributes["a.b"]), not'
)


def label_of(name: str) -> str:
    """What the column of a field or attribute is called when nobody says: its name, as in Phoenix's data frames."""
    return _CONTEXT.get(name, name)


def expression(field: str, name: str) -> str:
    """Return what the server is asked for.

    Args:
        field: The part of the query, for the message.
        name: A field of a span, or an attribute: ``llm.model_name``, with or without ``attributes.`` before it. A
            number is a place in a list (``retrieval.documents.0.document.content``).

    Raises:
        ValidationError: It cannot be read, or is something that the server does not give out this way.
    """
    check_name(field, name)
    if name in _CONTEXT or name in _FIELDS:
        return _CONTEXT.get(name, name)
    parts = _attribute(field, name)
    words = [part for part in parts if isinstance(part, str) and _WORD.fullmatch(part) and not keyword.iskeyword(part)]
    # A single word of one letter fails on the server, and a reserved one is something else.
    if len(words) == len(parts) > 1 and words[0] not in _RESERVED:
        return ".".join(words)
    return _subscripts(parts)


def not_empty(field: str, name: str) -> str | None:
    """Return the condition that a list has items, the first of which is not null; None for a field of a span.

    Args:
        field: The part of the query, for the message.
        name: As for :func:`expression`.
    """
    if name in _CONTEXT or name in _FIELDS:
        return None
    return f"{_subscripts([*_attribute(field, name), 0])} is not None"


def check_element(field: str, name: str) -> str:
    """Return the name of what is taken from each object of a list (``document.content``).

    Raises:
        ValidationError: It is not names with dots between them.
    """
    check_name(field, name)
    if not all(_PART.fullmatch(part) for part in name.split(".")):
        raise refused(field, f"must be names with dots between them (document.content), not {shown(name)}")
    return name


def _attribute(field: str, name: str) -> list[str | int]:
    parts = _parts(field, name)
    if parts[0] == _ATTRIBUTES:
        parts = parts[1:]
    if not parts or name == _EVENTS:
        reason = (
            f"cannot name {name} as a whole, which the server answers with nothing; a query without select, explode"
        )
        raise refused(field, f"{reason} and concat has all of it")
    return parts


def _subscripts(parts: list[str | int]) -> str:
    return _ATTRIBUTES + "".join(f"[{part!r}]" for part in parts)


def _parts(field: str, name: str) -> list[str | int]:
    first = _PART.match(name)
    if first is None or _INDEX.fullmatch(first[0]):
        raise refused(field, f"{_RULE} {shown(name)}")
    parts: list[str | int] = [first[0]]
    place = first.end()
    while place < len(name):
        found = _NEXT.match(name, place)
        if found is None:
            raise refused(field, f"{_RULE} {shown(name)}")
        word, number, *quoted = found.groups()
        if number is not None or (word is not None and _INDEX.fullmatch(word)):
            parts.append(int(number or word))
        else:
            parts.append(next(text for text in (word, *quoted) if text is not None))
        place = found.end()
    return parts
