"""The promptops command."""

from promptops.cli._main import main

__all__ = ["main"]
