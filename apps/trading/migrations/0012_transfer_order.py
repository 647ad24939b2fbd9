"""A transfer takes its accounts' rows in one order, whoever writes: two transfers wait for each other, never crosswise."""

from django.db import migrations

TRANSFER = """
CREATE OR REPLACE FUNCTION hq_ledger_transfer(
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


class Migration(migrations.Migration):
    dependencies = [("trading", "0011_order_path_models")]
    operations = [migrations.RunSQL(TRANSFER, migrations.RunSQL.noop)]
