"""Filters of examples and runs: a small SQL-like language, read into a tree that says nothing of a database."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Literal, TypeAlias

from msgspec import Struct
from promptops.server.refusals import QueryError, invalid

__all__ = ["Comparison", "Filter", "Junction", "Negation", "Nullness", "Operator", "parse_filter"]

Operator = Literal["=", "!=", "<", "<=", ">", ">="]
_LONGEST: Final = 4_000
_MOST_TERMS: Final = 50
_DEEPEST: Final = 16
_UNREADABLE: Final = "unreadable_filter"
_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<text>'(?:[^']|'')*')
      | (?P<quoted>"[^"\\\x00-\x1f]+")
      | (?P<number>[-+]?\d{1,30}(?:\.\d{1,30})?(?:[eE][-+]?\d{1,3})?(?![\w.]))
      | (?P<sign><=|>=|<>|!=|==|=|<|>|\(|\))
      | (?P<word>[^\W\d][\w.\-]*)
    )""",
    re.VERBOSE,
)
_SIGNS: Final[dict[str, Operator]] = {
    "=": "=",
    "==": "=",
    "!=": "!=",
    "<>": "!=",
    "<": "<",
    "<=": "<=",
    ">": ">",
    ">=": ">=",
}
_TIMES: Final = frozenset({"created_at", "updated_at"})


class Comparison(Struct, frozen=True):
    """A column beside a value: true where the column has a value of that kind which compares so.

    ``!=`` is true for every value, of whatever kind, that is not equal; nothing compares with what is absent or null.
    """

    column: str
    operator: Operator
    value: str | int | float | bool


class Nullness(Struct, frozen=True):
    """Whether a column is absent or null."""

    column: str


class Negation(Struct, frozen=True):
    """Not."""

    of: Filter


class Junction(Struct, frozen=True):
    """Both, or one of the two."""

    word: Literal["AND", "OR"]
    left: Filter
    right: Filter


Filter: TypeAlias = Comparison | Nullness | Negation | Junction


def parse_filter(text: str | None) -> Filter | None:
    """Read a filter; None without one.

    Columns are compared with a quoted text, a number, ``true`` or ``false`` (``output = 'yes' AND latency > 5``), or
    asked with ``IS NULL`` and ``IS NOT NULL``; ``AND`` binds closer than ``OR``, ``NOT`` closer than both. A quote
    within a text is doubled; a column whose name is no plain word stands in double quotes.

    Raises:
        QueryError: It is blank.
        ValidationError: It is too long, or it cannot be read; the message says where.
    """
    if text is None:
        return None
    if not text.strip():
        message = "must not be blank; leave it out to get everything"
        raise QueryError(
            f"filter: {message}", validation_errors=[{"field": "filter", "message": message, "code": "empty"}]
        )
    if len(text) > _LONGEST:
        raise invalid("filter", f"at most {_LONGEST} characters", "too_long")
    return _Reader(text).read()


class _Reader:
    """Recursive descent over the tokens of one filter."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0
        self._terms = 0
        self._kind, self._token = "", ""
        self._advance()

    def read(self) -> Filter:
        found = self._junction("OR", lambda depth: self._junction("AND", self._unary, depth), 0)
        if self._kind:
            raise self._unexpected("AND, OR or the end")
        return found

    def _junction(self, word: Literal["AND", "OR"], inner: Callable[[int], Filter], depth: int) -> Filter:
        left = inner(depth)
        while self._takes(word):
            left = Junction(word, left, inner(depth))
        return left

    def _unary(self, depth: int) -> Filter:
        if depth >= _DEEPEST:
            raise invalid("filter", f"nests deeper than {_DEEPEST} levels", "too_deep")
        if self._takes("NOT"):
            return Negation(self._unary(depth + 1))
        if self._takes("("):
            found = self._junction("OR", lambda below: self._junction("AND", self._unary, below), depth + 1)
            if not self._takes(")"):
                raise self._unexpected("a closing parenthesis")
            return found
        return self._term()

    def _term(self) -> Filter:
        self._terms += 1
        if self._terms > _MOST_TERMS:
            raise invalid("filter", f"at most {_MOST_TERMS} comparisons", "too_long")
        if self._kind not in {"word", "quoted"}:
            raise self._unexpected("a column")
        column = self._token.strip('"')
        if column in _TIMES:
            raise invalid("filter", f"'{column}' cannot be compared; other columns can", _UNREADABLE)
        self._advance()
        if self._takes("IS"):
            negated = self._takes("NOT")
            if not self._takes("NULL"):
                raise self._unexpected("NULL")
            return Negation(Nullness(column)) if negated else Nullness(column)
        if self._kind != "sign" or self._token not in _SIGNS:
            raise self._unexpected("a comparison such as =")
        operator = _SIGNS[self._token]
        self._advance()
        return Comparison(column, operator, self._value(operator))

    def _value(self, operator: Operator) -> str | int | float | bool:
        kind, token = self._kind, self._token
        value: str | int | float | bool
        if kind == "text":
            value = token[1:-1].replace("''", "'")
        elif kind == "number":
            value = float(token) if re.search("[.eE]", token) else int(token)
            if isinstance(value, int) and not -(2**63) <= value < 2**63:
                value = float(value)
        elif token.lower() in {"true", "false"} and operator in {"=", "!="}:
            value = token.lower() == "true"
        else:
            raise self._unexpected("a text in single quotes, a number, or true or false")
        self._advance()
        return value

    def _takes(self, word: str) -> bool:
        if self._kind not in {"word", "sign"} or self._token.upper() != word:
            return False
        self._advance()
        return True

    def _advance(self) -> None:
        found = _TOKEN.match(self._text, self._place)
        if found is None:
            if self._text[self._place :].strip():
                self._kind, self._token = "unknown", self._text[self._place :].strip()[:1]
            else:
                self._kind, self._token = "", ""
            return
        self._kind = found.lastgroup or ""
        self._token = found[self._kind]
        self._place = found.end()

    def _unexpected(self, wanted: str) -> Exception:
        seen = f"'{self._token[:50]}'" if self._kind else "the end"
        return invalid("filter", f"expected {wanted}, found {seen} (before character {self._place + 1})", _UNREADABLE)
