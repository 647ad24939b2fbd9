"""Open an account's sealed keys. Only the executor may, and nobody keeps or tells what was opened."""

from pathlib import Path

from django.conf import settings

from apps.foundation.errors import Refused
from apps.foundation.firm_key import FirmKey, KeyRefused, firm_key
from apps.trading.domain.venue_keys import VenueKeys, read_keys
from apps.trading.domain.venues import SIMULATED, SIMULATED_DIALECT
from apps.trading.models import Account

EXECUTOR = "execution"


class KeysNotHere(Refused):
    """Keys may not be opened in this process."""

    code = "keys_only_in_executor"


def open_keys(account: Account) -> VenueKeys:
    """The keys of an account. Raises ``KeysNotHere``, ``KeyRefused``, ``SealingAway`` and ``Refused``."""
    process = settings.HQ_PROCESS
    if process != EXECUTOR and not process.startswith(f"{EXECUTOR}-"):
        raise KeysNotHere(f"Keys are opened in the executor only; this process is {process or 'a command'}.")
    if not account.sealed_keys:
        raise KeyRefused(f"The account {account.name} has no keys. Seal some with manage.py seal_key.", code="no_keys")
    simulated = account.venue == SIMULATED
    key = practice_key() if simulated else firm_key()
    return read_keys(key.open(account.sealed_keys), venue=SIMULATED_DIALECT if simulated else account.venue)


def practice_key() -> FirmKey:
    """The pair that the exchange simulator's keys are sealed to; its passphrase lies beside it: they guard no money."""
    home = Path(settings.HQ_HOME) / SIMULATED
    passphrase = home / "passphrase"
    return FirmKey(home / "gnupg", passphrase.read_text().strip() if passphrase.is_file() else "")
