"""The record's epoch: one row, raised by each restore, carried by every audit entry (``hq_audit_append`` reads it)."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('foundation', '0002_database_functions'),
    ]

    operations = [
        migrations.CreateModel(
            name='RecordEpoch',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('epoch', models.BigIntegerField(default=0)),
                ('raised_wall', models.DateTimeField(null=True)),
                ('reason', models.CharField(blank=True, default='', max_length=200)),
            ],
            options={
                'db_table': 'foundation_record_epoch',
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='record_epoch_only_row')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='recordepoch',
            trigger=pgtrigger.compiler.Trigger(name='never_lowered', sql=pgtrigger.compiler.UpsertTriggerSql(condition='WHEN (NEW."epoch" < (OLD."epoch"))', func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='e3e30aef6ee2067c369caa4beae7d94aa77c8eb8', operation='UPDATE', pgid='pgtrigger_never_lowered_1c6ad', table='foundation_record_epoch', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='recordepoch',
            trigger=pgtrigger.compiler.Trigger(name='never_deleted', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='ca52e970ff02621bb13f502bfb02f295c18bb9f5', operation='DELETE', pgid='pgtrigger_never_deleted_f7b4e', table='foundation_record_epoch', when='BEFORE')),
        ),
        migrations.RunSQL(
            "INSERT INTO foundation_record_epoch (id, epoch, reason) VALUES (1, 0, '')", migrations.RunSQL.noop
        ),
    ]
