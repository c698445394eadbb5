"""The example of the README does what it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from promptops.cache_redis import DEFAULT_PREFIX
from promptops.cache_redis.testing import RedisProcess

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_the_example_runs(guarded_redis: RedisProcess) -> None:
    import redis

    (block,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(block.replace("redis://:password@localhost:6379/0", guarded_redis.url), {"__name__": "readme"})
    administrator: Any = redis.Redis(port=guarded_redis.port, password="correct-horse")
    assert administrator.get(f"{DEFAULT_PREFIX}|greeting") == b"Hello"
    administrator.close()
