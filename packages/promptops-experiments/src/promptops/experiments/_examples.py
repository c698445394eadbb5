"""Examples as the stores and resources take them."""

from promptops.experiments.datasets._checks import Example, checked_examples, encoded_examples

__all__ = ["Example", "checked_examples", "encoded_examples"]
