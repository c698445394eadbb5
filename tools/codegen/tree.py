"""A generated tree is written, or compared with what lies on disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

_IGNORED = frozenset({"__pycache__"})


def differences(directory: Path, files: Mapping[str, str]) -> list[str]:
    """What differs between the directory and the files that should be in it, one line each."""
    found = {path.relative_to(directory).as_posix(): path for path in _files(directory)}
    lines = [f"{directory / name}: missing" for name in sorted(files.keys() - found.keys())]
    lines += [f"{directory / name}: not generated" for name in sorted(found.keys() - files.keys())]
    lines += [
        f"{directory / name}: stale"
        for name in sorted(files.keys() & found.keys())
        if found[name].read_text(encoding="utf-8") != files[name]
    ]
    return lines


def write(directory: Path, files: Mapping[str, str]) -> None:
    """Make the directory hold exactly these files."""
    directory.mkdir(parents=True, exist_ok=True)
    for path in _files(directory):
        if path.relative_to(directory).as_posix() not in files:
            path.unlink()
    for name, text in files.items():
        target = directory / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def _files(directory: Path) -> list[Path]:
    if not directory.is_dir():
        return []
    return [path for path in sorted(directory.rglob("*")) if path.is_file() and not _IGNORED & set(path.parts)]
