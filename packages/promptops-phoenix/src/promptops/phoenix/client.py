"""The clients of a Phoenix server, for asynchronous and for blocking code."""

from promptops.phoenix._async import PhoenixClient
from promptops.phoenix._state import PhoenixHealth
from promptops.phoenix._sync import SyncPhoenixClient

__all__ = ["PhoenixClient", "PhoenixHealth", "SyncPhoenixClient"]
