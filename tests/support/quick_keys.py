"""Real key pairs that are made and opened at once: their passphrases are stretched little, which tests need not."""

from apps.foundation import firm_key

QUICK = "s2k-count 65536\n"


def use_quick_keys() -> None:
    """From now on GnuPG's agent of this process's key pairs derives quickly."""
    if QUICK not in firm_key.AGENT_CONF:
        firm_key.AGENT_CONF += QUICK
