"""REST of the management room."""
