"""The rules of labels, and the history of a prompt."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import UNSET
from promptops.core.errors import AuthorizationError, ConflictError, NotFoundError
from promptops.server import versions, wire
from promptops.server.grants import Grant, Scope
from promptops.server.idempotency import InFlight, Once
from promptops.server.labels import check_label
from promptops.server.queries import PromptHistoryQuery
from promptops.server.refusals import invalid
from promptops.server.services.missing import PromptStores, missing
from promptops.server.services.projects import Projects
from promptops.server.stores.prompt_protocol import StoredLabel, Which
from promptops.server.times import microseconds

__all__ = ["LabelService", "ProtectedLabels"]


class ProtectedLabels:
    """The labels that take the scope ``prompts:label``."""

    def __init__(self, labels: Iterable[str]) -> None:
        self._labels = frozenset(labels)

    def __contains__(self, label: str) -> bool:
        return label in self._labels

    def check(self, grant: Grant, labels: Sequence[str]) -> None:
        """Refuse to change what these labels stand for: to move, create or remove them, or to edit where they point.

        Raises:
            AuthorizationError: One is protected, and the key lacks the scope.
        """
        for label in labels:
            if label in self._labels and not grant.allows(Scope.PROMPTS_LABEL):
                raise AuthorizationError(
                    f"The label '{label}' is protected, and this key lacks the scope '{Scope.PROMPTS_LABEL}'; use a key"
                    " that has it."
                )


class LabelService:
    """Lists, moves and removes labels; each method takes the grant first."""

    def __init__(
        self, store: PromptStores, projects: Projects, in_flight: InFlight, protected: ProtectedLabels
    ) -> None:
        self._store = store
        self._projects = projects
        self._in_flight = in_flight
        self._protected = protected

    async def list(self, grant: Grant, reference: str, *, project: str | None) -> wire.PromptLabelList:
        """The labels of a prompt by name.

        Raises:
            PromptNotFoundError: There is no such prompt.
        """
        grant = await self._projects.within(grant, project)
        found = await self._store.list_labels(grant, reference)
        if found is None:
            raise await missing(self._store, grant, reference, Which())
        return wire.PromptLabelList(labels=[self._shown(label) for label in found])

    async def move(
        self,
        grant: Grant,
        reference: str,
        label: str,
        body: wire.PromptLabelMove,
        *,
        project: str | None,
        once: Once | None,
    ) -> wire.PromptLabel:
        """Let a label point to a version; nothing happens when it does already.

        Raises:
            AuthorizationError: The label is protected, and the key lacks the scope ``prompts:label``.
            ConflictError: It does not point to the expected version.
            PromptNotFoundError: There is no such prompt or version.
            ValidationError: It cannot be a label, or the version is none.
        """
        check_label(label)
        self._protected.check(grant, [label])
        version = _version("version", body.version)
        expected = body.expected_version
        if isinstance(expected, str):
            expected = _version("expected_version", expected)
        grant = await self._projects.within(grant, project, body.project_id)

        def check(current: str | None) -> None:
            if expected is not UNSET and current != expected:
                raise ConflictError(
                    f"The label '{label}' of prompt '{reference}' points to {current or 'nothing'}, not to"
                    f" {expected or 'nothing'}; read it again, then decide."
                )

        with self._in_flight.claim(once):
            moved = await self._store.move_label(
                grant, reference, label, version, check=check, finish=self._shown, once=once
            )
        if moved is None:
            raise await missing(self._store, grant, reference, Which(version=version))
        return moved

    async def remove(
        self, grant: Grant, reference: str, label: str, *, project: str | None, once: Once | None
    ) -> wire.PromptLabelRemoved:
        """Remove a label.

        Raises:
            AuthorizationError: The label is protected, and the key lacks the scope ``prompts:label``.
            NotFoundError: There is no such prompt, or it has no such label.
        """
        check_label(label)
        self._protected.check(grant, [label])
        grant = await self._projects.within(grant, project)
        with self._in_flight.claim(once):
            removed = await self._store.remove_label(grant, reference, label, once)
        if removed is None:
            if await self._store.list_labels(grant, reference) is not None:
                raise NotFoundError(f"Prompt '{reference}' has no label '{label}'; there is nothing to remove.")
            raise await missing(self._store, grant, reference, Which())
        return removed

    async def history(self, grant: Grant, reference: str, query: PromptHistoryQuery) -> wire.PromptHistory:
        """A page of what happened to a prompt, newest first.

        Where a label pointed at a moment is the first event for ``label`` up to ``until``: its ``version``, or nowhere
        when that is null or there is no event. A deleted prompt has its history under its id.

        Raises:
            PromptNotFoundError: There is no such prompt, and there was none with this id.
        """
        if query.label is not None:
            check_label(query.label)
        grant = await self._projects.within(grant, query.project_id)
        offset = query.offset if query.offset is not None else query.skip or 0
        found = await self._store.prompt_history(
            grant,
            reference,
            label=query.label,
            until=None if query.until is None else microseconds(query.until),
            limit=query.limit,
            offset=offset,
        )
        if found is None:
            raise await missing(self._store, grant, reference, Which())
        events, total = found
        more = offset + len(events) < total
        return wire.PromptHistory(events=events, total=total, limit=query.limit, offset=offset, has_more=more)

    def _shown(self, label: StoredLabel) -> wire.PromptLabel:
        return wire.PromptLabel(
            label=label.label,
            version=label.version,
            protected=label.label in self._protected,
            updated_at=label.moved_at,
            updated_by=label.moved_by,
        )


def _version(field: str, text: str) -> str:
    version = versions.normalise(text) if versions.is_version(text) else None
    if version is None:
        raise invalid(field, "name a version, for example 1.2.0; 'latest' is none", "invalid_version")
    return version
