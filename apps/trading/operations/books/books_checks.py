"""The checks of the books, as SQL over the postings, fills and histories: each answers the rows that are wrong.

Everything is recomputed from what can't be edited (postings, fills, transitions) and compared with what is kept beside
it for speed (balances, positions, order totals). ``{open}`` and ``{moves}`` stand for the lifecycle's lists.
"""

from dataclasses import dataclass

from apps.trading.domain.orders.order_lifecycle import OPEN, TRANSITIONS


@dataclass(frozen=True, slots=True)
class Check:
    """``counted`` counts what is looked at; ``wrong`` gives one text a problem."""

    name: str
    counted: str
    wrong: str

    def filled(self, sql: str) -> str:
        """One of the two texts with the lifecycle's lists and the shared parts in place."""
        texts = {"{open}": _OPEN, "{moves}": _MOVES, "{units_paid}": _UNITS_PAID, "{in_base}": _IN_BASE}
        for name, text in texts.items():
            sql = sql.replace(name, text)
        return sql


def _quoted(words: list[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)


_OPEN = _quoted(sorted(OPEN))
_MOVES = _quoted(sorted(f"{a}>{b}" for a, after in TRANSITIONS.items() for b in after))
# 1 for a trade whose fee was taken in units of what was traded, else 0.
_IN_BASE = "(fee_asset = split_part(symbol, '/', 1))::int"
# What fees of other instruments' trades took of a position: units, and their cost, which became fees.
_UNITS_PAID = (
    "SELECT t.portfolio_id, min(a.asset) FILTER (WHERE a.asset <> o.base_currency) || '/' || o.base_currency, "
    "sum(l.amount) FILTER (WHERE a.kind = 'position' AND a.asset <> o.base_currency), "
    "coalesce(sum(l.amount) FILTER (WHERE a.kind = 'position' AND a.asset = o.base_currency), 0), 0, "
    "coalesce(sum(l.amount) FILTER (WHERE a.kind = 'fees'), 0) FROM trading_ledgertransfer t "
    "JOIN trading_portfolio o ON o.id = t.portfolio_id JOIN trading_ledgerposting l ON l.transfer_id = t.id "
    "JOIN trading_ledgeraccount a ON a.id = l.account_id WHERE t.cause_kind IN ('fee_of_units', 'fee_was_of_units') "
    "GROUP BY t.id, t.portfolio_id, o.base_currency"
)

CHECKS: tuple[Check, ...] = (
    Check(
        "every transfer balances per asset",
        "SELECT count(*) FROM trading_ledgertransfer",
        "SELECT format('transfer %s: %s %s are left over', transfer_id, sum(amount), asset) "
        "FROM trading_ledgerposting GROUP BY transfer_id, asset HAVING sum(amount) <> 0",
    ),
    Check(
        "every balance is the sum of its postings, above its floor",
        "SELECT count(*) FROM trading_ledgerposting",
        "SELECT format('account %s %s: balance %s, its postings sum to %s', a.asset, a.kind, a.balance, "
        "coalesce(p.total, 0)) FROM trading_ledgeraccount a LEFT JOIN "
        "(SELECT account_id, sum(amount) AS total, bool_or(asset <> '') AS any FROM trading_ledgerposting "
        "GROUP BY account_id) p ON p.account_id = a.id WHERE a.balance <> coalesce(p.total, 0) "
        "OR (a.balance < 0 AND a.kind IN ('available', 'reserved', 'position'))",
    ),
    Check(
        "every posting is in its account's asset and portfolio",
        "SELECT count(*) FROM trading_ledgeraccount",
        "SELECT format('posting %s: %s in an account of %s', p.id, p.asset, a.asset) FROM trading_ledgerposting p "
        "JOIN trading_ledgeraccount a ON a.id = p.account_id JOIN trading_ledgertransfer t ON t.id = p.transfer_id "
        "WHERE p.asset <> a.asset OR a.portfolio_id <> t.portfolio_id",
    ),
    Check(
        "reserved balances are what open orders hold",
        "SELECT count(*) FROM trading_order WHERE state IN ({open})",
        "SELECT format('reserved %s: balance %s, open orders hold %s', coalesce(a.asset, o.asset), "
        "coalesce(a.balance, 0), coalesce(o.held, 0)) FROM "
        "(SELECT portfolio_id, budget, asset, balance FROM trading_ledgeraccount WHERE kind = 'reserved') a FULL JOIN "
        "(SELECT portfolio_id, CASE side WHEN 'buy' THEN budget ELSE 'firm' END AS budget, reserved_asset AS asset, "
        "sum(reserved_left) AS held FROM trading_order WHERE state IN ({open}) AND reserved_left > 0 "
        "GROUP BY 1, 2, 3) o USING (portfolio_id, budget, asset) "
        "WHERE coalesce(a.balance, 0) <> coalesce(o.held, 0)",
    ),
    Check(
        "every order's fills, cost and fees are the sums of its trades",
        "SELECT count(*) FROM trading_order",
        "SELECT format('order %s: filled %s at %s with fees %s, its trades sum to %s at %s with %s', o.id, "
        "o.filled_quantity, o.filled_cost, o.fees, coalesce(f.quantity, 0), coalesce(f.cost, 0), coalesce(f.fee, 0)) "
        "FROM trading_order o LEFT JOIN (SELECT order_id, sum(quantity) AS quantity, sum(cost) AS cost, "
        "sum(fee_quote) AS fee FROM trading_fill GROUP BY order_id) f ON f.order_id = o.id "
        "WHERE o.filled_quantity <> coalesce(f.quantity, 0) OR o.filled_cost <> coalesce(f.cost, 0) "
        "OR o.fees <> coalesce(f.fee, 0) OR o.filled_quantity > o.quantity "
        "OR (o.state = 'FILLED' AND o.filled_quantity <> o.quantity)",
    ),
    Check(
        "every trade was posted once",
        "SELECT count(*) FROM trading_fill",
        "SELECT format('trade %s of %s has no transfer', f.venue_trade_id, f.account_id) FROM trading_fill f "
        "LEFT JOIN trading_ledgertransfer t ON t.cause_kind = 'fill' "
        "AND t.cause_id = f.account_id || ':' || f.venue_trade_id WHERE t.id IS NULL",
    ),
    Check(
        "every position is the sum of its trades",
        "SELECT count(*) FROM trading_position",
        "SELECT format('position %s: quantity %s, cost %s, realised %s, fees %s; its trades give %s, %s, %s, %s', "
        "coalesce(p.symbol, f.symbol), p.quantity, p.cost, p.realized_pnl, p.fees, f.quantity, f.cost, f.realized, "
        "f.fees) FROM trading_position p FULL JOIN (SELECT portfolio_id, symbol, sum(quantity) AS quantity, "
        "sum(cost) AS cost, sum(realized) AS realized, sum(fees) AS fees FROM (SELECT portfolio_id, symbol, "
        "CASE side WHEN 'buy' THEN quantity ELSE -quantity END - {in_base} * fee AS quantity, "
        "CASE side WHEN 'buy' THEN cost ELSE realized_pnl - cost END - {in_base} * fee_quote AS cost, "
        "realized_pnl AS realized, fee_quote AS fees FROM trading_fill UNION ALL {units_paid}) moved GROUP BY 1, 2) f "
        "USING (portfolio_id, symbol) WHERE coalesce(p.quantity, 0) <> coalesce(f.quantity, 0) "
        "OR coalesce(p.cost, 0) <> coalesce(f.cost, 0) OR coalesce(p.realized_pnl, 0) <> coalesce(f.realized, 0) "
        "OR coalesce(p.fees, 0) <> coalesce(f.fees, 0)",
    ),
    Check(
        "units in the ledger are the units of the positions",
        "SELECT count(*) FROM trading_position WHERE quantity > 0",
        "SELECT format('%s: %s in positions, %s in the ledger', asset, coalesce(p.quantity, 0), coalesce(a.units, 0)) "
        "FROM (SELECT portfolio_id, split_part(symbol, '/', 1) AS asset, sum(quantity) AS quantity "
        "FROM trading_position GROUP BY 1, 2) p FULL JOIN (SELECT a.portfolio_id, a.asset, sum(a.balance) AS units "
        "FROM trading_ledgeraccount a JOIN trading_portfolio o ON o.id = a.portfolio_id "
        "WHERE a.kind IN ('position', 'reserved') AND a.asset <> o.base_currency GROUP BY 1, 2) a "
        "USING (portfolio_id, asset) WHERE coalesce(p.quantity, 0) <> coalesce(a.units, 0)",
    ),
    Check(
        "cost, results and fees in the ledger are those of the positions",
        "SELECT count(*) FROM trading_portfolio",
        "SELECT format('%s %s: the ledger says %s, the positions say %s', o.base_currency, k.kind, "
        "coalesce(a.balance, 0), k.total) FROM trading_portfolio o CROSS JOIN LATERAL (SELECT "
        "coalesce(sum(cost), 0) AS cost, coalesce(-sum(realized_pnl), 0) AS realised, coalesce(sum(fees), 0) AS fees "
        "FROM trading_position WHERE portfolio_id = o.id) s CROSS JOIN LATERAL (VALUES ('position', s.cost), "
        "('realised', s.realised), ('fees', s.fees)) AS k (kind, total) LEFT JOIN trading_ledgeraccount a "
        "ON a.portfolio_id = o.id AND a.asset = o.base_currency AND a.kind = k.kind AND a.budget = 'firm' "
        "WHERE coalesce(a.balance, 0) <> k.total",
    ),
    Check(
        "every history makes legal moves and ends in the order's state",
        "SELECT count(*) FROM trading_ordertransition",
        "SELECT format('order %s: %s to %s after %s', order_id, from_state, to_state, coalesce(before, 'nothing')) "
        "FROM (SELECT order_id, from_state, to_state, lag(to_state) OVER (PARTITION BY order_id ORDER BY id) AS before "
        "FROM trading_ordertransition) moves WHERE coalesce(before, '') <> from_state "
        "OR (from_state = '' AND to_state <> 'PROPOSED') "
        "OR (from_state <> '' AND from_state || '>' || to_state NOT IN ({moves})) "
        "UNION ALL SELECT format('order %s is %s, its history ends in %s', o.id, o.state, t.to_state) "
        "FROM trading_order o LEFT JOIN (SELECT DISTINCT ON (order_id) order_id, to_state FROM trading_ordertransition "
        "ORDER BY order_id, id DESC) t ON t.order_id = o.id WHERE t.to_state IS DISTINCT FROM o.state",
    ),
    Check(
        "every order carries the verdicts it was decided on",
        "SELECT count(*) FROM trading_order",
        "SELECT format('order %s is %s with %s verdicts, %s of them denials', id, state, jsonb_array_length(verdicts), "
        "(SELECT count(*) FROM jsonb_array_elements(verdicts) v WHERE v ->> 'allowed' <> 'true')) FROM trading_order "
        "WHERE gate_digest = '' OR jsonb_array_length(verdicts) = 0 "
        "OR (state = 'DENIED') <> jsonb_path_exists(verdicts, '$[*] ? (@.allowed == false)')",
    ),
)
