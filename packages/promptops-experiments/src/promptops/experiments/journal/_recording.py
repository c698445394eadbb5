"""Records the outputs of a run in one portable file: a JSON line for each example and repetition.

The file holds outputs and errors, never inputs; secrets are removed from both before anything is written.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
from promptops.core.errors import ValidationError
from promptops.core.log import log
from promptops.core.redact import MASK, redact_value
from promptops.experiments.journal._records import UnitRecord
from promptops.experiments.journal._secrets import without_secrets

__all__ = ["FORMAT", "RecordedOutput", "RecordingHeader", "RecordingSummary", "write_recording"]

FORMAT: Final = 1
_LARGEST_OUTPUT: Final = 16 * 1024 * 1024
_LARGEST_FILE: Final = 1024 * 1024 * 1024

Left = Literal["too_large", "not_redacted"]


class RecordingHeader(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="promptops.recording"):
    """The first line of a recording."""

    format: int = FORMAT
    experiment: str = ""
    dataset_id: str = ""
    dataset_version: str | None = None


class RecordedOutput(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a recording.

    Attributes:
        example_id: The example.
        repetition: From 1.
        input: The digest of the example's content, or None when it was not known.
        output: What the task returned.
        error: Why the task failed, or None.
        left_out: Why the output is missing, or None: it was too large, or its secrets could not be removed.
        service_s: Seconds that the task took.
        cost: What it cost.
        usage: Tokens and the like.
    """

    example_id: str
    repetition: int
    input: str | None = None
    output: Any = None
    error: str | None = None
    left_out: Left | None = None
    service_s: float | None = None
    cost: float | None = None
    usage: Mapping[str, Any] | None = None


class RecordingSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What was written: how many lines, how many of them without their output, and the bytes of the file."""

    outputs: int
    left_out: int
    size: int


def write_recording(
    path: str | Path,
    units: Iterable[UnitRecord],
    *,
    inputs: Mapping[str, str] | None = None,
    header: RecordingHeader | None = None,
    redactor: Callable[[Any], Any] | None = None,
    secrets: Iterable[str] = (),
    largest_output: int = _LARGEST_OUTPUT,
    largest_file: int = _LARGEST_FILE,
) -> RecordingSummary:
    """Write the outputs of a run; the file appears whole or not at all.

    Args:
        path: The file; one that is there is replaced.
        units: The rows of a journal, for example ``run.units(scores=False)``.
        inputs: The digest of each example's content by its id: ``Fingerprint.examples``.
        header: What the file says of its run.
        redactor: Gets each output and returns what is written; runs before the patterns that always run.
        secrets: Texts to remove wherever they are found.
        largest_output: Bytes of one line; an output beyond that is left out, and said so in its line.
        largest_file: Bytes of the file; beyond that nothing is written.

    Raises:
        ValidationError: The file would be larger than ``largest_file``.
    """
    where = Path(path)
    partial = where.with_name(f".{where.name}.{os.getpid()}.partial")
    count = left = size = 0
    try:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            size += file.write(msgspec.json.encode(header or RecordingHeader()) + b"\n")
            for unit in units:
                line, was_left = _line(unit, (inputs or {}).get(unit.example_id), redactor, tuple(secrets))
                if len(line) > largest_output:
                    line, was_left = _without_output(unit, "too_large"), True
                if size + len(line) > largest_file:
                    raise ValidationError(
                        f"the recording would take more than largest_file={largest_file} bytes after {count} outputs; "
                        "nothing was written. Raise the limit, or record fewer outputs"
                    )
                size += file.write(line)
                count += 1
                left += was_left
            file.flush()
            os.fsync(file.fileno())
        partial.replace(where)
    finally:
        partial.unlink(missing_ok=True)
    return RecordingSummary(outputs=count, left_out=left, size=size)


def _line(
    unit: UnitRecord, digest: str | None, redactor: Callable[[Any], Any] | None, secrets: tuple[str, ...]
) -> tuple[bytes, bool]:
    try:
        output = unit.value
        if redactor is not None:
            output = redactor(output)
        recorded = RecordedOutput(
            example_id=unit.example_id,
            repetition=unit.repetition,
            input=digest,
            output=without_secrets(output, secrets),
            error=None if unit.error is None else str(without_secrets(unit.error, secrets)),
            service_s=unit.service_s,
            cost=unit.cost,
            usage=redact_value(dict(unit.usage)) if unit.usage is not None else None,
        )
        return msgspec.json.encode(recorded) + b"\n", False
    except Exception as exc:  # noqa: BLE001 - whatever a redactor raises, nothing unredacted may be written
        log().warning("recorded_output_left_out", example_id=unit.example_id, error=type(exc).__name__)
        return _without_output(unit, "not_redacted"), True


def _without_output(unit: UnitRecord, why: Left) -> bytes:
    recorded = RecordedOutput(
        example_id=unit.example_id,
        repetition=unit.repetition,
        left_out=why,
        error=MASK if unit.error is not None else None,
        service_s=unit.service_s,
        cost=unit.cost,
    )
    return msgspec.json.encode(recorded) + b"\n"
