"""The PromptOps server: prompts, datasets and experiments over SQLite."""
