"""What an account or an order is called is compared only by statements that write it; balances change all the time."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('trading', '0007_ledger_transfer_by_its_legs'),
    ]

    operations = [
        pgtrigger.migrations.RemoveTrigger(
            model_name='ledgeraccount',
            name='identity',
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name='order',
            name='identity',
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='ledgeraccount',
            trigger=pgtrigger.compiler.Trigger(name='identity', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."portfolio_id" IS DISTINCT FROM (NEW."portfolio_id") OR OLD."budget" IS DISTINCT FROM (NEW."budget") OR OLD."asset" IS DISTINCT FROM (NEW."asset") OR OLD."kind" IS DISTINCT FROM (NEW."kind"))', func='RAISE EXCEPTION \'pgtrigger: Cannot update of "id", "portfolio_id", "budget", "asset", "kind" rows from % table\', TG_TABLE_NAME;', hash='806773317f0513add394fdc8631461dce4614bc0', operation='UPDATE OF "id", "portfolio_id", "budget", "asset", "kind"', pgid='pgtrigger_identity_90ee7', table='trading_ledgeraccount', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='order',
            trigger=pgtrigger.compiler.Trigger(name='identity', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."portfolio_id" IS DISTINCT FROM (NEW."portfolio_id") OR OLD."account_id" IS DISTINCT FROM (NEW."account_id"))', func='RAISE EXCEPTION \'pgtrigger: Cannot update of "id", "portfolio_id", "account_id" rows from % table\', TG_TABLE_NAME;', hash='d48f668c229683462dd7cd735b0eac5064a9f0f8', operation='UPDATE OF "id", "portfolio_id", "account_id"', pgid='pgtrigger_identity_2231f', table='trading_order', when='BEFORE')),
        ),
    ]
