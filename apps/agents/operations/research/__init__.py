"""Research that is stored: asked for by a person, taken by a worker of the research queue, kept with its result."""
