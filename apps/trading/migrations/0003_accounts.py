"""Accounts: orders, fills and watermarks belong to one; each trades one portfolio."""

import django.db.models.deletion
import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

# Books that are there already were the paper exchange's.
FIRST_ACCOUNTS = """
INSERT INTO trading_account (name, venue, mode, portfolio_id, sealed_keys, enabled, trouble_code, trouble,
                             created_wall, created_by, enabled_wall, enabled_by)
SELECT CASE WHEN number = 1 THEN 'paper' ELSE 'paper-' || lower(base_currency) END,
       'paper', 'paper', id, '', true, '', '', created_at, 'system', created_at, 'system'
FROM (SELECT *, row_number() OVER (ORDER BY created_at, id) AS number FROM trading_portfolio) AS known;
SET CONSTRAINTS ALL IMMEDIATE;
"""

DROP_OLD_BOOK = "DROP FUNCTION hq_lock_book(text, text, text, timestamptz, uuid);"

# The lock comes first and in a statement of its own: what is read after it is what the last holder committed.
# p_account is traded; p_stand_in: where it has another currency, the paper account that has this one may stand in.
BOOK = """
CREATE FUNCTION hq_lock_book(
    p_account text, p_stand_in boolean, p_quote text, p_symbol text, p_base text, p_firm timestamptz, p_order uuid)
RETURNS json LANGUAGE plpgsql AS $$
DECLARE
    book trading_portfolio%ROWTYPE;
    owner trading_account%ROWTYPE;
BEGIN
    SELECT a.* INTO owner FROM trading_account a JOIN trading_portfolio p ON p.id = a.portfolio_id
    WHERE p.base_currency = p_quote AND (a.name = p_account OR (p_stand_in AND a.venue = 'paper' AND a.enabled))
    ORDER BY a.name <> p_account, a.created_wall, a.name LIMIT 1;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    SELECT * INTO book FROM trading_portfolio WHERE id = owner.portfolio_id FOR UPDATE;
    SELECT * INTO owner FROM trading_account WHERE name = owner.name;
    RETURN json_build_object(
        'account', json_build_object('name', owner.name, 'enabled', owner.enabled,
                                     'trouble_code', owner.trouble_code, 'trouble', owner.trouble),
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
    "state IN ('ACCEPTED', 'APPROVED', 'ARMED', 'PARTIALLY_FILLED', "
    "'PENDING_CANCEL', 'PROPOSED', 'SUBMITTING', 'UNKNOWN')",
)


class Migration(migrations.Migration):
    dependencies = [("trading", "0002_database_functions")]
    operations = [
        migrations.CreateModel(
            name="Account",
            fields=[
                ("name", models.SlugField(max_length=40, primary_key=True, serialize=False)),
                ("venue", models.CharField(max_length=20)),
                ("mode", models.CharField(choices=[("paper", "Paper"), ("live", "Live")], default="paper", max_length=5)),
                ("sealed_keys", models.TextField(blank=True, default="", help_text="An armored PGP message to the firm's key.")),
                ("enabled", models.BooleanField(default=True)),
                ("trouble_code", models.CharField(blank=True, default="", max_length=60)),
                ("trouble", models.TextField(blank=True, default="", help_text="Why nothing can be traded on it at present.")),
                ("trouble_wall", models.DateTimeField(null=True)),
                ("created_wall", models.DateTimeField()),
                ("created_by", models.CharField(max_length=120)),
                ("enabled_wall", models.DateTimeField(null=True)),
                ("enabled_by", models.CharField(blank=True, default="", max_length=120)),
                ("portfolio", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="account", to="trading.portfolio")),
            ],
        ),
        migrations.RunSQL(FIRST_ACCOUNTS, migrations.RunSQL.noop),
        migrations.RunSQL(DROP_OLD_BOOK, migrations.RunSQL.noop),
        migrations.RemoveConstraint(
            model_name="fill",
            name="fill_venue_trade_once",
        ),
        migrations.RemoveConstraint(
            model_name="order",
            name="order_venue_id_once",
        ),
        migrations.RemoveConstraint(
            model_name="portfolio",
            name="portfolio_one_per_mode_and_currency",
        ),
        migrations.RemoveIndex(
            model_name="paperorder",
            name="paper_order_working",
        ),
        migrations.RemoveField(
            model_name="fill",
            name="venue",
        ),
        migrations.RemoveField(
            model_name="order",
            name="venue",
        ),
        migrations.RemoveField(
            model_name="portfolio",
            name="mode",
        ),
        migrations.DeleteModel(name="VenueWatermark"),
        migrations.AddField(
            model_name="paperorder",
            name="exchange",
            field=models.CharField(default="paper", max_length=40),
        ),
        migrations.AlterField(
            model_name="paperexchange",
            name="name",
            field=models.CharField(max_length=40, primary_key=True, serialize=False),
        ),
        migrations.AddIndex(
            model_name="paperorder",
            index=models.Index(condition=models.Q(("state__in", ("OPEN", "PARTIALLY_FILLED"))), fields=["exchange", "symbol", "client_order_id"], name="paper_order_working"),
        ),
        migrations.CreateModel(
            name="VenueWatermark",
            fields=[
                ("account", models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name="watermark", serialize=False, to="trading.account")),
                ("watermark", models.TextField(blank=True, default="")),
            ],
        ),
        migrations.AddField(
            model_name="fill",
            name="account",
            field=models.ForeignKey(db_index=False, default="paper", on_delete=django.db.models.deletion.PROTECT, related_name="fills", to="trading.account"),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="order",
            name="account",
            field=models.ForeignKey(db_index=False, default="paper", on_delete=django.db.models.deletion.PROTECT, related_name="orders", to="trading.account"),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            model_name="fill",
            constraint=models.UniqueConstraint(fields=("account", "venue_trade_id"), name="fill_venue_trade_once"),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.UniqueConstraint(fields=("account", "symbol", "venue_order_id"), name="order_venue_id_once"),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(condition=models.Q(("mode__in", ["paper", "live"])), name="account_mode"),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(condition=models.Q(("enabled", False), ("enabled_wall__isnull", False), _connector="OR"), name="account_enabled_by_somebody"),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(condition=models.Q(models.Q(("mode", "live"), _negated=True), models.Q(("venue", "paper"), _negated=True), _connector="OR"), name="account_paper_venue_is_not_live"),
        ),
        migrations.AddConstraint(
            model_name="account",
            constraint=models.CheckConstraint(condition=models.Q(models.Q(("enabled", True), ("mode", "live"), _negated=True), models.Q(("sealed_keys", ""), _negated=True), _connector="OR"), name="account_live_has_keys"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="account",
            trigger=pgtrigger.compiler.Trigger(name="identity", sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."name" IS DISTINCT FROM (NEW."name") OR OLD."venue" IS DISTINCT FROM (NEW."venue") OR OLD."mode" IS DISTINCT FROM (NEW."mode") OR OLD."portfolio_id" IS DISTINCT FROM (NEW."portfolio_id"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash="2384559e715537ce43f579468508194fde854354", operation="UPDATE", pgid="pgtrigger_identity_802f9", table="trading_account", when="BEFORE")),
        ),
        migrations.RunSQL(BOOK, migrations.RunSQL.noop),
    ]
