"""Rendering beside the clients of other registries, each in a pinned environment of its own.

Run it as ``python -m benchmarks.peers [--json]``; it needs ``uv`` and, the first time, the package index. Environments
lie under ``build/peers`` (or ``$PROMPTOPS_PEERS_DIR``) and are made again when their requirements change. Ours runs in
the same process as the peer, on the same text with the same values, and they take turns.
"""

from __future__ import annotations

import json
import sys

from benchmarks.peers._environments import run

PEERS = ("langfuse", "phoenix")
TARGET = 3.0


def main() -> int:
    """Measure every peer; the exit code is 1 when ours is not three times as fast as each."""
    reports = {peer: run(peer, f"benchmarks.peers.{peer}_bench") for peer in PEERS}
    missed = [
        f"{peer} {name}"
        for peer, report in reports.items()
        for name, figures in report["steps"].items()
        if figures["times_faster"] < TARGET
    ]
    if "--json" in sys.argv[1:]:
        print(json.dumps(reports))
    else:
        for report in reports.values():
            for name, figures in report["steps"].items():
                theirs, ours, times = (figures[key] for key in ("theirs_us", "ours_us", "times_faster"))
                step = f"{report['peer']:28} {name:34}"
                print(f"{step} theirs {theirs:8.2f} us   ours {ours:8.2f} us   {times:6.1f} times faster")
    for step in missed:
        print(f"missed: {step} (at least {TARGET} times)", file=sys.stderr)
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
