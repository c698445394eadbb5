"""Datasets, experiments, evaluators and comparisons for LLM applications."""
