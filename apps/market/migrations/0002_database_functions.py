"""What tells one state of an instrument and of the market's clock from every other: for those who keep a reading."""

from django.db import migrations

KEY = """
CREATE FUNCTION hq_market_key(p_symbol text) RETURNS text LANGUAGE plpgsql STABLE AS $$
BEGIN
    -- plpgsql keeps its plan for the session; an SQL function would be parsed and planned with every order.
    RETURN (SELECT i.xmin || '/' || c.xmin FROM market_instrument i, market_marketclock c WHERE i.symbol = p_symbol);
END;
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("market", "0001_initial")]
    operations = [migrations.RunSQL(KEY, "DROP FUNCTION hq_market_key(text)")]
