"""The record of writes: one row for each, in the transaction of the write."""

from __future__ import annotations

from typing import Any, Final, Literal

from promptops.server.changes import Changed
from promptops.server.grants import Grant
from promptops.server.stores._session import Session
from promptops.server.stores.scope import Scoped

__all__ = ["Action", "Kind", "record"]

Kind = Literal["prompt", "dataset", "experiment", "key"]
Action = Literal[
    "created",
    "versioned",
    "edited",
    "deleted",
    "label_moved",
    "label_removed",
    "renamed",
    "examples_added",
    "examples_changed",
    "examples_removed",
    "schema_set",
    "runs_added",
    "revoked",
]

_INSERT: Final = Scoped(
    "INSERT INTO audit (project_id, key_id, action, kind, object_id, version, content_hash, request_id, at, label,"
    " from_version) VALUES (:project_id, :key_id, :action, :kind, :object_id, :version, :content_hash, :request_id,"
    " :at, :label, :from_version)"
)
_SLUG: Final = Scoped("SELECT p.slug FROM prompts p WHERE p.id = :id AND {p:granted}")


def record(
    session: Session,
    grant: Grant,
    kind: Kind,
    action: Action,
    object_id: str,
    *,
    project_id: str,
    version: str | None = None,
    content_hash: str | None = None,
    label: str | None = None,
    from_version: str | None = None,
) -> None:
    """Note who did what, in the transaction that does it; a prompt must still be there when it is noted."""
    values: dict[str, Any] = {
        "project_id": project_id,
        "key_id": grant.subject,
        "action": action,
        "kind": kind,
        "object_id": object_id,
        "version": version,
        "content_hash": content_hash,
        "request_id": grant.request_id,
        "at": session.now(),
        "label": label,
        "from_version": from_version,
    }
    session.run(_INSERT, grant, **values)
    if kind == "prompt":
        found = session.one(_SLUG, grant, id=object_id)
        slug = None if found is None else found[0]
        session.changes.append(Changed(project_id=project_id, prompt_id=object_id, slug=slug, version=version))
