"""``promptops datasets``: datasets and their examples, in and out of files."""

from promptops.cli.datasets._command import datasets

__all__ = ["datasets"]
