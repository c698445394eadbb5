"""Which version a caller asks for, with a version or a label."""

from __future__ import annotations

from promptops.server import versions
from promptops.server.labels import check_label
from promptops.server.refusals import invalid
from promptops.server.stores.prompt_protocol import Which

__all__ = ["which_of"]


def which_of(version: str | None, label: str | None) -> Which:
    """The version that is asked for.

    Raises:
        ValidationError: One of them cannot be what it says, or both are given.
    """
    if version is not None and label is not None:
        raise invalid("label", "give a version or a label, not both", "conflicting_fields")
    if label is not None:
        return Which(label=check_label(label))
    return Which(version=versions.normalise(version))
