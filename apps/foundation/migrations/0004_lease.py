"""The lease of each account, what a database is for, and the one way a house takes leases: all or none, in one call."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models


# The rows are locked first, in one order; what is read after that is what the last holder committed. The times are read
# after the locks too: a caller that waited for them is not younger than it thinks.
TAKE = """
CREATE FUNCTION hq_take_leases(
    p_house text, p_holder text, p_ttl interval, p_scopes text[], p_lives interval[], p_first boolean
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    v_now timestamptz;
    v_record bigint;
    v_epoch bigint;
    v_fresh boolean;
    v_before text;
    v_let_go boolean;
BEGIN
    IF NOT p_first AND NOT EXISTS (SELECT FROM foundation_lease WHERE epoch > 0) THEN
        RETURN NULL;
    END IF;
    INSERT INTO foundation_lease (scope, holder, house, epoch, expires_at, released, sends_from)
    SELECT scope, '', '', 0, clock_timestamp(), false, clock_timestamp() FROM unnest(p_scopes) AS scope ORDER BY scope
    ON CONFLICT (scope) DO NOTHING;
    PERFORM FROM foundation_lease ORDER BY scope FOR UPDATE;
    v_now := clock_timestamp();
    IF EXISTS (SELECT FROM foundation_lease WHERE house <> p_house AND expires_at > v_now) THEN
        RETURN NULL;
    END IF;
    SELECT max(l.epoch), max(r.epoch) INTO v_epoch, v_record FROM foundation_lease l, foundation_record_epoch r;
    -- A term from before a restore is never joined: what the restored rows say of it is of another life. Nor is one that
    -- has ended for some account: a term is one for all.
    v_fresh := v_epoch <= v_record
        OR NOT EXISTS (SELECT FROM foundation_lease WHERE house = p_house AND epoch = v_epoch AND expires_at > v_now)
        OR EXISTS (SELECT FROM foundation_lease WHERE house = p_house AND expires_at <= v_now);
    IF v_fresh THEN
        v_epoch := greatest(v_epoch, v_record) + 1;
    END IF;
    SELECT max(holder), bool_and(released) INTO v_before, v_let_go
    FROM foundation_lease WHERE house NOT IN ('', p_house) AND v_fresh;
    UPDATE foundation_lease AS l SET
        sends_from = CASE WHEN l.house IN ('', p_house) THEN l.sends_from
                          WHEN l.released THEN greatest(l.sends_from, v_now)
                          ELSE greatest(l.sends_from, l.expires_at + coalesce(given.life, interval '0')) END,
        acquired_at = CASE WHEN l.epoch = v_epoch THEN l.acquired_at ELSE v_now END,
        house = p_house, holder = p_holder, epoch = v_epoch, released = false,
        renewed_at = v_now, expires_at = v_now + p_ttl
    FROM foundation_lease AS own LEFT JOIN unnest(p_scopes, p_lives) AS given (scope, life) ON given.scope = own.scope
    WHERE own.scope = l.scope;
    RETURN (SELECT json_build_object(
        'epoch', v_epoch, 'fresh', v_fresh, 'before', coalesce(v_before, ''), 'let_go', coalesce(v_let_go, true),
        'waits', greatest(0, extract(epoch FROM max(sends_from) - v_now))) FROM foundation_lease);
END $$;
"""
DROP_TAKE = "DROP FUNCTION hq_take_leases(text, text, interval, text[], interval[], boolean);"


class Migration(migrations.Migration):

    dependencies = [
        ('foundation', '0003_record_epoch'),
    ]

    operations = [
        migrations.CreateModel(
            name='Lease',
            fields=[
                ('scope', models.CharField(help_text="The account's name.", max_length=40, primary_key=True, serialize=False)),
                ('holder', models.CharField(blank=True, default='', help_text='HQ_INSTANCE of the last holder.', max_length=80)),
                ('house', models.CharField(blank=True, default='', help_text='Which house that is, whatever its name.', max_length=64)),
                ('epoch', models.BigIntegerField(default=0)),
                ('acquired_at', models.DateTimeField(null=True)),
                ('renewed_at', models.DateTimeField(null=True)),
                ('expires_at', models.DateTimeField()),
                ('released', models.BooleanField(default=False, help_text='The last holder let go; its end need not be waited out.')),
                ('sends_from', models.DateTimeField(help_text='Until then a request of an earlier holder may still be under way.')),
            ],
            options={
                'db_table': 'foundation_lease',
                'ordering': ['scope'],
            },
        ),
        migrations.CreateModel(
            name='DatabaseDuty',
            fields=[
                ('id', models.PositiveSmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('duty', models.CharField(blank=True, default='', max_length=8)),
            ],
            options={
                'db_table': 'foundation_database_duty',
                'constraints': [models.CheckConstraint(condition=models.Q(('id', 1)), name='database_duty_only_row'), models.CheckConstraint(condition=models.Q(('duty__in', ['', 'trading', 'research'])), name='database_duty_known')],
            },
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='databaseduty',
            trigger=pgtrigger.compiler.Trigger(name='decided_once', sql=pgtrigger.compiler.UpsertTriggerSql(condition="WHEN (OLD.duty <> '' AND NEW.duty <> OLD.duty)", func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;", hash='2e47a79bdf1b51a1ecdfd76d420999d463a8e837', operation='UPDATE', pgid='pgtrigger_decided_once_76afd', table='foundation_database_duty', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='databaseduty',
            trigger=pgtrigger.compiler.Trigger(name='never_deleted', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='0bdc1ed99881cdf48f10226ea34ee815338dc9a9', operation='DELETE', pgid='pgtrigger_never_deleted_504f8', table='foundation_database_duty', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='lease',
            trigger=pgtrigger.compiler.Trigger(name='one_holder', sql=pgtrigger.compiler.UpsertTriggerSql(func="IF TG_OP = 'INSERT' THEN IF NEW.epoch <> 0 OR NEW.house <> '' THEN RAISE EXCEPTION 'The lease of % is born without a holder', NEW.scope USING ERRCODE = 'check_violation'; END IF; RETURN NEW; END IF; IF NEW.epoch < OLD.epoch THEN RAISE EXCEPTION 'The lease of %: its epoch may not fall from % to %', NEW.scope, OLD.epoch, NEW.epoch USING ERRCODE = 'check_violation'; END IF; IF NEW.house <> OLD.house AND OLD.expires_at > clock_timestamp() THEN RAISE EXCEPTION 'The lease of % is held by % until %', NEW.scope, OLD.holder, OLD.expires_at USING ERRCODE = 'check_violation'; END IF; IF NEW.epoch = OLD.epoch AND (NEW.house <> OLD.house OR (NEW.expires_at > OLD.expires_at AND OLD.expires_at <= clock_timestamp())) THEN RAISE EXCEPTION 'The lease of %: a new term needs a new epoch', NEW.scope USING ERRCODE = 'check_violation'; END IF; IF NEW.expires_at > OLD.expires_at AND EXISTS (SELECT FROM foundation_database_duty WHERE duty = 'research') THEN RAISE EXCEPTION 'This is the database of a research instance: nobody trades on it' USING ERRCODE = 'check_violation'; END IF; RETURN NEW;", hash='3dab8c6814048a79890b74f182c3d22e3ef55c4d', operation='INSERT OR UPDATE', pgid='pgtrigger_one_holder_f6815', table='foundation_lease', when='BEFORE')),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name='lease',
            trigger=pgtrigger.compiler.Trigger(name='never_deleted', sql=pgtrigger.compiler.UpsertTriggerSql(func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;", hash='d2745c711dc12a00badbb1a67838d69a55195ceb', operation='DELETE', pgid='pgtrigger_never_deleted_9b671', table='foundation_lease', when='BEFORE')),
        ),
        migrations.RunSQL(
            "INSERT INTO foundation_database_duty (id, duty) VALUES (1, '')", migrations.RunSQL.noop
        ),
        migrations.RunSQL(TAKE, DROP_TAKE),
    ]
