"""What a server says when a prompt changed: the message, as it travels over Redis."""

from __future__ import annotations

from typing import Final

import msgspec

__all__ = ["CHANNEL", "Change", "Everything", "understand"]

CHANNEL: Final = "promptops:changes"
_FORMAT: Final = 1


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt of which something changed: a version, a label, or that it exists.

    Attributes:
        project: The id of its project.
        prompt_id: Its id.
        slug: Its slug.
        version: The version that was written, when it was one; None when several things may have changed.
    """

    project: str
    prompt_id: str
    slug: str
    version: str | None = None


class Everything(msgspec.Struct, frozen=True):
    """Anything may have changed."""


class _Message(msgspec.Struct, frozen=True, kw_only=True):
    v: int
    project: str = ""
    prompt_id: str = ""
    slug: str | None = None
    version: str | None = None
    everything: bool = False


_decode = msgspec.json.Decoder(_Message).decode


def understand(data: bytes) -> Change | Everything | None:
    """What a message says; None when it is none of ours.

    A message of a later format, or one that names no prompt, says that something changed and not what.
    """
    try:
        message = _decode(data)
    except msgspec.DecodeError:
        return None
    if message.v != _FORMAT or message.everything or not message.slug or not message.prompt_id:
        return Everything()
    return Change(project=message.project, prompt_id=message.prompt_id, slug=message.slug, version=message.version)
