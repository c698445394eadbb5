"""The configuration of a cache, as it is shown."""

from __future__ import annotations

import pytest
from promptops.cache import CacheConfig


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://localhost:6379/0", "redis://localhost:6379/0"),
        ("redis://user:s3cret@localhost:6379/0", "redis://***@localhost:6379/0"),
        ("redis://:s3:cr@et@localhost/0", "redis://***@localhost/0"),
        ("redis://:a/s3cret/b@localhost/0", "redis://***@localhost/0"),
        ("rediss://localhost/0?password=s3cret", "rediss://localhost/0?***"),
        ("unix:///run/redis.sock", "unix:///run/redis.sock"),
    ],
)
def test_password_of_redis_is_never_shown(url: str, shown: str) -> None:
    config = CacheConfig(level="redis", redis_url=url)
    assert config.masked().redis_url == shown
    assert repr(shown) in repr(config)
    assert "s3" not in repr(config)
