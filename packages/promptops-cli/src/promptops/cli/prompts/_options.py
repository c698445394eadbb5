"""The options that the commands about prompts share, and what they mean together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import click
import msgspec
from promptops.cli._failures import CommandFailed

__all__ = [
    "DIFFERENT",
    "as_json",
    "folder_option",
    "label_option",
    "out_file",
    "read_json",
    "variables_of",
    "version_option",
    "version_or_label",
    "write_text",
]

F = TypeVar("F", bound=Callable[..., Any])
DIFFERENT: Final = 1
"""The exit code of a command that did its work and found what a build should stop at: a conflict, a difference."""

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
version_option = click.option("--version", help="Which version; the latest unless given.")
label_option = click.option("--label", help="The version that this label points to.")
folder_option = click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("prompts"),
    show_default=True,
    help="The folder of .prompt.md files.",
)


def out_file(default: str) -> Callable[[F], F]:
    """The option ``--out``."""
    return click.option(
        "--out",
        type=click.Path(path_type=Path, dir_okay=False),
        default=Path(default),
        show_default=True,
        help="The file to write.",
    )


def version_or_label(version: str | None, label: str | None) -> None:
    """Refuse both at once."""
    if version is not None and label is not None:
        raise click.UsageError("give --version or --label, not both")


def variables_of(pairs: Sequence[str], stream: Any) -> dict[str, Any]:
    """The variables of ``--variables`` and ``--var``; the latter win."""
    values: dict[str, Any] = {} if stream is None else read_json(stream, "--variables")
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name.rstrip(":"):
            raise click.UsageError(f"--var takes NAME=TEXT or NAME:=JSON, not {pair!r}")
        values[name.removesuffix(":")] = _json(pair, value) if name.endswith(":") else value
    return values


def _json(pair: str, value: str) -> Any:
    try:
        return msgspec.json.decode(value)
    except msgspec.DecodeError as error:
        raise click.UsageError(f"--var {pair!r}: what follows := is not JSON: {error}") from error


def read_json(stream: Any, what: str) -> dict[str, Any]:
    """The JSON object in a file."""
    try:
        return msgspec.json.decode(stream.read(), type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        name = Path(getattr(stream, "name", "") or "-").name
        raise click.UsageError(f"{what} {name} is not a JSON object: {error}") from error


def write_text(path: Path, text: str) -> None:
    """Write a file whole, or say why not."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise CommandFailed(
            f"cannot write {path}: {error.strerror}", hint="name another file with --out", code=2
        ) from error
