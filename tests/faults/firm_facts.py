"""What a running firm's own database and supervisor say, asked past its processes."""

import os
import signal
from typing import Any

import psutil
import psycopg

from apps.foundation.errors import NotReady
from apps.management.adapters.supervised_programs import SupervisorFolder
from apps.management.adapters.supervisor_control import SupervisorControl, control_socket
from tests.support.running_firm import RunningFirm
from tradinghq.embedded.addresses import stored_servers

SENT_TWICE = """
SELECT order_id FROM trading_ordertransition WHERE to_state = 'SUBMITTING' GROUP BY order_id HAVING count(*) > 1
"""
# What the firm thinks was filled, against the exchange's own books.
FILLS_DIFFER = """
SELECT o.client_order_id FROM trading_order o JOIN trading_paper_order p USING (client_order_id)
WHERE o.filled_quantity > p.filled_quantity
"""


class FirmFacts:
    """Asks one firm."""

    def __init__(self, firm: RunningFirm):
        self.firm = firm
        self.control = SupervisorControl(control_socket(firm.home))

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        servers = stored_servers(self.firm.home)
        with psycopg.connect(servers.database_url(), connect_timeout=5) as link:
            return link.execute(query).fetchall()

    def bars(self) -> int:
        """How many bars the market has released."""
        return self.rows("SELECT bar_index FROM market_marketclock")[0][0]

    def rounds(self) -> int:
        """How many rounds were decided."""
        return self.rows("SELECT count(*) FROM agents_decision")[0][0]

    def process(self, name: str) -> dict[str, Any]:
        """The supervisor's process whose name starts so."""
        return next(one for one in self.control.processes() if one["name"].startswith(name))

    def running_pid(self, name: str) -> int | None:
        try:
            found = self.process(name)
        except NotReady:
            return None  # the supervisor itself is on its way back
        return found["pid"] if found["statename"] == "RUNNING" else None

    def pids(self) -> set[int]:
        """Every process of the firm, by the records that each leaves when it starts, with their children."""
        found = set()
        for file in SupervisorFolder(self.firm.home).records.glob("*.json"):
            pid = int(file.read_text().split('"pid": ')[1].split(",")[0])
            if psutil.pid_exists(pid):
                found |= {pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))}
        return found

    def kill(self, name: str) -> int:
        """kill -9 of the process whose name starts so; the id it had."""
        pid = self.firm.wait_for(lambda: self.running_pid(name), 60, f"{name} to run before it is killed")
        os.kill(pid, signal.SIGKILL)
        return pid

    def assert_no_order_twice(self) -> None:
        """No order was sent twice, and nothing is filled that the exchange does not know."""
        assert self.rows(SENT_TWICE) == []
        assert self.rows(FILLS_DIFFER) == []

    def assert_sound(self) -> None:
        """No order twice, and both verifiers say that books and audit are whole."""
        self.assert_no_order_twice()
        for verifier in ("verify_books", "verify_audit"):
            done = self.firm.manage(verifier)
            assert done.returncode == 0, f"{verifier}: {done.stdout}{done.stderr}"
