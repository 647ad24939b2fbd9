"""Where a stop goes, what it covers, when it is hit."""
