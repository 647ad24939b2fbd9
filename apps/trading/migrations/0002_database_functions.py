"""What the database itself does for the books: the ledger's only writer, the gate's one read, one write for an intent."""

from django.db import migrations

from apps.foundation.append_only import protect

TRANSFER = """
CREATE FUNCTION hq_ledger_transfer(
    p_id uuid, p_portfolio uuid, p_cause_kind text, p_cause_id text, p_order uuid,
    p_wall timestamptz, p_firm timestamptz,
    p_budgets text[], p_assets text[], p_kinds text[], p_amounts numeric[]
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    line record;
BEGIN
    INSERT INTO trading_ledgertransfer (id, portfolio_id, cause_kind, cause_id, order_id, at_wall, at_firm)
    VALUES (p_id, p_portfolio, p_cause_kind, p_cause_id, p_order, p_wall, p_firm)
    ON CONFLICT (id) DO NOTHING;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    -- Account ids derive from what they name, so every writer takes the rows in the same order.
    FOR line IN
        SELECT md5(p_portfolio::text || '/' || budget || '/' || asset || '/' || kind)::uuid AS account,
               budget, asset, kind, amount
        FROM unnest(p_budgets, p_assets, p_kinds, p_amounts) AS posting (budget, asset, kind, amount)
        ORDER BY account
    LOOP
        -- An update first: an upsert would check the floor on the bare amount, which is negative for a withdrawal.
        UPDATE trading_ledgeraccount SET balance = balance + line.amount WHERE id = line.account;
        IF NOT FOUND THEN
            INSERT INTO trading_ledgeraccount AS existing (id, portfolio_id, budget, asset, kind, balance)
            VALUES (line.account, p_portfolio, line.budget, line.asset, line.kind, line.amount)
            ON CONFLICT (id) DO UPDATE SET balance = existing.balance + excluded.balance;
        END IF;
        INSERT INTO trading_ledgerposting (transfer_id, account_id, asset, amount)
        VALUES (p_id, line.account, line.asset, line.amount);
    END LOOP;
    RETURN true;
END;
$$;
"""
DROP_TRANSFER = """
DROP FUNCTION hq_ledger_transfer(
    uuid, uuid, text, text, uuid, timestamptz, timestamptz, text[], text[], text[], numeric[]);
"""

# The lock comes first and in a statement of its own: what is read after it is what the last holder committed.
BOOK = """
CREATE FUNCTION hq_lock_book(p_quote text, p_symbol text, p_base text, p_firm timestamptz, p_order uuid)
RETURNS json LANGUAGE plpgsql AS $$
DECLARE
    book trading_portfolio%ROWTYPE;
BEGIN
    SELECT * INTO book FROM trading_portfolio WHERE mode = 'paper' AND base_currency = p_quote FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    RETURN json_build_object(
        'portfolio_id', book.id,
        'day', book.day,
        'day_start_equity', book.day_start_equity::text,
        'peak_equity', book.peak_equity::text,
        'losses_in_row', book.losses_in_row,
        'last_loss_firm', book.last_loss_firm,
        'order_exists', EXISTS (SELECT 1 FROM trading_order WHERE id = p_order),
        'balances', (
            SELECT coalesce(json_object_agg(asset || '/' || kind, balance::text), '{}')
            FROM trading_ledgeraccount
            WHERE portfolio_id = book.id AND budget = 'firm'
              AND (asset, kind) IN ((p_quote, 'available'), (p_quote, 'reserved'), (p_base, 'position'))),
        'holdings', (
            SELECT coalesce(json_agg(json_build_object(
                'symbol', symbol, 'quantity', quantity::text, 'cost', cost::text)), '[]')
            FROM trading_position WHERE portfolio_id = book.id AND quantity > 0),
        'closed_firm', (
            SELECT closed_firm FROM trading_position WHERE portfolio_id = book.id AND symbol = p_symbol),
        'open', (
            SELECT coalesce(json_agg(json_build_object(
                'symbol', symbol, 'orders', orders, 'unknown', unknown, 'buys_hold', buys_hold::text)), '[]')
            FROM (SELECT symbol, count(*) FILTER (WHERE NOT is_protective) AS orders,
                         count(*) FILTER (WHERE state = 'UNKNOWN') AS unknown,
                         coalesce(sum(reserved_left) FILTER (WHERE side = 'buy'), 0) AS buys_hold
                  FROM trading_order WHERE portfolio_id = book.id AND {is_open} GROUP BY symbol) AS by_symbol),
        'orders_last_hour', (
            SELECT count(*) FROM trading_order
            WHERE portfolio_id = book.id AND proposed_firm > p_firm - interval '1 hour' AND proposed_firm <= p_firm
              AND side = 'buy' AND state <> 'DENIED'),
        'limits', (
            SELECT json_build_object('version', version, 'values', "values")
            FROM trading_risklimits ORDER BY version DESC LIMIT 1),
        'causes', (
            SELECT coalesce(json_agg(json_build_object('kind', kind, 'state', state, 'reason', reason)), '[]')
            FROM trading_statecause WHERE closed_wall IS NULL));
END;
$$;
""".replace(
    "{is_open}",
    "state IN ('ACCEPTED', 'APPROVED', 'ARMED', 'PARTIALLY_FILLED', 'PENDING_CANCEL', 'PROPOSED', 'SUBMITTING', 'UNKNOWN')",
)
DROP_BOOK = "DROP FUNCTION hq_lock_book(text, text, text, timestamptz, uuid);"

INTENT = """
CREATE FUNCTION hq_write_intent(
    p_order jsonb, p_transfer uuid, p_budgets text[], p_assets text[], p_kinds text[], p_amounts numeric[]
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    intent trading_order%ROWTYPE;
BEGIN
    intent := jsonb_populate_record(NULL::trading_order, p_order);
    INSERT INTO trading_order SELECT intent.*;
    IF cardinality(p_amounts) > 0 THEN
        PERFORM hq_ledger_transfer(
            p_transfer, intent.portfolio_id, 'reserve', intent.id::text, intent.id,
            intent.proposed_wall, intent.proposed_firm, p_budgets, p_assets, p_kinds, p_amounts);
    END IF;
    PERFORM pg_notify('hq_orders', '');
END;
$$;
"""
DROP_INTENT = "DROP FUNCTION hq_write_intent(jsonb, uuid, text[], text[], text[], numeric[]);"


class Migration(migrations.Migration):
    dependencies = [("trading", "0001_initial"), ("foundation", "0002_database_functions")]
    operations = [
        migrations.RunSQL(TRANSFER, DROP_TRANSFER),
        migrations.RunSQL(BOOK, DROP_BOOK),
        migrations.RunSQL(INTENT, DROP_INTENT),
        *(
            protect(f"trading_{table}")
            for table in ("ordertransition", "fill", "ledgertransfer", "ledgerposting", "risklimits")
        ),
    ]
