"""What a caller may do: a set of projects, the one that is meant when none is named, and scopes."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct, structs

__all__ = ["ALL_SCOPES", "Grant", "Scope"]


class Scope(StrEnum):
    """The rights that a key can carry."""

    PROMPTS_READ = "prompts:read"
    PROMPTS_WRITE = "prompts:write"
    PROMPTS_LABEL = "prompts:label"
    EXPERIMENTS = "experiments"
    TELEMETRY = "telemetry"
    ADMIN = "admin"


ALL_SCOPES: Final = frozenset(Scope)


class Grant(Struct, frozen=True, kw_only=True):
    """Every store method takes one first, and sees nothing outside of it.

    Attributes:
        projects: The ids of the granted projects; never empty for a caller.
        default: The id of the project that is meant when a request names none.
        scopes: What the caller may do there.
        subject: The public id of the key; None without keys.
        request_id: Of the request that is made with it, for the record of writes.
    """

    projects: tuple[str, ...]
    default: str
    scopes: frozenset[Scope]
    subject: str | None = None
    request_id: str | None = None

    def allows(self, scope: Scope) -> bool:
        """Whether the scope is granted; ``admin`` includes every other."""
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def narrowed(self, project: str) -> Grant:
        """The same rights in one of the granted projects alone."""
        if project not in self.projects:
            raise ValueError("a grant can only be narrowed to a project that it holds")
        return structs.replace(self, projects=(project,), default=project)

    @property
    def owner(self) -> str:
        """One string for the set of projects: what cursors and idempotency keys are bound to."""
        return "\n".join(sorted(self.projects))
