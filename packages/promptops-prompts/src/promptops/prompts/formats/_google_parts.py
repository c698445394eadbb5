"""The parts of a message as the parts of a Gemini content."""

from __future__ import annotations

from base64 import b64decode
from typing import Any, Final

from promptops.prompts.formats._media import guessed, opened
from promptops.prompts.formats._parts import Call, File, Image, Result, Text, Turn, plain_json
from promptops.prompts.formats._report import Report

__all__ = ["SERVICE", "parts"]

# Where the service keeps the files that were uploaded to it; their ids are ``files/...``.
SERVICE: Final = "https://generativelanguage.googleapis.com/"
FILES: Final = f"{SERVICE}v1beta/"


def parts(turn: Turn, role: str, report: Report) -> list[dict[str, Any]]:
    """The parts of a message; what the role cannot carry is lost."""
    made: list[dict[str, Any]] = []
    for index, part in enumerate(turn.parts):
        place = turn.place(index)
        if isinstance(part, Text):
            if part.text:
                made.append({"text": part.text})
            else:
                report.unsupported(place, "google takes no empty text")
        elif isinstance(part, Call):
            call = {"id": part.id, "name": part.name, "args": plain_json(part.arguments)}
            made.append({"function_call": call})
        elif isinstance(part, Result):
            said = {"error" if part.is_error else "output": part.content}
            answer = {"id": part.tool_call_id, "name": turn.called[part.tool_call_id], "response": said}
            made.append({"function_response": answer})
        elif role == "system":
            report.unsupported(place, "google takes texts alone of the system")
        elif (medium := _medium(part, place, report)) is not None:
            made.append(medium)
    return made


def _medium(given: Image | File, place: str, report: Report) -> dict[str, Any] | None:
    part = opened(given, place, report)
    if isinstance(given, Image) and given.detail not in {None, "auto"}:
        report.unsupported(f"{place}.detail")
    if isinstance(given, File) and given.filename is not None:
        report.unsupported(f"{place}.filename")
    if part.data is not None:
        try:
            return {"inline_data": {"mime_type": part.media_type, "data": b64decode(part.data, validate=True)}}
        except ValueError:
            report.refuse(f"{place}.data", "it is no Base64")
            return None
    address = part.url
    if isinstance(part, File) and part.file_id is not None:
        if not part.file_id.startswith(("files/", SERVICE, "gs://")):
            report.unsupported(place, "google knows its own files alone, files/... and gs://...")
            return None
        address = f"{FILES}{part.file_id}" if part.file_id.startswith("files/") else part.file_id
    kind = part.media_type
    if kind is None and (kind := guessed(address)) is not None:
        report.lose(f"{place}.media_type", "assumed", f"google demands it; {kind}, after the end of the address")
    return {"file_data": {"file_uri": address, **({"mime_type": kind} if kind is not None else {})}}
