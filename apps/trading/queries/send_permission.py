"""What may still keep an approved order from being sent, in one trip: each claim waits for it."""

from dataclasses import dataclass

from apps.foundation.database_calls import ask
from apps.trading.domain.risk.cause_kinds import RESTORED
from apps.trading.domain.risk.trading_state import TradingState, worst

_READ = """
SELECT (SELECT coalesce(array_agg(state), '{}') FROM trading_statecause
        WHERE closed_wall IS NULL AND account IN ('', account_asked)),
       EXISTS (SELECT FROM trading_statecause WHERE closed_wall IS NULL AND kind = restored_kind),
       EXISTS (SELECT FROM trading_accountreconciliation
               WHERE account_id = account_asked AND passed_wall IS NOT NULL),
       (SELECT detail FROM trading_reconciliationbreak
        WHERE account_id = account_asked AND state = 'OPEN' AND quarantines AND symbol IN ('', symbol_asked)
        ORDER BY opened_wall, id LIMIT 1)
FROM (SELECT %s::text AS account_asked, %s::text AS symbol_asked, %s::text AS restored_kind) AS asked
"""


@dataclass(frozen=True, slots=True)
class SendPermission:
    """``state``: of trading on the account. ``restored``: the books came from a backup, and nobody has resumed since.
    ``compared``: the account was compared whole since the executor's start. ``quarantine``: why no risk may be added in
    the instrument; None where it may.
    """

    state: TradingState
    restored: bool
    compared: bool
    quarantine: str | None


def send_permission(*, account: str, symbol: str) -> SendPermission:
    """As last committed."""
    row = ask(_READ, [account, symbol, RESTORED])
    assert row is not None
    states, restored, compared, quarantine = row
    return SendPermission(worst(states), restored, compared, quarantine)
