"""Prompts, datasets, experiments, traces and annotations on an Arize Phoenix server."""

from promptops.phoenix._version import __version__

__all__ = ["__version__"]
