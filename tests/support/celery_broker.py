"""Another broker for a while: Celery keeps what it once connected to, and would send to it for the rest of the run."""

from collections.abc import Iterator
from contextlib import contextmanager

import kombu.pools
from celery import current_app


@contextmanager
def broker_at(url: str) -> Iterator[None]:
    """Send tasks to the broker at ``url``, and afterwards to the one of the settings again."""
    conf = current_app.conf
    before = (conf.broker_read_url, conf.broker_write_url)
    conf.broker_read_url = conf.broker_write_url = url
    _forget_connections()
    try:
        yield
    finally:
        conf.broker_read_url, conf.broker_write_url = before
        _forget_connections()


def _forget_connections() -> None:
    """Not ``current_app.close()``: it forgets the application, and what is imported later registers no tasks."""
    kombu.pools.reset()
    current_app._pool = current_app.amqp._producer_pool = None
