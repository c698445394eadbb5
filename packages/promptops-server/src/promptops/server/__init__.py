"""The PromptOps server: prompts, datasets and experiments over SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promptops.server._version import __version__

if TYPE_CHECKING:
    from promptops.server.app import create_app
    from promptops.server.embedded import EmbeddedServer
    from promptops.server.rates import Limits, Rate
    from promptops.server.settings import Settings

__all__ = ["EmbeddedServer", "Limits", "Rate", "Settings", "__version__", "create_app"]

_HOMES = {
    "EmbeddedServer": "embedded",
    "Limits": "rates",
    "Rate": "rates",
    "Settings": "settings",
    "create_app": "app",
}


def __getattr__(name: str) -> Any:
    """Load the framework only when it is asked for."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)
