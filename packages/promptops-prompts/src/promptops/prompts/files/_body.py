"""The text below the front matter: one text, or messages under role lines.

A role line is ``::: role`` or ``::: role name``; what is no plain word is a JSON string (``::: user "Ada L."``). Text
runs to the next role line. The empty line before a role line and the line end at the end of the file belong to the
file, not to the text, and so does one empty line below the front matter. A line of text that starts with ``:::``,
after any number of backslashes, is written with one backslash more.
"""

from __future__ import annotations

import json
import re
from typing import Final, NoReturn

from promptops.models import ChatMessage
from promptops.prompts.files._problem import refused_line

__all__ = ["fits_body", "format_messages", "format_text", "parse_body"]

_MARKED: Final = re.compile(r"\\*:::")
_WORD: Final = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_QUOTED: Final = r'"(?:[^"\\]|\\.)*"'
_ROLE_LINE: Final = re.compile(rf":::[ \t]*(?P<role>{_WORD}|{_QUOTED})(?:[ \t]+(?P<name>{_WORD}|{_QUOTED}))?[ \t]*")
# What editors, terminals and git treat as something else than text goes into the front matter, where it is escaped.
_UNFIT: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]")


def fits_body(text: str) -> bool:
    """Whether a text survives in the body: it has no carriage returns and no control characters but tabs."""
    return _UNFIT.search(text) is None


def format_text(text: str) -> str:
    """The body for one text."""
    return f"\n{_escaped(text)}\n" if text else ""


def format_messages(messages: list[ChatMessage]) -> str:
    """The body for messages that are all texts."""
    return "".join(f"\n{_role_line(message)}{_lines(message)}" for message in messages)


def parse_body(body: str, *, where: str, first_line: int) -> str | list[ChatMessage]:
    """The text or the messages of a body.

    Args:
        body: What follows the front matter, line ends already ``\\n``.
        where: The file, for errors.
        first_line: The number of the body's first line.

    Raises:
        ValidationError: A line starts with ``:::`` and is no role line, or text stands before the first one.
    """
    skipped = body.startswith("\n")
    lines = body.removeprefix("\n").removesuffix("\n").split("\n")
    first_line += skipped
    starts = [index for index, line in enumerate(lines) if line.startswith(":::")]
    if not starts:
        return "\n".join(map(_unescaped, lines))
    before = next((index for index, line in enumerate(lines[: starts[0]]) if line.strip()), None)
    if before is not None:
        reason = (
            f"text before the first role line; begin with a line like '::: user', or write '\\:::' in line"
            f" {first_line + starts[0]} if it is text"
        )
        raise refused_line(where, first_line + before, reason)
    messages: list[ChatMessage] = []
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        role, name = _parts(lines[start], where, first_line + start)
        text = lines[start + 1 : end]
        if end is not None and text and not text[-1]:
            text.pop()
        messages.append(ChatMessage(role=role, name=name, content="\n".join(map(_unescaped, text))))
    return messages


def _parts(line: str, where: str, number: int) -> tuple[str, str | None]:
    match = _ROLE_LINE.fullmatch(line)
    if match is None:
        _refuse_role_line(where, number)
    role, name = match["role"], match["name"]
    if role == "placeholder" and not name:
        raise refused_line(where, number, "a placeholder needs the name of its variable: '::: placeholder history'")
    try:
        return _plain(role), None if name is None else _plain(name)
    except ValueError:
        _refuse_role_line(where, number)


def _refuse_role_line(where: str, number: int) -> NoReturn:
    reason = "not a role line; write '::: user' or '::: user name', or '\\:::' if the line is text"
    raise refused_line(where, number, reason)


def _plain(word: str) -> str:
    return str(json.loads(word)) if word.startswith('"') else word


def _role_line(message: ChatMessage) -> str:
    parts = [message.role] if message.name is None else [message.role, message.name]
    return " ".join([":::", *(part if re.fullmatch(_WORD, part) else json.dumps(part) for part in parts)]) + "\n"


def _lines(message: ChatMessage) -> str:
    text = str(message.content)
    return f"{_escaped(text)}\n" if text else ""


def _escaped(text: str) -> str:
    return "\n".join(f"\\{line}" if _MARKED.match(line) else line for line in text.split("\n"))


def _unescaped(line: str) -> str:
    return line[1:] if line.startswith("\\") and _MARKED.match(line) else line
