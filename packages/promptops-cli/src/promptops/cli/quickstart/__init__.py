"""``promptops quickstart``: the main job from end to end, on this machine."""

from promptops.cli.quickstart._command import quickstart

__all__ = ["quickstart"]
