"""The prompt store on a PromptOps server: what each call is on the wire."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Final, get_args

from promptops.core.codec import decode_response, encode
from promptops.core.errors import NotFoundError
from promptops.core.messages import PROMPT_READ, READ, WRITE, Profile, Request
from promptops.core.pagination import OffsetPage
from promptops.core.runtime import Runtime
from promptops.core.urls import quote_segment
from promptops.models import (
    PromptBatch,
    PromptBatchRequest,
    PromptCreate,
    PromptDeleted,
    PromptEvent,
    PromptHistory,
    PromptLabel,
    PromptLabelList,
    PromptLabelMove,
    PromptLabelRemoved,
    PromptList,
    PromptResponse,
    PromptUpdate,
    PromptVersionList,
    RenderRequest,
    RenderResponse,
    enveloped,
)
from promptops.prompts.stores import Capabilities, Feature, PromptQuery

__all__ = ["NativePromptStore"]

_PROMPTS = "/v1/client/prompts"
_FRESH = (("cache-control", "no-cache"),)
_NOT_MODIFIED = (304,)
_CAPABILITIES: Final = Capabilities(store="native", features=frozenset(get_args(Feature)))


class NativePromptStore:
    """A :class:`~promptops.prompts.stores.PromptStore` on a PromptOps server.

    Args:
        runtime: What sends the requests.
        profile: How patient it is when one prompt is asked for.
    """

    def __init__(self, runtime: Runtime, *, profile: Profile = PROMPT_READ) -> None:
        self._runtime = runtime
        self._profile = profile

    @property
    def capabilities(self) -> Capabilities:
        """Everything that the port knows."""
        return _CAPABILITIES

    async def get(
        self,
        name: str,
        *,
        version: str | None,
        label: str | None,
        project: str | None,
        fresh: bool,
        timeout: float | None,
        etag: str | None = None,
    ) -> PromptResponse | None:
        """``GET /prompts/{name}``, with ``If-None-Match`` when an ETag is known."""
        headers = _FRESH if fresh else ()
        response = await self._runtime.send(
            Request(
                method="GET",
                path=_path(name),
                query=_pairs(version=version, label=label, project_id=project),
                headers=headers if etag is None else (*headers, ("if-none-match", _quoted(etag))),
                profile=self._profile,
                timeout=timeout,
                accept_statuses=() if etag is None else _NOT_MODIFIED,
            )
        )
        if response.status in _NOT_MODIFIED:
            return None
        return decode_response(response, enveloped(PromptResponse))

    async def get_many(
        self,
        names: Sequence[str],
        *,
        versions: Mapping[str, str],
        labels: Mapping[str, str],
        project: str | None,
        fresh: bool,
        timeout: float | None,
    ) -> PromptBatch:
        """``POST /prompts/batch``; a read, so it may be sent again."""
        body = PromptBatchRequest(
            prompt_ids=list(names), versions=dict(versions), labels=dict(labels), project_id=project
        )
        response = await self._runtime.send(
            Request(
                method="POST",
                path=f"{_PROMPTS}/batch",
                headers=_FRESH if fresh else (),
                body=encode(body),
                profile=READ,
                timeout=timeout,
                idempotency_key=_new_key(),
            )
        )
        return decode_response(response, enveloped(PromptBatch))

    async def list_page(
        self, query: PromptQuery, *, fresh: bool = False, timeout: float | None
    ) -> OffsetPage[PromptResponse]:
        """``GET /prompts``."""
        pairs = _pairs(
            project_id=query.project,
            module_id=query.module_id,
            query=query.query,
            sort_by=query.sort_by,
            sort_order=query.sort_order,
            limit=str(query.limit),
            offset=str(query.offset),
            tags=",".join(query.tags) or None,
        )
        response = await self._runtime.send(
            Request(
                method="GET",
                path=_PROMPTS,
                query=pairs,
                headers=_FRESH if fresh else (),
                profile=READ,
                timeout=timeout,
            )
        )
        page = decode_response(response, enveloped(PromptList))
        return OffsetPage(
            items=page.prompts, total=page.total, limit=page.limit, offset=page.offset, has_more=page.has_more
        )

    async def versions_page(
        self, name: str, *, project: str | None, limit: int, offset: int, timeout: float | None
    ) -> OffsetPage[PromptResponse]:
        """``GET /prompts/{name}/versions``."""
        pairs = _pairs(project_id=project, limit=str(limit), offset=str(offset))
        response = await self._runtime.send(
            Request(method="GET", path=f"{_path(name)}/versions", query=pairs, profile=READ, timeout=timeout)
        )
        page = decode_response(response, enveloped(PromptVersionList))
        return OffsetPage(
            items=page.versions, total=page.total, limit=page.limit, offset=page.offset, has_more=page.has_more
        )

    async def create(self, prompt: PromptCreate, *, timeout: float | None) -> PromptResponse:
        """``POST /prompts``, with an idempotency key."""
        response = await self._runtime.send(
            Request(
                method="POST",
                path=_PROMPTS,
                body=encode(prompt),
                profile=WRITE,
                timeout=timeout,
                idempotency_key=_new_key(),
            )
        )
        return decode_response(response, enveloped(PromptResponse))

    async def update(
        self, name: str, changes: PromptUpdate, *, if_match: str | None, timeout: float | None
    ) -> PromptResponse:
        """``PUT /prompts/{name}``, with an idempotency key when it makes a new version."""
        response = await self._runtime.send(
            Request(
                method="PUT",
                path=_path(name),
                headers=(("if-match", _quoted(if_match)),) if if_match is not None else (),
                body=encode(changes),
                profile=WRITE,
                timeout=timeout,
                idempotency_key=_new_key() if changes.create_new_version else None,
            )
        )
        return decode_response(response, enveloped(PromptResponse))

    async def delete(
        self, name: str, *, version: str | None, project: str | None, force: bool, timeout: float | None
    ) -> None:
        """``DELETE /prompts/{name}``; "not found" after an attempt whose answer was lost says that it happened."""
        request = Request(
            method="DELETE",
            path=_path(name),
            query=_pairs(version=version, project_id=project, force="true" if force else None),
            profile=WRITE,
            timeout=timeout,
        )
        try:
            response = await self._runtime.send(request)
        except NotFoundError as error:
            if error.repeated:
                return
            raise
        decode_response(response, enveloped(PromptDeleted))

    async def render(self, name: str, request: RenderRequest, *, timeout: float | None) -> RenderResponse:
        """``POST /prompts/{name}/render``; a read, so it may be sent again."""
        response = await self._runtime.send(
            Request(
                method="POST",
                path=f"{_path(name)}/render",
                body=encode(request),
                profile=READ,
                timeout=timeout,
                idempotency_key=_new_key(),
            )
        )
        return decode_response(response, enveloped(RenderResponse))

    async def labels(self, name: str, *, project: str | None, timeout: float | None) -> list[PromptLabel]:
        """``GET /prompts/{name}/labels``."""
        query = _pairs(project_id=project)
        response = await self._runtime.send(
            Request(method="GET", path=f"{_path(name)}/labels", query=query, profile=READ, timeout=timeout)
        )
        return decode_response(response, enveloped(PromptLabelList)).labels

    async def set_label(self, name: str, label: str, move: PromptLabelMove, *, timeout: float | None) -> PromptLabel:
        """``PUT /prompts/{name}/labels/{label}``, with an idempotency key."""
        response = await self._runtime.send(
            Request(
                method="PUT",
                path=_label_path(name, label),
                body=encode(move),
                profile=WRITE,
                timeout=timeout,
                idempotency_key=_new_key(),
            )
        )
        return decode_response(response, enveloped(PromptLabel))

    async def remove_label(self, name: str, label: str, *, project: str | None, timeout: float | None) -> None:
        """``DELETE /prompts/{name}/labels/{label}``, with an idempotency key."""
        response = await self._runtime.send(
            Request(
                method="DELETE",
                path=_label_path(name, label),
                query=_pairs(project_id=project),
                profile=WRITE,
                timeout=timeout,
                idempotency_key=_new_key(),
            )
        )
        decode_response(response, enveloped(PromptLabelRemoved))

    async def history_page(
        self, name: str, *, label: str | None, project: str | None, limit: int, offset: int, timeout: float | None
    ) -> OffsetPage[PromptEvent]:
        """``GET /prompts/{name}/history``."""
        pairs = _pairs(label=label, project_id=project, limit=str(limit), offset=str(offset))
        response = await self._runtime.send(
            Request(method="GET", path=f"{_path(name)}/history", query=pairs, profile=READ, timeout=timeout)
        )
        page = decode_response(response, enveloped(PromptHistory))
        return OffsetPage(
            items=page.events, total=page.total, limit=page.limit, offset=page.offset, has_more=page.has_more
        )


def _path(name: str) -> str:
    return f"{_PROMPTS}/{quote_segment(name)}"


def _label_path(name: str, label: str) -> str:
    return f"{_path(name)}/labels/{quote_segment(label)}"


def _pairs(**values: str | None) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in values.items() if value is not None)


def _new_key() -> str:
    return os.urandom(16).hex()


def _quoted(etag: str) -> str:
    return etag if etag == "*" or etag.startswith(('"', 'W/"')) else f'"{etag}"'
