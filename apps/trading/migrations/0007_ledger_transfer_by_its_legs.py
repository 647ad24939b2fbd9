"""A ledger transfer goes through its legs as they come, without sorting and collecting them by queries."""

from importlib import import_module

from django.db import migrations

before = import_module("apps.trading.migrations.0002_database_functions")

TRANSFER = """
CREATE OR REPLACE FUNCTION hq_ledger_transfer(
    p_id uuid, p_portfolio uuid, p_cause_kind text, p_cause_id text, p_order uuid,
    p_wall timestamptz, p_firm timestamptz,
    p_budgets text[], p_assets text[], p_kinds text[], p_amounts numeric[]
) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    accounts uuid[];
BEGIN
    INSERT INTO trading_ledgertransfer (id, portfolio_id, cause_kind, cause_id, order_id, at_wall, at_firm)
    VALUES (p_id, p_portfolio, p_cause_kind, p_cause_id, p_order, p_wall, p_firm)
    ON CONFLICT DO NOTHING; -- the id, or the cause under another order
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    -- Legs come sorted by what they name (post_transfer.py), so every writer takes the rows in the same order.
    FOR leg IN 1 .. cardinality(p_amounts) LOOP
        -- An account's id derives from what it names.
        accounts[leg] :=
            md5(p_portfolio::text || '/' || p_budgets[leg] || '/' || p_assets[leg] || '/' || p_kinds[leg])::uuid;
        -- An update first: an upsert would check the floor on the bare amount, which is negative for a withdrawal.
        UPDATE trading_ledgeraccount SET balance = balance + p_amounts[leg] WHERE id = accounts[leg];
        IF NOT FOUND THEN
            INSERT INTO trading_ledgeraccount AS existing (id, portfolio_id, budget, asset, kind, balance)
            VALUES (accounts[leg], p_portfolio, p_budgets[leg], p_assets[leg], p_kinds[leg], p_amounts[leg])
            ON CONFLICT (id) DO UPDATE SET balance = existing.balance + excluded.balance;
        END IF;
    END LOOP;
    -- All postings by one statement: it is what the trigger wants to balance.
    INSERT INTO trading_ledgerposting (transfer_id, account_id, asset, amount)
    SELECT p_id, posting.account, posting.asset, posting.amount
    FROM unnest(accounts, p_assets, p_amounts) AS posting (account, asset, amount);
    RETURN true;
END;
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("trading", "0006_lock_order")]
    operations = [
        migrations.RunSQL(TRANSFER, before.TRANSFER.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    ]
