"""A program that reads prompts: it says when it is ready, reads at the next line, and reports in JSON.

Its one argument is JSON: the ``url``, the ``names``, the settings of the ``cache``, how many ``threads`` read all of
them, which ``settings`` the client has besides, how often they are read one after the other (``rounds``), and by how
many seconds the wall clock is wrong in each round (``walls``; the last one goes on).
"""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Any, cast

true_time = time.time
wrong = {"by": 0.0}
time.time = lambda: true_time() + wrong["by"]  # before anything of ours takes it as a default

from promptops.cache import CacheConfig  # noqa: E402
from promptops.client import ClientConfig, SyncPromptOpsClient  # noqa: E402
from promptops.core import PromptOpsError  # noqa: E402


def read(client: SyncPromptOpsClient, names: list[str], reads: list[dict[str, Any]], errors: list[str]) -> None:
    """Read each of them and note what came."""
    for name in names:
        began = time.monotonic()
        try:
            found = client.prompts.read(name)
        except PromptOpsError as error:
            reads.append({"name": name, "error": type(error).__name__, "seconds": time.monotonic() - began})
        except Exception as error:  # noqa: BLE001 - reported: there should be none
            errors.append(f"{type(error).__name__}: {error}")
        else:
            reads.append(
                {
                    "name": name,
                    "slug": found.prompt.slug,
                    "content": found.prompt.content,
                    "source": found.source,
                    "stale": found.stale,
                    "age": found.age,
                    "seconds": time.monotonic() - began,
                }
            )


def be_patient() -> None:
    """Take a Redis that is late for one that is late: a busy machine may answer late, and is no outage."""
    from promptops.cache_redis import RedisCache, RedisStore

    for kind in (RedisCache, RedisStore):
        cast("dict[str, float]", kind.__init__.__kwdefaults__).update(timeout=20.0, connect_timeout=20.0)


def main() -> None:
    """Do it."""
    wanted = json.loads(sys.argv[1])
    if wanted["cache"].get("redis_url"):
        be_patient()
    config = ClientConfig(
        base_url=wanted["url"],
        read_environment=False,
        cache=CacheConfig(**wanted["cache"]),
        **wanted["settings"],
    )
    reads: list[dict[str, Any]] = []
    errors: list[str] = []
    walls: list[float] = wanted["walls"] or [0.0]
    wrong["by"] = walls[0]
    with SyncPromptOpsClient(config) as client:
        print("ready", flush=True)
        sys.stdin.readline()
        for number in range(wanted["rounds"]):
            wrong["by"] = walls[min(number, len(walls) - 1)]
            threads = [
                threading.Thread(target=read, args=(client, wanted["names"], reads, errors))
                for _ in range(wanted["threads"])
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    print(json.dumps({"reads": reads, "errors": errors}), flush=True)


if __name__ == "__main__":
    main()
