"""Prompts: store, version, fetch and render them."""
