"""Sends a version of a prompt once, also when the answer is lost: the server adds a version for each request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from promptops.core.errors import (
    NetworkError,
    PromptOpsError,
    ServerError,
    TimeoutError,  # noqa: A004 - ours
)
from promptops.core.runtime import Runtime
from promptops.core.transport import ExchangeFailed, TransportError
from promptops.phoenix._generated import PromptVersion, PromptVersionData
from promptops.phoenix.prompts._store_drafts import same_content
from promptops.phoenix.prompts._wire import PromptRoutes, number_in

__all__ = ["SentOnce"]

_SETTLING: Final = 0.1
"""Seconds that a request whose answer was lost gets to have its effect, before that is looked for."""
_LOST: Final = (NetworkError, TimeoutError, ServerError)
"""What a request may end with although it had its effect."""


class SentOnce:
    """Looks at what is stored before anything is sent again.

    Args:
        runtime: Waits.
        routes: Where versions are listed.
    """

    def __init__(self, runtime: Runtime, routes: PromptRoutes) -> None:
        self._runtime = runtime
        self._routes = routes

    async def send(
        self, name: str, data: PromptVersionData, post: Callable[[], Awaitable[PromptVersion]], *, after: int
    ) -> PromptVersion:
        """Return the version that one request makes, whatever happens to the answer.

        When the answer is lost, what was stored since version ``after`` is looked at. Only when it is not there, and
        the connection broke, the request is sent a second time.

        Args:
            name: The prompt.
            data: What is sent.
            post: Sends it.
            after: The number of the latest version before; 0 when there is none.

        Raises:
            PromptOpsError: The request failed; a note says so when whether it had its effect is not known.
        """
        try:
            return await post()
        except _LOST as error:
            found = await self._found_after(error, name, data, after=after)
            if found is not None:
                return found
            if not isinstance(error, NetworkError):
                raise
        try:
            made = await post()
        except _LOST as error:
            found = await self._found_after(error, name, data, after=after)
            if found is None:
                raise
            return found
        return await self._oldest_alike(name, data, after=after) or made

    async def _found_after(
        self, error: PromptOpsError, name: str, data: PromptVersionData, *, after: int
    ) -> PromptVersion | None:
        """What was stored although the answer was lost; the error of the request when that cannot be known."""
        if not error.repeated and isinstance(error.__cause__, TransportError) and not _was_sent(error.__cause__):
            raise error
        try:
            await self._runtime.sleep(_SETTLING)
            return await self._oldest_alike(name, data, after=after)
        except PromptOpsError as unknown:
            error.retryable = False
            error.add_note(f"Whether the version of {name!r} was stored is not known: {unknown.message}")
            raise error from unknown

    async def _oldest_alike(self, name: str, data: PromptVersionData, *, after: int) -> PromptVersion | None:
        alike = None
        async for version in self._routes.versions(name):
            if number_in(version) <= after:
                break
            if same_content(data, version):
                alike = version
        return alike


def _was_sent(failure: TransportError) -> bool:
    """Whether anything may have reached the server."""
    return isinstance(failure, ExchangeFailed) or failure.sent
