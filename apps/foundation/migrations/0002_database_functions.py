"""What the database itself guarantees: append-only tables, audit chains that cannot fork, a wake-up for the outbox."""

from django.db import migrations

REFUSE_CHANGE = """
CREATE FUNCTION hq_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;

CREATE FUNCTION hq_protect_append_only(protected regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER hq_append_only_row BEFORE UPDATE OR DELETE ON %s
                    FOR EACH ROW EXECUTE FUNCTION hq_refuse_change()', protected);
    EXECUTE format('CREATE TRIGGER hq_append_only_table BEFORE TRUNCATE ON %s
                    FOR EACH STATEMENT EXECUTE FUNCTION hq_refuse_change()', protected);
END $$;

SELECT hq_protect_append_only('foundation_audit_entry');
"""
DROP_REFUSE_CHANGE = """
DROP TRIGGER hq_append_only_row ON foundation_audit_entry;
DROP TRIGGER hq_append_only_table ON foundation_audit_entry;
DROP FUNCTION hq_protect_append_only(regclass);
DROP FUNCTION hq_refuse_change();
"""

# How a field and a time are written in the text that is hashed: times with microseconds in UTC, every field with its
# length in bytes before it, so that no two entries share one text.
AUDIT_TEXT = """
CREATE FUNCTION hq_audit_field(value text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT octet_length(convert_to(value, 'UTF8')) || ':' || value || ','
$$;

CREATE FUNCTION hq_audit_time(value timestamptz) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT to_char(value AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
$$;
"""
DROP_AUDIT_TEXT = """
DROP FUNCTION hq_audit_time(timestamptz);
DROP FUNCTION hq_audit_field(text);
"""


def _field(value: str) -> str:
    return f"octet_length(convert_to({value}, 'UTF8')) || ':' || {value} || ','"


TEXT = " || ".join(
    _field(value)
    for value in (
        *("encode(v_previous, 'hex')", "v_seq::text", "p_chain", "p_action", "p_actor", "p_subject", "p_payload"),
        *("v_wall", "v_firm", "v_epoch::text"),
    )
)

# Runs with its owner's rights, so that the app role needs no right to write either table. The text is written out here,
# since a function called for each field took longer than the hash. The record's epoch (0003) is under every entry.
AUDIT_APPEND = f"""
CREATE FUNCTION hq_audit_append(
    p_chain text, p_action text, p_actor text, p_subject text, p_payload text,
    p_wall timestamptz, p_firm timestamptz, p_epoch bigint
) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v_seq bigint;
    v_previous bytea;
    v_hash bytea;
    v_epoch bigint := greatest(p_epoch, (SELECT epoch FROM foundation_record_epoch));
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
    v_hash := sha256(convert_to({TEXT}, 'UTF8'));
    INSERT INTO foundation_audit_entry
        (chain, seq, action, actor, subject, payload, wall, firm, epoch, previous_hash, hash)
    VALUES (p_chain, v_seq, p_action, p_actor, p_subject, p_payload, p_wall, p_firm, v_epoch, v_previous, v_hash);
    UPDATE foundation_audit_head SET seq = v_seq, hash = v_hash WHERE chain = p_chain;
    RETURN v_seq;
END $$;
"""
DROP_AUDIT_APPEND = """
DROP FUNCTION hq_audit_append(text, text, text, text, text, timestamptz, timestamptz, bigint);
"""

OUTBOX_NOTIFY = """
CREATE FUNCTION hq_outbox_notify() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NOTIFY hq_outbox;
    RETURN NULL;
END $$;

CREATE TRIGGER hq_outbox_notify AFTER INSERT ON foundation_outbox_event
    FOR EACH STATEMENT EXECUTE FUNCTION hq_outbox_notify();
"""
DROP_OUTBOX_NOTIFY = """
DROP TRIGGER hq_outbox_notify ON foundation_outbox_event;
DROP FUNCTION hq_outbox_notify();
"""

# For transactions that write their rows by a function of their own.
RECORD_EVENTS = """
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
DROP_RECORD_EVENTS = "DROP FUNCTION hq_record_events(text[], text[], jsonb[], text);"


class Migration(migrations.Migration):
    dependencies = [("foundation", "0001_initial")]

    operations = [
        migrations.RunSQL(REFUSE_CHANGE, DROP_REFUSE_CHANGE),
        migrations.RunSQL(AUDIT_TEXT, DROP_AUDIT_TEXT),
        migrations.RunSQL(AUDIT_APPEND, DROP_AUDIT_APPEND),
        migrations.RunSQL(OUTBOX_NOTIFY, DROP_OUTBOX_NOTIFY),
        migrations.RunSQL(RECORD_EVENTS, DROP_RECORD_EVENTS),
    ]
