"""A forked child never shares a connection with its parent, nor with another child."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
import trustme
from promptops.core.testing.faults import FaultProxy

PROGRAM = Path(__file__).parent / "fork_program.py"
CALLS = 200


def _fork(url: str, how: str, calls: int = CALLS, ca_file: str = "") -> tuple[int, int]:
    """Wrong or failed calls: of the children, of the parent."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "ignore::ResourceWarning", str(PROGRAM), url, how, str(calls)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        env={**os.environ, "CA_FILE": ca_file},
    )
    assert done.returncode == 0, done.stderr
    children, parent = json.loads(done.stdout)
    return children, parent


@pytest.mark.parametrize("how", ["sync", "no-hook", "async"])
def test_children_get_their_own_answers_and_the_parent_goes_on(how: str) -> None:
    with FaultProxy() as server:
        assert _fork(server.url, how) == (0, 0)


def test_tls_sessions_survive_a_fork_of_the_parent(
    server_tls: ssl.SSLContext, authority: trustme.CA, tmp_path: Path
) -> None:
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    with FaultProxy(tls=server_tls) as server:
        assert _fork(server.url, "tls", ca_file=str(ca_file)) == (0, 0)


def test_control_a_shared_connection_mixes_answers_up() -> None:
    with FaultProxy() as server:
        assert any(_fork(server.url, "unprotected", calls=50)[0] for _ in range(10))
