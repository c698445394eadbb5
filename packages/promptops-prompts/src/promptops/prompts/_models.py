"""The models that a server knows, and which prompts suit which of them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Final, TypeAlias

from promptops.cache import CacheStats, Lru
from promptops.core.bridge import AsyncResource, SyncResource, bridge, forward
from promptops.core.codec import decode_response, encode
from promptops.core.errors import InvalidResponseError
from promptops.core.messages import READ, Request
from promptops.core.runtime import Runtime
from promptops.models import (
    CompatibilityReport,
    CompatibilityRequest,
    ModelCompatibility,
    ModelInfo,
    ModelList,
    enveloped,
)
from promptops.prompts._checks import check_flag, check_name, check_provider, check_text
from promptops.prompts.render import normalise_provider
from promptops.prompts.versions import normalise_version

__all__ = ["AsyncModels", "SyncModels"]

_MODELS: Final = "/v1/client/models"
_TTL: Final = 300.0
_MOST_LISTS: Final = 100

# The class has a method named list, so its annotations cannot say list.
Models: TypeAlias = list[ModelInfo]


class AsyncModels(AsyncResource):
    """The model catalogue of a server.

    Args:
        runtime: What sends the requests.
        project: The project of calls that name none.
        keep: Whether lists are kept, for five minutes.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        project: str | None = None,
        keep: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(runtime, project=project)
        self._lists: Lru[tuple[str | None, str | None], Models] = Lru(max_size=_MOST_LISTS if keep else 0, clock=clock)

    async def list(
        self,
        *,
        provider: str | None = None,
        capability: str | None = None,
        use_cache: bool = True,
        timeout: float | None = None,
    ) -> Models:
        """The models of the catalogue, by provider and name. What is not known of one (a price, a limit) is None.

        Args:
            provider: Only models of this provider; ``claude`` means ``anthropic`` and ``gemini`` ``google``.
            capability: Only models that can do this, for example ``vision``.
            use_cache: Whether a list that was fetched less than five minutes ago may be used.
            timeout: Seconds for the whole call.

        Raises:
            ValidationError: An argument cannot be meant; nothing was sent.
        """
        check_flag("use_cache", use_cache)
        maker = None if provider is None else normalise_provider(check_provider("provider", provider))
        skill = None if capability is None else check_text("capability", capability)
        if use_cache and (kept := self._lists.peek((maker, skill))) is not None:
            return kept.copy()
        query = tuple(
            (name, value) for name, value in (("provider", maker), ("capability", skill)) if value is not None
        )
        headers = () if use_cache else (("cache-control", "no-cache"),)
        response = await self._runtime.send(
            Request(method="GET", path=_MODELS, query=query, headers=headers, profile=READ, timeout=timeout)
        )
        models = decode_response(response, enveloped(ModelList)).models
        self._lists.put((maker, skill), models, size=len(response.body), ttl=_TTL)
        return models.copy()

    async def check(
        self,
        name: str,
        *,
        model_provider: str,
        model_name: str,
        version: str | None = None,
        output_tokens: int | None = None,
        requires_json: bool | None = None,
        requires_streaming: bool | None = None,
        project: str | None = None,
        timeout: float | None = None,
    ) -> ModelCompatibility:
        """Whether a prompt suits a model, and what speaks against it; no model is called.

        Args:
            name: Slug or id of the prompt.
            model_provider: Who serves the model.
            model_name: Its name.
            version: Which version of the prompt; the latest unless given.
            output_tokens: Tokens to reserve for the answer.
            requires_json: Whether the answer must be JSON.
            requires_streaming: Whether the answer must be streamed.
            project: In which project.
            timeout: Seconds for the whole call.

        Returns:
            ``compatible``, a ``score`` from 0 to 1, typed ``issues`` (errors, warnings, facts) and ``recommendations``.

        Raises:
            PromptNotFoundError: There is no such prompt or version.
            ValidationError: An argument cannot be meant; nothing was sent.
        """
        body = CompatibilityRequest(
            prompt_id=check_name(name),
            version=normalise_version(version),
            model_provider=check_provider("model_provider", model_provider),
            model_name=check_text("model_name", model_name),
            output_tokens=output_tokens,
            requires_json=requires_json,
            requires_streaming=requires_streaming,
            project_id=self._project if project is None else check_text("project", project),
        )
        response = await self._runtime.send(
            Request(
                method="POST",
                path=f"{_MODELS}/compatibility",
                body=encode(body),
                profile=READ,
                timeout=timeout,
                idempotency_key=os.urandom(16).hex(),
            )
        )
        results = decode_response(response, enveloped(CompatibilityReport)).results
        if len(results) != 1:
            raise InvalidResponseError(
                f"The server answered about {len(results)} models; one was asked.", status_code=200
            )
        return results[0]

    def clear(self) -> None:
        """Forget the lists that were fetched."""
        self._lists.clear()

    def stats(self) -> CacheStats:
        """What was counted when lists were looked up."""
        return self._lists.stats()


class SyncModels(SyncResource[AsyncModels]):
    """Blocking view of :class:`AsyncModels`."""

    list = bridge(AsyncModels.list)
    check = bridge(AsyncModels.check)
    clear = forward(AsyncModels.clear)
    stats = forward(AsyncModels.stats)
