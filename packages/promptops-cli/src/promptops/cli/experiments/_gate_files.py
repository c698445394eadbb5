"""Reads gates: from the options of the command, or from a TOML or JSON file."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click
import msgspec
from promptops.cli._failures import CommandFailed
from promptops.models import prepared

if TYPE_CHECKING:
    from promptops.experiments import Gate

__all__ = ["GateFile", "gates_of", "read_gate_file"]


class GateFile(msgspec.Struct, frozen=True, kw_only=True):
    """What a file of gates says.

    Attributes:
        gates: At least one.
        lower_is_better: Evaluators whose smaller scores are the better ones.
    """

    gates: Sequence[Gate]
    lower_is_better: Sequence[str] = ()


def gates_of(metrics: Sequence[str], limits: dict[str, float | None]) -> list[Gate]:
    """Return a gate of these limits for each metric."""
    from promptops.experiments import Gate

    chosen: dict[str, Any] = {name: value for name, value in limits.items() if value is not None}
    rules = chosen.keys() - {"alpha", "max_unscored"}
    if metrics and not rules:
        raise click.UsageError("give a limit: --max-regression, --min-improvement, --min or --max")
    if rules and not metrics:
        raise click.UsageError("give --metric, which the limits are for")
    return [Gate(metric=metric, **chosen) for metric in metrics]


def read_gate_file(path: Path) -> GateFile:
    """Return the gates of a file: a list ``gate`` of tables with ``metric`` and limits, in TOML or JSON.

    Raises:
        CommandFailed: The file cannot be read, or says something else.
    """
    from promptops.experiments import Gate

    try:
        data = path.read_bytes()
        found: Any = msgspec.json.decode(data) if path.suffix == ".json" else tomllib.loads(data.decode())
    except OSError as error:
        raise CommandFailed(f"cannot read {path}: {error.strerror}", code=2) from error
    except (msgspec.DecodeError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CommandFailed(f"{path} cannot be read: {error}", code=2) from error
    if not isinstance(found, dict) or not isinstance(cast("dict[str, Any]", found).get("gate"), list):
        raise CommandFailed(f"{path} needs tables [[gate]], each with a metric and a limit", code=2)
    asked = cast("dict[str, Any]", found)
    unknown = sorted(asked.keys() - {"gate", "lower_is_better"})
    if unknown:
        raise CommandFailed(f"{path} has {', '.join(unknown)}; it may have gate and lower_is_better", code=2)
    gates: list[Gate] = []
    for place, item in enumerate(cast("list[object]", asked["gate"])):
        fields = cast("dict[str, Any]", item) if isinstance(item, dict) else {}
        strange = sorted(fields.keys() - set(Gate.__struct_fields__))
        if strange:
            known = ", ".join(Gate.__struct_fields__)
            raise CommandFailed(f"{path}: gate {place + 1} has {', '.join(strange)}; it may have {known}", code=2)
        try:
            gates.append(msgspec.convert(fields, prepared(Gate)))
        except msgspec.ValidationError as error:
            raise CommandFailed(f"{path}: gate {place + 1}: {error}", code=2) from error
    if not gates:
        raise CommandFailed(f"{path} has no gate", code=2)
    try:
        lower = msgspec.convert(asked.get("lower_is_better", []), list[str])
    except msgspec.ValidationError as error:
        raise CommandFailed(f"{path}: lower_is_better: {error}", code=2) from error
    return GateFile(gates=gates, lower_is_better=lower)
