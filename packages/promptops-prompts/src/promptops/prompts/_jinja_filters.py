"""The filters of jinja2 templates: those of jinja2 that need no attribute and whose result has a bound."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from typing import Any, Final

import msgspec
from jinja2 import Undefined, pass_context
from promptops.prompts._jinja_work import TemplateFailure, WorkContext, is_number, operation, text, weigh
from promptops.prompts._values import type_of
from promptops.prompts._work import Work

__all__ = ["FILTERS"]


def _text(value: Any) -> str:
    if type_of(value) is not str:
        raise TemplateFailure("the filter takes a text")
    return str(value)


def _list(value: Any) -> list[Any]:
    if type_of(value) in {list, tuple, dict}:
        return list(value)
    raise TemplateFailure("the filter takes a list or a dict")


def _string_filter(change: Callable[[str], str]) -> Callable[..., Any]:
    @operation
    def changed(work: Work, value: Any) -> str:
        return change(text(work, value))

    return changed


def _title(value: str) -> str:
    return "".join([piece[:1].upper() + piece[1:].lower() for piece in re.split(r"([-\s({\[<]+)", value)])


@operation
def _trim(work: Work, value: Any, chars: str | None = None) -> str:
    return text(work, value).strip(None if chars is None else _text(chars))


@operation
def _replace(work: Work, value: Any, old: str, new: str, count: int = -1) -> str:
    source = text(work, value)
    times = source.count(_text(old))
    work.spend(4 * times * len(_text(new)) + 4 * len(source))
    return source.replace(old, new, count)


@operation
def _indent(work: Work, value: Any, width: Any = 4, first: bool = False, blank: bool = False) -> str:
    source = text(work, value)
    if type_of(width) is int:
        work.spend(max(width, 0))
        width = " " * width
    prefix = _text(width)
    work.spend(4 * (source.count("\n") + 1) * (len(prefix) + 1) + 4 * len(source))
    head, newline, tail = source.partition("\n")
    lines = textwrap.indent(tail, prefix, (lambda _: True) if blank else None)
    return (prefix if first else "") + head + newline + lines


@operation
def _join(work: Work, value: Any, separator: Any = "") -> str:
    between = text(work, separator)
    pieces = [text(work, item) for item in _list(value)]
    work.spend(4 * len(between) * len(pieces))
    return between.join(pieces)


@operation
def _length(_: Work, value: Any) -> int:
    if type_of(value) not in {str, list, tuple, dict}:
        raise TemplateFailure("the filter takes a text, a list or a dict")
    return len(value)


def _end(place: int) -> Callable[..., Any]:
    @operation
    def end(_: Work, value: Any) -> Any:
        items = value if type_of(value) is str else _list(value)
        if not items:
            raise TemplateFailure("there is no first and no last item of nothing")
        return items[place]

    return end


@operation
def _listed(_: Work, value: Any) -> list[Any]:
    return _list(value)


@operation
def _reverse(_: Work, value: Any) -> Any:
    return value[::-1] if type_of(value) is str else _list(value)[::-1]


@operation
def _sort(work: Work, value: Any, reverse: bool = False, case_sensitive: bool = False) -> list[Any]:
    items = _ordered(work, value)
    key = str.lower if not case_sensitive and items and type_of(items[0]) is str else None
    return sorted(items, key=key, reverse=bool(reverse))


@operation
def _unique(work: Work, value: Any) -> list[Any]:
    return list(dict.fromkeys(_ordered(work, value)))


@operation
def _items(work: Work, value: Any) -> list[Any]:
    if type_of(value) is not dict:
        raise TemplateFailure("the filter takes a dict")
    work.spend(80 * len(value))
    return [[key, item] for key, item in value.items()]


@operation
def _tojson(work: Work, value: Any, indent: int | None = None) -> str:
    count = weigh(work, value)
    encoded = msgspec.json.encode(value).decode() if type_of(value) is str else text(work, value)
    if indent is None:
        return encoded
    if type_of(indent) is not int or not 0 <= indent <= 8:
        raise TemplateFailure("the indentation is a number from 0 to 8")
    work.spend(16 * (indent + 1) * count)
    return msgspec.json.format(encoded, indent=indent)


@operation
def _int(_: Work, value: Any, default: Any = 0) -> Any:
    return _converted(int, value, default)


@operation
def _float(_: Work, value: Any, default: Any = 0.0) -> Any:
    return _converted(float, value, default)


@operation
def _round(_: Work, value: Any, precision: int = 0) -> Any:
    return round(float(_number(value)), min(max(precision, -20), 20))


@operation
def _abs(_: Work, value: Any) -> Any:
    return abs(_number(value))


@operation
def _sum(_: Work, value: Any) -> Any:
    return sum(_number(item) for item in _list(value))


def _extreme(choose: Callable[[list[Any]], Any]) -> Callable[..., Any]:
    @operation
    def extreme(work: Work, value: Any) -> Any:
        items = _ordered(work, value)
        if not items:
            raise TemplateFailure("there is no smallest and no largest item of nothing")
        return choose(items)

    return extreme


@pass_context
def _default(context: WorkContext, value: Any, default: Any = "", boolean: bool = False) -> Any:
    context.work.spend(1)
    return default if isinstance(value, Undefined) or (boolean and not value) else value


def _ordered(work: Work, value: Any) -> list[Any]:
    items = _list(value)
    weigh(work, items)
    work.spend(weigh(work, items) * len(items).bit_length())
    if all(type_of(item) is str for item in items) or all(is_number(item) for item in items):
        return items
    raise TemplateFailure("the filter takes a list of texts or a list of numbers")


def _number(value: Any) -> Any:
    if not is_number(value):
        raise TemplateFailure("the filter takes a number")
    return value


def _converted(kind: Callable[[Any], Any], value: Any, default: Any) -> Any:
    if not is_number(value) and (type_of(value) is not str or len(value) > 400):
        return default
    try:
        return kind(value)
    except (ValueError, OverflowError):
        return default


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "abs": _abs,
    "capitalize": _string_filter(str.capitalize),
    "count": _length,
    "d": _default,
    "default": _default,
    "first": _end(0),
    "float": _float,
    "indent": _indent,
    "int": _int,
    "items": _items,
    "join": _join,
    "last": _end(-1),
    "length": _length,
    "list": _listed,
    "lower": _string_filter(str.lower),
    "max": _extreme(max),
    "min": _extreme(min),
    "replace": _replace,
    "reverse": _reverse,
    "round": _round,
    "sort": _sort,
    "string": operation(text),
    "sum": _sum,
    "title": _string_filter(_title),
    "tojson": _tojson,
    "trim": _trim,
    "unique": _unique,
    "upper": _string_filter(str.upper),
}
