"""The flat methods that create, change and delete prompts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from promptops.client._flat import FlatCalls, flat

if TYPE_CHECKING:
    from promptops.models import PromptResponse
    from promptops.prompts._drafts import Bump

__all__ = ["WriteCalls"]

_CONTENTS: Final = (
    "name",
    "content",
    "messages",
    "description",
    "template_format",
    "variables",
    "target_models",
    "model_specific_prompts",
    "module_id",
    "tags",
    "metadata",
    "tools",
    "tool_choice",
    "response_format",
    "model_settings",
    "variables_schema",
)
_CREATED: Final = (*_CONTENTS, "slug", "id", "version", "project_id")
_UPDATED: Final = (*_CONTENTS, "project_id")


class WriteCalls(FlatCalls):
    """Writing prompts, by the names and in the order of the published reference."""

    @flat("prompt_created", name="name")
    async def create_prompt(
        self, prompt_data: Mapping[str, Any], project_id: str | None = None, *, timeout: float | None = None
    ) -> PromptResponse:
        """Create a prompt.

        Args:
            prompt_data: ``name`` and one of ``content`` and ``messages``; also ``slug`` (or ``id``: how it is asked
                for, made from the name unless given), ``description``, ``variables``, ``target_models``,
                ``model_specific_prompts``, ``template_format``, ``version``, ``module_id``, ``tags``, ``metadata``,
                ``tools``, ``tool_choice``, ``response_format``, ``model_settings``, ``variables_schema``.
            project_id: In which project; that of the client unless given.
            timeout: Seconds for the whole call.

        Raises:
            ConflictError: The slug is taken.
            ValidationError: A key is unknown or missing, or something was refused; nothing was created.
        """
        given, project = _contents(prompt_data, _CREATED, project_id)
        if "name" not in given:
            raise _refused("name", "is missing in prompt_data; give the name of the prompt", "required")
        if "id" in given:
            slug = given.pop("id")
            if given.get("slug", slug) != slug:
                raise _refused("slug", "slug and id are two names of one thing; give one", "conflicting_fields")
            given["slug"] = slug
        name = given.pop("name")
        return await self._state.prompts().create(name, **given, project=project, timeout=timeout)

    @flat("prompt_updated")
    async def update_prompt(
        self,
        prompt_id: str,
        prompt_data: Mapping[str, Any],
        version: str | None = None,
        project_id: str | None = None,
        *,
        bump: Bump = "patch",
        new_version: str | None = None,
        if_match: str | None = None,
        timeout: float | None = None,
    ) -> PromptResponse:
        """Make a new version of a prompt, or edit one; what ``prompt_data`` does not name stays as it is.

        Args:
            prompt_id: Slug or id.
            prompt_data: What changes; keys as for :meth:`create_prompt`, without ``slug``, ``id`` and ``version``.
            version: Edit this version in place; None makes a new version.
            project_id: In which project; that of the client unless given.
            bump: Which part of the version grows when a new one is made: ``patch``, ``minor`` or ``major``.
            new_version: The number of the new version, instead of ``bump``.
            if_match: The ``etag`` that was read; the call fails if the prompt changed since.
            timeout: Seconds for the whole call.

        Raises:
            ConflictError: It changed since ``if_match`` was read, or the new version exists.
            PromptNotFoundError: There is no such prompt or version.
            ValidationError: A key is unknown, or something was refused; nothing was changed.
        """
        given, project = _contents(prompt_data, _UPDATED, project_id)
        if "name" in given:
            given["new_name"] = given.pop("name")
        return await self._state.prompts().update(
            prompt_id,
            **given,
            version=version,
            bump=bump,
            new_version=new_version,
            if_match=if_match,
            project=project,
            timeout=timeout,
        )

    @flat("prompt_deleted")
    async def delete_prompt(
        self,
        prompt_id: str,
        version: str | None = None,
        project_id: str | None = None,
        *,
        timeout: float | None = None,
        force: bool = False,
    ) -> bool:
        """Delete one version of a prompt, or with None the prompt and all its versions.

        Args:
            prompt_id: Slug or id.
            version: Which version; None means all.
            project_id: In which project; that of the client unless given.
            timeout: Seconds for the whole call.
            force: Whether labels that point there go too; else they keep the version from being deleted.

        Returns:
            True; what is not there raises.

        Raises:
            ConflictError: A label points there.
            PromptNotFoundError: There is no such prompt or version.
        """
        return await self._state.prompts().delete(
            prompt_id, version=version, project=project_id, timeout=timeout, force=force
        )

    @flat("prompt_rolled_back")
    async def rollback(
        self, prompt_id: str, version: str, project_id: str | None = None, *, timeout: float | None = None
    ) -> PromptResponse:
        """Make an older version current again by publishing what it holds as a new version.

        Versions never change their meaning and none is removed: after 1.0.0, 1.1.0 and a rollback to 1.0.0 the latest
        is 1.1.1, with the texts, tools, settings, variables, tags and metadata of 1.0.0.

        Returns:
            The new version.

        Raises:
            PromptNotFoundError: There is no such prompt or version.
            ValidationError: ``version`` names no version.
        """
        return await self._state.prompts().rollback(prompt_id, version=version, project=project_id, timeout=timeout)


def _contents(prompt_data: object, known: tuple[str, ...], project_id: str | None) -> tuple[dict[str, Any], str | None]:
    """The contents by name, and the project that the data or the argument names.

    Raises:
        ValidationError: The data is no dict, holds an unknown key, or names another project than the argument.
    """
    if not isinstance(prompt_data, Mapping):
        raise _refused("prompt_data", f"expected a dict, got {type(prompt_data).__name__!r}", "invalid_value")
    given: dict[Any, Any] = dict(prompt_data)  # pyright: ignore[reportUnknownArgumentType] - looked at right here
    for name in given:
        if name not in known:
            raise _refused(
                f"{name!s:.80}", f"unknown key of prompt_data; known are {', '.join(known)}", "unknown_field"
            )
    project = given.pop("project_id", None)
    if project is not None and project_id is not None and project != project_id:
        raise _refused("project_id", "prompt_data names another project than the argument", "conflicting_fields")
    return given, project if project_id is None else project_id


def _refused(field: str, message: str, code: str) -> Exception:
    from promptops.prompts._checks import refused

    return refused(field, message, code)
