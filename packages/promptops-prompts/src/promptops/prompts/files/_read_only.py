"""What a folder of prompt files cannot do, said by name."""

# ruff: noqa: ARG002 - the port has arguments that nothing here has a use for

from __future__ import annotations

from pathlib import Path
from typing import Final, NoReturn

from promptops.core.errors import UnsupportedOperation
from promptops.core.pagination import OffsetPage
from promptops.models import (
    PromptCreate,
    PromptEvent,
    PromptLabel,
    PromptLabelMove,
    PromptResponse,
    PromptUpdate,
    RenderRequest,
    RenderResponse,
)
from promptops.prompts.stores import Capabilities, Feature

__all__ = ["ReadOnly"]

_CAPABILITIES: Final = Capabilities(store="local", features=frozenset({"modules", "tags", "search_content", "times"}))


class ReadOnly:
    """The half of the local prompt store that refuses.

    Args:
        path: The folder, for the messages.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def capabilities(self) -> Capabilities:
        """It reads, and finds prompts by what their files say."""
        return _CAPABILITIES

    async def create(self, prompt: PromptCreate, *, timeout: float | None = None) -> PromptResponse:
        """Not here."""
        self._refuse("write_prompts", "create prompts")

    async def update(
        self, name: str, changes: PromptUpdate, *, if_match: str | None = None, timeout: float | None = None
    ) -> PromptResponse:
        """Not here."""
        self._refuse("write_prompts", "change prompts")

    async def delete(
        self,
        name: str,
        *,
        version: str | None = None,
        project: str | None = None,
        force: bool = False,
        timeout: float | None = None,
    ) -> None:
        """Not here."""
        self._refuse("write_prompts", "delete prompts")

    async def render(self, name: str, request: RenderRequest, *, timeout: float | None = None) -> RenderResponse:
        """Not here: prompts of a folder are rendered by the client."""
        self._refuse("server_rendering", "render on a server (leave on_server out)")

    async def labels(self, name: str, *, project: str | None, timeout: float | None = None) -> list[PromptLabel]:
        """Not here: the file stands for every label."""
        self._refuse("labels", "list labels")

    async def set_label(
        self, name: str, label: str, move: PromptLabelMove, *, timeout: float | None = None
    ) -> PromptLabel:
        """Not here."""
        self._refuse("labels", "move labels")

    async def remove_label(self, name: str, label: str, *, project: str | None, timeout: float | None = None) -> None:
        """Not here."""
        self._refuse("labels", "remove labels")

    async def history_page(
        self,
        name: str,
        *,
        label: str | None,
        project: str | None,
        limit: int,
        offset: int,
        timeout: float | None = None,
    ) -> OffsetPage[PromptEvent]:
        """Not here."""
        self._refuse("history", "tell the history of a prompt")

    def _refuse(self, feature: Feature, doing: str) -> NoReturn:
        raise UnsupportedOperation(
            f"The local prompt store cannot {doing}: it reads the files in {self._path}. Edit them there, and publish"
            " them with 'promptops prompts push'.",
            details={"store": "local", "feature": feature},
        )
