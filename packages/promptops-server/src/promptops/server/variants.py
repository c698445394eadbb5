"""What a prompt says to one model: the variant that was chosen, and the settings that hold for it."""

from __future__ import annotations

from typing import cast

from promptops.prompts.render import merged_settings, select_variant
from promptops.server import wire

__all__ = ["chosen_variant", "settings_with"]


def chosen_variant(prompt: wire.PromptResponse, provider: str, name: str) -> wire.ModelSpecificPrompt | None:
    """The entry of exactly that model, or the one for every model of its provider; None for the prompt's own text."""
    chosen = select_variant(prompt, model_provider=provider, model_name=name)
    return next((item for item in prompt.model_specific_prompts if item is chosen), None)


def settings_with(prompt: wire.PromptResponse, variant: wire.ModelSpecificPrompt | None) -> wire.ModelSettings | None:
    """The prompt's settings, with those of the variant in their place."""
    merged = merged_settings(prompt.model_settings, None if variant is None else variant.model_settings)
    return cast("wire.ModelSettings | None", merged)
