"""Prompts: store, version, fetch and render them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from promptops.prompts._version import __version__

if TYPE_CHECKING:
    from promptops.prompts._cache import PromptCache, check_cache
    from promptops.prompts._lookups import Prompts
    from promptops.prompts._models import AsyncModels, SyncModels
    from promptops.prompts._native import NativePromptStore
    from promptops.prompts._resource import AsyncPrompts
    from promptops.prompts._surroundings import Surroundings
    from promptops.prompts._sync import SyncPrompts
    from promptops.prompts.diff import PromptDiff, diff_prompts
    from promptops.prompts.reading import PromptRead
    from promptops.prompts.render import Rendered, render_prompt
    from promptops.prompts.rendered import RenderedPrompt
    from promptops.prompts.stores import PromptQuery, PromptStore
    from promptops.prompts.template import Template, compile_template
    from promptops.prompts.versions import normalise_version

__all__ = [
    "AsyncModels",
    "AsyncPrompts",
    "NativePromptStore",
    "PromptCache",
    "PromptDiff",
    "PromptQuery",
    "PromptRead",
    "PromptStore",
    "Prompts",
    "Rendered",
    "RenderedPrompt",
    "Surroundings",
    "SyncModels",
    "SyncPrompts",
    "Template",
    "__version__",
    "check_cache",
    "compile_template",
    "diff_prompts",
    "normalise_version",
    "render_prompt",
]

# Looked up at first use: whoever needs the template engine alone (the server) loads neither models nor cache.
_HOMES = {
    "AsyncModels": "_models",
    "AsyncPrompts": "_resource",
    "NativePromptStore": "_native",
    "PromptCache": "_cache",
    "PromptDiff": "diff",
    "check_cache": "_cache",
    "PromptQuery": "stores",
    "PromptRead": "reading",
    "PromptStore": "stores",
    "Prompts": "_lookups",
    "Rendered": "render",
    "RenderedPrompt": "rendered",
    "SyncModels": "_models",
    "Surroundings": "_surroundings",
    "SyncPrompts": "_sync",
    "Template": "template",
    "compile_template": "template",
    "diff_prompts": "diff",
    "normalise_version": "versions",
    "render_prompt": "render",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
