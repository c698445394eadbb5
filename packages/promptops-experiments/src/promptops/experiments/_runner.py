"""Runs a session: in the caller's event loop, or in blocking code with the units on the process-wide portal."""

from __future__ import annotations

import queue
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final, NoReturn, ParamSpec, Protocol, TypeVar, cast

from promptops.core.bridge import drive
from promptops.core.errors import PromptOpsError
from promptops.core.log import log
from promptops.experiments._calls import is_interrupt
from promptops.experiments._collect import UploadError
from promptops.experiments._loop import Signal
from promptops.experiments._plan import Finished
from promptops.experiments._pool import run_units
from promptops.experiments._result import ExperimentResult
from promptops.experiments._session import Session
from promptops.experiments._signals import ctrl_c
from promptops.experiments._upload import Uploader
from promptops.experiments.evaluators._run_level import attach, attach_async

if TYPE_CHECKING:
    import anyio

__all__ = ["Blocking", "run_blocking", "run_in_loop"]

P = ParamSpec("P")
T = TypeVar("T")

_SAVE_SECONDS: Final = 5.0
_STOP_SECONDS: Final = 1.0
_LOOK_SECONDS: Final = 0.05
_LONGEST_WAIT: Final = 0.1
_TRIES: Final = 3


class Blocking(Protocol):
    """The part of a runtime that a run needs itself; see :class:`promptops.core.runtime.Runtime`."""

    async def run_blocking(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """Run blocking work."""
        ...

    def deadline(self, seconds: float) -> AbstractContextManager[Any]:
        """A scope with a limit of time."""
        ...


async def run_in_loop(session: Session, runtime: Blocking) -> ExperimentResult:
    """Run a session in the running event loop and store its rows meanwhile; cancelling keeps what is finished.

    Raises:
        UploadError: Rows could not be stored.
        ExperimentStopped: ``exit_on_error`` ended the run.
    """
    import anyio

    try:
        with session.shown(), ctrl_c(session.control, raise_at_second=False):
            await _run_here(session)
            if session.control.interrupts:
                _interrupted(session)
        with anyio.CancelScope(shield=True):
            await runtime.run_blocking(session.finish)
        result = await runtime.run_blocking(session.result)
        return await attach_async(result, session.plan.options.run_evaluators)
    finally:
        with anyio.CancelScope(shield=True):
            await runtime.run_blocking(session.close)


async def _run_here(session: Session) -> None:
    import anyio

    control, uploader = session.control, session.uploader
    changed = Signal(anyio.Event)
    ended = False
    problem: UploadError | None = None

    def emit(row: Finished) -> None:
        session.add(row)
        changed.set()

    async def upload(uploader: Uploader) -> None:
        while not ended and control.error is None:
            due = uploader.due_in()
            if due is not None and due <= 0:
                await _flush(session, uploader)
            else:
                with anyio.move_on_after(due):
                    await changed.wait()

    async def until_abandoned(scope: anyio.CancelScope) -> None:
        while not control.abandoned or control.time_left > 0:  # noqa: ASYNC110 - a signal handler sets it
            await anyio.sleep(_LOOK_SECONDS)
        scope.cancel()

    try:
        async with anyio.create_task_group() as watching:
            watching.start_soon(until_abandoned, watching.cancel_scope)
            async with anyio.create_task_group() as group:
                if uploader is not None:
                    group.start_soon(upload, uploader)
                await run_units(session.plan, control, session.budget, session.journal, emit)
                ended = True
                changed.set()
            try:
                await _end(session)
            except UploadError as exc:  # raised outside of the group, which would wrap it
                problem = exc
            watching.cancel_scope.cancel()
    except BaseException as exc:
        if is_interrupt(exc):
            control.interrupt()
        with anyio.CancelScope(shield=True, deadline=anyio.current_time() + _SAVE_SECONDS):
            await _keep(session)
        _end_early(exc, session)
        raise
    if problem is not None:
        raise problem


def run_blocking(session: Session, runtime: Blocking) -> ExperimentResult:
    """Run a session from blocking code: units on the portal, requests in this thread.

    Raises:
        UploadError: Rows could not be stored.
        ExperimentStopped: ``exit_on_error`` ended the run.
    """
    try:
        with session.shown(), ctrl_c(session.control, raise_at_second=True):
            _run_on_portal(session, runtime)
            if session.control.interrupts:
                _interrupted(session)
        session.finish()
        return attach(session.result(), session.plan.options.run_evaluators)
    finally:
        session.close()


def _run_on_portal(session: Session, runtime: Blocking) -> None:
    from promptops.core.portal import portal

    arrived: queue.SimpleQueue[Finished | None] = queue.SimpleQueue()
    units: Future[None] | None = None
    try:
        units = portal().start_task_soon(
            run_units, session.plan, session.control, session.budget, session.journal, arrived.put
        )
        units.add_done_callback(lambda _: arrived.put(None))
        _collect(session, arrived)
        units.result()
        if session.control.interrupts:
            with runtime.deadline(max(session.control.time_left, 0.1)):
                drive(_end(session))
        else:
            drive(_end(session))
    except BaseException as exc:
        _stop(session, units)
        if is_interrupt(exc) and not isinstance(exc, KeyboardInterrupt):
            session.control.interrupt()
            with runtime.deadline(_SAVE_SECONDS):
                drive(_keep(session))
        _end_early(exc, session)
        raise


def _collect(session: Session, arrived: queue.SimpleQueue[Finished | None]) -> None:
    uploader = session.uploader
    while True:
        due = None if uploader is None or session.control.error is not None else uploader.due_in()
        # What has arrived meanwhile travels along.
        if uploader is not None and due is not None and due <= 0 and (uploader.is_full or arrived.empty()):
            drive(_flush(session, uploader))
            continue
        try:
            # Never for long: a signal that comes just before the wait begins is heeded only after it.
            row = arrived.get(timeout=_LONGEST_WAIT if due is None else min(due, _LONGEST_WAIT))
        except queue.Empty:
            continue
        if row is None:
            return
        session.add(row)


def _stop(session: Session, units: Future[None] | None) -> None:
    """End the units now; for the end of a blocking run by an error."""
    if units is None or units.done():
        return
    while session.control.interrupts < 2:
        session.control.interrupt()
    try:
        units.exception(timeout=_STOP_SECONDS)
    except (CancelledError, TimeoutError):
        units.cancel()


async def _flush(session: Session, uploader: Uploader) -> None:
    """Send what is ready; a refusal for good ends the run once what is under way is done."""
    try:
        await uploader.flush()
    except PromptOpsError as exc:
        session.control.stop(f"the server refused the rows: {exc.message}", exc)


async def _end(session: Session) -> None:
    """Store what is left, and raise what kept rows from being stored."""
    control, uploader = session.control, session.uploader
    if control.interrupts > 1:
        return
    if control.error is not None:
        if uploader is not None and not control.journal_failed:
            await _keep(session)  # a row that was refused keeps none of those from being stored that finished after it
        raise session.upload_error(control.error) from control.error
    if uploader is None:
        return
    if control.interrupts:
        await _keep(session)
        return
    for tries_left in reversed(range(_TRIES)):
        try:
            await uploader.flush(last=True)
        except PromptOpsError as exc:
            raise session.upload_error(exc) from exc
        failure = uploader.failure
        if failure is None:
            return
        if not tries_left:
            raise session.upload_error(failure) from failure
        await uploader.pause()


async def _keep(session: Session) -> None:
    """Store what is finished when a run ends early; the reason for its end matters more than a failure to store."""
    uploader = session.uploader
    if uploader is None or session.control.interrupts > 1:
        return
    try:
        await uploader.flush()
    except PromptOpsError as exc:
        log().warning("experiment_rows_not_stored", rows=len(session.collector.rows) - uploader.stored, error=str(exc))


def _interrupted(session: Session) -> NoReturn:
    interrupt = KeyboardInterrupt()
    interrupt.add_note(_note(session))
    raise interrupt


def _end_early(exc: BaseException, session: Session) -> None:
    if is_interrupt(exc):
        interrupt = KeyboardInterrupt()
        interrupt.add_note(_note(session))
        raise interrupt from None
    alone: BaseException = exc
    while isinstance(alone, BaseExceptionGroup):
        first, *others = cast("BaseExceptionGroup[BaseException]", alone).exceptions
        if others:
            break
        alone = first
    if not isinstance(alone, PromptOpsError):
        alone.add_note(_note(session))
    if alone is not exc:
        raise alone from None


def _note(session: Session) -> str:
    total = len(session.plan.units)
    if session.uploader is None:
        return f"The run ended early; {len(session.collector.rows)} of its {total} rows are done{session.resumable}."
    return (
        f"The run ended early; {session.uploader.stored} of its {total} rows are stored, and what else is done is in "
        f"the journal{session.resumable}."
    )
