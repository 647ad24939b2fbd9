"""Our books against what a venue says: compare, heal, keep a break, let a person decide."""
