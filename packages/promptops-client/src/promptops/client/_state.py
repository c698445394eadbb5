"""What a client owns: its settings, one runtime, and the resources over it; opened once, closed once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

import msgspec
from promptops.cache import CacheConfig
from promptops.client._caching import Behind, check, is_shared
from promptops.client._locks import ForkLock
from promptops.client._reports import Reports
from promptops.client._runtime import ClientRuntime
from promptops.client._update import merged, shown
from promptops.client.config import ClientConfig, TelemetryConfig, runtime_config
from promptops.client.stats import CallCounter

if TYPE_CHECKING:
    from promptops.cache import CacheStats
    from promptops.client._stores import ClientStores
    from promptops.client.stats import ClientStats
    from promptops.core.config import RuntimeConfig
    from promptops.core.runtime import Runtime
    from promptops.experiments import AsyncDatasets, AsyncExperiments
    from promptops.prompts import AsyncModels, AsyncPrompts, PromptCache
    from promptops.prompts.files.bundle import Bundle

__all__ = ["ClientState"]

T = TypeVar("T")


class ClientState:
    """The one runtime of a client and the resources over it, made at first use.

    Both facades hold one; they differ in ``make_runtime`` and in what ``blocking`` says of it. Opening sends nothing: a
    server that is away does not keep a program from starting.
    """

    def __init__(
        self,
        settings: ClientConfig,
        make_runtime: Callable[[RuntimeConfig], Runtime],
        *,
        blocking: bool,
        http_client: object | None = None,
    ) -> None:
        self._http_client = http_client
        self._config = runtime_config(settings, http_client=http_client)
        check(settings.cache)
        self._bundle = _bundle_of(settings)
        self.settings = settings
        self._counter = CallCounter()
        self.runtime = ClientRuntime(_of_transport(self._config), make_runtime, self._counter)
        self.reports = Reports(settings.telemetry or TelemetryConfig(), _of_transport(self._config))
        self._lock = ForkLock()
        self._updating = ForkLock()
        self._cache: PromptCache | None = None
        self._behind = Behind(
            self.runtime,
            self._counter,
            blocking=blocking,
            refreshes=blocking or http_client is None,
            config=lambda: self._config,
        )
        self._resources: dict[str, Any] = {}
        self.made = self._resources.get
        """A resource or view that was made already, by its name; the hot path asks here first."""
        if is_shared(settings.cache):
            self.cache()  # a directory that cannot be used shows now

    @property
    def closed(self) -> bool:
        """Whether the client was shut down."""
        return self.runtime.closed

    def open(self) -> Runtime:
        """The runtime of the resources, ready to send.

        Raises:
            ConfigurationError: The client was shut down.
        """
        self.runtime.open()
        return self.runtime

    def resource(self, name: str, make: Callable[[Runtime], T]) -> T:
        """The resource called ``name``, made once.

        Raises:
            ConfigurationError: The client was shut down.
        """
        found = self._resources.get(name)
        if found is None:
            made = make(self.open())
            with self._lock.here():
                found = made if self.closed else self._resources.setdefault(name, made)
        return cast("T", found)

    def prompts(self) -> AsyncPrompts:
        """The prompts resource."""
        return self.resource("prompts", self._make_prompts)

    def models(self) -> AsyncModels:
        """The models resource."""
        return self.resource("models", self._make_models)

    def datasets(self) -> AsyncDatasets:
        """The datasets resource."""
        return self.resource("datasets", self._make_datasets)

    def experiments(self) -> AsyncExperiments:
        """The experiments resource."""
        return self.resource("experiments", self._make_experiments)

    def stores(self) -> ClientStores:
        """The ports that runners and tools work over."""
        return self.resource("stores", lambda _: _make_stores(self))

    def view(self, name: str, make: Callable[[ClientState], T]) -> T:
        """The blocking view of a resource, made once."""
        return self.resource(f"sync {name}", lambda _: make(self))

    def cache(self) -> PromptCache:
        """The prompts that the client remembers; every prompts resource of it shares them."""
        cache = self._cache
        if cache is None:
            with self._lock.here():
                cache = self._cache = self._cache or self._behind.make_cache(self.settings.cache)
        return cache

    async def forget(self, prompt_id: str | None, version: str | None) -> None:
        """Forget everything that is kept, one prompt, or one version of it.

        Raises:
            ValidationError: A version came without a prompt, or an argument cannot be meant.
        """
        if prompt_id is not None:
            from promptops.prompts._checks import check_name

            check_name(prompt_id, "prompt_id")
        cache = self.cache()
        await cache.drop(await cache.clear_all(prompt_id, version=version, project=self.settings.project))
        models: AsyncModels | None = self._resources.get("models")
        if prompt_id is None and models is not None:
            models.clear()

    def cache_stats(self) -> CacheStats:
        """What the cache of prompts counted."""
        return self.cache().stats()

    def stats(self) -> ClientStats:
        """What was counted so far; model lists that were at hand count as hits too."""
        counts = [self.cache_stats()]
        models: AsyncModels | None = self._resources.get("models")
        if models is not None:
            counts.append(models.stats())
        return self._counter.stats(
            cache_hits=sum(count.hits for count in counts), cache_misses=sum(count.misses for count in counts)
        )

    def update(self, changes: Mapping[str, Any] | ClientConfig) -> None:
        """Check changes, then take all of them over at once; calls that have begun end where they began.

        Raises:
            ConfigurationError: A name is unknown, a value cannot work, or the client was shut down; nothing changed.
        """
        with self._updating.here():
            settings = merged(self.settings, changes)
            config = runtime_config(settings, http_client=self._http_client)
            check(settings.cache)
            telemetry = settings.telemetry or TelemetryConfig()
            old, old_config = self.settings, self._config
            moved = _whose(config) != _whose(old_config)
            cache = self.cache() if self._cache is not None or is_shared(settings.cache) else None
            prepared = None
            if cache is not None:
                prepared = cache.prepare(settings.cache or CacheConfig(), moved_to=config if moved else None)
            left: list[Callable[[], None]] = []
            bundle = self._bundle if settings.bundle == old.bundle else _bundle_of(settings)

            def swap() -> None:
                with self._lock.here():
                    self.settings, self._config, self._bundle = settings, config, bundle
                    if (settings.project, settings.bundle) != (old.project, old.bundle):
                        self._resources.clear()  # they are made again, for the other project or with the other bundle
                    if moved:
                        self._forget_answers()
                    if cache is not None and prepared is not None:
                        left.append(cache.adopt(prepared))

            # The background goes first: what it asks the new server before the swap is not kept.
            self._behind.follow(_of_transport(config))
            try:
                self.runtime.replace(_of_transport(config), swap=swap)
            except BaseException:
                self._behind.follow(_of_transport(old_config))
                raise
            for close in left:
                from promptops.cache.policy import BACKGROUND

                BACKGROUND.submit(close, close)  # it may take a moment, and this may be an event loop
            if telemetry != self.reports.config or _of_transport(config) != _of_transport(old_config):
                self.reports.follow(telemetry, _of_transport(config))

    def switch_telemetry(self, switch: Callable[[], None]) -> None:
        """Change what is reported, and remember it in the settings."""
        with self._updating.here():
            switch()
            self.settings = msgspec.structs.replace(self.settings, telemetry=self.reports.config)

    def shown(self) -> ClientConfig:
        """The settings of now, complete and without secrets."""
        return shown(self.settings, telemetry=self.reports.config)

    def describe(self) -> str:
        """Where the client points, for its ``repr``."""
        project = f", project={self.settings.project!r}" if self.settings.project else ""
        return f"{self._config.base_url!r}{project}{', shut down' if self.closed else ''}"

    async def close(self) -> None:
        """Send what telemetry holds, then close every connection; the second call does nothing."""
        telemetry = self.reports.close()
        try:
            if telemetry is not None and not self.closed:
                await self.runtime.run_blocking(telemetry.shutdown)
        finally:
            with self._lock.here():
                self._resources.clear()
            if self._cache is not None:
                if is_shared(self.settings.cache) and not self.closed:
                    await self.runtime.run_blocking(self._cache.close)  # it may take a moment
                else:
                    self._cache.close()
            await self.runtime.aclose()
            await self._behind.aclose()

    def _forget_answers(self) -> None:
        if self._cache is not None:
            self._cache.clear()
        models: AsyncModels | None = self._resources.get("models")
        if models is not None:
            models.clear()

    # Each package is imported with its first use: a program that reads prompts never pays for the experiments.

    def _make_prompts(self, runtime: Runtime) -> AsyncPrompts:
        from promptops.prompts import AsyncPrompts

        return AsyncPrompts(runtime, project=self.settings.project, cache=self.cache(), bundle=self._bundle)

    def _make_models(self, runtime: Runtime) -> AsyncModels:
        from promptops.prompts import AsyncModels

        return AsyncModels(runtime, project=self.settings.project)

    def _make_datasets(self, runtime: Runtime) -> AsyncDatasets:
        from promptops.experiments import AsyncDatasets

        return AsyncDatasets(runtime, project=self.settings.project)

    def _make_experiments(self, runtime: Runtime) -> AsyncExperiments:
        from promptops.experiments import AsyncExperiments

        return AsyncExperiments(runtime, project=self.settings.project, base_url=lambda: self._config.base_url)


def _make_stores(state: ClientState) -> ClientStores:
    from promptops.client._stores import ClientStores

    return ClientStores(state)


def _bundle_of(settings: ClientConfig) -> Bundle | None:
    """The bundle, read now: that it cannot be used must not show when it is needed."""
    if settings.bundle is None:
        return None
    from pathlib import Path

    from promptops.prompts.files.bundle import Bundle

    return Bundle.load(Path(settings.bundle))


def _of_transport(config: RuntimeConfig) -> RuntimeConfig:
    """Without the project, which is the business of the resources: another one needs no new connections."""
    return msgspec.structs.replace(config, project=None)


def _whose(config: RuntimeConfig) -> tuple[object, ...]:
    """Whose prompts they are: another server, or another key, may have others under the same names."""
    return (config.base_url, config.api_key, config.secret_key, config.key_id)
