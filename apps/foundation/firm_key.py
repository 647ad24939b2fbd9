"""The firm's PGP key pair: what is sealed to it can be opened only with its passphrase, in the executor.

It lies in ``HQ_HOME/gnupg`` (0700) and is made on first need with the passphrase of ``HQ_PGP_PASSPHRASE`` (or of the
file that ``HQ_PGP_PASSPHRASE_FILE`` names). There is no default passphrase, and none is kept. Only the executor's
environment holds it while the house runs. GnuPG's agent is ended after each use, so that it remembers nothing.
"""

import fcntl
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gnupg
from django.conf import settings

from apps.foundation.errors import NotReady, Refused

SHORTEST_PASSPHRASE = 12
LONGEST_MESSAGE = 20_000
# A new key is signed with the passphrase that the agent remembers. It counts in whole seconds: with none at all, a pair
# whose making goes over the end of a second fails. What it remembers ends with it, after each use.
AGENT_CONF = "default-cache-ttl 0\nmax-cache-ttl 60\nallow-loopback-pinentry\n"
LONGEST_SOCKET_HOME = 80  # GnuPG's agent listens on a socket in its home, whose path may have about 100 characters
USER_ID = "TradingHQ firm key"
USER_EMAIL = "firm-key@tradinghq.invalid"
SEAL_AGAIN = "Seal the venue keys again."
OWN_PAIR = "Put the folder HQ_HOME/gnupg of the firm that sealed it into this home first."
LONGEST_WORDS = 500
BAD_PASSPHRASE = 11  # the lower half of gpg-error's number for it


class KeyRefused(Refused):
    """A message, key or passphrase can't be used; the code says which."""

    code = "key_refused"


