"""What the database itself does for the books: the ledger's only writer, the gate's one read, an intent's one write."""

from django.db import migrations

from apps.foundation.append_only import protect

OPEN = (
    "state IN ('ACCEPTED', 'APPROVED', 'ARMED', 'PARTIALLY_FILLED', "
    "'PENDING_CANCEL', 'PROPOSED', 'SUBMITTING', 'UNKNOWN')"
)
AT_VENUE = "state IN ('ACCEPTED', 'PARTIALLY_FILLED', 'PENDING_CANCEL', 'SUBMITTING', 'UNKNOWN')"

TRANSFER = """
CREATE FUNCTION hq_ledger_transfer(
    p_id uuid, p_portfolio uuid, p_cause_kind text, p_cause_id text, p_order uuid,
    p_wall timestamptz, p_firm timestamptz,
    p_budgets text[], p_assets text[], p_kinds text[], p_amounts numeric[]
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    line record;
    accounts uuid[];
    assets text[];
    amounts numeric[];
BEGIN
    INSERT INTO trading_ledgertransfer (id, portfolio_id, cause_kind, cause_id, order_id, at_wall, at_firm)
    VALUES (p_id, p_portfolio, p_cause_kind, p_cause_id, p_order, p_wall, p_firm)
    ON CONFLICT DO NOTHING; -- the id, or the cause under another order
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
        accounts := accounts || line.account;
        assets := assets || line.asset;
        amounts := amounts || line.amount;
    END LOOP;
    -- All postings by one statement: it is what the trigger wants to balance.
    INSERT INTO trading_ledgerposting (transfer_id, account_id, asset, amount)
    SELECT p_id, posting.account, posting.asset, posting.amount
    FROM unnest(accounts, assets, amounts) AS posting (account, asset, amount);
    RETURN true;
END;
$$;
"""
DROP_TRANSFER = """
DROP FUNCTION hq_ledger_transfer(
    uuid, uuid, text, text, uuid, timestamptz, timestamptz, text[], text[], text[], numeric[]);
"""

# The lock comes first and in a statement of its own: what is read after it is what the last holder committed.
# p_account is traded; p_stand_in: where it has another currency, the paper account that has this one may stand in.
# p_limits: the limits that the caller knows by their key; only others are told in full.
BOOK = """
CREATE FUNCTION hq_lock_book(
    p_account text, p_stand_in boolean, p_quote text, p_symbol text, p_base text, p_firm timestamptz, p_order uuid,
    p_limits text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    owner text;
    answer text;
BEGIN
    SELECT a.name INTO owner FROM trading_account a JOIN trading_portfolio p ON p.id = a.portfolio_id
    WHERE p.base_currency = p_quote AND (a.name = p_account OR (p_stand_in AND a.venue = 'paper' AND a.enabled))
    ORDER BY a.name <> p_account, a.created_wall, a.name LIMIT 1 FOR UPDATE OF p;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT json_build_object(
        'account', json_build_object('name', owner, 'enabled', a.enabled,
                                     'trouble_code', a.trouble_code, 'trouble', a.trouble),
        'portfolio_id', p.id,
        'market_key', hq_market_key(p_symbol),
        'day', p.day,
        'day_start_equity', p.day_start_equity::text,
        'peak_equity', p.peak_equity::text,
        'losses_in_row', p.losses_in_row,
        'last_loss_firm', p.last_loss_firm,
        'order_exists', p_order IS NOT NULL AND EXISTS (SELECT FROM trading_order WHERE id = p_order),
        'balances', (
            SELECT coalesce(json_object_agg(budget || '/' || asset || '/' || kind, balance::text), '{}')
            FROM trading_ledgeraccount
            WHERE portfolio_id = p.id AND asset IN (p_quote, p_base) AND kind IN ('available', 'reserved', 'position')),
        'positions', (
            SELECT json_agg(json_build_object('symbol', symbol, 'quantity', quantity::text, 'cost', cost::text,
                                              'closed_firm', closed_firm))
            FROM trading_position WHERE portfolio_id = p.id AND (quantity > 0 OR symbol = p_symbol)),
        'working', (
            SELECT json_agg(json_build_object(
                'symbol', symbol, 'holds', holds, 'open', open, 'unknown', unknown, 'at_venue', at_venue))
            FROM (
                SELECT symbol,
                       sum(reserved_left) FILTER (WHERE side = 'buy')::text AS holds,
                       count(*) FILTER (WHERE NOT is_protective) AS open,
                       count(*) FILTER (WHERE state = 'UNKNOWN') AS unknown,
                       json_agg(json_build_array(side, (quantity - filled_quantity)::text,
                                                 coalesce(limit_price, mark_price)::text))
                           FILTER (WHERE {at_venue}) AS at_venue
                FROM trading_order WHERE portfolio_id = p.id AND {is_open} GROUP BY symbol) AS of_symbol),
        'orders_last_hour', (
            SELECT count(*) FROM trading_order
            WHERE portfolio_id = p.id AND proposed_firm > p_firm - interval '1 hour' AND proposed_firm <= p_firm
              AND side = 'buy' AND state <> 'DENIED'),
        'limits', (
            SELECT json_build_object(
                'version', version, 'key', key, 'values', CASE WHEN key <> p_limits THEN "values" END)
            FROM (SELECT *, version || '@' || at AS key FROM trading_risklimits
                  ORDER BY version DESC LIMIT 1) AS newest),
        'in_house', a.venue = 'paper',
        'venue', (
            SELECT json_build_object('rung', rung, 'reason', reason, 'clock_offset_ms', clock_offset_ms,
                                     'clock_wall', clock_wall)
            FROM trading_venuehealth WHERE account = owner),
        'quarantine', (
            SELECT detail FROM trading_reconciliationbreak
            WHERE account_id = owner AND state = 'OPEN' AND quarantines AND symbol IN ('', p_symbol)
            ORDER BY opened_wall, id LIMIT 1),
        'causes', (
            SELECT json_agg(json_build_object('kind', kind, 'state', state, 'reason', reason)
                            ORDER BY opened_wall, id)
            FROM trading_statecause WHERE closed_wall IS NULL AND account IN ('', owner)))
    INTO answer
    FROM trading_account a JOIN trading_portfolio p ON p.id = a.portfolio_id WHERE a.name = owner;
    RETURN answer;
END;
$$;
""".replace("{is_open}", OPEN).replace("{at_venue}", AT_VENUE)
DROP_BOOK = "DROP FUNCTION hq_lock_book(text, boolean, text, text, text, timestamptz, uuid, text);"

