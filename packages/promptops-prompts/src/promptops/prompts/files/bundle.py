"""The prompts that a client reads when everything else is down: a lock file, checked and held in memory."""

from __future__ import annotations

from pathlib import Path

from promptops.models import PromptResponse
from promptops.prompts._frozen import frozen
from promptops.prompts.files._disk import write_bytes
from promptops.prompts.files.lockfile import Lock, LockedPrompt, encode_lock, read_lock
from promptops.prompts.versions import normalise_version

__all__ = ["Bundle", "write_bundle"]


class Bundle:
    """Prompts out of a lock file or a bundle, which is a lock file without spaces.

    It answers for what was locked and nothing else. The prompts are frozen, so all callers may share them.

    Args:
        lock: What it holds.
    """

    def __init__(self, lock: Lock) -> None:
        self._lock = lock
        self._by_name: dict[str, list[LockedPrompt]] = {}
        self._prompts: dict[str, PromptResponse] = {}
        for item in lock.prompts:
            self._prompts[item.selector] = frozen(item.prompt)
            self._by_name.setdefault(item.name, []).append(item)
            if item.prompt.id != item.name:
                self._by_name.setdefault(item.prompt.id, []).append(item)

    @classmethod
    def load(cls, path: str | Path) -> Bundle:
        """Read and check a file; call it when the program starts, so that a bad file is noticed then.

        Raises:
            ConfigurationError: The file is missing, damaged or was edited; the message names it.
        """
        return cls(read_lock(path))

    @property
    def lock(self) -> Lock:
        """What it holds, and from where."""
        return self._lock

    def names(self) -> tuple[str, ...]:
        """The slugs of the prompts in it, sorted."""
        return tuple(sorted({item.name for item in self._lock.prompts}))

    def get(
        self, name: str, *, version: str | None = None, label: str | None = None, project: str | None = None
    ) -> PromptResponse | None:
        """The prompt, or None when it was not locked so.

        Args:
            name: Slug or id.
            version: This very version, whatever it was locked by.
            label: The version that this label pointed to when the lock was taken. Without ``version`` and
                ``label``: what was locked as the latest, else the highest version that was locked.
            project: Only if the lock was taken in this project; None is whatever project that was.

        Raises:
            ValidationError: ``version`` is none.
        """
        found = self._by_name.get(name)
        if found is None:
            return None
        if project is not None and project != self._lock.project:
            found = [item for item in found if item.prompt.project_id == project]
        wanted = normalise_version(version)
        if wanted is not None:
            found = [item for item in found if item.version == wanted]
        elif label is not None:
            found = [item for item in found if item.label == label]
        else:
            found = [item for item in found if item.selector == item.name] or sorted(found, key=_height)[-1:]
        return self._prompts[found[0].selector] if found else None


def write_bundle(lock: Lock, path: str | Path) -> Path:
    """Write a lock as one compact file for an image; :meth:`Bundle.load` reads it, and the lock file as well."""
    return write_bytes(Path(path), encode_lock(lock, compact=True))


def _height(item: LockedPrompt) -> tuple[tuple[int, ...], bool, list[tuple[int, int, str]]]:
    """What orders versions as SemVer does."""
    core, _, before = item.version.partition("+")[0].partition("-")
    marks = [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in before.split(".")] if before else []
    return tuple(int(part) for part in core.split(".")), not before, marks
