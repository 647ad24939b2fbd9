"""Tests with real commits get a database of their own, cloned from the migrated one and dropped afterwards.

Django would empty every table instead, which the append-only triggers refuse, and which would take the rows with it
that migrations made.
"""

import itertools
import os

from django.db import connection
from django.test import TransactionTestCase

_numbers = itertools.count(1)
_templates: list[str] = []


def clone_for_transaction_tests() -> None:
    """From now on ``django_db(transaction=True)``, ``transactional_db`` and ``live_server`` work on a clone."""
    TransactionTestCase._fixture_setup = classmethod(_clone)
    TransactionTestCase._fixture_teardown = _drop


def _clone(cls) -> None:
    template = connection.settings_dict["NAME"]
    name = f"{template}_{os.getpid()}_{next(_numbers)}"
    _disconnect()
    with connection._nodb_cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = %s AND backend_type = 'client backend'",
            [template],
        )
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
    _templates.append(template)
    connection.settings_dict["NAME"] = name


def _drop(self) -> None:
    name = connection.settings_dict["NAME"]
    _disconnect()
    connection.settings_dict["NAME"] = _templates.pop()
    with connection._nodb_cursor() as cursor:
        cursor.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


def _disconnect() -> None:
    connection.close()
    connection.close_pool()
