"""The PromptOps client: prompts and experiments, async and sync."""
