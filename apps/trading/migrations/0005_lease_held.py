"""Fence 1: no order is claimed but under the running term of its account's lease."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('foundation', '0004_lease'),
        ('trading', '0004_proofs_by_trigger'),
    ]

    operations = [
        migrations.AlterField(
            model_name='order',
            name='epoch',
            field=models.BigIntegerField(default=0, help_text='Of the lease that it was claimed under.'),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='order',
            trigger=pgtrigger.compiler.Trigger(name='lease_held', sql=pgtrigger.compiler.UpsertTriggerSql(condition="WHEN (NEW.state = 'SUBMITTING' AND OLD.state <> 'SUBMITTING' AND NEW.origin <> 'venue')", declare='DECLARE held foundation_lease%ROWTYPE;', func="PERFORM set_config('idle_in_transaction_session_timeout', '10s', true); SELECT * INTO held FROM foundation_lease WHERE scope = NEW.account_id FOR SHARE; IF NOT FOUND OR held.epoch <> NEW.epoch THEN RAISE EXCEPTION 'Order % was claimed in epoch %, the lease of % is in epoch %', NEW.id, NEW.epoch, NEW.account_id, coalesce(held.epoch, 0) USING ERRCODE = 'HQ001'; END IF; IF held.expires_at - clock_timestamp() <= interval '4 s' THEN RAISE EXCEPTION 'Order %: the lease of % ends at %', NEW.id, NEW.account_id, held.expires_at USING ERRCODE = 'HQ001'; END IF; IF held.sends_from > clock_timestamp() THEN RAISE EXCEPTION 'Order %: a request of an earlier leader may be under way till %', NEW.id, held.sends_from USING ERRCODE = 'HQ001'; END IF; RETURN NEW;", hash='271fca4eafca47b2bc0ab466d7725abfb1f20ad3', operation='UPDATE', pgid='pgtrigger_lease_held_ee2d4', table='trading_order', when='BEFORE')),
        ),
    ]
