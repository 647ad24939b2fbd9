"""Time-weighted growth of a portfolio, so that money which comes in or goes out is no profit."""

from django.db import migrations

import apps.foundation.fields

FROM_WHAT_IS_KNOWN = """
UPDATE trading_portfolio SET day_capital = day_start_equity, growth_capital = starting_capital;
UPDATE trading_equitysnapshot s SET growth = s.equity / p.starting_capital
FROM trading_portfolio p WHERE p.id = s.portfolio_id;
"""


class Migration(migrations.Migration):
    dependencies = [("trading", "0002_database_functions")]

    operations = [
        migrations.AddField(
            "portfolio",
            "growth",
            apps.foundation.fields.MoneyField(
                default=1, help_text="Time-weighted growth until money last came in or went out."
            ),
        ),
        migrations.AddField(
            "portfolio",
            "growth_capital",
            apps.foundation.fields.MoneyField(
                default=0, help_text="Equity when money last came in or went out, with it."
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            "portfolio",
            "day_capital",
            apps.foundation.fields.MoneyField(
                default=0, help_text="Equity when the day began, and what came in since: the day's profit is above."
            ),
            preserve_default=False,
        ),
        migrations.AlterField(
            "portfolio",
            "day_start_equity",
            apps.foundation.fields.MoneyField(
                help_text="In today's scale: money that comes in or goes out moves it in proportion."
            ),
        ),
        migrations.AddField(
            "equitysnapshot",
            "growth",
            apps.foundation.fields.MoneyField(
                default=1, help_text="Time-weighted growth since the beginning; no transfer moves it."
            ),
        ),
        migrations.RunSQL(FROM_WHAT_IS_KNOWN, migrations.RunSQL.noop),
    ]
