"""Typed msgspec models of the PromptOps wire contracts."""

from promptops.models._generated import *  # noqa: F403
