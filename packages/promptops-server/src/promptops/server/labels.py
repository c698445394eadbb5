"""What may be a label."""

from __future__ import annotations

import re
from typing import Final

from promptops.server import versions
from promptops.server.refusals import invalid

__all__ = ["LABEL", "check_label"]

LABEL: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def check_label(label: str, field: str = "label") -> str:
    """The label itself.

    Raises:
        ValidationError: It cannot be one: other characters, too long, ``latest``, or a version.
    """
    if LABEL.fullmatch(label) is None:
        raise invalid(field, "use 1 to 64 letters, digits and . _ - with a letter or digit first, for example staging")
    if label == "latest":
        raise invalid(field, "'latest' is no label: it is what you get without a version and without a label")
    if versions.is_version(label):
        raise invalid(field, "a label must not look like a version; name a version with the field version")
    return label
