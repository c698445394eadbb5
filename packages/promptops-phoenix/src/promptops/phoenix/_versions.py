"""The server's version: learned from any answer, asked for only when nothing has answered yet."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from promptops.core.errors import InvalidResponseError, UnsupportedOperation
from promptops.core.messages import READ, Request
from promptops.core.runtime import Runtime

__all__ = ["AT_LEAST", "VERSION_HEADER", "VERSION_PATH", "ServerVersion"]

VERSION_HEADER: Final = "x-phoenix-server-version"
VERSION_PATH: Final = "/arize_phoenix_version"
_NOT_FOUND: Final = 404
_VERSION: Final = re.compile(r"(\d{1,6})\.(\d{1,6})(?:\.(\d{1,6}))?(?![\d.])[0-9A-Za-z.+-]{0,32}")

AT_LEAST: Final[Mapping[str, str]] = {
    "session annotations": "12.0",
    "reading sessions": "13.5",
    "spans of given traces": "13.9",
    "deleting sessions": "13.13",
    "filters of spans": "13.15",
    "listing traces": "13.15",
    "deleting prompts": "13.20",
    "filters of spans by attribute": "14.9",
    "ids and splits of uploaded examples": "15.0",
    "projects by a part of their name": "17.16",
    "annotations by their identifiers": "15.1",
    "changing prompts": "19.18",
    "spans by their ids": "19.6",
    "filters of traces": "20.8",
    "conditions on traces and sessions": "20.26",
}
"""The version that brought each feature, or the first that is known to have it (conditions: 20.3 has them not); what is
not here is in every server that this package supports. An older server leaves a filter out, and answers with
everything."""


class ServerVersion:
    """What is known of the version of one server.

    Args:
        runtime: Asks the server when a feature depends on the version and nothing has answered yet.

    Attributes:
        known: The version that the last answer named (``20.26.1``), or None.
    """

    def __init__(self, runtime: Runtime) -> None:
        self.known: str | None = None
        self._runtime = runtime

    def learn(self, headers: Mapping[str, str]) -> None:
        """Take the version from the headers of an answer, if it is there."""
        said = headers.get(VERSION_HEADER)
        if said is not None and said != self.known and _VERSION.fullmatch(said):
            self.known = said

    async def ask(self) -> str:
        """The version, asked of the server.

        Raises:
            InvalidResponseError: What answered does not say a version.
        """
        headers = (("accept", "text/plain"),)
        request = Request(method="GET", path=VERSION_PATH, headers=headers, profile=READ, accept_statuses=(_NOT_FOUND,))
        response = await self._runtime.send(request)
        said = response.body[:64].decode("utf-8", "replace").strip()
        if _VERSION.fullmatch(said):
            self.known = said
        else:
            self.learn(response.headers)
            said = self.known or ""
        if not said:
            raise InvalidResponseError(
                f"{VERSION_PATH} did not answer with a version; base_url does not lead to a Phoenix server.",
                status_code=response.status,
                request_id=response.request_id,
            )
        return said

    async def require(self, feature: str, at_least: str | None = None) -> None:
        """Go on only if the server is new enough.

        Args:
            feature: What is about to be done, for the message; a key of :data:`AT_LEAST` when no version is given.
            at_least: The version that brought it (``19.18``).

        Raises:
            UnsupportedOperation: The server is older; the message names both versions.
        """
        needed = AT_LEAST[feature] if at_least is None else at_least
        running = self.known or await self.ask()
        if _parsed(running) < _parsed(needed):
            raise UnsupportedOperation(
                f"The Phoenix server is {running}, and needs to be at least {needed} for {feature}; upgrade it.",
                details={"server_version": running, "needed_version": needed, "feature": feature},
            )


def _parsed(version: str) -> tuple[int, int, int]:
    found = _VERSION.fullmatch(version)
    if found is None:
        raise ValueError(f"not a version: {version!r}")
    return int(found[1]), int(found[2]), int(found[3] or 0)
