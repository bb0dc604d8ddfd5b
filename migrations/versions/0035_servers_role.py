"""what servers do to the months of the logs, they do as the owner, by functions that judge for themselves

Revision ID: 0035
Revises: 0034
"""

from collections.abc import Sequence

from alembic import op

revision: str = '0035'
down_revision: str | None = '0034'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# The months from that of `since` on, so many that `ahead` are there before their time. What came into the default
# partition before its month was made is moved. Answers how many were made.
MAKE_MONTHS = """
CREATE OR REPLACE FUNCTION log_make_months(log text, since timestamptz, ahead int) RETURNS int LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE
    made int := 0;
    first timestamptz := date_trunc('month', since, 'UTC');
    month timestamptz;
    next timestamptz;
    name text;
    is_early boolean;
BEGIN
    IF log NOT IN ('change', 'nik_access') OR ahead NOT BETWEEN 0 AND 24 THEN
        RAISE EXCEPTION '% is no log, or % months are too many', log, ahead;
    END IF;
    FOR number IN 0..ahead LOOP
        month := (first AT TIME ZONE 'UTC' + make_interval(months => number)) AT TIME ZONE 'UTC';
        next := (month AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC';
        name := log || to_char(month AT TIME ZONE 'UTC', '_YYYY_MM');
        CONTINUE WHEN to_regclass(name) IS NOT NULL OR EXISTS (
            SELECT FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
            WHERE inhparent = log::regclass AND starts_with(c.relname, log || '_before_')
                AND to_date(right(c.relname, 7), 'YYYY_MM') > (month AT TIME ZONE 'UTC')::date
        );
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name, log);
        EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE at >= $1 AND at < $2)', log || '_default')
            INTO is_early USING month, next;
        IF is_early THEN
            EXECUTE format('ALTER TABLE %I DISABLE TRIGGER USER', log || '_default');
            EXECUTE format(
                'WITH early AS (DELETE FROM %I WHERE at >= $1 AND at < $2 RETURNING *) INSERT INTO %I TABLE early',
                log || '_default', name
            ) USING month, next;
            EXECUTE format('ALTER TABLE %I ENABLE TRIGGER USER', log || '_default');
        END IF;
        EXECUTE format(
            'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', log, name, month::text, next::text
        );
        made := made + 1;
    END LOOP;
    RETURN made;
END $$
"""

