"""The prompt store on a Phoenix server."""

# ruff: noqa: ARG002 - the port has arguments that a refusal has no use for

from __future__ import annotations

from typing import TYPE_CHECKING

from promptops.phoenix.prompts._store_writes import PromptWriting

if TYPE_CHECKING:
    from promptops.core.pagination import OffsetPage
    from promptops.models import PromptEvent, RenderRequest, RenderResponse

__all__ = ["PhoenixPromptStore"]


class PhoenixPromptStore(PromptWriting):
    """A :class:`~promptops.prompts.stores.PromptStore` on a Phoenix server.

    What the server does not have is said by name (``UnsupportedOperation``) or is plain in what comes back:

    - A prompt has one name: ``id``, ``slug`` and ``name`` are the same.
    - The server counts the versions of all prompts together. Version ``12.0.0`` is the version with the number 12; the
      numbers of one prompt grow and have gaps, and its latest version has the highest. ``bump`` has no effect.
    - Labels are tags. A version says only the label that it was asked for with; :meth:`labels` tells all.
    - ``description`` and ``metadata`` are those of the version. What the server keeps beside the versions is set when
      the prompt is created, and changed by ``update_prompt``.
    - Lists are searched by name and description. What a prompt says is not looked at.
    - The server tells no times: ``created_at`` and ``updated_at`` are the first moment of 1970.
    - A plain text is a chat of one message there; a note in the metadata of the version lets it come back as a text.

    Args:
        runtime: Sends the requests.
        version: The version of the server, as far as it is known; asked for when needed.
        profile: How patient it is when one prompt is asked for.
    """

    async def render(self, name: str, request: RenderRequest, *, timeout: float | None) -> RenderResponse:
        """Not there: prompts of a Phoenix server are rendered by the client."""
        raise self.capabilities.refusal("server_rendering", "leave on_server out")

    async def history_page(
        self, name: str, *, label: str | None, project: str | None, limit: int, offset: int, timeout: float | None
    ) -> OffsetPage[PromptEvent]:
        """Not there."""
        raise self.capabilities.refusal("history", "list the versions instead")
