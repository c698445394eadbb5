"""A folder of prompt files: found, read all together, and written one by one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
from promptops.core.errors import ConfigurationError, ValidationError
from promptops.prompts._problems import problem
from promptops.prompts.files._disk import write_bytes
from promptops.prompts.files._slugs import SUFFIX, path_of, slug_of
from promptops.prompts.files.documents import PromptDocument
from promptops.prompts.files.formatting import format_document
from promptops.prompts.files.parsing import read_document

__all__ = ["PromptFolder"]


class PromptFolder:
    """The ``.prompt.md`` files below a folder; what begins with a dot is not looked at.

    Args:
        path: The folder; it need not exist before something is written.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def files(self) -> tuple[Path, ...]:
        """The files, sorted; links that lead out of the folder are among them, and refused when read."""
        return tuple(sorted(self._walk()))

    def documents(self) -> dict[str, PromptDocument]:
        """Every prompt by its slug.

        Raises:
            ConfigurationError: There is no such folder, or PyYAML is not installed.
            ValidationError: Files are wrong; all of them are named, each with its line.
        """
        found, problems = self.scan(self.load)
        if problems:
            raise refused_files(problems)
        return found

    def scan(self, load: Callable[[Path], PromptDocument]) -> tuple[dict[str, PromptDocument], list[dict[str, Any]]]:
        """Every prompt that can be read by its slug, and what is wrong with the other files.

        Args:
            load: Reads one file; :meth:`load`, or something that remembers.

        Raises:
            ConfigurationError: There is no such folder, or PyYAML is not installed.
        """
        if not self.path.is_dir():
            raise ConfigurationError(f"There is no folder {self.path}; name the one that holds the prompt files.")
        found: dict[str, PromptDocument] = {}
        folded: dict[str, str] = {}
        problems: list[dict[str, Any]] = []
        for file in self.files():
            try:
                document = load(file)
            except ValidationError as exc:
                problems += exc.validation_errors
                continue
            twin = folded.setdefault(document.slug.casefold(), document.slug)
            if twin in found:
                also = "too" if twin == document.slug else "and some file systems take the two for one"
                reason = f"{found[twin].source_path} has the slug {twin!r}, {also}"
                problems.append(problem(f"{file}:1", reason, "duplicate_slug"))
                continue
            found[document.slug] = document
        return found, problems

    def read(self, slug: str) -> PromptDocument | None:
        """The prompt with this slug, or None.

        Raises:
            ValidationError: Its file is wrong.
        """
        file = self.path / path_of(slug)
        if file.is_file():
            document = self.load(file)
            if document.slug == slug:
                return document
        return self.documents().get(slug) if self.path.is_dir() else None

    def read_place(self, slug: str, path: Path | None) -> PromptDocument | None:
        """The prompt in the file that :meth:`write` would write, or None where there is no file.

        Raises:
            ConfigurationError: The file cannot be read.
            ValidationError: It is wrong; the error names the line.
        """
        file = path if path is not None else self.path / path_of(slug)
        return self.load(file) if file.exists() else None

    def write(self, document: PromptDocument) -> Path:
        """Write a prompt: to the file that it came from, else to the one that its slug names.

        Raises:
            ConfigurationError: The file cannot be written, or would lie outside of the folder.
        """
        default = path_of(document.slug)
        file = document.source_path if document.source_path is not None else self.path / default
        self._check_place(file)
        implied = slug_of(file.relative_to(self.path)) if file.is_relative_to(self.path) else None
        text = format_document(document, implied_slug=implied)
        return write_bytes(file, text.encode())

    def remove(self, document: PromptDocument) -> None:
        """Delete the file of a prompt; that it is gone already is fine.

        Raises:
            ConfigurationError: It cannot be deleted.
        """
        file = document.source_path if document.source_path is not None else self.path / path_of(document.slug)
        self._check_place(file)
        try:
            file.unlink(missing_ok=True)
        except OSError as exc:
            raise ConfigurationError(f"{file} cannot be deleted: {exc.strerror or exc}.") from exc

    def load(self, file: Path) -> PromptDocument:
        """The prompt in one of the files.

        Raises:
            ConfigurationError: The file cannot be read, or PyYAML is not installed.
            ValidationError: It is wrong; the error names the line.
        """
        if file.is_dir():
            raise refused_files([problem(f"{file}:1", "is a link to a folder; those are not followed", "link")])
        if not _within(file, self.path):
            reason = "is a link that leads out of the folder; copy the file instead"
            raise refused_files([problem(f"{file}:1", reason, "link")])
        return read_document(file, slug=slug_of(file.relative_to(self.path)))

    def _check_place(self, file: Path) -> None:
        if not _within(file, self.path):
            raise ConfigurationError(f"{file} lies outside of {self.path}, so it is not written.")
        if file.exists():
            return
        # On a file system that tells no case apart this would be another prompt's file.
        for part in (file, *file.parents):
            if part == self.path:
                return
            if part.parent.is_dir():
                for twin in part.parent.iterdir():
                    if twin.name != part.name and twin.name.casefold() == part.name.casefold():
                        raise ConfigurationError(
                            f"{file} is not written: {twin} differs from it in case only, and some file"
                            " systems take the two for one."
                        )

    def _walk(self) -> Iterator[Path]:
        for folder, below, names in os.walk(self.path, onerror=_unreadable):
            below[:] = sorted(name for name in below if not name.startswith("."))
            here = Path(folder)
            yield from (here / name for name in below if (here / name).is_symlink())
            yield from (here / name for name in names if name.endswith(SUFFIX) and not name.startswith("."))


def _unreadable(error: OSError) -> None:
    raise ConfigurationError(f"{error.filename} cannot be read: {error.strerror or error}.") from error


def refused_files(problems: list[dict[str, Any]]) -> ValidationError:
    """The error for files that are wrong: one line for each."""
    lines = [f"{item['field']}: {item['message']}" for item in problems]
    return ValidationError("\n".join(lines), validation_errors=[dict(item) for item in problems])


def _within(file: Path, folder: Path) -> bool:
    return file.resolve().is_relative_to(folder.resolve())


def with_source(document: PromptDocument, path: Path | None) -> PromptDocument:
    """The document as one that belongs in this file."""
    return msgspec.structs.replace(document, source_path=path)