class SealingAway(NotReady):
    """Sealing and opening are not possible here at present: no ``gpg``, no key pair or no passphrase."""

    code = "sealing_away"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What others seal to: the fingerprint of the pair and its armored public key."""

    fingerprint: str
    armored: str


@dataclass(frozen=True, slots=True)
class FirmKey:
    """The key pair in one GnuPG home. ``passphrase`` may be empty where nothing is opened or made."""

    home: Path
    passphrase: str = ""

    def __repr__(self) -> str:
        return f"FirmKey({self.home})"

    @property
    def user_id(self) -> str:
        """What the pair is called in the key itself."""
        return USER_ID

    def exists(self) -> bool:
        """Whether a key pair was made in this home."""
        return (self.home / "firm-key").is_file()

    def public(self) -> PublicKey:
        """The public key; the pair is made when there is none. Raises ``SealingAway`` and ``KeyRefused``."""
        with self._gpg() as gpg:
            fingerprint = self._ensure(gpg)
            refuse_revoked(gpg, fingerprint)
            return PublicKey(fingerprint, str(gpg.export_keys(fingerprint)))

    def seal(self, text: str) -> str:
        """The armored message that only this pair opens. Raises ``SealingAway`` and ``KeyRefused``."""
        with self._gpg() as gpg:
            fingerprint = self._ensure(gpg)
            refuse_revoked(gpg, fingerprint)
            sealed = gpg.encrypt(text, fingerprint, always_trust=True)
            if not sealed.ok:
                raise SealingAway(f"gpg could not seal: {sealed.status}.", code="sealing_failed")
            return str(sealed)

    def check_sealed(self, message: str) -> None:
        """Raise ``KeyRefused`` unless ``message`` is an armored PGP message to this pair; nothing is opened."""
        _check_armor(message)
        with self._gpg() as gpg:
            own = _subkey_ids(gpg, self._ensure(gpg))
            listed = gpg.get_recipients(message)
        recipients = {str(each) for each in listed or ()}
        if not recipients:
            raise KeyRefused(
                "This is no PGP message that names who it is for. Seal the keys with manage.py seal_key.",
                code="not_sealed",
                field="sealed_keys",
            )
        if not recipients & own:
            raise KeyRefused(
                f"This message is sealed to {', '.join(sorted(recipients))}, not to this firm's key. Seal it to the key"
                " of trading/accounts/public-key/.",
                code="foreign_key",
                field="sealed_keys",
            )

    def open(self, message: str) -> str:
        """The sealed text. Raises ``SealingAway``, and ``KeyRefused`` with the code that says what is wrong."""
        _check_armor(message)
        if not self.passphrase:
            raise no_passphrase()
        with self._gpg() as gpg:
            fingerprint = self._fingerprint()
            if fingerprint is None:
                raise KeyRefused("There is no firm key here that could open it.", code="foreign_key")
            refuse_revoked(gpg, fingerprint)
            opened = gpg.decrypt(message, passphrase=self.passphrase, always_trust=True)
        if opened.ok:
            return str(opened)
        raise _not_opened(str(opened.stderr or ""))

    def seal_file(self, source: Path, target: Path) -> None:
        """Write what ``source`` holds to ``target``, sealed. Raises ``SealingAway`` and ``KeyRefused``."""
        with self._gpg() as gpg:
            fingerprint = self._ensure(gpg)
            refuse_revoked(gpg, fingerprint)
            sealed = gpg.encrypt_file(str(source), fingerprint, always_trust=True, armor=False, output=str(target))
        if not sealed.ok:
            raise SealingAway(f"gpg could not seal {source.name}: {sealed.status}.", code="sealing_failed")

    def open_file(self, source: Path, target: Path) -> None:
        """Write what was sealed in ``source`` to ``target``. Raises like ``open``."""
        if not self.passphrase:
            raise no_passphrase()
        with self._gpg() as gpg:
            opened = gpg.decrypt_file(str(source), passphrase=self.passphrase, always_trust=True, output=str(target))
        if not opened.ok:
            raise _not_opened(str(opened.stderr or ""), foreign=OWN_PAIR, damaged="Take another copy of the file.")

    def _ensure(self, gpg: gnupg.GPG) -> str:
        known = self._fingerprint()
        if known is not None:
            return known
        made = self._make(gpg)
        (self.home / "firm-key").write_text(f"{made}\n")
        return made

    def _make(self, gpg: gnupg.GPG) -> str:
        """The fingerprint of a new pair in this home. Raises ``SealingAway``."""
        if not self.passphrase:
            raise no_passphrase()
        if len(self.passphrase) < SHORTEST_PASSPHRASE:
            raise SealingAway(
                f"The firm key's passphrase has {len(self.passphrase)} characters; use at least {SHORTEST_PASSPHRASE}.",
                code="passphrase_too_short",
            )
        wanted: dict[str, Any] = {"key_type": "EDDSA", "key_curve": "ed25519", "key_usage": "sign"}
        wanted |= {"subkey_type": "ECDH", "subkey_curve": "cv25519", "subkey_usage": "encrypt"}
        made = gpg.gen_key(
            gpg.gen_key_input(
                **wanted, name_real=self.user_id, name_email=USER_EMAIL, expire_date=0, passphrase=self.passphrase
            )
        )
        if not made.fingerprint:
            said = _words_of_gpg(str(made.stderr or ""))
            raise SealingAway(f"gpg could not make the firm key: {made.status}. {said}".strip(), code="sealing_failed")
        return str(made.fingerprint)

    def _fingerprint(self) -> str | None:
        path = self.home / "firm-key"
        return path.read_text().strip() if path.is_file() else None

    @contextmanager
    def _gpg(self) -> Iterator[gnupg.GPG]:
        """GnuPG on this home, one user at a time; its agent ends with it."""
        require_gpg()
        self.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.home.chmod(0o700)
        (self.home / "gpg-agent.conf").write_text(AGENT_CONF)
        with (self.home / "lock").open("w") as lock, _short_path(self.home) as home:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                yield gnupg.GPG(gnupghome=str(home), options=["--batch", "--no-tty"])
            finally:
                _end_agent(home)


def require_gpg() -> None:
    """Raise ``SealingAway`` where GnuPG is missing."""
    if shutil.which("gpg") is None:
        raise SealingAway(
            "gpg is not installed, so keys can't be sealed or opened and live trading is refused. Install GnuPG.",
            code="gpg_missing",
        )


def _words_of_gpg(told: str) -> str:
    """What it wrote for people, in one line, without what it wrote for programs."""
    return " ".join(line for line in told.splitlines() if not line.startswith("[GNUPG:]"))[-LONGEST_WORDS:]


def _end_agent(home: Path) -> None:
    program = shutil.which("gpgconf")
    if program is not None:
        command = [program, "--homedir", str(home), "--kill", "gpg-agent"]
        subprocess.run(command, check=False, timeout=10)  # noqa: S603 - our own command, without a shell


def firm_key() -> FirmKey:
    """The house's pair, as the settings name it."""
    return FirmKey(Path(settings.HQ_HOME) / "gnupg", settings.HQ_PGP_PASSPHRASE)


