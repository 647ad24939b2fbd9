"""Chain an audit entry by two statements instead of four: every order waits for it."""

from importlib import import_module

from django.db import migrations

before = import_module("apps.foundation.migrations.0002_database_functions")

_HEAD = """
    SELECT head.seq + 1, head.hash, greatest(p_epoch, record.epoch) INTO {strict} v_seq, v_previous, v_epoch
    FROM foundation_audit_head AS head, foundation_record_epoch AS record WHERE chain = p_chain FOR UPDATE OF head;"""

APPEND = f"""
CREATE OR REPLACE FUNCTION hq_audit_append(
    p_chain text, p_action text, p_actor text, p_subject text, p_payload text,
    p_wall timestamptz, p_firm timestamptz, p_epoch bigint
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_seq bigint;
    v_previous bytea;
    v_hash bytea;
    v_epoch bigint;
    v_wall text := to_char(p_wall AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
    v_firm text := to_char(p_firm AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
BEGIN{_HEAD.format(strict="")}
    IF NOT FOUND THEN
        INSERT INTO foundation_audit_head (chain, seq, hash)
        VALUES (p_chain, 0, sha256(convert_to('tradinghq audit chain ' || p_chain, 'UTF8')))
        ON CONFLICT (chain) DO NOTHING;{_HEAD.format(strict="STRICT")}
    END IF;
    v_hash := sha256(convert_to({before.TEXT}, 'UTF8'));
    WITH entry AS (
        INSERT INTO foundation_audit_entry
            (chain, seq, action, actor, subject, payload, wall, firm, epoch, previous_hash, hash)
        VALUES (p_chain, v_seq, p_action, p_actor, p_subject, p_payload, p_wall, p_firm, v_epoch, v_previous, v_hash)
    )
    UPDATE foundation_audit_head SET seq = v_seq, hash = v_hash WHERE chain = p_chain;
    RETURN v_seq;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("foundation", "0004_lease")]
    operations = [
        migrations.RunSQL(APPEND, before.AUDIT_APPEND.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"))
    ]