# One month of a log, or what came before the months, if the log is sealed behind each of its rows. Answers how many rows
# there were, or -1: not all of them are sealed. Whoever calls this puts the record of it into the log's seals.
DROP_MONTH = """
CREATE OR REPLACE FUNCTION log_drop_month(log text, month text, sealed xid8, sealed_id bigint) RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = public, pg_temp AS $$
DECLARE
    there bigint;
    is_waiting boolean;
BEGIN
    -- Up to the beginning nothing needs a seal: then only a month without rows is dropped.
    IF log NOT IN ('change', 'nik_access') OR (sealed, sealed_id) > ('0', 0) AND NOT EXISTS (
        SELECT FROM log_seal s WHERE s.log = CASE log_drop_month.log WHEN 'change' THEN 'changes' ELSE 'access' END
            AND s.xact_id = sealed AND s.row_id = sealed_id
    ) THEN
        RAISE EXCEPTION 'nothing is sealed up to there';
    END IF;
    IF month = log || '_default' OR NOT EXISTS (
        SELECT FROM pg_inherits WHERE inhparent = log::regclass AND inhrelid = to_regclass(month)
    ) THEN
        RAISE EXCEPTION '% is no month of %', month, log;
    END IF;
    EXECUTE format('SELECT count(*) FROM %I', month) INTO there;
    -- The log comes first, as for whoever reads or writes it. From here on nobody writes; who wrote meanwhile is found.
    EXECUTE format('LOCK TABLE ONLY %I IN ACCESS EXCLUSIVE MODE', log);
    EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE (xact_id, id) > ($1, $2))', month)
        INTO is_waiting USING sealed, sealed_id;
    IF is_waiting THEN
        RETURN -1;
    END IF;
    EXECUTE format('DROP TABLE %I', month);
    RETURN there;
END $$
"""
MAKE_MONTHS_BEFORE = """
CREATE OR REPLACE FUNCTION log_make_months(log text, since timestamptz, ahead int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
    made int := 0;
    first timestamptz := date_trunc('month', since, 'UTC');
    month timestamptz;
    next timestamptz;
    name text;
    is_early boolean;
BEGIN
    FOR number IN 0..ahead LOOP
        month := (first AT TIME ZONE 'UTC' + make_interval(months => number)) AT TIME ZONE 'UTC';
        next := (month AT TIME ZONE 'UTC' + interval '1 month') AT TIME ZONE 'UTC';
        name := log || to_char(month AT TIME ZONE 'UTC', '_YYYY_MM');
        CONTINUE WHEN to_regclass(name) IS NOT NULL OR EXISTS (
            SELECT FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
            WHERE inhparent = log::regclass AND starts_with(c.relname, log || '_before_')
                AND to_date(right(c.relname, 7), 'YYYY_MM') > (month AT TIME ZONE 'UTC')::date
        );
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name, log);
        EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE at >= $1 AND at < $2)', log || '_default')
            INTO is_early USING month, next;
        IF is_early THEN
            EXECUTE format('ALTER TABLE %I DISABLE TRIGGER USER', log || '_default');
            EXECUTE format(
                'WITH early AS (DELETE FROM %I WHERE at >= $1 AND at < $2 RETURNING *) INSERT INTO %I TABLE early',
                log || '_default', name
            ) USING month, next;
            EXECUTE format('ALTER TABLE %I ENABLE TRIGGER USER', log || '_default');
        END IF;
        EXECUTE format(
            'ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', log, name, month::text, next::text
        );
        made := made + 1;
    END LOOP;
    RETURN made;
END $$
"""
DROP_MONTH_BEFORE = """
CREATE OR REPLACE FUNCTION log_drop_month(log text, month text, sealed xid8, sealed_id bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    there bigint;
    is_waiting boolean;
BEGIN
    IF month = log || '_default' OR NOT EXISTS (
        SELECT FROM pg_inherits WHERE inhparent = log::regclass AND inhrelid = to_regclass(month)
    ) THEN
        RAISE EXCEPTION '% is no month of %', month, log;
    END IF;
    EXECUTE format('SELECT count(*) FROM %I', month) INTO there;
    -- The log comes first, as for whoever reads or writes it. From here on nobody writes; who wrote meanwhile is found.
    EXECUTE format('LOCK TABLE ONLY %I IN ACCESS EXCLUSIVE MODE', log);
    EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE (xact_id, id) > ($1, $2))', month)
        INTO is_waiting USING sealed, sealed_id;
    IF is_waiting THEN
        RETURN -1;
    END IF;
    EXECUTE format('DROP TABLE %I', month);
    RETURN there;
END $$
"""
FUNCTIONS = ('log_make_months(text, timestamptz, int)', 'log_drop_month(text, text, xid8, bigint)')


def upgrade() -> None:
    op.execute(MAKE_MONTHS)
    op.execute(DROP_MONTH)
    for function in FUNCTIONS:
        op.execute(f'REVOKE EXECUTE ON FUNCTION {function} FROM PUBLIC')


def downgrade() -> None:
    # Functions that are replaced keep who may call them.
    for function in FUNCTIONS:
        op.execute(f'GRANT EXECUTE ON FUNCTION {function} TO PUBLIC')
        op.execute(f'ALTER FUNCTION {function} SECURITY INVOKER RESET search_path')
    op.execute(MAKE_MONTHS_BEFORE)
    op.execute(DROP_MONTH_BEFORE)
