"""Who runs which test when several workers share them."""

from xdist.scheduler import LoadScopeScheduling

FIRM_FOLDERS = ("tests/faults/", "tests/e2e/")


class FirmTestsOnOneWorker(LoadScopeScheduling):
    """Tests that start a whole firm run one after the other on one worker: two firms at once starve each other.

    A scheduler of our own, since the ``loadgroup`` of pytest-xdist 3.8 writes a group where pytest 9.2 no longer reads
    it, and says nothing.
    """

    def _split_scope(self, nodeid: str) -> str:
        return "firm" if nodeid.startswith(FIRM_FOLDERS) else nodeid
