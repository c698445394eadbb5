"""What images and files are: data addresses taken apart, media types told by what is there to tell them."""

from __future__ import annotations

from typing import Final, TypeVar
from urllib.parse import unquote_to_bytes, urlsplit

import msgspec
from promptops.prompts.formats._parts import File, Image
from promptops.prompts.formats._report import Report

__all__ = ["data_url", "guessed", "opened", "split_data_url", "told"]

P = TypeVar("P", bound=Image | File)

# How the Base64 text of a file of this type begins.
_BEGINNINGS: Final = {
    "iVBORw0KGgo": "image/png",
    "/9j/": "image/jpeg",
    "R0lGOD": "image/gif",
    "UklGR": "image/webp",
    "JVBERi0": "application/pdf",
}
_ENDINGS: Final = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".gif": "image/gif",
    ".webp": "image/webp",
    ".pdf": "application/pdf",
    ".txt": "text/plain",
    ".md": "text/markdown",
    ".csv": "text/csv",
    ".json": "application/json",
    ".html": "text/html",
}


def split_data_url(url: str) -> tuple[str, str] | None:
    """The media type and the Base64 text of a ``data:`` address; None for any other."""
    head, comma, text = url.partition(",")
    if not comma or head[:5].lower() != "data:":
        return None
    kind, *options = head[5:].split(";")
    if "base64" in options:
        return kind or "text/plain", text
    from base64 import b64encode

    return kind or "text/plain", b64encode(unquote_to_bytes(text)).decode()


def data_url(media_type: str, data: str) -> str:
    """The ``data:`` address of Base64 text."""
    return f"data:{media_type};base64,{data}"


def opened(part: P, place: str, report: Report) -> P:
    """The part with its data out of a ``data:`` address, and with the media type of its data.

    Without either the media type is refused: no provider takes data without it.
    """
    if part.url is not None and (found := split_data_url(part.url)) is not None:
        return msgspec.structs.replace(part, url=None, data=found[1], media_type=found[0])
    if part.data is None or part.media_type is not None:
        return part
    media_type = told(part.data) or (guessed(part.filename) if isinstance(part, File) else None)
    if media_type is None:
        report.refuse(f"{place}.media_type", "what the data is cannot be told; give its media_type", "missing")
        return part
    return msgspec.structs.replace(part, media_type=media_type)


def told(data: str) -> str | None:
    """The media type that Base64 text begins like."""
    return next((kind for beginning, kind in _BEGINNINGS.items() if data.startswith(beginning)), None)


def guessed(name: str | None) -> str | None:
    """The media type that the end of an address or a file name speaks for."""
    path = urlsplit(name or "").path.lower()
    return next((kind for ending, kind in _ENDINGS.items() if path.endswith(ending)), None)
