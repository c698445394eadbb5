"""The lock file: which version of which prompt an application uses, with the whole text, under one digest."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Final, cast

import msgspec
from promptops.core.errors import ConfigurationError
from promptops.core.narrow import is_object
from promptops.models import PromptResponse, decoder
from promptops.prompts.files._disk import write_bytes
from promptops.prompts.versions import normalise_version

__all__ = ["LOCK_FILE", "Lock", "LockedPrompt", "Selector", "encode_lock", "parse_lock", "read_lock", "write_lock"]

LOCK_FILE: Final = "promptops.lock"
FORMAT: Final = 1
_canonical = msgspec.json.Encoder(order="sorted").encode


class Selector(msgspec.Struct, frozen=True, kw_only=True):
    """What an application asks for: ``greeting``, ``greeting@production`` or ``greeting@1.2.0``.

    Attributes:
        name: The slug.
        version: The canonical version, when one is named.
        label: The label, when one is named.
    """

    name: str
    version: str | None = None
    label: str | None = None

    @classmethod
    def parse(cls, text: str) -> Selector:
        """The parts of a selector; what follows ``@`` is a version if it can be one, else a label."""
        name, separator, pin = text.partition("@")
        if not name or (separator and not pin):
            raise ConfigurationError(
                f"{text!r:.80} names no prompt; write 'greeting', 'greeting@production' or 'greeting@1.2.0'."
            )
        if not separator or pin == "latest":
            return cls(name=name)
        from promptops.core.errors import ValidationError

        try:
            return cls(name=name, version=normalise_version(pin))
        except ValidationError:
            return cls(name=name, label=pin)

    def __str__(self) -> str:
        pin = self.version or self.label
        return f"{self.name}@{pin}" if pin else self.name


class LockedPrompt(msgspec.Struct, frozen=True, kw_only=True):
    """One prompt of a lock.

    Attributes:
        selector: How it was taken: ``greeting`` (the latest), ``greeting@production`` or ``greeting@1.2.0``.
        name: Its slug.
        version: The version that it was then.
        label: The label that it was taken by, or None.
        content_hash: The hash of its content.
        prompt: All of it, without what changes by itself (labels, etag, status).
    """

    selector: str
    name: str
    version: str
    label: str | None = None
    content_hash: str
    prompt: PromptResponse


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """The prompts that an application uses, as they were when the lock was taken.

    Attributes:
        format: The number of this form of file.
        origin: The server's address, without anything secret.
        project: The project that was asked for; None is the default of the key.
        prompts: By selector.
    """

    format: int = FORMAT
    origin: str = ""
    project: str | None = None
    prompts: list[LockedPrompt] = []


def encode_lock(lock: Lock, *, compact: bool = False) -> bytes:
    """The file: keys and prompts in order, and a digest over everything else; ``compact`` leaves the spaces out."""
    ordered = msgspec.structs.replace(lock, prompts=sorted(lock.prompts, key=lambda item: item.selector))
    fields = _without_defaults(msgspec.to_builtins(ordered))
    fields["format"], fields["prompts"] = lock.format, fields.get("prompts", [])
    data = _canonical({**fields, "digest": _digest(fields)})
    return data if compact else msgspec.json.format(data, indent=2) + b"\n"


def parse_lock(data: bytes, *, where: str) -> Lock:
    """The lock in a file's bytes.

    Args:
        data: The file.
        where: Its name, for errors.

    Raises:
        ConfigurationError: It is damaged, was edited by hand, or is of a newer form; the message names the file.
    """
    try:
        raw = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise _unusable(where, f"it is not complete JSON ({exc})") from exc
    if not is_object(raw) or not isinstance(raw.get("format"), int):
        raise _unusable(where, "it is not a lock file of PromptOps")
    fields = cast("dict[str, Any]", raw)
    if fields["format"] > FORMAT:
        raise ConfigurationError(
            f"{where} has the format {fields['format']}, and this version reads up to {FORMAT}; upgrade promptops."
        )
    claimed = fields.pop("digest", None)
    if claimed != _digest(fields):
        raise _unusable(where, "its digest does not match, so it was edited or damaged")
    try:
        return decoder(Lock).decode(_canonical(fields))
    except msgspec.ValidationError as exc:
        raise _unusable(where, str(exc)) from exc


def read_lock(path: str | Path) -> Lock:
    """The lock in a file.

    Raises:
        ConfigurationError: The file cannot be read, or is none that can be used; the message names it.
    """
    file = Path(path)
    try:
        data = file.read_bytes()
    except OSError as exc:
        raise ConfigurationError(f"{file} cannot be read: {exc.strerror or exc}.") from exc
    return parse_lock(data, where=str(file))


def write_lock(lock: Lock, path: str | Path) -> Path:
    """Write a lock, at once and whole; people and ``git diff`` can read it."""
    return write_bytes(Path(path), encode_lock(lock))


def _digest(fields: dict[str, Any]) -> str:
    return f"sha256:{hashlib.sha256(_canonical(fields)).hexdigest()}"


def _without_defaults(value: dict[str, Any]) -> dict[str, Any]:
    """Leave out what a decoder adds by itself; what users wrote (schemas, metadata) lies below and stays."""
    fields = {name: item for name, item in value.items() if item is not None}
    if isinstance(prompts := fields.get("prompts"), list):
        fields["prompts"] = [_entry(item) for item in cast("list[dict[str, Any]]", prompts)]
    return fields


def _entry(item: dict[str, Any]) -> dict[str, Any]:
    prompt = cast("dict[str, Any]", item["prompt"])
    kept = {name: value for name, value in prompt.items() if value not in (None, "", [], {}) or name == "content"}
    return {**{name: value for name, value in item.items() if value is not None}, "prompt": kept}


def _unusable(where: str, reason: str) -> ConfigurationError:
    return ConfigurationError(f"{where} cannot be used: {reason}; take it anew with 'promptops prompts lock NAME...'.")
