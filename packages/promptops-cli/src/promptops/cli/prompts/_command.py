"""The group of commands about prompts."""

from __future__ import annotations

import click
from promptops.cli.prompts import _codegen, _labels, _locks, _read, _sync, _write

__all__ = ["prompts"]


@click.group()
def prompts() -> None:
    """Read, render, write, label and synchronise prompts."""


for command in (
    _read.list_prompts,
    _read.search,
    _read.get,
    _read.versions,
    _read.render,
    _write.create,
    _write.import_prompt,
    _write.delete,
    _labels.labels,
    _labels.label,
    _labels.unlabel,
    _labels.history,
    _labels.rollback,
    _sync.push,
    _sync.pull,
    _sync.status,
    _sync.diff,
    _locks.lock,
    _locks.verify,
    _locks.bundle,
    _codegen.codegen,
):
    prompts.add_command(command)
