"""What to do about each prompt when a folder and a server have both moved on: decisions, no I/O."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec
from promptops.core.errors import PromptOpsError
from promptops.models import PromptResponse
from promptops.prompts.files.documents import PromptDocument, document_of, remote_fingerprint, same_prompt
from promptops.prompts.files.formatting import format_document

__all__ = ["Action", "Base", "Direction", "Step", "SyncPlan", "ThreeWay", "decide", "plan_pull", "plan_push"]

Direction: TypeAlias = Literal["push", "pull"]
Action: TypeAlias = Literal[
    "unchanged", "create", "push", "pull", "conflict", "deleted_remotely", "deleted_locally", "adopted"
]


class Base(msgspec.Struct, frozen=True, kw_only=True):
    """What folder and server last had in common for one prompt.

    Attributes:
        id: The id of the prompt on the server.
        version: The version that it was.
        etag: The etag of that version.
        fingerprint: Of the file, as it was then.
        remote: Fingerprint of the server's version, as it was then.
        text: The file, so that all three sides can be shown.
    """

    id: str
    version: str
    etag: str
    fingerprint: str
    remote: str
    text: str


class ThreeWay(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt as it was last in common, as the file has it, and as the server has it; None where there is none."""

    slug: str
    base: str | None
    local: str | None
    remote: str | None

    def unified(self) -> str:
        """What each side changed, as unified diffs; without a common base the difference between the two."""
        if self.base is None:
            return _unified(self.remote, self.local, f"{self.slug} (server)", f"{self.slug} (file)")
        ours = _unified(self.base, self.local, f"{self.slug} (last in common)", f"{self.slug} (file)")
        theirs = _unified(self.base, self.remote, f"{self.slug} (last in common)", f"{self.slug} (server)")
        return ours + theirs


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What stands between a file and the server.

    Attributes:
        slug: Which prompt.
        action: What brings the two together; see :data:`Action`.
        reason: One line for people.
        acts: Whether this push or pull does it; otherwise it is only shown.
        base: What was last in common, where known.
        local: The file, where there is one.
        remote: The server's latest version, where there is one.
    """

    slug: str
    action: Action
    reason: str
    acts: bool
    base: Base | None = None
    local: PromptDocument | None = None
    remote: PromptResponse | None = None

    def three_way(self) -> ThreeWay:
        """The texts of all sides."""
        return ThreeWay(
            slug=self.slug,
            base=None if self.base is None else self.base.text,
            local=None if self.local is None else format_document(self.local),
            remote=None if self.remote is None else format_document(document_of(self.remote)),
        )


class SyncPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a push or a pull would do.

    Attributes:
        direction: ``push`` or ``pull``.
        steps: One for each prompt, by slug.
        errors: Why it could not be told of some prompts what the server has, by slug; these have no step.
    """

    direction: Direction
    steps: tuple[Step, ...]
    errors: dict[str, PromptOpsError] = {}

    def of(self, *actions: Action) -> tuple[Step, ...]:
        """The steps with one of these actions."""
        return tuple(step for step in self.steps if step.action in actions)

    @property
    def conflicts(self) -> tuple[Step, ...]:
        """The prompts that changed on both sides."""
        return self.of("conflict")

    @property
    def pending(self) -> tuple[Step, ...]:
        """The prompts on which folder and server differ."""
        return tuple(step for step in self.steps if step.action not in {"unchanged", "adopted"})


def decide(base: Base | None, local: PromptDocument | None, remote: PromptResponse | None) -> tuple[Action, str]:
    """What stands between the two sides of one prompt, and why."""
    if base is not None and remote is not None and base.id != remote.id:
        base = None  # another prompt under the same name: nothing is in common
    if local is None:
        if remote is None:
            return "unchanged", "gone on both sides"
        if base is None:
            return "pull", "new on the server"
        return "deleted_locally", "the file was deleted; the prompt is still on the server"
    if remote is None:
        if base is None:
            return "create", "new in the folder"
        edited = " and the file was edited" if local.fingerprint != base.fingerprint else ""
        return "deleted_remotely", f"the prompt was deleted on the server{edited}"
    if base is None:
        if same_prompt(local, remote):
            return "adopted", "both sides say the same"
        return "conflict", "the file and the server's prompt differ, and nothing is known to be in common"
    ours, theirs = local.fingerprint != base.fingerprint, remote_fingerprint(remote) != base.remote
    if ours and theirs:
        if same_prompt(local, remote):
            return "adopted", "both sides made the same change"
        return "conflict", f"edited here, and on the server since {base.version} (now {remote.version})"
    if ours:
        return "push", f"edited here since {base.version}"
    if theirs:
        return "pull", f"edited on the server since {base.version} (now {remote.version})"
    return "unchanged", f"in step with {remote.version}"


def plan_push(
    local: Mapping[str, PromptDocument],
    remote: Mapping[str, PromptResponse],
    bases: Mapping[str, Base],
    *,
    force: bool = False,
) -> SyncPlan:
    """What a push does: it publishes what was created or edited here, and touches nothing that changed there.

    Args:
        local: The files, by slug.
        remote: The latest versions on the server, by slug.
        bases: What was last in common, by slug.
        force: The files win over conflicts and over deletions on the server; no version is ever removed.
    """
    acting = {"create", "push", "adopted", *(("conflict", "deleted_remotely") if force else ())}
    return _plan("push", local, remote, bases, acting)


def plan_pull(
    local: Mapping[str, PromptDocument],
    remote: Mapping[str, PromptResponse],
    bases: Mapping[str, Base],
    *,
    force: bool = False,
) -> SyncPlan:
    """What a pull does: it writes what is new or newer on the server, and touches no file that was edited here.

    Args:
        local: The files, by slug.
        remote: The latest versions on the server, by slug.
        bases: What was last in common, by slug.
        force: The server wins over conflicts and over files that were deleted here, and files of prompts that were
            deleted there go.
    """
    forced = ("conflict", "deleted_locally", "deleted_remotely") if force else ()
    return _plan("pull", local, remote, bases, {"pull", "adopted", *forced})


def _plan(
    direction: Direction,
    local: Mapping[str, PromptDocument],
    remote: Mapping[str, PromptResponse],
    bases: Mapping[str, Base],
    acting: set[str],
) -> SyncPlan:
    steps: list[Step] = []
    for slug in sorted({*local, *remote, *bases}):
        base, mine, theirs = bases.get(slug), local.get(slug), remote.get(slug)
        action, reason = decide(base, mine, theirs)
        steps.append(
            Step(
                slug=slug,
                action=action,
                reason=reason,
                acts=action in acting,
                base=base,
                local=mine,
                remote=theirs,
            )
        )
    return SyncPlan(direction=direction, steps=tuple(steps))


def _unified(old: str | None, new: str | None, old_name: str, new_name: str) -> str:
    before, after = (text.split("\n") if text else [] for text in (old, new))
    return "".join(f"{line}\n" for line in difflib.unified_diff(before, after, old_name, new_name, lineterm=""))
