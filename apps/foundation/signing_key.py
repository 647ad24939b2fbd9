"""The key pair with which this instance signs what it says to others; others seal to it what only it shall read.

It lies in ``HQ_HOME/bridge`` and is another one than the firm's, so that it can be changed without sealing anything
again: ``prepare_next`` makes the next pair, its public half is given to the others, ``switch`` signs with it from then
on. The earlier pair stays, so that what was sealed to it is still opened.
"""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from apps.foundation.errors import Conflict
from apps.foundation.firm_key import FirmKey, KeyRefused, PublicKey, SealingAway, no_passphrase, refuse_revoked

NEXT = "next-key"


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey(FirmKey):
    """One GnuPG home with the pair that signs, perhaps the next one, and earlier ones."""

    @property
    def user_id(self) -> str:
        return "TradingHQ bridge key"

    def sign(self, text: str) -> str:
        """The armored detached signature of ``text``. Raises ``SealingAway`` and ``KeyRefused``."""
        if not self.passphrase:
            raise no_passphrase()
        with self._gpg() as gpg:
            fingerprint = self._ensure(gpg)
            refuse_revoked(gpg, fingerprint)
            signed = gpg.sign(text.encode(), keyid=fingerprint, passphrase=self.passphrase, detach=True)
        if not signed.fingerprint:
            raise SealingAway(
                "gpg could not sign with this instance's key. Check HQ_PGP_PASSPHRASE.", code="signing_failed"
            )
        return str(signed)

    def known(self) -> PublicKey | None:
        """The public half of the pair that signs; None before the first one was made."""
        return self.public() if self.exists() else None

    def following(self) -> PublicKey | None:
        """The public half of the next pair; None where none was prepared."""
        file = self.home / NEXT
        if not file.is_file():
            return None
        with self._gpg() as gpg:
            fingerprint = file.read_text().strip()
            return PublicKey(fingerprint, str(gpg.export_keys(fingerprint)))

    def prepare_next(self) -> PublicKey:
        """Make the next pair; nothing is signed with it yet. Raises ``Conflict`` where one was prepared already."""
        if (self.home / NEXT).is_file():
            raise Conflict("The next key is prepared already. Give it to the peers, then switch.", code="key_prepared")
        with self._gpg() as gpg:
            self._ensure(gpg)
            fingerprint = self._make(gpg)
            (self.home / NEXT).write_text(f"{fingerprint}\n")
            return PublicKey(fingerprint, str(gpg.export_keys(fingerprint)))

    def switch(self) -> PublicKey:
        """Sign with the next pair from now on. Raises ``KeyRefused`` where none was prepared."""
        with self._gpg() as gpg:
            file = self.home / NEXT
            if not file.is_file():
                raise KeyRefused("No next key was prepared. Prepare it and give it to the peers first.", code="no_next")
            fingerprint = file.read_text().strip()
            file.replace(self.home / "firm-key")  # one step: there is never none, nor two
            return PublicKey(fingerprint, str(gpg.export_keys(fingerprint)))


def bridge_key() -> SigningKey:
    """The pair of this instance, as the settings name it."""
    return SigningKey(Path(settings.HQ_HOME) / "bridge", settings.HQ_PGP_PASSPHRASE)
