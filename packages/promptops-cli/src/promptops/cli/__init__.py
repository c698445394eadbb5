"""The promptops command."""
