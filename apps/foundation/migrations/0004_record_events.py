"""Events of a transaction that writes its rows by a function of its own are recorded from there."""

from django.db import migrations

RECORD = """
CREATE FUNCTION hq_record_events(p_kinds text[], p_aggregates text[], p_payloads jsonb[], p_correlation text)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO foundation_outbox_event (kind, aggregate, payload, correlation_id, attempts, last_error)
    SELECT kind, aggregate, payload, p_correlation, 0, ''
    FROM unnest(p_kinds, p_aggregates, p_payloads) WITH ORDINALITY AS told (kind, aggregate, payload, place)
    ORDER BY place;
END;
$$;
"""


def _field(value: str) -> str:
    return f"octet_length(convert_to({value}, 'UTF8')) || ':' || {value} || ','"


# The same text as before; written out, since a function called for each field took longer than the hash.
_TEXT = " || ".join(
    _field(value)
    for value in (
        *("encode(v_previous, 'hex')", "v_seq::text", "p_chain", "p_action", "p_actor", "p_subject", "p_payload"),
        *("v_wall", "v_firm", "p_epoch::text"),
    )
)
AUDIT_APPEND = f"""
CREATE OR REPLACE FUNCTION hq_audit_append(
    p_chain text, p_action text, p_actor text, p_subject text, p_payload text,
    p_wall timestamptz, p_firm timestamptz, p_epoch bigint
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_seq bigint;
    v_previous bytea;
    v_hash bytea;
    v_wall text := to_char(p_wall AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
    v_firm text := to_char(p_firm AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
BEGIN
    SELECT seq, hash INTO v_seq, v_previous FROM foundation_audit_head WHERE chain = p_chain FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO foundation_audit_head (chain, seq, hash)
        VALUES (p_chain, 0, sha256(convert_to('tradinghq audit chain ' || p_chain, 'UTF8')))
        ON CONFLICT (chain) DO NOTHING;
        SELECT seq, hash INTO STRICT v_seq, v_previous FROM foundation_audit_head WHERE chain = p_chain FOR UPDATE;
    END IF;
    v_seq := v_seq + 1;
    v_hash := sha256(convert_to({_TEXT}, 'UTF8'));
    INSERT INTO foundation_audit_entry
        (chain, seq, action, actor, subject, payload, wall, firm, epoch, previous_hash, hash)
    VALUES (p_chain, v_seq, p_action, p_actor, p_subject, p_payload, p_wall, p_firm, p_epoch, v_previous, v_hash);
    UPDATE foundation_audit_head SET seq = v_seq, hash = v_hash WHERE chain = p_chain;
    RETURN v_seq;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("foundation", "0003_session_confirmed")]
    operations = [
        migrations.RunSQL(RECORD, "DROP FUNCTION hq_record_events(text[], text[], jsonb[], text)"),
        migrations.RunSQL(AUDIT_APPEND, migrations.RunSQL.noop),
    ]
