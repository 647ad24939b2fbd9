"""What shall run and what counts as healthy; pure."""
