"""Finds the client of a kind of server by name, among those that the installed packages declare.

A package declares its blocking client in the entry point group ``promptops.clients``. Its resources are ``prompts``,
``datasets``, ``experiments`` and ``stores``, and ``base_url=None`` has it find its server where it always does.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from promptops.core.errors import ConfigurationError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["DEFAULT_BACKEND", "GROUP", "VARIABLE", "chosen_backend", "client_class", "installed_backends"]

DEFAULT_BACKEND: Final = "promptops"
GROUP: Final = "promptops.clients"
VARIABLE: Final = "PROMPTOPS_BACKEND"
_PACKAGES: Final = {"phoenix": "promptops-phoenix", "promptops": "promptops-client"}


def chosen_backend(given: str | None = None, *, otherwise: str | None = None) -> str:
    """The name of the backend: what was given, else ``PROMPTOPS_BACKEND``, else ``otherwise``, else ``promptops``.

    Text that is blank counts as not given.
    """
    for name in (given, os.environ.get(VARIABLE), otherwise):
        if name is not None and name.strip():
            return name.strip()
    return DEFAULT_BACKEND


def installed_backends() -> list[str]:
    """The names that can be chosen, sorted; nothing is imported."""
    return sorted({point.name for point in _points()})


def client_class(name: str) -> Callable[..., Any]:
    """The blocking client of a backend; called with ``base_url=`` it makes one.

    Raises:
        ConfigurationError: No installed package has a backend of that name; the message names those that there are.
    """
    for point in _points():
        if point.name == name:
            made: Callable[..., Any] = point.load()
            return made
    installed = installed_backends()
    there = (
        f"there {'is' if len(installed) == 1 else 'are'} {' and '.join(installed)}" if installed else "there is none"
    )
    package = _PACKAGES.get(name)
    if package is not None:
        advice = f"; run: pip install {package}"
    elif "phoenix" not in installed:
        advice = "; pip install promptops-phoenix brings phoenix"
    else:
        advice = ""
    raise ConfigurationError(f"no backend {name!r:.80} is installed, {there}{advice}")


def _points() -> list[EntryPoint]:
    from importlib.metadata import entry_points

    return list(entry_points(group=GROUP))
