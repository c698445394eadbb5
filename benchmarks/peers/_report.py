"""Times of one peer and of ours, as JSON on standard output; runs in the peer's environment."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import version
from types import SimpleNamespace
from typing import Any

from benchmarks._texts import best

__all__ = ["our_prompt", "report"]


def our_prompt(**fields: Any) -> Any:
    """What ``render_prompt`` asks of a prompt, without the models, which the peer's environment does not need."""
    defaults: dict[str, Any] = {
        "content": "",
        "messages": None,
        "template_format": "mustache",
        "metadata": {},
        "model_specific_prompts": [],
        "model_settings": None,
        "variables_schema": None,
        "tools": [],
        "tool_choice": None,
        "response_format": None,
    }
    return SimpleNamespace(**{**defaults, **fields})


def report(distribution: str, steps: dict[str, tuple[Callable[[], object], Callable[[], object]]]) -> None:
    """Print the figures of steps; each is the peer's way and ours."""
    figures: dict[str, dict[str, float]] = {}
    for name, (theirs, ours) in steps.items():
        theirs_seconds, ours_seconds = best(theirs, ours, number=1000)
        figures[name] = {
            "theirs_us": theirs_seconds * 1e6,
            "ours_us": ours_seconds * 1e6,
            "times_faster": theirs_seconds / ours_seconds,
        }
    print(json.dumps({"peer": f"{distribution} {version(distribution)}", "steps": figures}))
