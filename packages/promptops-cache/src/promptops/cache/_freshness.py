"""When a value counts as fresh, when it is asked for again, and when it is too old to serve: decisions without I/O."""

from __future__ import annotations

from typing import Final

import msgspec

__all__ = ["FOR_EVER", "Freshness"]

FOR_EVER: Final = float("inf")


class Freshness(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers of the policy, in seconds (from the reliability policy of the product, section 2d).

    Attributes:
        ttl: How long a value that may change counts as fresh.
        jitter: Share by which each ttl is made longer or shorter at random.
        max_stale: How long after that it may still be served; None means without limit.
        negative_ttl: How long "there is none" is remembered.
        negative_jitter: Share by which each of these times is made longer or shorter.
        most_negative: Most names that are remembered as missing.
        first_retry: Longest wait after one failed refresh; it doubles with each further one.
        last_retry: Where the doubling ends.
        refused_retry: Wait after the origin refused the credentials.
        first_refresh: Earliest share of the first ttl of a value in a process after which it is refreshed behind the
            caller's back: processes that start together would ask together for a long time. 1 refreshes at its end.
    """

    ttl: float = 60.0
    jitter: float = 0.1
    max_stale: float | None = None
    negative_ttl: float = 5.0
    negative_jitter: float = 0.2
    most_negative: int = 1000
    first_retry: float = 1.0
    last_retry: float = 60.0
    refused_retry: float = 300.0
    first_refresh: float = 0.25

    def lifetime(self, fraction: float, *, fixed: bool) -> float:
        """For how long a value is fresh; ``fraction`` is random in 0..1, ``fixed`` says that it never changes."""
        return FOR_EVER if fixed else _spread(self.ttl, self.jitter, fraction)

    def ahead(self, lifetime: float, fraction: float) -> float:
        """After which part of its first lifetime a value is refreshed, though it still counts as fresh."""
        return lifetime * (self.first_refresh + (1.0 - self.first_refresh) * fraction)

    def negative_lifetime(self, fraction: float) -> float:
        """For how long a name is remembered as missing."""
        return _spread(self.negative_ttl, self.negative_jitter, fraction)

    def servable(self, *, now: float, fresh_until: float) -> bool:
        """Whether a value may be served at all, stale or not."""
        return self.max_stale is None or now < fresh_until + self.max_stale

    def retry_after(self, failures: int, fraction: float, *, refused: bool) -> float:
        """How long to wait after ``failures`` failed refreshes in a row (1 is the first), with jitter.

        At the end of the doubling it is never less than ``last_retry``, and after a refusal of the credentials never
        less than ``refused_retry``: asking sooner helps nobody.
        """
        if refused:
            return self.refused_retry * (1.0 + 0.1 * fraction)
        ceiling = self.first_retry * 2.0 ** min(failures - 1, 30)
        if ceiling >= self.last_retry:
            return self.last_retry * (1.0 + 0.1 * fraction)
        # A floor of half the ceiling: full jitter alone may ask again at once.
        return ceiling * (0.5 + 0.5 * fraction)

    def remaining(self, *, age: float | None, fraction: float, fixed: bool) -> float:
        """For how long a value that another process stored ``age`` seconds ago is still fresh.

        An unknown age, or one from the future (the clock of one of the two is wrong), is not fresh at all.
        """
        if fixed:
            return FOR_EVER
        if age is None or age < 0.0:
            return 0.0
        return max(0.0, self.lifetime(fraction, fixed=False) - age)


def _spread(seconds: float, share: float, fraction: float) -> float:
    return seconds * (1.0 + share * (2.0 * fraction - 1.0))
