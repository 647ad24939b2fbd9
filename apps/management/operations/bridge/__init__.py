"""The bridge: what instances say to each other."""
