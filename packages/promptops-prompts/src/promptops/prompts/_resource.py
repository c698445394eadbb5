"""Prompts: fetch, render, list, create, change and delete them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from msgspec import UNSET, UnsetType
from promptops.models import PromptResponse
from promptops.prompts._checks import check_flag, check_name, refused
from promptops.prompts._drafts import (
    Bump,
    Choice,
    Format,
    Message,
    Settings,
    TemplateFormat,
    Tool,
    Variant,
    new_prompt,
    prompt_changes,
)
from promptops.prompts._labels import PromptLabels
from promptops.prompts._shared import Forgotten
from promptops.prompts.versions import normalise_version

__all__ = ["AsyncPrompts"]


class AsyncPrompts(PromptLabels):
    """The prompts of a server.

    A prompt is named by its slug or its id. ``version`` is a SemVer (``1.2.0``, ``v1.2``); None or ``latest`` means
    the highest. ``project`` replaces the project of the constructor; None in both means the default of the key.
    ``timeout`` is seconds for the whole call, retries included.

    Args:
        runtime: What sends the requests.
        project: The project of calls that name none.
        cache: What to keep, or the memory to share with another resource of the same client.
        store: Where the prompts are; the server behind ``runtime`` unless given.
        bundle: What is served when the server cannot be asked and nothing is at hand.
    """

    async def create(
        self,
        name: str,
        *,
        content: str | None = None,
        messages: Sequence[Message] | None = None,
        slug: str | None = None,
        description: str = "",
        template_format: TemplateFormat = "mustache",
        variables: Sequence[str] | None = None,
        target_models: Sequence[str] = (),
        model_specific_prompts: Sequence[Variant] = (),
        version: str | None = None,
        module_id: str | None = None,
        tags: Sequence[str] = (),
        metadata: Mapping[str, Any] | None = None,
        project: str | None = None,
        timeout: float | None = None,
        tools: Sequence[Tool] = (),
        tool_choice: Choice | None = None,
        response_format: Format | None = None,
        model_settings: Settings | None = None,
        variables_schema: Mapping[str, Any] | None = None,
    ) -> PromptResponse:
        """Create a prompt.

        Args:
            name: For people.
            content: The text of a plain prompt; either this or ``messages``.
            messages: The messages of a chat prompt, ``{"role", "content"}`` each; the content is a text or a list of
                parts, ``{"type": "text", "text": ...}`` each. The role ``placeholder`` stands for the list of messages
                that the variable ``name`` will hold.
            slug: How it is asked for; made from the name unless given.
            description: What it is for.
            template_format: ``mustache``, ``f-string``, ``none``, or ``jinja2``, which only clients render.
            variables: Declared names; those that the text uses are added by the server.
            target_models: Providers that it is written for.
            model_specific_prompts: Texts for particular models.
            version: The first version; ``1.0.0`` unless given.
            module_id: The module that it belongs to.
            tags: Words to find it by.
            metadata: Free facts.
            project: In which project.
            timeout: Seconds for the whole call.
            tools: The tools that the model may call, ``{"name", "description", "parameters"}`` each.
            tool_choice: Whether it must call one: ``{"type": "auto" | "none" | "required" | "tool", "name"}``.
            response_format: The form of the answer: ``{"type": "json_schema", "name", "schema"}`` and others.
            model_settings: For which model, and how it answers: ``{"model", "temperature", "max_tokens"}`` and others.
            variables_schema: A JSON schema that the variables have to meet when the prompt is rendered.

        Raises:
            ConflictError: The slug is taken.
            ValidationError: Something was refused; nothing was created.
        """
        scope = self._scope(project)
        prompt = new_prompt(
            name,
            content=content,
            messages=messages,
            slug=slug,
            description=description,
            template_format=template_format,
            variables=variables,
            target_models=target_models,
            model_specific_prompts=model_specific_prompts,
            version=version,
            module_id=module_id,
            tags=tags,
            metadata=metadata,
            tools=tools,
            tool_choice=tool_choice,
            response_format=response_format,
            model_settings=model_settings,
            variables_schema=variables_schema,
            project=scope,
        )
        try:
            created = await self._store.create(prompt, timeout=timeout)
        except BaseException:
            # A call that failed half-way, or was cancelled, may have created it all the same.
            self._cache.drop_behind(self._cache.forget(slug or name, project=scope, elsewhere=False))
            raise
        await self._cache.drop(self._cache.forget(created.slug, project=scope, elsewhere=False))
        return created

    async def update(
        self,
        name: str,
        *,
        version: str | None = None,
        bump: Bump = "patch",
        new_version: str | None = None,
        if_match: str | None = None,
        new_name: str | UnsetType = UNSET,
        content: str | UnsetType = UNSET,
        messages: Sequence[Message] | UnsetType | None = UNSET,
        description: str | UnsetType = UNSET,
        template_format: TemplateFormat | UnsetType = UNSET,
        variables: Sequence[str] | UnsetType = UNSET,
        target_models: Sequence[str] | UnsetType = UNSET,
        model_specific_prompts: Sequence[Variant] | UnsetType = UNSET,
        module_id: str | UnsetType | None = UNSET,
        tags: Sequence[str] | UnsetType = UNSET,
        metadata: Mapping[str, Any] | UnsetType = UNSET,
        project: str | None = None,
        timeout: float | None = None,
        tools: Sequence[Tool] | UnsetType = UNSET,
        tool_choice: Choice | UnsetType | None = UNSET,
        response_format: Format | UnsetType | None = UNSET,
        model_settings: Settings | UnsetType | None = UNSET,
        variables_schema: Mapping[str, Any] | UnsetType | None = UNSET,
    ) -> PromptResponse:
        """Make a new version of a prompt, or edit one; what is not given stays as it is.

        Args:
            name: Slug or id.
            version: Edit this version in place; None makes a new version.
            bump: Which part of the version grows when a new one is made: ``patch``, ``minor`` or ``major``.
            new_version: The number of the new version, instead of ``bump``.
            if_match: The ``etag`` that was read; the call fails if the prompt changed since.
            new_name: Another name for people.
            content: Another text.
            messages: Other messages; None makes it a plain text.
            description: Another description.
            template_format: Another format.
            variables: Other declared names.
            target_models: Other providers.
            model_specific_prompts: Other texts for particular models.
            module_id: Another module, or None.
            tags: Other tags.
            metadata: Other facts.
            project: In which project.
            timeout: Seconds for the whole call.
            tools: Other tools.
            tool_choice: Another choice of tools, or None.
            response_format: Another form of the answer, or None.
            model_settings: Other settings, or None.
            variables_schema: Another schema of the variables, or None.

        Raises:
            ConflictError: It changed since ``if_match`` was read, or the new version exists.
            PromptNotFoundError: There is no such prompt or version.
            ValidationError: Something was refused; nothing was changed.
        """
        name = check_name(name)
        scope = self._scope(project)
        changes = prompt_changes(
            version=version,
            bump=bump,
            new_version=new_version,
            new_name=new_name,
            content=content,
            messages=messages,
            description=description,
            template_format=template_format,
            variables=variables,
            target_models=target_models,
            model_specific_prompts=model_specific_prompts,
            module_id=module_id,
            tags=tags,
            metadata=metadata,
            tools=tools,
            tool_choice=tool_choice,
            response_format=response_format,
            model_settings=model_settings,
            variables_schema=variables_schema,
            project=scope,
        )
        try:
            updated = await self._store.update(name, changes, if_match=if_match, timeout=timeout)
        except BaseException:
            # A call that failed half-way, or was cancelled, may have changed it all the same.
            self._cache.drop_behind(self._cache.forget(name, project=scope))
            raise
        changed = self._cache.forget(name, project=scope, prompt_id=updated.id, versions={updated.version})
        await self._cache.drop(changed)
        return updated

    async def delete(
        self,
        name: str,
        *,
        version: str | None = None,
        project: str | None = None,
        timeout: float | None = None,
        force: bool = False,
    ) -> bool:
        """Delete one version of a prompt, or with None the prompt and all its versions.

        Args:
            name: Slug or id.
            version: Which version; None means all.
            project: In which project.
            timeout: Seconds for the whole call.
            force: Whether labels that point there go too; else they keep the version from being deleted.

        Returns:
            True; what is not there raises.

        Raises:
            ConflictError: A label points there.
            PromptNotFoundError: There is no such prompt or version.
        """
        name = check_name(name)
        check_flag("force", force)
        removed = normalise_version(version)
        if version is not None and removed is None:
            raise refused("version", "say which version to delete; 'latest' may change meanwhile", "invalid_version")
        scope = self._scope(project)
        try:
            await self._store.delete(name, version=removed, project=scope, force=force, timeout=timeout)
        except BaseException:
            self._cache.drop_behind(self._forget_deleted(name, scope, removed))
            raise
        await self._cache.drop(self._forget_deleted(name, scope, removed))
        return True

    async def rollback(
        self, name: str, *, version: str, project: str | None = None, timeout: float | None = None
    ) -> PromptResponse:
        """Make an older version current again by publishing what it holds as a new version.

        Versions never change their meaning and none is removed: after 1.0.0, 1.1.0 and a rollback to 1.0.0 the latest
        is 1.1.1, with the texts, tools, settings, variables, tags and metadata of 1.0.0. What it included is included
        again as it was written, so a label is looked up anew.

        Args:
            name: Slug or id.
            version: The version to return to.
            project: In which project.
            timeout: Seconds for each of the two requests.

        Returns:
            The new version.

        Raises:
            PromptNotFoundError: There is no such prompt or version.
            ValidationError: ``version`` names no version.
        """
        wanted = normalise_version(version)
        if wanted is None:
            raise refused("version", "say which version to return to, for example '1.0.0'", "invalid_version")
        old = await self._fetch(name, version=wanted, project=project, timeout=timeout)
        written = old if old.source is None else old.source
        return await self.update(
            old.id,
            content=UNSET if written.messages else written.content,
            messages=written.messages or UNSET,
            description=old.description,
            template_format=cast("TemplateFormat", old.template_format),  # another one is refused by the checks
            variables=old.variables,
            target_models=old.target_models,
            model_specific_prompts=written.model_specific_prompts,
            tags=old.tags,
            metadata=old.metadata,
            tools=old.tools,
            tool_choice=old.tool_choice,
            response_format=old.response_format,
            model_settings=old.model_settings,
            variables_schema=old.variables_schema,
            project=project,
            timeout=timeout,
        )

    def _forget_deleted(self, name: str, scope: str | None, version: str | None) -> Forgotten:
        versions = None if version is None else {version}
        return self._cache.forget(name, project=scope, versions=versions, removed=version is None)
