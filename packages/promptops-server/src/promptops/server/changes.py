"""What a committed write changed, for those who are told of it."""

from __future__ import annotations

from msgspec import Struct

__all__ = ["Changed"]


class Changed(Struct, frozen=True, kw_only=True):
    """A prompt of which something changed.

    Attributes:
        project_id: Its project.
        prompt_id: Its id.
        slug: Its slug; None when the prompt was gone before anybody asked.
        version: The version that was written, or None.
    """

    project_id: str
    prompt_id: str
    slug: str | None
    version: str | None
