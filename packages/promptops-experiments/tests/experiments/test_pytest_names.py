"""Names of runs of test sessions: each belongs to one experiment, whatever the others are called."""

from __future__ import annotations

import pytest
from promptops.experiments._pytest_rows import is_run_of, run_name


@pytest.mark.parametrize(
    ("name", "belongs"),
    [
        (run_name("capitals", "2026-01-01T00:00:00Z-ab12"), True),
        (run_name("capitals", "build-7"), True),
        (run_name("capitals", "strict"), True),
        (run_name("capitals strict", "build-7"), False),
        (run_name("capitals2", "build-7"), False),
        (run_name("capitals", "a\tb"), False),
        (run_name("capitals", "a\u00a0b"), False),
        (run_name("capitals", ""), False),
        ("capitals", False),
        ("other", False),
    ],
)
def test_a_name_belongs_to_an_experiment_only_if_one_word_follows(name: str, *, belongs: bool) -> None:
    assert is_run_of("capitals", name) is belongs


def test_an_experiment_of_several_words_has_its_own_runs() -> None:
    assert is_run_of("capitals strict", run_name("capitals strict", "build-7"))
    assert not is_run_of("capitals strict", run_name("capitals", "strict"))
