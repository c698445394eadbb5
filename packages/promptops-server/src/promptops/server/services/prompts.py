"""The rules of prompts: which version is meant, what an update makes, what a render needs."""

from __future__ import annotations

import difflib
import time
import uuid
from typing import Any, Final

from promptops.core.errors import ConflictError, PromptNotFoundError
from promptops.prompts.render import render_prompt
from promptops.server import versions, wire
from promptops.server.grants import Grant
from promptops.server.idempotency import InFlight, Once
from promptops.server.queries import PromptListQuery, VersionListQuery
from promptops.server.services.batches import batch_answer, batch_of
from promptops.server.services.drafts import draft_of_create, draft_of_update, slug_of
from promptops.server.services.model_texts import check_model, text_for_model
from promptops.server.services.projects import Projects
from promptops.server.stores.protocol import PromptChange, PromptFilter, PromptStore

__all__ = ["PromptService"]

_MOST_COMPARED: Final = 500
_SUGGESTIONS: Final = 3


class PromptService:
    """What a caller can do with prompts; each method takes the grant first."""

    def __init__(self, store: PromptStore, projects: Projects, in_flight: InFlight) -> None:
        self._store = store
        self._projects = projects
        self._in_flight = in_flight

    async def get(
        self, grant: Grant, reference: str, *, version: str | None, project: str | None
    ) -> wire.PromptResponse:
        """One version of a prompt, the latest unless one is named.

        Raises:
            PromptNotFoundError: There is none; close names of the caller's project are suggested.
        """
        if project is not None:
            grant = await self._projects.within(grant, project)
        wanted = versions.normalise(version)
        prompt = await self._store.get_prompt(grant, reference, wanted)
        if prompt is None:
            raise await self._missing(grant, reference, wanted)
        return prompt

    async def within(self, grant: Grant, *selectors: str | None) -> Grant:
        """The grant narrowed to the project that the selectors name.

        Raises:
            NotFoundError: The key grants no such project.
        """
        return await self._projects.within(grant, *selectors)

    async def batch(self, grant: Grant, body: wire.PromptBatchRequest, *, project: str | None) -> wire.PromptBatch:
        """Many prompts at once; what cannot be had is an error of its own.

        Raises:
            ValidationError: The common version is none, or a version is given for a prompt that is not asked for.
        """
        wanted, errors = batch_of(body)
        grant = await self._projects.within(grant, project, body.project_id)
        found = await self._store.get_prompts(grant, wanted)
        return batch_answer(body, wanted, found, errors)

    async def for_model(
        self, grant: Grant, reference: str, model: wire.ModelReference, *, version: str | None, project: str | None
    ) -> wire.PromptForModel:
        """The text of a prompt that applies to a model.

        Raises:
            PromptNotFoundError: There is no such prompt or version.
            ValidationError: The provider or the model is too long, or blank.
        """
        check_model(model)
        return text_for_model(await self.get(grant, reference, version=version, project=project), model)

    async def list(self, grant: Grant, query: PromptListQuery) -> wire.PromptList:
        """A page of prompts, the latest version of each."""
        grant = await self._projects.within(grant, query.project_id)
        offset = query.offset if query.offset is not None else query.skip or 0
        tags = tuple(tag for part in (query.tags or "").split(",") if (tag := part.strip()))
        wanted = PromptFilter(
            module_id=query.module_id,
            query=query.query,
            tags=tags,
            sort_by=query.sort_by,
            descending=query.sort_order == "desc",
            limit=query.limit,
            offset=offset,
        )
        prompts, total = await self._store.list_prompts(grant, wanted)
        more = offset + len(prompts) < total
        return wire.PromptList(prompts=prompts, total=total, limit=query.limit, offset=offset, has_more=more)

    async def versions(self, grant: Grant, reference: str, query: VersionListQuery) -> wire.PromptVersionList:
        """A page of the versions of a prompt.

        Raises:
            PromptNotFoundError: There is no such prompt.
        """
        grant = await self._projects.within(grant, query.project_id)
        offset = query.offset if query.offset is not None else query.skip or 0
        found = await self._store.list_versions(grant, reference, limit=query.limit, offset=offset)
        if found is None:
            raise await self._missing(grant, reference, None)
        page, total = found
        more = offset + len(page) < total
        return wire.PromptVersionList(versions=page, total=total, limit=query.limit, offset=offset, has_more=more)

    async def create(
        self, grant: Grant, body: wire.PromptCreate, *, project: str | None, once: Once | None
    ) -> wire.PromptResponse:
        """Create a prompt with its first version.

        Raises:
            ValidationError: The body does not make a prompt; every bad field is named.
            ConflictError: The name or the slug is taken in the project.
        """
        grant = await self._projects.within(grant, project, body.project_id)
        document, content_hash = draft_of_create(body)
        change = PromptChange(
            name=body.name,
            module_id=body.module_id,
            version=versions.normalise(body.version) or versions.FIRST,
            document=document,
            content_hash=content_hash,
            new_version=True,
        )
        with self._in_flight.claim(once):
            return await self._store.insert_prompt(grant, str(uuid.uuid4()), slug_of(body), change, once)

    async def update(
        self,
        grant: Grant,
        reference: str,
        body: wire.PromptUpdate,
        *,
        project: str | None,
        if_match: str | None,
        once: Once | None,
    ) -> wire.PromptResponse:
        """Make a new version, or edit one in place.

        Raises:
            PromptNotFoundError: There is no such prompt, or no such version to edit.
            ConflictError: ``if_match`` no longer holds, the version exists, or the name is taken.
        """
        grant = await self._projects.within(grant, project, body.project_id)
        named = versions.normalise(body.version)
        base = None if body.create_new_version else named

        def decide(current: wire.PromptResponse) -> PromptChange:
            _check_match(current, if_match)
            document, content_hash = draft_of_update(current, body)
            following = named or versions.bump(current.version, body.bump)
            version = following if body.create_new_version else current.version
            return PromptChange(
                name=body.name if isinstance(body.name, str) else current.name,
                module_id=body.module_id
                if body.module_id is None or isinstance(body.module_id, str)
                else current.module_id,
                version=version,
                document=document,
                content_hash=content_hash,
                new_version=body.create_new_version,
            )

        with self._in_flight.claim(once):
            prompt = await self._store.change_prompt(grant, reference, base, decide, once)
        if prompt is None:
            raise await self._missing(grant, reference, base)
        return prompt

    async def delete(
        self,
        grant: Grant,
        reference: str,
        *,
        version: str | None,
        project: str | None,
        if_match: str | None,
        once: Once | None,
    ) -> wire.PromptDeleted:
        """Delete a version, or the prompt with all of them.

        Raises:
            PromptNotFoundError: There is nothing to delete.
            ConflictError: ``if_match`` no longer holds for the version, or for the latest.
        """
        grant = await self._projects.within(grant, project)
        wanted = versions.normalise(version)
        with self._in_flight.claim(once):
            deleted = await self._store.delete_prompt(
                grant, reference, wanted, lambda current: _check_match(current, if_match), once
            )
        if deleted is None:
            raise await self._missing(grant, reference, wanted)
        return deleted

    async def render(
        self, grant: Grant, reference: str, body: wire.RenderRequest, *, project: str | None
    ) -> wire.RenderResponse:
        """Fill the variables into a prompt.

        Raises:
            PromptNotFoundError: There is no such prompt or version.
            ValidationError: Variables are missing or unusable; all are named.
        """
        grant = await self._projects.within(grant, project, body.project_id)
        prompt = await self.get(grant, reference, version=body.version, project=None)
        started = time.perf_counter()
        rendered = render_prompt(prompt, body.variables, model_provider=body.model_provider, model_name=body.model_name)
        return wire.RenderResponse(
            prompt_id=prompt.id,
            version=prompt.version,
            rendered_content=rendered.content,
            messages=rendered.messages,
            variables_used=rendered.variables_used,
            processing_time_ms=round((time.perf_counter() - started) * 1000, 3),
            cache_hit=False,
        )

    async def _missing(self, grant: Grant, reference: str, version: str | None) -> PromptNotFoundError:
        if version is not None:
            found = await self._store.list_versions(grant, reference, limit=10, offset=0)
            if found is not None:
                known = ", ".join(prompt.version for prompt in found[0])
                return _not_found(reference, [], f"Prompt '{reference}' has no version {version}; it has {known}.")
        here = grant.narrowed(grant.default)
        slugs = await self._store.recent_slugs(here, limit=_MOST_COMPARED)
        close = difflib.get_close_matches(reference[:128], slugs, n=_SUGGESTIONS, cutoff=0.6)
        hint = f" Did you mean {' or '.join(repr(slug) for slug in close)}?" if close else ""
        return _not_found(reference, close, f"There is no prompt '{reference}' in this project.{hint}")


def _not_found(reference: str, suggested: list[str], message: str) -> PromptNotFoundError:
    facts: dict[str, Any] = {"prompt_id": reference, "suggested_prompts": suggested}
    return PromptNotFoundError(message, **facts)


def _check_match(current: wire.PromptResponse, if_match: str | None) -> None:
    if if_match is None:
        return
    tags = {tag.strip().strip('"') for tag in if_match.split(",")}
    if "*" not in tags and current.etag not in tags:
        raise ConflictError(
            f"Prompt '{current.slug}' changed since it was read (If-Match does not hold); read it again, then retry."
        )
