"""The journal of experiments: every output and score is on the disk before its unit counts as done."""

from promptops.experiments.journal._changes import Change, changes_between
from promptops.experiments.journal._commit import Commit, LoopCommits, Wakeup
from promptops.experiments.journal._errors import (
    ExperimentHeld,
    JournalClosed,
    JournalDamaged,
    JournalError,
    JournalFull,
    JournalReadOnly,
    ResumeRefused,
)
from promptops.experiments.journal._fingerprints import Fingerprint, fingerprint_of
from promptops.experiments.journal._journal import Journal, default_journal_path
from promptops.experiments.journal._recording import (
    RecordedOutput,
    RecordingHeader,
    RecordingSummary,
    write_recording,
)
from promptops.experiments.journal._records import (
    ExperimentRecord,
    RunPlan,
    ScoreRecord,
    UnitKey,
    UnitRecord,
    UnitState,
)
from promptops.experiments.journal._replay import Replay, ReplayedError
from promptops.experiments.journal._resume import (
    ResumePlan,
    plan_incremental,
    plan_rescore,
    plan_resume,
    plan_retry_failed,
)
from promptops.experiments.journal._run import JournaledRun

__all__ = [
    "Change",
    "Commit",
    "ExperimentHeld",
    "ExperimentRecord",
    "Fingerprint",
    "Journal",
    "JournalClosed",
    "JournalDamaged",
    "JournalError",
    "JournalFull",
    "JournalReadOnly",
    "JournaledRun",
    "LoopCommits",
    "RecordedOutput",
    "RecordingHeader",
    "RecordingSummary",
    "Replay",
    "ReplayedError",
    "ResumePlan",
    "ResumeRefused",
    "RunPlan",
    "ScoreRecord",
    "UnitKey",
    "UnitRecord",
    "UnitState",
    "Wakeup",
    "changes_between",
    "default_journal_path",
    "fingerprint_of",
    "plan_incremental",
    "plan_rescore",
    "plan_resume",
    "plan_retry_failed",
    "write_recording",
]
