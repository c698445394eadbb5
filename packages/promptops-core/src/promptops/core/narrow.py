"""Tell the shapes of decoded JSON apart, in a way that both type checkers follow."""

from __future__ import annotations

from typing import Any, TypeGuard

__all__ = ["is_array", "is_object"]


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Whether a decoded value is an array."""
    return isinstance(value, list)


def is_object(value: object) -> TypeGuard[dict[Any, Any]]:
    """Whether a decoded value is an object."""
    return isinstance(value, dict)
