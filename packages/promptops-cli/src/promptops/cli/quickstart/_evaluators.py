"""How an answer is scored: whether it is the right label, and whether it is a label at all."""

from __future__ import annotations

from collections.abc import Callable, Collection

__all__ = ["correct_label", "label_checker"]


def correct_label(output: str, expected: str) -> bool:
    """Whether the answer is exactly the expected label."""
    return output == expected


def label_checker(labels: Collection[str]) -> Callable[[str], bool]:
    """An evaluator that says whether an answer is one of the labels and nothing else."""

    def valid_label(output: str) -> bool:
        """Whether the answer is one of the labels and nothing else."""
        return output in labels

    return valid_label
