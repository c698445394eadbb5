"""Prompts, datasets, experiments, traces and annotations on an Arize Phoenix server."""

from promptops.phoenix._async import PhoenixClient
from promptops.phoenix._state import PhoenixHealth
from promptops.phoenix._sync import SyncPhoenixClient
from promptops.phoenix._version import __version__

__all__ = ["PhoenixClient", "PhoenixHealth", "SyncPhoenixClient", "__version__"]
