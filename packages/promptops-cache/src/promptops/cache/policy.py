"""The freshness policy and its parts, for what reads through a cache."""

from promptops.cache._backends import Tiers, make_subscription, make_tiers, needed
from promptops.cache._background import BACKGROUND, Background
from promptops.cache._doubts import Doubts
from promptops.cache._flights import Flights
from promptops.cache._freshness import Freshness
from promptops.cache._misses import Misses
from promptops.cache._policy import ReadThrough
from promptops.cache._shelf import Entry, Shelf
from promptops.cache._source import Answer, Outcome, Read, Source
from promptops.cache._tiers import Found, Tier

__all__ = [
    "BACKGROUND",
    "Answer",
    "Background",
    "Doubts",
    "Entry",
    "Flights",
    "Found",
    "Freshness",
    "Misses",
    "Outcome",
    "Read",
    "ReadThrough",
    "Shelf",
    "Source",
    "Tier",
    "Tiers",
    "make_subscription",
    "make_tiers",
    "needed",
]
