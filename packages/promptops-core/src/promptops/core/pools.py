"""Separate connections for separate kinds of calls, so that one cannot starve another."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable

from promptops.core.errors import ConfigurationError
from promptops.core.messages import Profile
from promptops.core.transport import Transport

__all__ = ["Pools"]


class _Process:
    lock = threading.Lock()


class Pools:
    """Transports by profile, opened at first use.

    Prompt reads, telemetry and everything else have a transport each. A transport that was given serves all.

    Attributes:
        ready: Transport by profile name; what is not there yet comes from :meth:`open`.
    """

    def __init__(self, make: Callable[[], Transport], *, given: Transport | None = None) -> None:
        self.ready: dict[str, Transport] = {}
        self._make = make
        self._given = given
        self._groups: dict[str, Transport] = {}
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether :meth:`aclose` was called."""
        return self._closed

    def open(self, profile: Profile) -> Transport:
        """The transport of a profile.

        Raises:
            ConfigurationError: The runtime is closed, or its transport cannot be made.
        """
        with _Process.lock:
            if self._closed:
                raise ConfigurationError(
                    "This client is closed; make a new one, or keep it open for as long as it is used.",
                    error_code="CLIENT_CLOSED",
                )
            group = "" if self._given is not None else group_of(profile)
            transport = self._groups.get(group) or self._given or self._make()
            self._groups[group] = self.ready[profile.name] = transport
            return transport

    async def aclose(self) -> None:
        """Close every transport, also when closing one of them fails; safe to call twice."""
        with _Process.lock:
            self._closed = True
            transports = list(self._groups.values())
            self._groups.clear()
            self.ready.clear()
        failures: list[Exception] = []
        for transport in transports:
            try:
                await transport.aclose()
            except Exception as exc:  # noqa: BLE001 - raised below, when the others are closed
                failures.append(exc)
        if failures:
            raise failures[0]


def group_of(profile: Profile) -> str:
    """Which profiles share connections."""
    if profile.name.startswith("prompt"):
        return "prompts"
    return "telemetry" if profile.name == "telemetry" else "general"


def _after_fork() -> None:
    _Process.lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
