"""What a push or a pull came to, prompt by prompt."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from promptops.core.errors import ConflictError, PromptNotFoundError, PromptOpsError
from promptops.prompts.files.plan import Action, Direction, Step, ThreeWay

__all__ = ["Outcome", "SyncReport"]


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one prompt.

    Attributes:
        slug: Which prompt.
        action: What stood between the two sides; a conflict that only the server noticed is one as well.
        reason: One line for people.
        done: Whether something was published, written or deleted.
        version: The version that both sides have now, or the server's latest.
        error: Why it could not be done; the other prompts went on.
        three_way: All sides of a conflict.
    """

    slug: str
    action: Action
    reason: str
    done: bool = False
    version: str | None = None
    error: PromptOpsError | None = None
    three_way: ThreeWay | None = None

    @classmethod
    def of(cls, step: Step, *, done: bool = False, version: str | None = None) -> Outcome:
        """A step that was taken, or is only shown; a conflict that is left alone comes with all sides."""
        if version is None and step.remote is not None:
            version = step.remote.version
        three_way = step.three_way() if step.action == "conflict" and not step.acts else None
        return cls(
            slug=step.slug, action=step.action, reason=step.reason, done=done, version=version, three_way=three_way
        )

    @classmethod
    def failed(cls, step: Step, error: PromptOpsError) -> Outcome:
        """A step that could not be taken; that the server has moved on meanwhile is a conflict."""
        gone, moved = isinstance(error, PromptNotFoundError), isinstance(error, ConflictError)
        return cls(
            slug=step.slug,
            action="conflict" if moved else step.action,
            reason="it was deleted on the server meanwhile" if gone else error.message,
            version=None if step.remote is None else step.remote.version,
            error=error,
            three_way=step.three_way() if moved else None,
        )

    @classmethod
    def unread(cls, slug: str, error: PromptOpsError) -> Outcome:
        """A prompt of which it could not be told what the server has."""
        return cls(slug=slug, action="unchanged", reason=error.message, error=error)


class SyncReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a push, a pull or a dry run of one came to.

    Attributes:
        direction: ``push`` or ``pull``.
        dry_run: Whether nothing was to be changed.
        outcomes: One for each prompt, by slug.
    """

    direction: Direction
    dry_run: bool
    outcomes: tuple[Outcome, ...]

    @classmethod
    def of(cls, direction: Direction, outcomes: Iterable[Outcome], *, dry_run: bool) -> SyncReport:
        """The report of these outcomes, in any order."""
        ordered = tuple(sorted(outcomes, key=lambda item: item.slug))
        return cls(direction=direction, dry_run=dry_run, outcomes=ordered)

    @property
    def conflicts(self) -> tuple[Outcome, ...]:
        """The prompts that changed on both sides and were left alone."""
        return tuple(item for item in self.outcomes if item.three_way is not None and not item.done)

    @property
    def errors(self) -> tuple[Outcome, ...]:
        """The prompts that something went wrong with."""
        return tuple(item for item in self.outcomes if item.error is not None)

    @property
    def done(self) -> tuple[Outcome, ...]:
        """The prompts that were published, written or deleted."""
        return tuple(item for item in self.outcomes if item.done)

    @property
    def ok(self) -> bool:
        """Whether there was neither a conflict nor an error."""
        return not self.conflicts and not self.errors
