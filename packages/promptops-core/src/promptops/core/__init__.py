"""Errors, messages, transport, retries, auth, pagination and the runtimes behind PromptOps."""
