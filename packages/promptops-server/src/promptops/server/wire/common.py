"""Names that the shapes share."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta

__all__ = ["JsonObject", "TemplateFormat", "Timestamp"]

JsonObject = dict[str, Any]
Timestamp = Annotated[datetime, Meta(tz=True)]
TemplateFormat = Literal["mustache", "f-string", "none", "jinja2"]
