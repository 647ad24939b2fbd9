"""Does the agent still take questions? A process that beats but takes none must not look alive."""

LOOKS_BEFORE_STUCK = 4


class ProgressWatch:
    """Counts looks in a row at which questions waited and none was taken since the look before. Pure."""

    def __init__(self) -> None:
        self._taken = 0
        self._idle_looks = 0

    def stuck(self, *, waiting: int, taken: int) -> bool:
        """Whether ``waiting`` questions have been left alone for too long; ``taken`` counts all ever taken."""
        moved = taken != self._taken
        self._taken = taken
        self._idle_looks = 0 if moved or not waiting else self._idle_looks + 1
        return self._idle_looks >= LOOKS_BEFORE_STUCK
