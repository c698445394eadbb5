"""``promptops experiments``: run, resume, list, get, compare, report and gate."""

from promptops.cli.experiments._command import experiments

__all__ = ["experiments"]
