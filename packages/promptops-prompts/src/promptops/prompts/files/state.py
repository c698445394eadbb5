"""What a folder and its servers last had in common, kept in the folder itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
from promptops.core.errors import ConfigurationError
from promptops.models import prepared
from promptops.prompts.files._disk import alone, write_bytes
from promptops.prompts.files.plan import Base

__all__ = ["STATE_FILE", "SyncState"]

STATE_FILE: Final = Path(".promptops") / "state.json"
FORMAT: Final = 1
_encode = msgspec.json.Encoder(order="sorted").encode


class _File(msgspec.Struct, frozen=True, kw_only=True):
    format: int = FORMAT
    remotes: dict[str, dict[str, Base]] = {}


class SyncState:
    """The bases of one server and project, in ``.promptops/state.json``; the file holds no secret.

    Commit the file: whoever checks the folder out then knows what it was last in step with.

    Args:
        folder: The folder of the prompts.
        origin: The server's address.
        project: The project; None is the default of the key.
    """

    def __init__(self, folder: Path, *, origin: str, project: str | None) -> None:
        self.path = folder / STATE_FILE
        self._remote = f"{origin} {project}" if project is not None else origin

    def read(self) -> dict[str, Base]:
        """The bases by slug; none where nothing was synchronised yet.

        Raises:
            ConfigurationError: The file is damaged or of a newer form.
        """
        return dict(self._read().remotes.get(self._remote, {}))

    def record(self, changes: Mapping[str, Base | None]) -> None:
        """Keep these bases, and forget those that are None; what others wrote meanwhile stays.

        Raises:
            ConfigurationError: The file is damaged, or cannot be written.
        """
        if not changes:
            return
        with alone(self.path.parent):
            remotes = dict(self._read().remotes)
            bases: dict[str, Base | None] = {**remotes.get(self._remote, {}), **changes}
            remotes[self._remote] = {slug: base for slug, base in bases.items() if base is not None}
            data = msgspec.json.format(_encode(_File(remotes=remotes)), indent=1)
            write_bytes(self.path, data + b"\n")

    def _read(self) -> _File:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return _File()
        except OSError as exc:
            raise ConfigurationError(f"{self.path} cannot be read: {exc.strerror or exc}.") from exc
        try:
            found = msgspec.json.decode(data, type=prepared(_File))
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise ConfigurationError(
                f"{self.path} is damaged ({exc}); restore it, or delete it: prompts that are the same on both sides are"
                " then matched again, and the others shown as conflicts."
            ) from exc
        if found.format != FORMAT:
            raise ConfigurationError(
                f"{self.path} has the format {found.format}, and this version reads {FORMAT}; upgrade promptops."
            )
        return found
