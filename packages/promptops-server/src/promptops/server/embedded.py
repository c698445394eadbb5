"""A whole server within this process, for tests, notebooks and the quickstart."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from promptops.core.errors import ConfigurationError
from promptops.server._run import bind, run, url_of
from promptops.server.rates import Limits
from promptops.server.settings import Settings

__all__ = ["EmbeddedServer"]

_START_SECONDS: Final = 60.0
_GRACEFUL_SECONDS: Final = 5


class EmbeddedServer:
    """A server on a thread of its own, on a loopback port; a context manager.

    Args:
        directory: Where the data lies; without one, a temporary directory that goes with the server.
        port: 0 takes a free port.
        accept_unknown_example_ids: See :class:`promptops.server.settings.Settings`, also for ``limits`` and
            ``redis_url``, ``protected_labels``.

    Attributes:
        url: For example ``http://127.0.0.1:40123``; known from the construction on.
        directory: Where the data lies.

    Raises:
        ConfigurationError: The port is taken, or the directory cannot be used (by :meth:`start`).
    """

    def __init__(
        self,
        directory: str | Path | None = None,
        *,
        port: int = 0,
        accept_unknown_example_ids: bool = False,
        limits: Limits | None = None,
        redis_url: str | None = None,
        protected_labels: Sequence[str] = ("production",),
    ) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="promptops-") if directory is None else None
        self.directory = Path(directory) if self._temporary is None and directory else Path(self._temporary_name())
        self._listening = bind("127.0.0.1", port)
        self.url = url_of(self._listening)
        self._settings = Settings(
            data_dir=self.directory,
            port=self._listening.getsockname()[1],
            accept_unknown_example_ids=accept_unknown_example_ids,
            limits=limits if limits is not None else Limits(),
            redis_url=redis_url,
            protected_labels=tuple(protected_labels),
        )
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._stop: Callable[[], None] | None = None
        self._thread = threading.Thread(target=self._run, name="promptops-server", daemon=True)

    def start(self) -> Self:
        """Start, and return once requests are answered."""
        self._thread.start()
        ready = self._ready.wait(_START_SECONDS)
        if self._failure is not None:
            self.close()
            raise self._failure
        if not ready:
            self.close()
            raise ConfigurationError(f"The embedded server was not ready within {_START_SECONDS:g} seconds.")
        return self

    def close(self) -> None:
        """Finish the requests under way and stop; safe to call twice."""
        if self._stop is not None:
            self._stop()
        if self._thread.is_alive():
            self._thread.join()
        self._listening.close()
        if self._temporary is not None:
            self._temporary.cleanup()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _temporary_name(self) -> str:
        return "" if self._temporary is None else self._temporary.name

    def _run(self) -> None:
        try:
            run(
                self._settings,
                self._listening,
                on_ready=self._ready.set,
                graceful_seconds=_GRACEFUL_SECONDS,
                register=self._register,
            )
        except BaseException as error:  # noqa: BLE001 - it belongs to the thread that started us
            self._failure = error
            self._ready.set()

    def _register(self, stop: Callable[[], None]) -> None:
        self._stop = stop