# Verdicts come apart, since within the row they would be copied several times. A reservation has two legs.
INTENT = """
CREATE FUNCTION hq_write_intent(p_wanted text, p_verdicts jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    wanted jsonb := p_wanted::jsonb;
    audited jsonb := wanted -> 'audit';
    one jsonb := wanted -> 'postings' -> 0;
    other jsonb := wanted -> 'postings' -> 1;
    intent trading_order%ROWTYPE := jsonb_populate_record(NULL::trading_order, wanted -> 'order');
    posted boolean;
BEGIN
    intent.verdicts := p_verdicts;
    INSERT INTO trading_order SELECT intent.*;
    IF one IS NOT NULL THEN
        posted := hq_ledger_transfer(
            (wanted ->> 'transfer')::uuid, intent.portfolio_id, 'reserve', intent.id::text, intent.id,
            intent.proposed_wall, intent.proposed_firm,
            ARRAY[one ->> 'budget', other ->> 'budget'], ARRAY[one ->> 'asset', other ->> 'asset'],
            ARRAY[one ->> 'kind', other ->> 'kind'],
            ARRAY[(one ->> 'amount')::numeric, (other ->> 'amount')::numeric]);
    END IF;
    PERFORM hq_record_events(
        ARRAY['order.changed', 'portfolio.changed'],
        ARRAY['order:' || intent.id, 'portfolio:' || intent.portfolio_id],
        ARRAY[jsonb_build_object('order_id', intent.id), '{}'::jsonb], intent.correlation_id);
    RETURN hq_audit_append(
        audited ->> 'chain', audited ->> 'action', audited ->> 'actor', audited ->> 'subject', audited ->> 'payload',
        intent.proposed_wall, intent.proposed_firm, 0);
END;
$$;
"""
DROP_INTENT = "DROP FUNCTION hq_write_intent(text, jsonb);"

# Verdicts are several KB and never change: packing them took half the time of the insert.
UNPACKED = "ALTER TABLE trading_order ALTER COLUMN verdicts SET STORAGE EXTERNAL;"
PACKED = "ALTER TABLE trading_order ALTER COLUMN verdicts SET STORAGE EXTENDED;"


class Migration(migrations.Migration):
    dependencies = [
        ("trading", "0001_initial"),
        ("foundation", "0002_database_functions"),
        ("market", "0002_database_functions"),
    ]
    operations = [
        migrations.RunSQL(TRANSFER, DROP_TRANSFER),
        migrations.RunSQL(BOOK, DROP_BOOK),
        migrations.RunSQL(INTENT, DROP_INTENT),
        migrations.RunSQL(UNPACKED, PACKED),
        *(
            protect(f"trading_{table}")
            for table in ("ordertransition", "fill", "ledgertransfer", "ledgerposting", "risklimits")
        ),
    ]
