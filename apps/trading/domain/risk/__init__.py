"""The gate's rules, the facts they see, and what restricts trading."""
