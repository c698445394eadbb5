"""Prompts and their versions in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec
from promptops.core.errors import ConflictError
from promptops.server import wire
from promptops.server.grants import Grant
from promptops.server.idempotency import Once
from promptops.server.stores._audit import Action, record
from promptops.server.stores._base import SqliteBase
from promptops.server.stores._prompt_rows import (
    ASKED,
    COLUMNS,
    LATEST,
    find,
    get,
    is_uuid,
    prompt_of,
    reread,
)
from promptops.server.stores._session import Row, Session
from promptops.server.stores.prompt_protocol import (
    Current,
    Fetch,
    PromptChange,
    PromptFilter,
    StoredPrompt,
    Which,
)
from promptops.server.stores.scope import Scoped
from promptops.server.stores.sqlite_labels import drop_labels, labels_at
from promptops.server.versions import sort_key

__all__ = ["SqlitePrompts"]

_encode = msgspec.json.Encoder().encode

# ruff: noqa: S608 - every statement below is put together from constants of this module; values are parameters
_ASKED_EACH: Final = ASKED.format(
    version="json_extract(w.value, '$.version')", label="json_extract(w.value, '$.label')"
)
_MANY: Final = Scoped(
    f"SELECT {COLUMNS}, json_extract(w.value, '$.reference') FROM json_each(:wanted) w"
    " JOIN prompts p ON p.id = coalesce(json_extract(w.value, '$.id'), (SELECT q.id FROM prompts q"
    " WHERE q.project_id = :project AND q.slug = json_extract(w.value, '$.reference')))"
    " JOIN prompt_versions v ON v.prompt_id = p.id"
    f" AND v.sort_key = {_ASKED_EACH} WHERE {{p:granted}}"
)
_VERSIONS: Final = Scoped(
    f"SELECT {COLUMNS} FROM prompts p JOIN prompt_versions v ON v.prompt_id = p.id"
    " WHERE p.id = :id AND {p:granted} ORDER BY v.sort_key DESC LIMIT :limit OFFSET :offset"
)
_COUNT_VERSIONS: Final = Scoped("SELECT count(*) FROM prompt_versions v WHERE v.prompt_id = :id AND {v:granted}")
_HAS: Final = Scoped(
    "SELECT 1 FROM prompt_versions v WHERE v.prompt_id = :id AND v.content_hash = :content_hash AND {v:granted} LIMIT 1"
)
_SLUGS: Final = Scoped("SELECT p.slug FROM prompts p WHERE {p:granted} ORDER BY p.created_at DESC LIMIT :limit")
_FILTER: Final = (
    f"FROM prompts p JOIN prompt_versions v ON v.prompt_id = p.id AND v.sort_key = {LATEST} WHERE {{p:granted}}"
    " AND (:module_id IS NULL OR p.module_id = :module_id)"
    " AND (:query IS NULL OR p.name LIKE :query ESCAPE '\\' OR p.slug LIKE :query ESCAPE '\\'"
    " OR json_extract(v.document, '$.description') LIKE :query ESCAPE '\\'"
    " OR json_extract(v.document, '$.content') LIKE :query ESCAPE '\\')"
    " AND NOT EXISTS (SELECT 1 FROM json_each(:tags) t"
    " WHERE t.value NOT IN (SELECT w.value FROM json_each(v.document, '$.tags') w))"
)
_DEFAULT_SORT: Final = ("created_at", True)
_COUNT: Final = Scoped(f"SELECT count(*) {_FILTER}")
_SORTS: Final = {"created_at": "v.created_at", "updated_at": "v.updated_at", "name": "p.name", "version": "v.sort_key"}
_RANK: Final = (
    "CASE WHEN lower(p.slug) = lower(:text) OR lower(p.name) = lower(:text) THEN 0"
    " WHEN p.slug LIKE :prefix ESCAPE '\\' OR p.name LIKE :prefix ESCAPE '\\' THEN 1"
    " WHEN p.slug LIKE :query ESCAPE '\\' OR p.name LIKE :query ESCAPE '\\' THEN 2 ELSE 3 END"
)
_RANKED: Final = Scoped(
    f"SELECT {COLUMNS} {_FILTER} ORDER BY {_RANK}, v.created_at DESC, p.id LIMIT :limit OFFSET :offset"
)
_LISTS: Final = {
    (name, descending): Scoped(
        f"SELECT {COLUMNS} {_FILTER} ORDER BY {column} {'DESC' if descending else 'ASC'}, p.id"
        " LIMIT :limit OFFSET :offset"
    )
    for name, column in _SORTS.items()
    for descending in (False, True)
}
_INSERT: Final = Scoped("INSERT INTO prompts VALUES (:id, :project_id, :slug, :name, :module_id, :created_by, 1, :now)")
_INSERT_VERSION: Final = Scoped(
    "INSERT INTO prompt_versions VALUES"
    " (:id, :sort_key, :project_id, :version, 'active', :document, :content_hash, 1, :now, :now)"
)
_RENAME: Final = Scoped(
    "UPDATE prompts AS p SET name = :name, module_id = :module_id, revision = revision + 1 WHERE p.id = :id"
    " AND {p:granted}"
)
_EDIT: Final = Scoped(
    "UPDATE prompt_versions AS v SET document = :document, content_hash = :content_hash, revision = revision + 1,"
    " updated_at = :now WHERE v.prompt_id = :id AND v.sort_key = :sort_key AND {v:granted}"
)
_VERSIONS_OF: Final = Scoped(
    "SELECT v.version FROM prompt_versions v WHERE v.prompt_id = :id AND {v:granted} ORDER BY v.sort_key DESC"
)
_DELETE: Final = Scoped("DELETE FROM prompts AS p WHERE p.id = :id AND {p:granted}")
_DELETE_VERSION: Final = Scoped(
    "DELETE FROM prompt_versions AS v WHERE v.prompt_id = :id AND v.sort_key = :sort_key AND {v:granted}"
)


class SqlitePrompts(SqliteBase):
    """See :class:`promptops.server.stores.protocol.PromptStore`."""

    async def get_prompt(self, grant: Grant, reference: str, which: Which) -> wire.PromptResponse | None:
        """One version."""
        stored = get(self._inline, grant, reference, which)
        return None if stored is None else stored.prompt

    async def get_prompts(self, grant: Grant, wanted: Mapping[str, Which]) -> dict[str, wire.PromptResponse]:
        """Those of the prompts that exist, in one query."""
        asked = [
            {
                "reference": reference,
                "id": reference.lower() if is_uuid(reference) else None,
                "version": None if which.version is None else sort_key(which.version),
                "label": which.label,
            }
            for reference, which in wanted.items()
        ]

        def work(session: Session) -> dict[str, wire.PromptResponse]:
            rows = session.all(_MANY, grant, wanted=_encode(asked).decode(), project=grant.default)
            return {row[15]: prompt_of(row) for row in rows}

        return await self._listing(work)

    async def list_prompts(self, grant: Grant, wanted: PromptFilter) -> tuple[list[wire.PromptResponse], int]:
        """The latest version of each prompt, and how many prompts there are."""
        values = {
            "module_id": wanted.module_id,
            "query": None if wanted.query is None else f"%{_escaped(wanted.query)}%",
            "tags": _encode(wanted.tags).decode(),
        }
        statement = _LISTS[wanted.sort_by, wanted.descending]
        page: dict[str, Any] = {"limit": wanted.limit, "offset": wanted.offset}
        if wanted.query is not None and (wanted.sort_by, wanted.descending) == _DEFAULT_SORT:
            statement = _RANKED
            page |= {"text": wanted.query, "prefix": f"{_escaped(wanted.query)}%"}

        def work(session: Session) -> tuple[list[wire.PromptResponse], int]:
            rows = session.all(statement, grant, **page, **values)
            return [prompt_of(row) for row in rows], _number(session.one(_COUNT, grant, **values))

        return await self._listing(work)

    async def list_versions(
        self, grant: Grant, reference: str, *, limit: int, offset: int
    ) -> tuple[list[wire.PromptResponse], int] | None:
        """The versions of a prompt, highest first, and how many there are."""

        def work(session: Session) -> tuple[list[wire.PromptResponse], int] | None:
            found = find(session, grant, reference)
            if found is None:
                return None
            rows = session.all(_VERSIONS, grant, id=found[0], limit=limit, offset=offset)
            return [prompt_of(row) for row in rows], _number(session.one(_COUNT_VERSIONS, grant, id=found[0]))

        return await self._listing(work)

    async def recent_slugs(self, grant: Grant, *, limit: int) -> list[str]:
        """The slugs of the newest prompts."""
        return await self._listing(lambda session: [row[0] for row in session.all(_SLUGS, grant, limit=limit)])

    async def insert_prompt(
        self, grant: Grant, prompt_id: str, slug: str, make: Callable[[Fetch], PromptChange], once: Once | None
    ) -> wire.PromptResponse:
        """Create a prompt in the default project."""

        def work(session: Session) -> wire.PromptResponse:
            change = make(_fetching(session, grant, grant.default))
            now = session.now()
            values = _values(prompt_id, grant.default, change, now)
            head = {"id": prompt_id, "project_id": grant.default, "slug": slug, "name": change.name, "now": now}
            try:
                session.run(_INSERT, grant, **head, module_id=change.module_id, created_by=grant.subject)
            except sqlite3.IntegrityError as error:
                raise _taken(error, slug, change.name) from error
            session.run(_INSERT_VERSION, grant, **values)
            _audit(session, grant, values, "created")
            return reread(session, grant, prompt_id, change.version)

        return await self._write(once, work)

    async def change_prompt(
        self,
        grant: Grant,
        reference: str,
        version: str | None,
        decide: Callable[[Current], PromptChange],
        once: Once | None,
    ) -> wire.PromptResponse | None:
        """Read a version (or the latest), decide, write: in one transaction."""

        def work(session: Session) -> wire.PromptResponse | None:
            stored = get(session, grant, reference, Which(version=version))
            if stored is None:
                return None
            current = stored.prompt
            fetch = _fetching(session, grant, current.project_id)

            def has(content_hash: str) -> bool:
                return session.one(_HAS, grant, id=current.id, content_hash=content_hash) is not None

            change = decide(Current(prompt=current, document=stored.document, fetch=fetch, has=has))
            values = _values(current.id, current.project_id, change, session.now())
            if (change.name, change.module_id) != (current.name, current.module_id):
                try:
                    session.run(_RENAME, grant, id=current.id, name=change.name, module_id=change.module_id)
                except sqlite3.IntegrityError as error:
                    raise _taken(error, current.slug, change.name) from error
            if change.new_version:
                try:
                    session.run(_INSERT_VERSION, grant, **values)
                except sqlite3.IntegrityError as error:
                    raise ConflictError(
                        f"Version {change.version} of prompt '{current.slug}' exists; name another version, or leave"
                        " it out to get the next one."
                    ) from error
            else:
                session.run(_EDIT, grant, **values)
            if change.new_version:
                _audit(session, grant, values, "versioned", from_version=current.version)
            else:
                _audit(session, grant, values, "edited")
            return reread(session, grant, current.id, change.version)

        return await self._write(once, work)

    async def delete_prompt(
        self,
        grant: Grant,
        reference: str,
        version: str | None,
        check: Callable[[wire.PromptResponse, Sequence[str]], None],
        once: Once | None,
    ) -> wire.PromptDeleted | None:
        """Delete one version or all, and their labels; a prompt without versions is gone."""

        def work(session: Session) -> wire.PromptDeleted | None:
            stored = get(session, grant, reference, Which(version=version))
            if stored is None:
                return None
            current = stored.prompt
            labels = labels_at(session, grant, current.id, version)
            check(current, [each.label for each in labels])
            drop_labels(session, grant, current.id, current.project_id, labels)
            every = [row[0] for row in session.all(_VERSIONS_OF, grant, id=current.id)]
            gone = every if version is None else [version]
            record(session, grant, "prompt", "deleted", current.id, project_id=current.project_id, version=version)
            if gone == every:
                session.run(_DELETE, grant, id=current.id)
            else:
                session.run(_DELETE_VERSION, grant, id=current.id, sort_key=sort_key(current.version))
            return wire.PromptDeleted(deleted=True, versions=gone)

        return await self._write(once, work)


def _values(prompt_id: str, project_id: str, change: PromptChange, now: int) -> dict[str, Any]:
    return {
        "id": prompt_id,
        "project_id": project_id,
        "version": change.version,
        "sort_key": sort_key(change.version),
        "document": _encode(change.document).decode(),
        "content_hash": change.content_hash,
        "now": now,
    }


def _fetching(session: Session, grant: Grant, project: str) -> Fetch:
    here = grant.narrowed(project)

    def fetch(slug: str, which: Which) -> StoredPrompt | None:
        return None if is_uuid(slug) else get(session, here, slug, which)

    return fetch


def _audit(
    session: Session, grant: Grant, values: dict[str, Any], action: Action, *, from_version: str | None = None
) -> None:
    facts = {name: values[name] for name in ("project_id", "version", "content_hash")}
    record(session, grant, "prompt", action, values["id"], **facts, from_version=from_version)


def _taken(error: sqlite3.IntegrityError, slug: str, name: str) -> ConflictError:
    if "prompts.slug" in str(error):
        return ConflictError(f"A prompt with the slug '{slug}' exists in this project; give another slug.")
    return ConflictError(f"A prompt named '{name}' exists in this project; give another name.")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _number(row: Row | None) -> int:
    return 0 if row is None else int(row[0])
