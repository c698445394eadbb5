"""``promptops prompts``: everything about prompts, on a server and in files."""

from promptops.cli.prompts._command import prompts

__all__ = ["prompts"]
