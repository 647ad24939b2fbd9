"""A trading firm and its laboratory, a research instance with a database of its own, and a bridge between them."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workers.drills.drill_firm import DrillFirm
from workers.drills.tcp_proxy import TcpProxy

FIRM, LABORATORY = "hq-1", "hq-lab"


class LaboratoryFirm(DrillFirm):
    """A research instance: own database, own screens; it trades nowhere."""

    def __init__(self, home: Path, **environment: str) -> None:
        super().__init__(home, direct=False, HQ_INSTANCE=LABORATORY, HQ_ROLE="research", VENUE="paper", **environment)
        for name in ("HQ_SIMULATED_URL", "HQ_SIMULATED_CONTROL", "HQ_CCXT_URLS"):
            del self.environment[name]


def hears(firm: DrillFirm) -> bool:
    """Whether it has heard all its peers lately."""
    return all(peer["heard"] for peer in firm.get("management/bridge/peers/")["results"])


def introduce(here: DrillFirm, there: DrillFirm, name: str, *rights: str) -> None:
    """``here`` gets to know the firm ``there`` by its public key."""
    file = here.home / f"{name}.asc"
    file.write_text(there.manage("bridge_key"))
    told = there.get("management/bridge/")["fingerprint"]
    words = ("--key", str(file), "--fingerprint", str(told), "--reason", "drill")
    here.manage("bridge_peer", "add", name, *words, *rights)


@contextmanager
def bridged(firm: DrillFirm) -> Iterator[tuple[LaboratoryFirm, TcpProxy]]:
    """Both run, with the firm's Redis as their line and a proxy before it; afterwards the firm runs alone again."""
    host, port = firm.redis().rsplit("/", 1)[0].rsplit(":", 1)
    home = firm.home.with_name(f"{firm.home.name}-lab")
    home.mkdir(mode=0o755)
    with TcpProxy(("127.0.0.1", int(port))) as line:
        url = f"{host}:{line.port}/0"
        laboratory = LaboratoryFirm(home, HQ_BRIDGE_URL=url, HQ_PEERS=FIRM)
        firm.stop()
        firm.environment |= {"HQ_BRIDGE_URL": url, "HQ_PEERS": LABORATORY}
        try:
            firm.launch()
            laboratory.launch()
            yield laboratory, line
        finally:
            laboratory.close()
            shutil.rmtree(home, ignore_errors=True)
            firm.stop()
            for name in ("HQ_BRIDGE_URL", "HQ_PEERS"):
                del firm.environment[name]
            firm.launch()
