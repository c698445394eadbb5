"""What all tests share: busy cores, cheap garbage collections, and no failure that only tells of a slow machine."""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is, and nothing of what is tested.
settings.register_profile("repository", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("repository")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int | None:
    """Half as many workers again as cores for ``-n auto``: every second test waits for a process or a server."""
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + (cores + 1) // 2


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_teardown() -> Generator[None, object, object]:
    """Fail a test that leaves logging set up: what later tests log would go elsewhere, and they would fail for it."""
    done = yield
    # Another thread may be importing it at this moment.
    structlog = sys.modules.get("structlog")
    is_configured = getattr(structlog, "is_configured", None)
    if structlog is not None and is_configured is not None and is_configured():
        structlog.reset_defaults()
        pytest.fail("structlog is still configured: call structlog.reset_defaults() at the end", pytrace=False)
    if logging.root.manager.disable:
        logging.disable(logging.NOTSET)
        pytest.fail("logging is still disabled: call logging.disable(logging.NOTSET) at the end", pytrace=False)
    return done


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect no garbage while collecting tests, and leave them and their modules out of every later collection.

    Many tests ask for a full one, and it would walk through ten thousand tests each time.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()
