"""The flat methods of a client: all of them, and their blocking twins."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar, overload

from msgspec import UNSET
from promptops.client._label_calls import LabelCalls
from promptops.client._prompt_calls import PromptCalls
from promptops.client._read_calls import ReadCalls
from promptops.client._service_calls import ServiceCalls
from promptops.client._write_calls import WriteCalls
from promptops.core.bridge import SyncResource, bridge, bridge_iter, drive, forward

if TYPE_CHECKING:
    from promptops.models import PromptResponse

__all__ = ["AsyncCalls", "SyncCalls"]

F = TypeVar("F")


class AsyncCalls(ReadCalls, PromptCalls, WriteCalls, LabelCalls, ServiceCalls):
    """Every flat method."""


class SyncCalls(SyncResource[AsyncCalls]):
    """Blocking view of :class:`AsyncCalls`."""

    @overload
    def get_prompt(
        self,
        prompt_id: str,
        version: str | None = None,
        use_cache: bool = True,
        project_id: str | None = None,
        *,
        timeout: float | None = None,
        label: str | None = None,
    ) -> PromptResponse: ...
    @overload
    def get_prompt(
        self,
        prompt_id: str,
        version: str | None = None,
        use_cache: bool = True,
        project_id: str | None = None,
        *,
        timeout: float | None = None,
        label: str | None = None,
        fallback: Callable[[Exception], F],
    ) -> PromptResponse | F: ...
    @overload
    def get_prompt(
        self,
        prompt_id: str,
        version: str | None = None,
        use_cache: bool = True,
        project_id: str | None = None,
        *,
        timeout: float | None = None,
        label: str | None = None,
        fallback: F,
    ) -> PromptResponse | F: ...
    def get_prompt(
        self,
        prompt_id: str,
        version: str | None = None,
        use_cache: bool = True,
        project_id: str | None = None,
        *,
        timeout: float | None = None,
        label: str | None = None,
        fallback: object = UNSET,
    ) -> object:
        # Written by hand: a prompt that is at hand costs no coroutine.
        calls = self._resource
        if use_cache:
            at_hand = calls._at_hand  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
            found = at_hand(prompt_id, version, project_id, label)
            if found is not None:
                return found
        read = calls._read_prompt  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
        return drive(read(prompt_id, version, use_cache, project_id, timeout, label, fallback)).prompt

    get_prompt.__doc__ = AsyncCalls.get_prompt.__doc__

    read_prompt = bridge(AsyncCalls.read_prompt)
    get_prompts = bridge(AsyncCalls.get_prompts)
    render_prompt = bridge(AsyncCalls.render_prompt)
    cache_warm = bridge(AsyncCalls.cache_warm)
    list_prompts = bridge(AsyncCalls.list_prompts)
    list_prompts_page = bridge(AsyncCalls.list_prompts_page)
    iterate_prompts = bridge_iter(AsyncCalls.iterate_prompts)
    validate_prompt = bridge(AsyncCalls.validate_prompt)
    list_versions = bridge(AsyncCalls.list_versions)
    versions = bridge(AsyncCalls.versions)
    create_prompt = bridge(AsyncCalls.create_prompt)
    update_prompt = bridge(AsyncCalls.update_prompt)
    delete_prompt = bridge(AsyncCalls.delete_prompt)
    rollback = bridge(AsyncCalls.rollback)
    list_labels = bridge(AsyncCalls.list_labels)
    set_label = bridge(AsyncCalls.set_label)
    remove_label = bridge(AsyncCalls.remove_label)
    get_prompt_history = bridge(AsyncCalls.get_prompt_history)
    diff_prompt = bridge(AsyncCalls.diff_prompt)
    get_model_compatibility = bridge(AsyncCalls.get_model_compatibility)
    check_compatibility = bridge(AsyncCalls.check_compatibility)
    list_models = bridge(AsyncCalls.list_models)
    get_stats = forward(AsyncCalls.get_stats)
    get_cache_stats = forward(AsyncCalls.get_cache_stats)
    measure_cache = bridge(AsyncCalls.measure_cache)
    clear_cache = bridge(AsyncCalls.clear_cache)
    get_telemetry_summary = forward(AsyncCalls.get_telemetry_summary)
    flush_telemetry = bridge(AsyncCalls.flush_telemetry)
    disable_telemetry = forward(AsyncCalls.disable_telemetry)
    enable_telemetry = forward(AsyncCalls.enable_telemetry)
    update_config = forward(AsyncCalls.update_config)
    get_config = forward(AsyncCalls.get_config)
    health_check = bridge(AsyncCalls.health_check)
