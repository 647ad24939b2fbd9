"""Open an account's sealed keys. Only the executor may, and nobody keeps or tells what was opened."""

import json
from pathlib import Path

from django.conf import settings

from apps.foundation.errors import Refused
from apps.foundation.firm_key import KeyRefused, firm_key, practice_key
from apps.trading.domain.venues.venue_keys import VenueKeys, read_keys
from apps.trading.domain.venues.venues import SIMULATED, SIMULATED_DIALECT
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
    if account.venue == SIMULATED:
        return _simulated_keys(account)
    if not account.sealed_keys:
        raise KeyRefused(f"The account {account.name} has no keys. Seal some with manage.py seal_key.", code="no_keys")
    return read_keys(firm_key().open(account.sealed_keys), venue=account.venue)


def _simulated_keys(account: Account) -> VenueKeys:
    """Sealed too where GnuPG is there; they are the simulator's own and guard no money."""
    if account.sealed_keys:
        return read_keys(practice_key().open(account.sealed_keys), venue=SIMULATED_DIALECT)
    path = Path(settings.HQ_HOME) / SIMULATED / "accounts.json"
    if not path.is_file():
        raise KeyRefused(f"The simulator's keys are missing: there is no {path}.", code="no_keys")
    found = json.loads(path.read_text())[0]
    return VenueKeys(SIMULATED_DIALECT, found["key"], found["secret"])
