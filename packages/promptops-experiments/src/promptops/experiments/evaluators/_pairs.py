"""What a pairwise comparison of two experiments found: wins, losses, ties, and how much the place decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import fsum
from typing import Any, Final

import msgspec
from promptops.experiments._comparison import PairKey
from promptops.experiments._comparison_text import left_out_text
from promptops.experiments.evaluators._pairwise import PairVerdict, Side

__all__ = ["PairwiseComparison"]

_FIRST_SHOWN: Final[tuple[Side, Side]] = ("baseline", "candidate")


class PairwiseComparison(msgspec.Struct, frozen=True, kw_only=True):
    """Two experiments, judged pair by pair; ``print(comparison)`` shows it. A win is one of the candidate's.

    Pairs with an error have no verdict and count in no rate.

    Attributes:
        name: The judge.
        baseline: Name of the experiment that is compared with.
        candidate: Name of the experiment that is judged.
        verdicts: By example and repetition.
        only_in_baseline: Rows without a partner in the candidate.
        only_in_candidate: Rows without a partner in the baseline.
        changed: Pairs that were not judged, because their example has another content in each experiment.
    """

    name: str
    baseline: str
    candidate: str
    verdicts: Mapping[PairKey, PairVerdict]
    only_in_baseline: int = 0
    only_in_candidate: int = 0
    changed: Sequence[PairKey] = ()

    @property
    def wins(self) -> list[PairKey]:
        """The pairs in which the candidate is better."""
        return self._won_by("candidate")

    @property
    def losses(self) -> list[PairKey]:
        """The pairs in which the baseline is better."""
        return self._won_by("baseline")

    @property
    def ties(self) -> list[PairKey]:
        """The pairs in which neither is better, those included on which the two orders disagreed."""
        return self._won_by("tie")

    @property
    def disagreements(self) -> list[PairKey]:
        """The ties in which the answers of the two orders differed."""
        return [key for key, verdict in self.verdicts.items() if verdict.disagreed]

    @property
    def errors(self) -> dict[PairKey, str]:
        """Why pairs have no verdict."""
        return {key: verdict.error for key, verdict in self.verdicts.items() if verdict.error is not None}

    @property
    def judged(self) -> int:
        """How many pairs have a verdict."""
        return sum(verdict.winner is not None for verdict in self.verdicts.values())

    @property
    def win_rate(self) -> float | None:
        """Wins as a share of the judged pairs, or None when there are none."""
        return self._rate(len(self.wins))

    @property
    def loss_rate(self) -> float | None:
        """Losses as a share of the judged pairs, or None when there are none."""
        return self._rate(len(self.losses))

    @property
    def tie_rate(self) -> float | None:
        """Ties as a share of the judged pairs, or None when there are none."""
        return self._rate(len(self.ties))

    @property
    def position_bias(self) -> float | None:
        """How far the judge prefers a place: 1 is always the first, -1 always the second, 0 neither.

        It is the share of its decided answers that went to the output shown first, less the share that went to the
        other; ties and identical outputs do not count. None when nothing was decided.
        """
        first = second = 0
        for verdict in self.verdicts.values():
            for shown_first, answer in zip(_FIRST_SHOWN, verdict.answers, strict=False):
                first += answer == shown_first
                second += answer not in {shown_first, "tie"}
        return (first - second) / (first + second) if first + second else None

    @property
    def cost(self) -> float | None:
        """What the judge cost, or None when nothing was told."""
        costs = [verdict.cost for verdict in self.verdicts.values() if verdict.cost is not None]
        return fsum(costs) if costs else None

    @property
    def usage(self) -> dict[str, int]:
        """The tokens of the judge."""
        total: dict[str, int] = {}
        for verdict in self.verdicts.values():
            for name, count in (verdict.usage or {}).items():
                total[name] = total.get(name, 0) + count
        return total

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as plain values that JSON can hold."""
        return {
            "name": self.name,
            "baseline": self.baseline,
            "candidate": self.candidate,
            "pairs": len(self.verdicts),
            "judged": self.judged,
            "wins": len(self.wins),
            "losses": len(self.losses),
            "ties": len(self.ties),
            "disagreements": len(self.disagreements),
            "errors": len(self.errors),
            "win_rate": self.win_rate,
            "loss_rate": self.loss_rate,
            "tie_rate": self.tie_rate,
            "position_bias": self.position_bias,
            "cost": self.cost,
            "usage": self.usage,
            "only_in_baseline": self.only_in_baseline,
            "only_in_candidate": self.only_in_candidate,
            "changed": [{"example_id": key.example_id, "repetition": key.repetition} for key in self.changed],
            "verdicts": [
                {
                    "example_id": key.example_id,
                    "repetition": key.repetition,
                    **msgspec.to_builtins(verdict),
                    "answers": list(verdict.answers),
                }
                for key, verdict in self.verdicts.items()
            ],
        }

    def __str__(self) -> str:
        head = f"{self.name}: {self.candidate} against {self.baseline}, {self.judged} of {len(self.verdicts)} judged"
        if self.changed:
            head += f"\n{left_out_text(len(self.changed), list(dict.fromkeys(key[0] for key in self.changed)), 5)}"
        if not self.judged:
            return head
        counts = [
            f"{len(found)} {word} ({len(found) / self.judged:.1%})"
            for word, found in (("won", self.wins), ("lost", self.losses), ("tied", self.ties))
        ]
        lines = [head, ", ".join(counts)]
        if self.disagreements:
            lines.append(f"{len(self.disagreements)} ties are disagreements of the two orders")
        if self.position_bias is not None:
            lines.append(f"position bias {self.position_bias:+.2f}")
        if self.errors:
            lines.append(f"first error: {next(iter(self.errors.values())).splitlines()[0][:300]}")
        return "\n".join(lines)

    def _won_by(self, side: Side) -> list[PairKey]:
        return [key for key, verdict in self.verdicts.items() if verdict.winner == side]

    def _rate(self, count: int) -> float | None:
        return count / self.judged if self.judged else None
