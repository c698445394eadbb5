"""Statements that cannot forget the projects: SQL is run only through these, and each names where its projects go."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import msgspec
from promptops.server.grants import Grant

__all__ = ["Scoped", "granted", "scope_clause"]

_MARK: Final = re.compile(r"\{(\w+):granted\}")
_encode = msgspec.json.Encoder().encode


class Scoped:
    """A statement over tenant data.

    ``{p:granted}`` stands for "the project of ``p`` is one of those granted"; a statement without it is refused when it
    is declared, unless it is an insert that names its project.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        if _MARK.search(text) is None and not _inserts_with_project(text):
            raise ValueError(f"a statement over tenant data without its projects: {text}")
        self._text = text

    def render(self) -> str:
        """The SQL; ``:granted`` is its parameter for the projects."""
        return _rendered(self._text, scope_clause)


def scope_clause(alias: str) -> str:
    """The condition that keeps a table to the granted projects."""
    return f"{alias}.project_id IN (SELECT value FROM json_each(:granted))"  # noqa: S608 - aliases come from constants


def granted(grant: Grant) -> str:
    """The value of ``:granted``."""
    return _encode(grant.projects).decode()


def _inserts_with_project(text: str) -> bool:
    return text.lstrip().startswith("INSERT INTO") and ":project_id" in text


@lru_cache(maxsize=512)
def _rendered(text: str, clause: Callable[[str], str]) -> str:
    return _MARK.sub(lambda mark: clause(mark[1]), text)
