"""Public keys of others: read, asked who signed, sealed to. Each question in a key ring of its own, made for it.

A ring holds only the keys that the caller gives, so that nobody else's good signature can pass for the one expected.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import gnupg

from apps.foundation.firm_key import KeyRefused, PublicKey, SealingAway, require_gpg

LONGEST_KEY = 20_000
HEADER = "-----BEGIN PGP PUBLIC KEY BLOCK-----"


def read_public_key(armored: str) -> PublicKey:
    """The one public key in ``armored``. Raises ``KeyRefused`` for anything else, and ``SealingAway``."""
    text = armored.strip()
    if len(text) > LONGEST_KEY or not text.startswith(HEADER):
        raise KeyRefused(
            "Give one armored public key, as manage.py bridge_key of the other instance prints it.",
            code="no_public_key",
            field="public_key",
        )
    with _ring(text) as gpg:
        found = gpg.list_keys()
        if len(found) != 1:
            raise KeyRefused(
                f"Give exactly one public key; this text holds {len(found)}.", code="no_public_key", field="public_key"
            )
        key = found[0]
        if key["trust"] in {"r", "e"}:
            raise KeyRefused("This key is revoked or expired. Ask for a new one.", code="key_ended", field="public_key")
        if "s" not in key["cap"].lower() or "e" not in key["cap"].lower():
            raise KeyRefused(
                "This key can't both sign and take sealed messages. Give the one that manage.py bridge_key prints.",
                code="key_unfit",
                field="public_key",
            )
        return PublicKey(str(key["fingerprint"]), str(gpg.export_keys(key["fingerprint"])))


def signer_of(text: str, signature: str, keys: Sequence[str]) -> str | None:
    """The fingerprint of the one of ``keys`` (armored) whose detached ``signature`` of ``text`` is good, or None."""
    with _ring(*keys) as gpg:
        file = Path(str(gpg.gnupghome)) / "signature"
        file.write_text(signature)
        seen = gpg.verify_data(str(file), text.encode())
    return str(seen.pubkey_fingerprint) if seen.valid and seen.pubkey_fingerprint else None


def seal_to(text: str, key: PublicKey) -> str:
    """The armored message that only the holder of ``key`` opens. Raises ``SealingAway``."""
    with _ring(key.armored) as gpg:
        sealed = gpg.encrypt(text.encode(), key.fingerprint, always_trust=True)
    if not sealed.ok:
        raise SealingAway(f"gpg could not seal to {key.fingerprint}: {sealed.status}.", code="sealing_failed")
    return str(sealed)


@contextmanager
def _ring(*armored: str) -> Iterator[gnupg.GPG]:
    require_gpg()
    with tempfile.TemporaryDirectory(prefix="hq-ring-") as folder:
        gpg = gnupg.GPG(gnupghome=folder, options=["--batch", "--no-tty", "--no-autostart"])
        gpg.import_keys("\n".join(armored))
        yield gpg
