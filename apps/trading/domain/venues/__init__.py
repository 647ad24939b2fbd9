"""What venues are, how they may differ from our books, and how the paper one fills."""
