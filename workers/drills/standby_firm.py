"""A second house of a drilled firm, on the same PostgreSQL and the same exchange: its backup."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workers.drills.drill_firm import DrillFirm

KEYS = "simulated"  # the folder of the home with the exchange account's keys and what opens them
NOT_KEYS = ("state*.jsonl", "ports.json")
NAME = "hq-2"
# One that was stopped is taken for alive for as long as instances are, and the clocks may differ by a second.
NAMESAKE = "SELECT 1 FROM management_instance WHERE name = %s AND seen_at > now() - interval '21 s'"


class StandbyFirm(DrillFirm):
    """``primary`` has started. Its own are Redis, processes, screens, and its lines to PostgreSQL and the exchange."""

    def __init__(self, home: Path, primary: DrillFirm) -> None:
        super().__init__(
            home,
            HQ_INSTANCE=NAME,
            HQ_ROLE="backup",
            DATABASE_OWNER_URL=primary.database(owner=True),
            HQ_SIMULATED_URL=primary.exchange_address,
            HQ_SIMULATED_CONTROL=primary.control_address.removesuffix("/control"),
            HQ_PGP_PASSPHRASE=primary.environment["HQ_PGP_PASSPHRASE"],
        )
        self.primary = primary
        self.control_address = primary.control_address
        direct, line = primary.database_at()[1], self.database_line.port
        self.environment["DATABASE_URL"] = primary.database().replace(f":{direct}/", f":{line}/")
        shutil.copytree(primary.home / KEYS, home / KEYS, ignore=shutil.ignore_patterns(*NOT_KEYS))

    def exchange_at(self) -> tuple[str, int]:
        return self.primary.exchange_at()

    def database_at(self) -> tuple[str, int]:
        return self.primary.database_at()

    def database(self, *, owner: bool = False) -> str:
        return self.primary.database(owner=owner)


@contextmanager
def standing_by(primary: DrillFirm) -> Iterator[StandbyFirm]:
    """The backup of ``primary``, running; stopped and removed at the end."""
    primary.wait(lambda: not primary.rows(NAMESAKE, NAME), 60, f"an earlier {NAME} to be forgotten")
    home = primary.home.with_name(f"{primary.home.name}-2")
    home.mkdir(mode=0o755)
    backup = StandbyFirm(home, primary)
    try:
        backup.launch()
        yield backup
    finally:
        backup.close()
        shutil.rmtree(home, ignore_errors=True)


def leads(firm: DrillFirm, name: str) -> bool:
    """Whether this instance holds every lease now."""
    query = "SELECT bool_and(holder = %s AND expires_at > clock_timestamp()) FROM foundation_lease"
    return bool(firm.rows(query, name)[0][0])
