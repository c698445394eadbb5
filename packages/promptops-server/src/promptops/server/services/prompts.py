"""The rules of prompts: which version is meant, what an update makes, what a render needs."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from typing import cast

from promptops.prompts.render import render_prompt
from promptops.server import versions, wire
from promptops.server.grants import Grant
from promptops.server.idempotency import InFlight, Once
from promptops.server.queries import PromptListQuery, VersionListQuery
from promptops.server.refusals import invalid
from promptops.server.services.batches import batch_answer, batch_of
from promptops.server.services.changes import check_match, first_version, nothing, refuse_labelled
from promptops.server.services.drafts import draft_of_update, includes_others, slug_of
from promptops.server.services.labels import ProtectedLabels
from promptops.server.services.missing import PromptStores, missing
from promptops.server.services.model_texts import check_model, text_for_model
from promptops.server.services.projects import Projects
from promptops.server.services.which import which_of
from promptops.server.stores.prompt_protocol import Current, PromptChange, PromptFilter, Which

__all__ = ["PromptService"]


class PromptService:
    """What a caller can do with prompts; each method takes the grant first."""

    def __init__(
        self, store: PromptStores, projects: Projects, in_flight: InFlight, protected: ProtectedLabels
    ) -> None:
        self._store = store
        self._projects = projects
        self._in_flight = in_flight
        self._protected = protected

    async def get(
        self, grant: Grant, reference: str, *, version: str | None, label: str | None = None, project: str | None
    ) -> wire.PromptResponse:
        """One version of a prompt: the one named, the one that a label points to, or the latest.

        Raises:
            PromptNotFoundError: There is none; close names of the caller's project are suggested.
            ValidationError: There are a version and a label, or one that cannot be.
        """
        if project is not None:
            grant = await self._projects.within(grant, project)
        which = which_of(version, label)
        prompt = await self._store.get_prompt(grant, reference, which)
        if prompt is None:
            raise await missing(self._store, grant, reference, which)
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
        self,
        grant: Grant,
        reference: str,
        model: wire.ModelReference,
        *,
        version: str | None,
        label: str | None,
        project: str | None,
    ) -> wire.PromptForModel:
        """The text of a prompt that applies to a model.

        Raises:
            PromptNotFoundError: There is no such prompt or version.
            ValidationError: The provider or the model is too long, or blank.
        """
        check_model(model)
        prompt = await self.get(grant, reference, version=version, label=label, project=project)
        return text_for_model(prompt, model)

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
            raise await missing(self._store, grant, reference, Which())
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
        slug = slug_of(body)
        # Inclusion reads other prompts, so it belongs to the transaction; without it, that has less to do.
        ready = None if includes_others(body) else first_version(body, slug, nothing)
        with self._in_flight.claim(once):
            return await self._store.insert_prompt(
                grant, str(uuid.uuid4()), slug, lambda fetch: ready or first_version(body, slug, fetch), once
            )

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

        An edit in place changes nothing about the versions of other prompts that included this one: they hold the text
        of that time.

        Raises:
            PromptNotFoundError: There is no such prompt, or no such version to edit.
            AuthorizationError: A protected label points to the version to edit, and the key lacks ``prompts:label``.
            ConflictError: ``if_match`` no longer holds, the version exists, or the name is taken.
            ValidationError: A field is wrong, or something cannot be included.
        """
        grant = await self._projects.within(grant, project, body.project_id)
        named = versions.normalise(body.version)
        base = None if body.create_new_version else named

        def decide(found: Current) -> PromptChange:
            current = found.prompt
            check_match(current, if_match)
            if not body.create_new_version:  # else an edit would do what moving the label may not
                self._protected.check(grant, current.labels)
            document, content_hash = draft_of_update(found, body)
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
            raise await missing(self._store, grant, reference, Which(version=base))
        return prompt

    async def delete(
        self,
        grant: Grant,
        reference: str,
        *,
        version: str | None,
        force: bool,
        project: str | None,
        if_match: str | None,
        once: Once | None,
    ) -> wire.PromptDeleted:
        """Delete a version, or the prompt with all of them; with ``force`` also the labels that point there.

        Raises:
            PromptNotFoundError: There is nothing to delete.
            ConflictError: ``if_match`` no longer holds for the version, or for the latest; or labels point there.
            AuthorizationError: A protected label would go, and the key lacks the scope ``prompts:label``.
        """
        grant = await self._projects.within(grant, project)
        wanted = versions.normalise(version)

        def check(current: wire.PromptResponse, labels: Sequence[str]) -> None:
            check_match(current, if_match)
            if labels and not force:
                refuse_labelled(current, wanted, labels)
            self._protected.check(grant, labels)

        with self._in_flight.claim(once):
            deleted = await self._store.delete_prompt(grant, reference, wanted, check, once)
        if deleted is None:
            raise await missing(self._store, grant, reference, Which(version=wanted))
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
        prompt = await self.get(grant, reference, version=body.version, label=body.label, project=None)
        if prompt.template_format == "jinja2":
            message = "the server does not run jinja2 templates; render it in the client (promptops-prompts[jinja2])"
            raise invalid("template_format", message, "jinja2_on_server")
        started = time.perf_counter()
        rendered = render_prompt(prompt, body.variables, model_provider=body.model_provider, model_name=body.model_name)
        return wire.RenderResponse(
            prompt_id=prompt.id,
            version=prompt.version,
            rendered_content=rendered.content,
            messages=rendered.messages,
            tools=prompt.tools,
            tool_choice=prompt.tool_choice,
            response_format=prompt.response_format,
            model_settings=cast("wire.ModelSettings | None", rendered.model_settings),
            variables_used=rendered.variables_used,
            processing_time_ms=round((time.perf_counter() - started) * 1000, 3),
            cache_hit=False,
        )
