"""What a push, a pull or a status says: one line for each prompt, a summary, and what to do next."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import click
from promptops.cli._failures import exit_code, hint_for
from promptops.cli._output import console, print_json
from promptops.cli._wording import in_options
from promptops.cli.prompts._options import DIFFERENT
from promptops.cli.prompts._show import show_diff

if TYPE_CHECKING:
    from promptops.prompts.files import Outcome, Step, SyncPlan, SyncReport
    from rich.status import Status

__all__ = ["Progress", "counted", "end", "plan_facts", "show_plan", "show_report"]

_WORDS: Final = {
    "create": "to push",
    "push": "to push",
    "pull": "to pull",
    "conflict": "conflict",
    "deleted_remotely": "deleted",
    "deleted_locally": "deleted",
}
_COLOURS: Final = {"conflict": "red", "create": "green", "push": "green", "pull": "cyan"}
_SAME: Final = frozenset({"unchanged", "adopted"})
_ACTS: Final = {"push": {"create", "push"}, "pull": {"pull"}}
_EVERY: Final = 100


class Progress:
    """Says on stderr how far a long work is: a spinner on a terminal, elsewhere a line for every 100 prompts."""

    def __init__(self, doing: str) -> None:
        self._doing = doing
        self._count = 0
        self._status: Status | None = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._status = console(stderr=True).status(f"{self._doing} prompts")
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def tell(self, outcome: Outcome) -> None:
        """One more prompt is done."""
        self._count += 1
        if self._status is not None:
            from rich.markup import escape

            self._status.update(f"{self._doing} prompts: {self._count}, {escape(outcome.slug)}")
        elif self._count % _EVERY == 0:
            click.echo(f"{self._doing} prompts: {self._count}", err=True)


def end(code: int) -> None:
    """Exit with a code that is not 0 and no failure either."""
    if code:
        sys.exit(code)


def show_plan(plan: SyncPlan) -> None:
    """One line for each prompt that differs, and what would bring the sides together."""
    for step in plan.pending:
        _line(step.action, step.slug, step.reason)
    same = len(plan.steps) - len(plan.pending)
    if not plan.pending:
        click.echo(f"in step: {counted(same)}")
        return
    waiting = {step.action for step in plan.pending}
    click.echo(f"{counted(len(plan.pending))} to bring together, {same} in step")
    for command, actions in _ACTS.items():
        if waiting & actions:
            click.echo(f"  promptops prompts {command}")
    if "conflict" in waiting:
        click.echo("  promptops prompts diff NAME, then push --force local or pull --force remote")
    if "deleted_locally" in waiting:
        click.echo("  promptops prompts delete NAME, or pull --force remote to have the file again")
    if "deleted_remotely" in waiting:
        click.echo("  promptops prompts push --force local to have it again, or pull --force remote to delete the file")


def plan_facts(plan: SyncPlan) -> dict[str, Any]:
    """A plan for programs."""
    return {
        "in_step": not plan.pending,
        "prompts": [_facts(step, version=None if step.remote is None else step.remote.version) for step in plan.steps],
    }


def show_report(reports: Sequence[SyncReport], *, as_json: bool) -> int:
    """Show what was done and what was not; returns the exit code.

    Later reports are about the prompts that the first left alone.
    """
    latest = {item.slug: item for report in reports for item in report.outcomes}
    ways = {item.slug: report.direction for report in reports for item in report.outcomes}
    conflicts = [item for item in latest.values() if item.three_way is not None and not item.done]
    failed = [item for item in latest.values() if item.error is not None and item not in conflicts]
    code = exit_code(failed[0].error) if failed and failed[0].error else DIFFERENT if conflicts else 0
    if as_json:
        facts = [
            {
                **_facts(item, version=item.version),
                "done": item.done,
                "error": None if item.error is None else in_options(item.error.message),
                "conflict": item.three_way if item in conflicts else None,
            }
            for item in latest.values()
        ]
        print_json({"dry_run": reports[0].dry_run, "ok": not code, "prompts": facts})
        return code
    for item in latest.values():
        _show_outcome(item, ways[item.slug], dry_run=reports[0].dry_run, conflict=item in conflicts)
    done = [item for item in latest.values() if item.done]
    if not done and not failed and all(item.action in _SAME for item in latest.values()):
        click.echo(f"in step: {counted(len(latest))}")
    for item in failed:
        assert item.error is not None
        hint = hint_for(item.error)
        reason = in_options(item.reason)
        click.echo(f"promptops: {item.slug}: {reason}" + (f"\n  hint: {hint}" if hint else ""), err=True)
    if conflicts:
        hint = "bring both changes into the file and push with --force local, or take the server's: --force remote"
        click.echo(f"promptops: {counted(len(conflicts))} changed on both sides and left alone", err=True)
        click.echo(f"  hint: {hint}", err=True)
    return code


def _show_outcome(item: Outcome, way: str, *, dry_run: bool, conflict: bool) -> None:
    if conflict:
        _line("conflict", item.slug, item.reason)
        assert item.three_way is not None
        show_diff(item.three_way.unified())
    elif item.done:
        word = {"push": "pushed", "pull": "pulled"}[way]
        click.echo(f"{word} {item.slug} {item.version}" if item.version else f"removed {item.slug}: {item.reason}")
    elif item.error is None and item.action not in _SAME:
        # In a dry run a conflict whose sides are not shown is one that --force decides.
        acts = dry_run and item.action in {*_ACTS[way], "conflict"}
        _line(item.action, item.slug, item.reason, word=f"would {way}" if acts else None)


def _line(action: str, slug: str, reason: str, *, word: str | None = None) -> None:
    shown = click.style(f"{word or _WORDS.get(action, action):10}", fg=_COLOURS.get(action))
    click.echo(f"{shown} {slug}: {reason}")


def _facts(item: Outcome | Step, *, version: str | None) -> dict[str, Any]:
    return {"slug": item.slug, "action": item.action, "reason": item.reason, "version": version}


def counted(count: int, what: str = "prompt") -> str:
    """How many there are, in words."""
    return f"1 {what}" if count == 1 else f"{count} {what}s"
