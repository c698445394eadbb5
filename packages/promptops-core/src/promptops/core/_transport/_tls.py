"""The TLS context: made at first use, once for each process."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

__all__ = ["default_context"]


class _Shared:
    context: ssl.SSLContext | None = None
    lock = threading.Lock()


def default_context() -> ssl.SSLContext:
    """A context that verifies servers against the system's certificates, or certifi's when the system has none.

    Loading them takes tens of milliseconds. A context survives a fork; the lock is held only while it is made.
    """
    context = _Shared.context
    if context is not None:
        return context
    with _Shared.lock:
        if _Shared.context is None:
            _Shared.context = _make()
        return _Shared.context


def replace_lock() -> None:
    """For a forked child: another thread of the parent may have held the lock."""
    _Shared.lock = threading.Lock()


def _make() -> ssl.SSLContext:
    import ssl
    from pathlib import Path

    context = ssl.create_default_context()
    paths = ssl.get_default_verify_paths()
    # The stub says that there always is a directory; there is none on Windows.
    directory = Path(paths.capath or "")
    has_directory = bool(paths.capath) and directory.is_dir() and any(directory.iterdir())
    if not context.cert_store_stats()["x509_ca"] and not has_directory:
        import certifi

        context.load_verify_locations(cafile=certifi.where())
    context.set_alpn_protocols(["http/1.1"])
    return context
