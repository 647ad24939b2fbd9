"""What a house needs before its processes start: tables, rights, an administrator, a portfolio, agents."""

import secrets
from pathlib import Path
from typing import Any, cast

import psycopg
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, connections, transaction
from django.db.migrations.executor import MigrationExecutor

from apps.agents.operations import seed_agents
from apps.foundation.database_roles import grant_app_role
from apps.foundation.firm_key import firm_key, practice_key
from apps.foundation.lease import this_house
from apps.foundation.money import plain
from apps.foundation.permissions import Role, ensure_roles
from apps.foundation.private_files import write_private
from apps.management.operations import admit_instance
from apps.market.operations import start_market
from apps.market.queries import current_moment
from apps.trading.domain.venues.venue_keys import VenueKeys
from apps.trading.domain.venues.venues import SIMULATED, SIMULATED_DIALECT
from apps.trading.operations import open_portfolio, open_simulated_account
from apps.trading.queries import account_views, positions_outside
from tradinghq import environment as env
from tradinghq.database_address import database_at
from tradinghq.periodic_schedule import sync_periodic_tasks
from tradinghq.supervision.house_exchange import can_seal, ensure_account_file

OWNER = "owner"  # the connection under which migrations run
ADMIN = "admin"
FIRST_LOGIN = "first-login.txt"


def prepare_database(*, owner_url: str) -> None:
    """Apply missing migrations as the owner and give the app's role its rights."""
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    connection.close()
    if missing:
        _migrate(owner_url)
    grant_app_role(owner_url=owner_url, append_only=append_only_tables(owner_url))


def prepare_house(home: Path) -> str | None:
    """Roles, administrator, schedule, market, portfolio, agents; each is left alone when it is there.

    The administrator's new random password, or None when there was an administrator or ``HQ_ADMIN_PASSWORD`` gave one.
    """
    moment = current_moment()
    admit_instance(house=this_house(), role=settings.HQ_ROLE, moment=moment)
    ensure_roles()
    password = ensure_admin(home)
    sync_periodic_tasks()
    refuse_to_leave_positions()
    start_market(moment=current_moment())
    moment = current_moment()
    open_portfolio(currency="USDT", capital=settings.STARTING_CAPITAL, moment=moment)
    if any(symbol.endswith("/USD") for symbol in settings.INSTRUMENTS):
        open_portfolio(currency="USD", capital=settings.STARTING_CAPITAL, moment=moment, account="paper-usd")
    _prepare_accounts(home)
    seed_agents(moment=moment, neural=settings.NEURAL)
    return password


def refuse_to_leave_positions() -> None:
    """Nobody would watch the stop of a position whose instrument gets no prices."""
    watched = [word.partition("-")[0] for word in settings.INSTRUMENTS]
    left = positions_outside(watched)
    if not left:
        return
    symbols = ",".join(dict.fromkeys(symbol for _, symbol, _ in left))
    account, symbol, quantity = left[0]
    raise env.EnvironmentRefused(
        f"INSTRUMENTS leaves out {symbols}, and the account {account} holds {plain(quantity)} {symbol}: nobody would "
        f"watch its stop. Start with INSTRUMENTS={','.join(watched)},{symbols}; to be rid of it, close the position "
        "first."
    )


def _prepare_accounts(home: Path) -> None:
    """The firm's key where its passphrase is known, the simulator's account, and the account that ``VENUE`` names."""
    if settings.HQ_PGP_PASSPHRASE:
        firm_key().public()
    if settings.VENUE == SIMULATED:
        keys = ensure_account_file(home, capital=settings.STARTING_CAPITAL)
        text = VenueKeys(SIMULATED_DIALECT, keys["key"], keys["secret"]).as_text()
        open_simulated_account(
            name=SIMULATED,
            currency="USDT",
            capital=settings.STARTING_CAPITAL,
            sealed_keys=practice_key().seal(text) if can_seal() else "",
            moment=current_moment(),
        )
    known = [account["name"] for account in account_views()]
    if settings.VENUE not in known:
        raise env.EnvironmentRefused(
            f"VENUE was {settings.VENUE!r}, and there is no such account. There are: {', '.join(known)}. Start with"
            " VENUE=paper, open the account, then start with its name."
        )


def leave_database() -> None:
    """Close this process's connections, before it becomes another program or ends the server."""
    connection.close()
    cast("Any", connection).close_pool()


def ensure_admin(home: Path) -> str | None:
    """Create the administrator unless there is one; the random password to show once."""
    users = get_user_model()
    if users.objects.filter(is_superuser=True).exists():
        return None
    given = env.text("HQ_ADMIN_PASSWORD")
    password = given or secrets.token_urlsafe(15)
    set_admin_password(password)
    if not given:
        keep_first_login(home, password)
    return None if given else password


def set_admin_password(password: str) -> None:
    """Make ``admin`` an administrator with this password. Raises ``EnvironmentRefused`` for a weak one."""
    users = get_user_model()
    user = users.objects.filter(username=ADMIN).first() or users(username=ADMIN)
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise env.EnvironmentRefused(f"HQ_ADMIN_PASSWORD was refused: {' '.join(error.messages)}") from error
    user.is_staff = user.is_superuser = user.is_active = True
    user.set_password(password)
    with transaction.atomic():
        user.save()
        user.groups.add(Group.objects.get(name=Role.ADMIN.value))


def keep_first_login(home: Path, password: str) -> None:
    """Write user and password where only this user may read them."""
    write_private(home / FIRST_LOGIN, f"user: {ADMIN}\npassword: {password}\n")


def _migrate(owner_url: str) -> None:
    """By a connection of the owner's in this process: a process of its own would load everything once more."""
    connections.databases[OWNER] = {**connections.databases[DEFAULT_DB_ALIAS], **database_at(owner_url)}
    try:
        call_command("migrate", database=OWNER, interactive=False, verbosity=0)
    except (DatabaseError, CommandError) as error:
        raise env.EnvironmentRefused(f"The database could not be migrated: {error}") from error
    finally:
        connections[OWNER].close()
        del connections[OWNER], connections.databases[OWNER]


def append_only_tables(owner_url: str) -> list[str]:
    """The tables whose rows the database refuses to change."""
    with psycopg.connect(owner_url) as owner:
        rows = owner.execute(
            "SELECT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE t.tgname = 'hq_append_only_row'"
        ).fetchall()
    return [row[0] for row in rows]
