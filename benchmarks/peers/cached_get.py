"""A prompt that is at hand, fetched by ours and by the clients of other registries, beside a dictionary in a lambda.

Run it as ``python -m benchmarks.peers.cached_get [--json]``; it needs ``uv`` and, the first time, the package index.
Ours runs in the same process as each peer, and they take turns. The peers' caches are filled by hand, since each talks
to a service of its own; none of them sends anything.
"""

from __future__ import annotations

import json
import sys

from benchmarks.peers._environments import run

PEERS = ("langsmith", "langfuse", "promptlayer", "mlflow")
TARGET = 2.5


def main() -> int:
    """Measure every peer; the exit code is 1 when ours is not two and a half times as fast as the best of them."""
    reports = [run(peer, "benchmarks.peers._gets", peer) for peer in PEERS]
    worst = min(report["times_faster"] for report in reports)
    if "--json" in sys.argv[1:]:
        print(json.dumps({"peers": reports, "times_faster_than_the_best": worst}))
    else:
        for report in reports:
            times = {name: report[f"{name}_ns"] / report["dict_ns"] for name in ("ours", "ours_held", "theirs")}
            print(
                f"{report['peer']:24} dict {report['dict_ns']:4.0f} ns   ours {report['ours_ns']:5.0f} ns"
                f" ({times['ours']:.1f}x; {times['ours_held']:.1f}x with client.prompts held)"
                f"   theirs {report['theirs_ns']:7.0f} ns ({times['theirs']:.1f}x)"
                f"   {report['times_faster']:.1f} times faster"
            )
    if worst < TARGET:
        print(f"missed: {worst:.2f} times as fast as the best of them (at least {TARGET})", file=sys.stderr)
    return int(worst < TARGET)


if __name__ == "__main__":
    raise SystemExit(main())
