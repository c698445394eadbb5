"""The offline model answers from the prompt that it is given, and from nothing else."""

from __future__ import annotations

import pytest
from promptops.cli.quickstart._offline import UNSURE, NearestExampleModel, read_prompt

PROMPT = """You sort fruit.

Labels: citrus, stone fruit

Examples:

Message: A lemon is yellow and sour.
Label: citrus

Message: The peach has a hard pit inside.
Label: stone fruit
"""


def ask(prompt: str, message: str) -> str:
    chat = [{"role": "system", "content": prompt}, {"role": "user", "content": message}]
    return NearestExampleModel().answer(chat)


def test_labels_and_examples_are_read_out_of_the_prompt() -> None:
    found = read_prompt(PROMPT)
    assert found.labels == ("citrus", "stone fruit")
    assert found.examples == (
        ("A lemon is yellow and sour.", "citrus"),
        ("The peach has a hard pit inside.", "stone fruit"),
    )


@pytest.mark.parametrize(
    ("message", "label"), [("something sour", "citrus"), ("it has a pit", "stone fruit"), ("Citrus?", "citrus")]
)
def test_the_answer_is_the_label_of_the_nearest_example(message: str, label: str) -> None:
    assert ask(PROMPT, message) == label


def test_other_examples_in_the_prompt_give_another_answer() -> None:
    swapped = PROMPT.replace("Label: citrus", "Label: ?").replace("Label: stone fruit", "Label: citrus")
    assert ask(PROMPT, "a hard pit") == "stone fruit"
    assert ask(swapped, "a hard pit") == "citrus"


def test_it_is_not_sure_where_nothing_in_the_prompt_resembles_the_message() -> None:
    assert ask(PROMPT, "zebra") == UNSURE
    assert ask("No examples here.", "a lemon") == UNSURE


@pytest.mark.parametrize("message", ["", "   ", "?!", "\u00e9\u00e8"])
def test_a_message_without_words_is_no_failure(message: str) -> None:
    assert ask(PROMPT, message) == UNSURE


def test_windows_line_ends_are_read_alike() -> None:
    assert read_prompt(PROMPT.replace("\n", "\r\n")) == read_prompt(PROMPT)
