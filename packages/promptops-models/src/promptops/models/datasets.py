"""Dataset examples as users see them: the server's own fields apart from the user's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from promptops.models._preparing import prepared

__all__ = ["RESERVED_EXAMPLE_FIELDS", "DatasetExample"]

RESERVED_EXAMPLE_FIELDS: Final = ("id", "created_at", "updated_at")


class DatasetExample(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One example of a dataset.

    The user's own fields read like those of a dictionary: ``example["question"]``, ``example.get("hint")``,
    ``"hint" in example``.

    Attributes:
        id: The server's id of the example.
        fields: The user's own fields, any JSON values.
        created_at: When it was stored, or None when the server does not say.
        updated_at: When it was last changed, or None when the server does not say.
    """

    id: str
    fields: Mapping[str, Any]
    created_at: datetime | None = None
    updated_at: datetime | None = None

    def __getitem__(self, name: str) -> Any:
        """Return the user's field ``name``; a field that is not there raises ``KeyError`` naming those that are."""
        try:
            return self.fields[name]
        except KeyError:
            there = ", ".join(sorted(self.fields)) or "none"
            raise KeyError(f"example {self.id} has no field {name!r}; its fields: {there}") from None

    def __contains__(self, name: object) -> bool:
        return name in self.fields

    def __iter__(self) -> Iterator[str]:
        return iter(self.fields)

    def get(self, name: str, default: Any = None) -> Any:
        """Return the user's field ``name``, or ``default``."""
        return self.fields.get(name, default)

    @classmethod
    def from_wire(cls, item: Mapping[str, Any]) -> DatasetExample:
        """Make an example of the flat object that the server sends.

        Raises:
            msgspec.ValidationError: ``id`` is missing, or a field of the server's has the wrong type.
        """
        own = msgspec.convert({name: item[name] for name in RESERVED_EXAMPLE_FIELDS if name in item}, prepared(_Own))
        fields = {name: value for name, value in item.items() if name not in RESERVED_EXAMPLE_FIELDS}
        return cls(id=own.id, fields=fields, created_at=own.created_at, updated_at=own.updated_at)

    def to_wire(self) -> dict[str, Any]:
        """Return the user's fields as the flat object that a create or an insert takes."""
        return dict(self.fields)


class _Own(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    created_at: datetime | None = None
    updated_at: datetime | None = None
