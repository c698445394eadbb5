"""What is remembered, for how long, and what a write makes forgotten."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from promptops.cache import CacheConfig, CacheLevel
from promptops.core.errors import ConfigurationError, ValidationError
from promptops.prompts import PromptCache


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def filled(make_prompt: Any, **entries: tuple[str | None, str, str | None, dict[str, Any]]) -> PromptCache:
    cache = PromptCache()
    for project, name, version, changes in entries.values():
        cache.keep((project, name, version), make_prompt(**changes), epoch=cache.epoch)
    return cache


def test_the_latest_is_fresh_for_its_ttl_and_a_numbered_version_for_ever(make_prompt: Any) -> None:
    clock = Clock()
    cache = PromptCache(CacheConfig(ttl=60.0), clock=clock, random=lambda: 0.5)
    cache.keep((None, "a", None), make_prompt(), epoch=0)
    cache.keep((None, "a", "1.0.0"), make_prompt(), epoch=0)
    clock.now = 59.9
    assert cache.peek((None, "a", None)) is not None
    clock.now = 60.0
    assert cache.peek((None, "a", None)) is None
    clock.now = 1e9
    assert cache.peek((None, "a", "1.0.0")) is not None


@pytest.mark.parametrize(("random", "ttl"), [(0.0, 54.0), (1.0, 66.0)])
def test_the_ttl_varies_by_ten_percent(make_prompt: Any, random: float, ttl: float) -> None:
    clock = Clock()
    cache = PromptCache(clock=clock, random=lambda: random)
    cache.keep((None, "a", None), make_prompt(), epoch=0)
    clock.now = ttl - 0.001
    assert cache.peek((None, "a", None)) is not None
    clock.now = ttl
    assert cache.peek((None, "a", None)) is None


def test_an_answer_that_was_asked_for_before_a_write_is_not_kept(make_prompt: Any) -> None:
    cache = PromptCache()
    epoch = cache.epoch
    cache.forget("a", project=None)
    cache.keep((None, "a", None), make_prompt(), epoch=epoch)
    assert cache.peek((None, "a", None)) is None


def test_a_write_forgets_the_prompt_under_each_of_its_names(make_prompt: Any) -> None:
    one = {"id": "1", "slug": "a"}
    cache = filled(
        make_prompt,
        slug=("p", "a", None, one),
        id=("p", "1", None, one),
        default=(None, "a", None, one),
        renamed=("project name", "a", "2.0.0", one),
        other=("p", "b", None, {"id": "2", "slug": "b"}),
        elsewhere=("q", "a", None, {"id": "3", "slug": "a"}),
    )
    cache.forget("a", project="p")
    assert cache.stats().size == 2
    assert cache.peek(("p", "b", None)) is not None
    assert cache.peek(("q", "a", None)) is not None


def test_a_write_to_one_version_keeps_the_others(make_prompt: Any) -> None:
    one = {"id": "1", "slug": "a"}
    cache = filled(make_prompt, a=(None, "a", None, one), b=(None, "a", "1.0.0", one), c=(None, "a", "2.0.0", one))
    cache.forget("a", project=None, prompt_id="1", versions={"2.0.0"})
    assert cache.peek((None, "a", "1.0.0")) is not None
    assert cache.stats().size == 1


def test_a_write_under_a_project_that_was_never_read_forgets_the_name_everywhere(make_prompt: Any) -> None:
    cache = filled(make_prompt, a=("id of p", "a", None, {"id": "1", "slug": "a"}))
    cache.forget("a", project="name of p")
    assert cache.stats().size == 0


def test_clearing_is_selective(make_prompt: Any) -> None:
    one = {"id": "1", "slug": "a"}
    entries = {
        "latest": (None, "a", None, one),
        "first": (None, "a", "1.0.0", one),
        "other": (None, "b", None, {"id": "2", "slug": "b"}),
    }
    cache = filled(make_prompt, **entries)
    cache.clear("a", version="v1.0")
    assert cache.stats().size == 2
    cache.clear("a", version="latest")
    assert cache.peek((None, "b", None)) is not None
    assert cache.stats().size == 1
    cache = filled(make_prompt, **entries)
    cache.clear("1")
    assert cache.stats().size == 1
    cache.clear()
    assert cache.stats().size == 0


def test_clearing_a_version_of_no_prompt_is_refused() -> None:
    with pytest.raises(ValidationError, match="name its prompt"):
        PromptCache().clear(version="1.0")


def test_level_none_keeps_nothing(make_prompt: Any) -> None:
    cache = PromptCache(CacheConfig(level="none"))
    cache.keep((None, "a", None), make_prompt(), epoch=0)
    assert cache.peek((None, "a", None)) is None
    assert cache.stats().level == "none"


@pytest.mark.parametrize(
    ("config", "field"),
    [
        (CacheConfig(level="redis"), "cache.redis_url"),
        (CacheConfig(level=CacheLevel.HYBRID), "cache.redis_url"),
        (CacheConfig(level="disk"), "cache.level: 'disk' needs a client"),
        (CacheConfig(max_stale=-1.0), "cache.max_stale"),
        (CacheConfig(disk_max_bytes=-1), "cache.disk_max_bytes"),
        (CacheConfig(level="disc"), "cache.level"),
        (CacheConfig(ttl=-1.0), "cache.ttl"),
        (CacheConfig(ttl=float("nan")), "cache.ttl"),
        (CacheConfig(jitter=1.0), "cache.jitter"),
        (CacheConfig(max_size=-1), "cache.max_size"),
        (CacheConfig(max_bytes=-1), "cache.max_bytes"),
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(config: CacheConfig, field: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        PromptCache(config)
    assert field in caught.value.message


def test_another_configuration_holds_at_once_and_the_counters_stay(make_prompt: Callable[..., Any]) -> None:
    cache = PromptCache(CacheConfig(max_size=10))
    for number in range(5):
        cache.keep((None, f"p{number}", "1.0.0"), make_prompt(), epoch=cache.epoch)
    cache.keep((None, "latest", None), make_prompt(), epoch=cache.epoch)
    assert cache.peek((None, "p0", "1.0.0")) is not None
    cache.reconfigure(CacheConfig(max_size=3))
    stats = cache.stats()
    assert (stats.size, stats.max_size, stats.hits, stats.evictions) == (3, 3, 1, 3)
    cache.reconfigure(CacheConfig(level="none"))
    assert (cache.stats().size, cache.stats().level) == (0, "none")
    cache.keep((None, "p0", "1.0.0"), make_prompt(), epoch=cache.epoch)
    assert cache.stats().size == 0


def test_another_ttl_forgets_what_was_kept_for_the_old_one(make_prompt: Callable[..., Any]) -> None:
    cache = PromptCache(CacheConfig(ttl=3600.0))
    cache.keep((None, "p", None), make_prompt(), epoch=cache.epoch)
    cache.keep((None, "p", "1.0.0"), make_prompt(), epoch=cache.epoch)
    before = cache.epoch
    cache.reconfigure(CacheConfig(ttl=1.0))
    assert (cache.peek((None, "p", None)), cache.epoch > before) == (None, True)
    assert cache.peek((None, "p", "1.0.0")) is not None


@pytest.mark.parametrize(
    ("field", "value"),
    [("ttl", "60"), ("max_size", 1.5), ("max_bytes", True), ("jitter", None), ("push", 1), ("directory", 7)],
)
def test_a_setting_of_another_type_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(ConfigurationError, match=rf"cache\.{field}"):
        PromptCache(CacheConfig(**{field: value}))
