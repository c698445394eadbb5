"""What can go wrong with a journal; each error stops the run and leaves what was acknowledged in the file.

::

    PromptOpsError
    ├── JournalError              the journal cannot be used
    │   ├── JournalFull           there is no room left for it
    │   ├── JournalReadOnly       it may not be written to
    │   ├── JournalDamaged        it is not a journal, or parts of it cannot be read
    │   └── JournalClosed         it is closed already, or belongs to the process that this one was forked from
    └── ConflictError
        ├── ExperimentHeld        another process runs that experiment
        └── ResumeRefused         something changed since the run began
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from promptops.core.errors import ConflictError, PromptOpsError

if TYPE_CHECKING:
    from promptops.experiments.journal._changes import Change

__all__ = [
    "ExperimentHeld",
    "JournalClosed",
    "JournalDamaged",
    "JournalError",
    "JournalFull",
    "JournalReadOnly",
    "ResumeRefused",
]


class JournalError(PromptOpsError):
    """The journal cannot be used; what it acknowledged before is in its file."""

    default_code = "JOURNAL_ERROR"


class JournalFull(JournalError):  # noqa: N818 - it says what happened
    """There is no room left; free some and resume."""

    default_code = "JOURNAL_FULL"


class JournalReadOnly(JournalError):  # noqa: N818 - it says what happened
    """The file or its directory may not be written to."""

    default_code = "JOURNAL_READ_ONLY"


class JournalDamaged(JournalError):  # noqa: N818 - it says what happened
    """The file is not a journal of this version, or parts of it cannot be read; it is left as it is."""

    default_code = "JOURNAL_DAMAGED"


class JournalClosed(JournalError):  # noqa: N818 - it says what happened
    """The journal is closed, or was opened in the process from which this one was forked."""

    default_code = "JOURNAL_CLOSED"


class ExperimentHeld(ConflictError):  # noqa: N818 - it says what happened
    """Another process, or another run of this one, is running the experiment.

    Attributes:
        holder: What is known of it: ``pid``, ``host``, ``since`` and ``command``.
    """

    default_code = "EXPERIMENT_HELD"

    def __init__(self, message: str, *, holder: dict[str, str | int]) -> None:
        super().__init__(message, details={"holder": holder})
        self.holder = holder


class ResumeRefused(ConflictError):  # noqa: N818 - it says what happened
    """A resumed run would mix different things.

    Attributes:
        changes: What changed since the run began.
    """

    default_code = "RESUME_REFUSED"

    def __init__(self, experiment: str, changes: Sequence[Change]) -> None:
        listed = "; ".join(change.message for change in changes)
        super().__init__(
            f"experiment {experiment!r} cannot be resumed as it was: {listed}. Undo that, start an experiment of "
            "another name, or pass accept_changes=True to go on all the same: the run then records what changed",
            details={"changes": [{"kind": change.kind, "name": change.name} for change in changes]},
        )
        self.changes = list(changes)
