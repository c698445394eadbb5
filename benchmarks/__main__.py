"""Every benchmark, one after the other; ``--json`` of each module gives its figures to machines."""

from __future__ import annotations

import subprocess
import sys

MODULES = (
    "client_bench",
    "startup_bench",
    "transport_bench",
    "render_bench",
    "cache_bench",
    "disk_cache_bench",
    "redis_cache_bench",
    "datasets_bench",
    "experiments_bench",
    "journal_bench",
)


def main() -> int:
    """Run them all; the exit code is 1 when one of them failed."""
    failed = False
    for module in MODULES:
        print(f"== {module}", flush=True)
        failed |= subprocess.run([sys.executable, "-m", f"benchmarks.{module}"], check=False).returncode != 0
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
