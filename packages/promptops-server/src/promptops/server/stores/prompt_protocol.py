"""What the rules of prompts need from a database: prompts, their versions and labels, and what happened to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol

from msgspec import Struct
from promptops.server import wire
from promptops.server.grants import Grant
from promptops.server.idempotency import Once

__all__ = [
    "Current",
    "Fetch",
    "Inclusion",
    "LabelStore",
    "PromptChange",
    "PromptDocument",
    "PromptFilter",
    "PromptStore",
    "StoredLabel",
    "StoredPrompt",
    "Which",
]


class Inclusion(Struct, frozen=True, kw_only=True):
    """A version that went into a text.

    Attributes:
        name: The slug of its prompt.
        version: Which one went in.
        label: The label that named it, if one did.
        content_hash: Of that version, then.
        via: The slugs on the longest way to it, its own at the end; a prompt that was written here has one.
    """

    name: str
    version: str
    label: str | None
    content_hash: str
    via: list[str]


class PromptDocument(Struct, frozen=True, kw_only=True):
    """The part of a prompt that belongs to one version."""

    content: str
    messages: list[wire.ChatMessage] | None
    template_format: wire.TemplateFormat
    variables: list[str]
    model_specific_prompts: list[wire.ModelSpecificPrompt]
    description: str
    target_models: list[str]
    tags: list[str]
    metadata: wire.JsonObject
    tools: list[wire.ToolDefinition] = []
    tool_choice: wire.ToolChoice | None = None
    response_format: wire.ResponseFormat | None = None
    model_settings: wire.ModelSettings | None = None
    variables_schema: wire.JsonObject | None = None
    source: wire.PromptSource | None = None
    includes: list[Inclusion] = []
    variant_includes: list[Inclusion] = []

    def all_includes(self) -> list[wire.PromptInclude]:
        """Every version that went into any text, once each."""
        found: dict[tuple[str, str], wire.PromptInclude] = {}
        for item in (*self.includes, *self.variant_includes):
            known = found.get((item.name, item.version))
            if known is None or known.label is None:
                found[item.name, item.version] = wire.PromptInclude(
                    name=item.name, version=item.version, label=item.label, content_hash=item.content_hash
                )
        return list(found.values())


class StoredPrompt(Struct, frozen=True, kw_only=True):
    """A version as callers see it, and as it is stored."""

    prompt: wire.PromptResponse
    document: PromptDocument


class Which(Struct, frozen=True, kw_only=True):
    """Which version of a prompt: the one named, the one that a label points to, or with neither the latest."""

    version: str | None = None
    label: str | None = None


Fetch = Callable[[str, Which], StoredPrompt | None]
"""Reads a prompt of the same project by its slug, in the transaction that asks."""


class Current(Struct, frozen=True, kw_only=True):
    """What an update starts from.

    Attributes:
        prompt: The version that is changed, or that the new one is made from.
        document: The same as it is stored.
        fetch: Reads others.
        has: Whether a version of the prompt has content with this hash.
    """

    prompt: wire.PromptResponse
    document: PromptDocument
    fetch: Fetch
    has: Callable[[str], bool]


class PromptChange(Struct, frozen=True, kw_only=True):
    """What a create or an update writes."""

    name: str
    module_id: str | None
    version: str
    document: PromptDocument
    content_hash: str
    new_version: bool


class PromptFilter(Struct, frozen=True, kw_only=True):
    """Which prompts, in which order."""

    module_id: str | None
    query: str | None
    tags: tuple[str, ...]
    sort_by: Literal["created_at", "updated_at", "name", "version"]
    descending: bool
    limit: int
    offset: int


class StoredLabel(Struct, frozen=True, kw_only=True):
    """A label; ``moved_by`` is the public id of a key."""

    label: str
    version: str
    moved_at: datetime
    moved_by: str | None


class PromptStore(Protocol):
    """Prompts and their versions. ``reference`` is an id or a slug; a slug is looked up in the default project."""

    async def get_prompt(self, grant: Grant, reference: str, which: Which) -> wire.PromptResponse | None:
        """One version."""
        ...

    async def get_prompts(self, grant: Grant, wanted: Mapping[str, Which]) -> dict[str, wire.PromptResponse]:
        """Those of the prompts that exist, each in the version that is wanted, by the reference asked for."""
        ...

    async def list_prompts(self, grant: Grant, wanted: PromptFilter) -> tuple[list[wire.PromptResponse], int]:
        """The latest version of each prompt, and how many prompts there are."""
        ...

    async def list_versions(
        self, grant: Grant, reference: str, *, limit: int, offset: int
    ) -> tuple[list[wire.PromptResponse], int] | None:
        """The versions of a prompt, highest first, and how many there are."""
        ...

    async def recent_slugs(self, grant: Grant, *, limit: int) -> list[str]:
        """The slugs of the newest prompts."""
        ...

    async def insert_prompt(
        self, grant: Grant, prompt_id: str, slug: str, make: Callable[[Fetch], PromptChange], once: Once | None
    ) -> wire.PromptResponse:
        """Create a prompt in the default project; ``make`` is called in the transaction.

        Raises:
            ConflictError: The slug or the name is taken.
        """
        ...

    async def change_prompt(
        self,
        grant: Grant,
        reference: str,
        version: str | None,
        decide: Callable[[Current], PromptChange],
        once: Once | None,
    ) -> wire.PromptResponse | None:
        """Read a version (or the latest), decide, write: in one transaction.

        Raises:
            ConflictError: The name or the version is taken.
        """
        ...

    async def delete_prompt(
        self,
        grant: Grant,
        reference: str,
        version: str | None,
        check: Callable[[wire.PromptResponse, Sequence[str]], None],
        once: Once | None,
    ) -> wire.PromptDeleted | None:
        """Delete one version or all, and the labels that point there; a prompt without versions is gone.

        ``check`` is called in the transaction with the version (or the latest) and those labels, and raises to refuse.
        """
        ...


class LabelStore(Protocol):
    """Labels and the history of prompts. ``reference`` is what it is for :class:`PromptStore`."""

    async def list_labels(self, grant: Grant, reference: str) -> list[StoredLabel] | None:
        """The labels of a prompt by name; None without such a prompt."""
        ...

    async def move_label(
        self,
        grant: Grant,
        reference: str,
        label: str,
        version: str,
        *,
        check: Callable[[str | None], None],
        finish: Callable[[StoredLabel], wire.PromptLabel],
        once: Once | None,
    ) -> wire.PromptLabel | None:
        """Let a label point to a version; None when there is no such prompt or version.

        ``check`` is called in the transaction with the version that it points to now, and raises to refuse. Nothing is
        written when it points there already. ``finish`` makes the answer, which is stored for ``once``.
        """
        ...

    async def remove_label(
        self, grant: Grant, reference: str, label: str, once: Once | None
    ) -> wire.PromptLabelRemoved | None:
        """Remove a label; None when there is none."""
        ...

    async def prompt_history(
        self, grant: Grant, reference: str, *, label: str | None, until: int | None, limit: int, offset: int
    ) -> tuple[list[wire.PromptEvent], int] | None:
        """Events, newest first, and how many there are; ``until`` is in microseconds. None without such a prompt.

        A deleted prompt has its history under its id.
        """
        ...
