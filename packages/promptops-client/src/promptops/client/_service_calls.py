"""The flat methods about models, the cache, telemetry, the configuration and the health of a client."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from promptops.client._flat import FlatCalls, flat

if TYPE_CHECKING:
    from promptops.cache import CacheStats
    from promptops.client.config import ClientConfig
    from promptops.client.health import HealthStatus
    from promptops.client.stats import ClientStats
    from promptops.models import ModelCompatibility, ModelInfo, ModelProvider
    from promptops.telemetry.summary import TelemetrySummary

__all__ = ["ServiceCalls"]


class ServiceCalls(FlatCalls):
    """Everything of the published reference that is not about the contents of prompts."""

    @flat("compatibility_checked")
    async def get_model_compatibility(
        self,
        prompt_id: str,
        model_provider: ModelProvider | str,
        model_name: str,
        version: str | None = None,
        project_id: str | None = None,
        *,
        timeout: float | None = None,
    ) -> bool:
        """Whether a prompt suits a model; :meth:`check_compatibility` says why not.

        Raises:
            PromptNotFoundError: There is no such prompt or version.
            ValidationError: An argument cannot be meant; nothing was sent.
        """
        report = await self._state.models().check(
            prompt_id,
            model_provider=model_provider,
            model_name=model_name,
            version=version,
            project=project_id,
            timeout=timeout,
        )
        return report.compatible

    @flat("compatibility_checked")
    async def check_compatibility(
        self,
        prompt_id: str,
        model_provider: ModelProvider | str,
        model_name: str,
        version: str | None = None,
        project_id: str | None = None,
        *,
        output_tokens: int | None = None,
        requires_json: bool | None = None,
        requires_streaming: bool | None = None,
        timeout: float | None = None,
    ) -> ModelCompatibility:
        """Whether a prompt suits a model, and what speaks against it; no model is called.

        Args:
            prompt_id: Slug or id.
            model_provider: Who serves the model.
            model_name: Its name.
            version: Which version of the prompt; the latest unless given.
            project_id: In which project; that of the client unless given.
            output_tokens: Tokens to reserve for the answer.
            requires_json: Whether the answer must be JSON.
            requires_streaming: Whether the answer must be streamed.
            timeout: Seconds for the whole call.

        Returns:
            ``compatible``, a ``score`` from 0 to 1, typed ``issues`` (errors, warnings, facts) and ``recommendations``.

        Raises:
            PromptNotFoundError: There is no such prompt or version.
            ValidationError: An argument cannot be meant; nothing was sent.
        """
        return await self._state.models().check(
            prompt_id,
            model_provider=model_provider,
            model_name=model_name,
            version=version,
            output_tokens=output_tokens,
            requires_json=requires_json,
            requires_streaming=requires_streaming,
            project=project_id,
            timeout=timeout,
        )

    @flat("models_listed")
    async def list_models(
        self,
        provider: ModelProvider | str | None = None,
        use_cache: bool = True,
        *,
        capability: str | None = None,
        timeout: float | None = None,
    ) -> list[ModelInfo]:
        """The models of the server's catalogue, by provider and name; what is not known of one is None, never 0.

        Args:
            provider: Only models of this provider.
            use_cache: Whether a list that was fetched less than five minutes ago may be used.
            capability: Only models that can do this.
            timeout: Seconds for the whole call.

        Raises:
            ValidationError: An argument cannot be meant; nothing was sent.
        """
        return await self._state.models().list(
            provider=provider, capability=capability, use_cache=use_cache, timeout=timeout
        )

    def get_stats(self) -> ClientStats:
        """What was counted of this client's calls since it was made."""
        return self._state.stats()

    def get_cache_stats(self) -> CacheStats:
        """What the cache of prompts counted, and how full it is; ``tiers`` has the shared caches behind the memory."""
        return self._state.cache_stats()

    async def measure_cache(self) -> dict[str, CacheStats | None]:
        """How much lies in the shared caches, of this client and others, by ``redis`` and ``disk``.

        Returns:
            ``size`` in entries and, of the disk, ``memory_usage`` in bytes; None for a cache that is away.
        """
        return await self._state.cache().measure()

    async def clear_cache(self, prompt_id: str | None = None, version: str | None = None) -> None:
        """Forget everything that is kept, one prompt, or one version of it (``latest`` for the latest).

        It is forgotten in memory and in the shared caches, there for the projects that this client read from.

        Raises:
            ValidationError: A version came without a prompt, or an argument cannot be meant; nothing was forgotten.
        """
        await self._state.forget(prompt_id, version)

    def get_telemetry_summary(self) -> TelemetrySummary:
        """How telemetry stands: what is pending, and what it is set to."""
        return self._state.reports.summary()

    async def flush_telemetry(self) -> None:
        """Send what is queued, and wait for it for at most 5 seconds; it never raises for what could not be sent.

        :meth:`get_telemetry_summary` says what is still pending, and why.
        """
        telemetry = self._state.reports.telemetry
        if telemetry is not None and not self._state.closed:
            await self._state.runtime.run_blocking(telemetry.flush)

    def disable_telemetry(self) -> None:
        """Record nothing new from now on; what is queued is still sent."""
        self._state.switch_telemetry(self._state.reports.disable)

    def enable_telemetry(self, sample_rate: float = 0.1) -> None:
        """Record from now on.

        Args:
            sample_rate: The share of calls that is recorded, from 0 to 1.

        Raises:
            ValidationError: ``sample_rate`` is not a number from 0 to 1.
        """
        self._state.switch_telemetry(partial(self._state.reports.enable, sample_rate))

    def update_config(self, config: Mapping[str, Any] | ClientConfig) -> None:
        """Change the configuration while the client is in use.

        Everything is checked first, then all of it holds at once. Only what changed is rebuilt. Calls that have begun
        end on the connections that they began on, which are closed when the last of them has ended.

        Args:
            config: Values by the names of :class:`ClientConfig`, None for the default; or a ``ClientConfig``, of which
                None leaves a value as it is.

        Raises:
            ConfigurationError: A name is unknown, a value cannot work, or the client was shut down; nothing changed.
        """
        self._state.update(config)

    def get_config(self) -> ClientConfig:
        """The configuration of now, with every default written out; keys are masked."""
        return self._state.shown()

    async def health_check(self) -> HealthStatus:
        """Whether the server can be used with this key, and how the cache and telemetry are; it never raises."""
        from promptops.client.health import check_health

        return await check_health(self._state)
