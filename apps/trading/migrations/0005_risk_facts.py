"""What the gate reads beside the book: the venue's health, the account's causes, orders on their way, budgets."""

from django.db import migrations

FACTS = """
CREATE FUNCTION hq_risk_facts(p_account text, p_portfolio uuid, p_quote text, p_budget text)
RETURNS json LANGUAGE sql AS $$
    SELECT json_build_object(
        'in_house', (SELECT venue = 'paper' FROM trading_account WHERE name = p_account),
        'venue', (
            SELECT json_build_object('rung', rung, 'reason', reason, 'clock_offset_ms', clock_offset_ms,
                                     'clock_wall', clock_wall)
            FROM trading_venuehealth WHERE account = p_account),
        'causes', (
            SELECT coalesce(json_agg(json_build_object('kind', kind, 'state', state, 'reason', reason)
                                     ORDER BY opened_wall, id), '[]')
            FROM trading_statecause WHERE closed_wall IS NULL AND account IN ('', p_account)),
        'in_flight', (
            SELECT coalesce(json_agg(json_build_object('symbol', symbol, 'side', side,
                'left', (quantity - filled_quantity)::text, 'price', coalesce(limit_price, mark_price)::text)), '[]')
            FROM trading_order WHERE portfolio_id = p_portfolio
              AND state IN ('ACCEPTED', 'APPROVED', 'ARMED', 'PARTIALLY_FILLED',
                            'PENDING_CANCEL', 'PROPOSED', 'SUBMITTING', 'UNKNOWN')
              AND state IN ('ACCEPTED', 'PARTIALLY_FILLED', 'PENDING_CANCEL', 'SUBMITTING', 'UNKNOWN')
              AND coalesce(limit_price, mark_price) IS NOT NULL),
        'budgets_hold', (
            SELECT coalesce(sum(balance), 0)::text FROM trading_ledgeraccount
            WHERE portfolio_id = p_portfolio AND asset = p_quote AND budget <> 'firm'
              AND kind IN ('available', 'reserved')),
        'budget', (
            SELECT balance::text FROM trading_ledgeraccount
            WHERE portfolio_id = p_portfolio AND asset = p_quote AND budget = p_budget AND kind = 'available'));
$$;
"""
DROP_FACTS = "DROP FUNCTION hq_risk_facts(text, uuid, text, text);"


class Migration(migrations.Migration):
    dependencies = [("trading", "0004_order_groups")]
    operations = [migrations.RunSQL(FACTS, DROP_FACTS)]
