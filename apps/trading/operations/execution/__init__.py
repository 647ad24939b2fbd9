"""Orders on their way to a venue and back: sent once, looked up when unknown, followed until they end."""
