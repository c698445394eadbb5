"""The parts of a message as the content blocks of Anthropic."""

from __future__ import annotations

import re
from base64 import b64decode
from typing import Any, Final

from promptops.prompts.formats._media import guessed, opened
from promptops.prompts.formats._parts import Call, File, Image, Result, Text, Turn, plain_json
from promptops.prompts.formats._report import Report

__all__ = ["blocks"]

_IMAGES: Final = ("image/jpeg", "image/png", "image/gif", "image/webp")
_PDF: Final = "application/pdf"
_CALL_ID: Final = re.compile(r"[A-Za-z0-9_-]+")


def blocks(turn: Turn, role: str, report: Report) -> list[dict[str, Any]]:
    """The blocks of a message, results of tools first; what the role cannot carry is lost."""
    made: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for index, part in enumerate(turn.parts):
        place = turn.place(index)
        if isinstance(part, Result):
            if made:
                report.lose(place, "moved", "results of tools come before what else the message says")
            results.append(
                {
                    "type": "tool_result",
                    "tool_use_id": part.tool_call_id,
                    "content": part.content,
                    **({"is_error": True} if part.is_error else {}),
                }
            )
        elif isinstance(part, Text):
            if part.text.strip():
                made.append({"type": "text", "text": part.text})
            else:
                report.unsupported(place, "anthropic takes no text of blanks alone")
        elif isinstance(part, Call):
            if not _CALL_ID.fullmatch(part.id):
                report.refuse(f"{place}.id", "anthropic takes letters, digits, underscores and dashes")
            made.append({"type": "tool_use", "id": part.id, "name": part.name, "input": plain_json(part.arguments)})
        elif role != "user":
            report.unsupported(place, f"anthropic takes no images and files of the role {turn.role}")
        else:
            block = _image(part, place, report) if isinstance(part, Image) else _document(part, place, report)
            made += [block] if block is not None else []
    return results + made


def _image(given: Image, place: str, report: Report) -> dict[str, Any] | None:
    part = opened(given, place, report)
    if given.detail not in {None, "auto"}:
        report.unsupported(f"{place}.detail")
    if part.data is None:
        if part.media_type is not None:
            report.unsupported(f"{place}.media_type", "the server that has the image tells its type")
        return {"type": "image", "source": {"type": "url", "url": part.url}}
    if part.media_type not in _IMAGES:
        report.unsupported(place, f"anthropic takes images of the types {', '.join(_IMAGES)}")
        return None
    return {"type": "image", "source": {"type": "base64", "media_type": part.media_type, "data": part.data}}


def _document(given: File, place: str, report: Report) -> dict[str, Any] | None:
    part = opened(given, place, report)
    source: dict[str, Any]
    if part.file_id is not None:
        source = {"type": "file", "file_id": part.file_id}
        if part.media_type is not None:
            report.unsupported(f"{place}.media_type", "it is known of the file with this id")
    elif part.url is not None:
        kind = part.media_type or guessed(part.url)
        if kind is None:
            report.lose(f"{place}.media_type", "assumed", f"what is at the address is taken for {_PDF}")
        elif kind != _PDF:
            report.unsupported(place, f"anthropic takes files by an address of the type {_PDF} alone")
            return None
        source = {"type": "url", "url": part.url}
    elif part.media_type == _PDF:
        source = {"type": "base64", "media_type": _PDF, "data": part.data}
    elif part.media_type is not None and part.media_type.partition(";")[0] == "text/plain":
        try:
            text = b64decode(part.data or "", validate=True).decode()
        except ValueError:
            report.refuse(f"{place}.data", "it is no text in Base64 (UTF-8)")
            return None
        source = {"type": "text", "media_type": "text/plain", "data": text}
    else:
        report.unsupported(place, f"anthropic takes files of the types {_PDF} and text/plain")
        return None
    return {"type": "document", "source": source, **({"title": given.filename} if given.filename is not None else {})}
