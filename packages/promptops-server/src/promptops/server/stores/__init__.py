"""Stores: where the data lies."""
