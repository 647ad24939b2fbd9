"""How an agent earns its vote: stages, what each asks for, and how much a canary may say. Pure."""
