"""An order and its portfolio, locked in one round trip."""

from django.db import migrations

# The portfolio's lock is a statement of its own: what is read after it is what the last holder committed.
LOCK_ORDER = """
CREATE FUNCTION hq_lock_order(p_order uuid) RETURNS SETOF trading_order LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM trading_portfolio WHERE id = (SELECT portfolio_id FROM trading_order WHERE id = p_order) FOR UPDATE;
    RETURN QUERY SELECT * FROM trading_order WHERE id = p_order FOR UPDATE;
END;
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("trading", "0005_lease_held")]
    operations = [migrations.RunSQL(LOCK_ORDER, "DROP FUNCTION hq_lock_order(uuid)")]
