"""The official ``arize`` SDK, for tests of the server against it."""