def practice_key() -> FirmKey:
    """The pair that the exchange simulator's keys are sealed to; its passphrase lies beside it: they guard no money."""
    home = Path(settings.HQ_HOME) / "simulated"
    passphrase = home / "passphrase"
    return FirmKey(home / "gnupg", passphrase.read_text().strip() if passphrase.is_file() else "")


@contextmanager
def _short_path(home: Path) -> Iterator[Path]:
    if len(str(home)) <= LONGEST_SOCKET_HOME:
        yield home
        return
    with tempfile.TemporaryDirectory(prefix="hq-") as folder:
        link = Path(folder) / "g"
        link.symlink_to(home)
        yield link


def _check_armor(message: str) -> None:
    text = message.strip()
    if len(text) > LONGEST_MESSAGE:
        raise KeyRefused(
            f"The message has {len(text)} characters; a sealed key has far fewer than {LONGEST_MESSAGE}.",
            code="too_long",
            field="sealed_keys",
        )
    if not text.startswith("-----BEGIN PGP MESSAGE-----") or not text.endswith("-----END PGP MESSAGE-----"):
        raise KeyRefused(
            "Plain keys are refused here: give an armored PGP message to the firm's key, as manage.py seal_key makes"
            " it. If real keys were sent, withdraw them at the venue: they may have been seen.",
            code="not_sealed",
            field="sealed_keys",
        )


def _subkey_ids(gpg: gnupg.GPG, fingerprint: str) -> set[str]:
    for key in gpg.list_keys(keys=[fingerprint]):
        return {key["keyid"], *(subkey[0] for subkey in key["subkeys"])}
    raise SealingAway("The firm's key is missing from its GnuPG home.", code="firm_key_missing")


def refuse_revoked(gpg: gnupg.GPG, fingerprint: str) -> None:
    """Raise ``KeyRefused`` where the pair may not be used any more."""
    for key in gpg.list_keys(keys=[fingerprint]):
        if key["trust"] in {"r", "e"}:
            word = "revoked" if key["trust"] == "r" else "expired"
            raise KeyRefused(
                f"The firm's PGP key is {word}. Put a new one in HQ_HOME/gnupg and seal the venue keys to it.",
                code=f"firm_key_{word}",
            )
        return
    raise SealingAway("The firm's key is missing from its GnuPG home.", code="firm_key_missing")


def no_passphrase() -> SealingAway:
    """What is raised where a step needs the passphrase and this process does not know it."""
    return SealingAway(
        "The firm key's passphrase is not known to this process. Set HQ_PGP_PASSPHRASE, or better"
        " HQ_PGP_PASSPHRASE_FILE to a file that only you can read, and start the house again.",
        code="passphrase_missing",
    )


def _not_opened(stderr: str, *, foreign: str = SEAL_AGAIN, damaged: str = SEAL_AGAIN) -> KeyRefused:
    """What gpg's status lines say, with what to do; its text itself is not passed on."""
    if "[GNUPG:] NO_SECKEY" in stderr:
        return KeyRefused(
            f"The stored message is sealed to another key than this firm's. {foreign}", code="foreign_key"
        )
    failed = re.search(r"\[GNUPG:\] ERROR pkdecrypt_failed (\d+)", stderr)
    if failed and int(failed[1]) % 65536 == BAD_PASSPHRASE:
        return KeyRefused(
            "The passphrase does not open the firm's key. Correct HQ_PGP_PASSPHRASE and start the house again.",
            code="wrong_passphrase",
        )
    return KeyRefused(f"The stored message is damaged. {damaged}", code="message_damaged")
