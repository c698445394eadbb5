"""Prompts as files: documents, folders in step with a server, lock files and bundles."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from promptops.prompts.files.bundle import Bundle, write_bundle
    from promptops.prompts.files.documents import PromptDocument, document_of
    from promptops.prompts.files.folder import PromptFolder
    from promptops.prompts.files.formatting import format_document
    from promptops.prompts.files.lockfile import Lock, LockedPrompt, read_lock, write_lock
    from promptops.prompts.files.locks import (
        AsyncPromptLocks,
        Drift,
        SyncPromptLocks,
        drift_from_folder,
        drift_of_file,
    )
    from promptops.prompts.files.parsing import parse_document, read_document
    from promptops.prompts.files.plan import Base, Step, SyncPlan, ThreeWay, plan_pull, plan_push
    from promptops.prompts.files.report import Outcome, SyncReport
    from promptops.prompts.files.sync import AsyncPromptFiles, SyncPromptFiles

__all__ = [
    "AsyncPromptFiles",
    "AsyncPromptLocks",
    "Base",
    "Bundle",
    "Drift",
    "Lock",
    "LockedPrompt",
    "Outcome",
    "PromptDocument",
    "PromptFolder",
    "Step",
    "SyncPlan",
    "SyncPromptFiles",
    "SyncPromptLocks",
    "SyncReport",
    "ThreeWay",
    "document_of",
    "drift_from_folder",
    "drift_of_file",
    "format_document",
    "parse_document",
    "plan_pull",
    "plan_push",
    "read_document",
    "read_lock",
    "write_bundle",
    "write_lock",
]

# Looked up at first use: whoever reads a bundle loads neither the documents nor the synchronisation.
_HOMES = {
    "AsyncPromptFiles": "sync",
    "AsyncPromptLocks": "locks",
    "Base": "plan",
    "Bundle": "bundle",
    "Drift": "locks",
    "Lock": "lockfile",
    "LockedPrompt": "lockfile",
    "Outcome": "report",
    "PromptDocument": "documents",
    "PromptFolder": "folder",
    "Step": "plan",
    "SyncPlan": "plan",
    "SyncPromptFiles": "sync",
    "SyncPromptLocks": "locks",
    "SyncReport": "report",
    "ThreeWay": "plan",
    "document_of": "documents",
    "drift_from_folder": "locks",
    "drift_of_file": "locks",
    "format_document": "formatting",
    "parse_document": "parsing",
    "plan_pull": "plan",
    "plan_push": "plan",
    "read_document": "parsing",
    "read_lock": "lockfile",
    "write_bundle": "bundle",
    "write_lock": "lockfile",
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
