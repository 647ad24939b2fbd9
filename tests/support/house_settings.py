"""The settings of a house as its list of programs takes them, for tests that look at the list or start a part of it."""

from pathlib import Path

from tradinghq.supervision.house_programs import HouseSettings


def house_settings(
    *, home: Path = Path("/home"), directory: Path = Path("/code"), workers: int = 1, devices=(), **environment: str
) -> HouseSettings:
    """One on servers of its own, without an engine; ``environment`` as its processes get it."""
    return HouseSettings(
        home=home,
        directory=directory,
        host="127.0.0.1",
        port=8000,
        workers=workers,
        runtime="process",
        environment=environment,
        embedded_postgres=None,
        embedded_redis=None,
        devices=devices,
    )
