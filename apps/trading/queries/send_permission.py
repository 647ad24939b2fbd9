"""What may still keep an approved order from being sent, in one trip: each claim waits for it."""

from dataclasses import dataclass

from apps.foundation.database_calls import ask
from apps.trading.domain.risk.trading_state import TradingState, worst

_READ = """
SELECT (SELECT coalesce(array_agg(state), '{}') FROM trading_statecause
        WHERE closed_wall IS NULL AND account IN ('', account_asked)),
       EXISTS (SELECT FROM trading_accountreconciliation
               WHERE account_id = account_asked AND passed_wall IS NOT NULL),
       (SELECT detail FROM trading_reconciliationbreak
        WHERE account_id = account_asked AND state = 'OPEN' AND quarantines AND symbol IN ('', symbol_asked)
        ORDER BY opened_wall, id LIMIT 1)
FROM (SELECT %s::text AS account_asked, %s::text AS symbol_asked) AS asked
"""


@dataclass(frozen=True, slots=True)
class SendPermission:
    """``state``: of trading on the account. ``compared``: the account was compared whole since the executor's start.
    ``quarantine``: why no risk may be added in the instrument; None where it may.
    """

    state: TradingState
    compared: bool
    quarantine: str | None


def send_permission(*, account: str, symbol: str) -> SendPermission:
    """As last committed."""
    row = ask(_READ, [account, symbol])
    assert row is not None
    states, compared, quarantine = row
    return SendPermission(worst(states), compared, quarantine)
