"""Cache protocol and the in-memory cache of PromptOps."""
