"""the logs by month, with a digest in each row, and the seals over them

Revision ID: 0032
Revises: 0031
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.types import UserDefinedType

revision: str = '0032'
down_revision: str | None = '0031'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEYS = {'change': 'id, at', 'nik_access': 'xact_id, id, at'}
MONTHS_AHEAD = 2

PERSONAL = {'change': ('reason',), 'nik_access': ('nik_index', 'area')}
RANDOM = "uuid_send(gen_random_uuid())"

# After a row was written, its personal columns may be emptied together with their salt, and nothing else. Then a
# commitment takes their place. A row from before salts is given one when it is written again without any change.
KEEP = """
CREATE FUNCTION keep_{log}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wiped {log}%ROWTYPE;
BEGIN
    IF TG_OP = 'INSERT' THEN
        NEW.salt := {random};
        RETURN NEW;
    END IF;
    IF TG_OP = 'UPDATE' THEN
        wiped := OLD;
        wiped.salt := NULL;
        {wipe}
        IF NEW IS NOT DISTINCT FROM wiped THEN
            IF num_nonnulls({personal}) > 0 THEN
                NEW.commitment := sha256(coalesce(OLD.salt, {random}) || convert_to(ROW({personal})::text, 'UTF8'));
            END IF;
            RETURN NEW;
        END IF;
        IF OLD.salt IS NULL AND NEW IS NOT DISTINCT FROM OLD THEN
            NEW.salt := {random};
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '{log} is append-only';
END $$
"""

# The months from that of `since` on, so many that `ahead` are there before their time. What came into the default
# partition before its month was made is moved. Answers how many were made.
MAKE_MONTHS = """
CREATE FUNCTION log_make_months(log text, since timestamptz, ahead int) RETURNS int LANGUAGE plpgsql AS $$
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

# One month of a log, or what came before the months, if the log is sealed behind each of its rows. Answers how many rows
# there were, or -1: not all of them are sealed. Whoever calls this puts the record of it into the log's seals.
DROP_MONTH = """
CREATE FUNCTION log_drop_month(log text, month text, sealed xid8, sealed_id bigint) RETURNS bigint LANGUAGE plpgsql AS $$
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


class TransactionId(UserDefinedType[int]):
    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return 'xid8'


def upgrade() -> None:
    op.create_table(
        'log_seal',
        sa.Column('log', sa.Text(), nullable=False),
        sa.Column('number', sa.BigInteger(), nullable=False),
        sa.Column('at', sa.DateTime(timezone=True), nullable=False),
        sa.Column('xact_id', TransactionId(), nullable=False),
        sa.Column('row_id', sa.BigInteger(), nullable=False),
        sa.Column('listed', sa.LargeBinary(), nullable=True),
        sa.Column('signed', sa.Text(), nullable=False),
        sa.CheckConstraint("log IN ('changes', 'access')", name='log'),
        sa.PrimaryKeyConstraint('log', 'number', name=op.f('pk_log_seal')),
    )
    op.execute("ALTER TABLE log_seal ALTER listed SET STORAGE EXTERNAL")
    op.create_table(
        'log_key',
        sa.Column('kid', sa.Text(), nullable=False),
        sa.Column('key', sa.Text(), nullable=False),
        sa.Column('since', sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint('kid', name=op.f('pk_log_key')),
    )
    # No key leads to a row of a log any more: a month of the log is dropped, and a delivery stays as long as it stays.
    op.drop_constraint(op.f('fk_webhook_delivery_change_id_change'), 'webhook_delivery', type_='foreignkey')
    op.execute("DROP TRIGGER change_is_append_only ON change")
    op.execute("DROP FUNCTION refuse_to_rewrite_history()")
    # What was written before counts as older than everything that comes.
    op.execute("ALTER TABLE nik_access ADD xact_id xid8 NOT NULL DEFAULT '0'")
    op.execute("ALTER TABLE nik_access ALTER xact_id SET DEFAULT log_transaction(pg_current_xact_id())")
    op.execute("ALTER TABLE nik_access ALTER nik_index DROP NOT NULL")
    op.execute(MAKE_MONTHS)
    op.execute(DROP_MONTH)
    op.execute("ALTER TABLE change ADD mark bytea")
    for log, key in KEYS.items():
        op.execute(f"ALTER TABLE {log} ADD salt bytea, ADD commitment bytea")
        _partition(log, key)
        _keep(log)
        op.execute(f"SELECT log_make_months('{log}', now(), {MONTHS_AHEAD})")
    op.execute("CREATE INDEX ix_change_reasoned ON change (season) WHERE reason IS NOT NULL")
    op.execute("CREATE INDEX ix_nik_access_named ON nik_access (at) WHERE nik_index IS NOT NULL")
    op.execute("DROP INDEX ix_nik_access_at")


def _keep(log: str) -> None:
    personal, wipe = (', '.join(f'OLD.{one}' for one in PERSONAL[log]), ' '.join(f'wiped.{one} := NULL;' for one in PERSONAL[log]))
    op.execute(KEEP.format(log=log, wipe=wipe, personal=personal, random=RANDOM))
    if log == 'change':
        # Few changes have a reason. Each has a random mark, by which a cursor may know the row again.
        _trigger(f"salt_{log} BEFORE INSERT ON {log} FOR EACH ROW WHEN (NEW.reason IS NOT NULL)", log)
        _trigger(f"keep_{log} BEFORE UPDATE OR DELETE ON {log} FOR EACH ROW", log)
        op.execute(f"ALTER TABLE {log} ALTER mark SET DEFAULT {RANDOM}")
    else:
        # Each row has somebody's NIK in it, and a default costs less than a trigger.
        _trigger(f"keep_{log} BEFORE UPDATE ON {log} FOR EACH ROW", log)
        op.execute(f"ALTER TABLE {log} ALTER salt SET DEFAULT {RANDOM}")


def _trigger(when: str, log: str) -> None:
    op.execute(f"CREATE TRIGGER {when} EXECUTE FUNCTION keep_{log}()")


def _partition(log: str, key: str) -> None:
    """The table as it is becomes the first partition: its rows stay where they are, and its key is made anew."""
    bind = op.get_bind()
    until, name = bind.execute(sa.text(
        f"""
        SELECT until::text, '{log}_before_' || to_char(until AT TIME ZONE 'UTC', 'YYYY_MM') FROM (
            SELECT (date_trunc('month', greatest(now(), (SELECT max(at) FROM {log})) AT TIME ZONE 'UTC')
                    + interval '1 month') AT TIME ZONE 'UTC'
        ) AS month (until)
        """
    )).one()
    next_id = bind.execute(sa.text(f"SELECT nextval(pg_get_serial_sequence('{log}', 'id'))")).scalar_one()
    indexes = bind.execute(sa.text(
        f"""
        SELECT i.relname, pg_get_indexdef(i.oid) FROM pg_index JOIN pg_class i ON i.oid = indexrelid
        WHERE indrelid = '{log}'::regclass AND NOT indisprimary ORDER BY 1
        """
    )).all()
    [primary] = bind.execute(sa.text(
        f"SELECT conname FROM pg_constraint WHERE conrelid = '{log}'::regclass AND contype = 'p'"
    )).scalars()
    op.execute(f"ALTER TABLE {log} ALTER id DROP IDENTITY")
    op.execute(f"ALTER TABLE {log} DROP CONSTRAINT {primary}")
    op.execute(f"ALTER TABLE {log} RENAME TO {name}")
    for index, _ in indexes:
        op.execute(f"ALTER INDEX {index} RENAME TO {index}_before")
    op.execute(f"ALTER TABLE {name} ADD PRIMARY KEY ({key})")
    # After a downgrade, a vocabulary may not have been looked at. Here all words are known again.
    unseen = bind.execute(sa.text(
        f"SELECT conname FROM pg_constraint WHERE conrelid = '{name}'::regclass AND NOT convalidated"
    )).scalars()
    for constraint in unseen.all():
        op.execute(f"ALTER TABLE {name} VALIDATE CONSTRAINT {constraint}")
    op.execute(f"CREATE TABLE {log} (LIKE {name} INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY RANGE (at)")
    op.execute(f"ALTER TABLE {log} ALTER id ADD GENERATED ALWAYS AS IDENTITY (START WITH {next_id})")
    op.execute(f"ALTER TABLE {log} ADD CONSTRAINT {primary} PRIMARY KEY ({key})")
    for _, made in indexes:
        op.execute(made)
    op.execute(f"ALTER TABLE {log} ATTACH PARTITION {name} FOR VALUES FROM (MINVALUE) TO ('{until}')")
    op.execute(f"CREATE TABLE {log}_default PARTITION OF {log} DEFAULT")


def downgrade() -> None:
    op.execute("CREATE INDEX ix_nik_access_at ON nik_access (at)")
    op.execute("DROP INDEX ix_nik_access_named")
    op.execute("DROP INDEX ix_change_reasoned")
    for log in KEYS:
        op.execute(f"DROP FUNCTION keep_{log}() CASCADE")
        _together(log)
        op.execute(f"ALTER TABLE {log} DROP salt, DROP commitment")
    op.execute("ALTER TABLE change DROP mark")
    op.execute("DROP FUNCTION log_make_months")
    op.execute("DROP FUNCTION log_drop_month")
    # What the purge has wiped tells of nobody.
    op.execute("DELETE FROM nik_access WHERE nik_index IS NULL")
    op.execute("ALTER TABLE nik_access ALTER nik_index SET NOT NULL")
    op.execute("ALTER TABLE nik_access DROP xact_id")
    op.execute(
        """
        CREATE FUNCTION refuse_to_rewrite_history() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'the change log is append-only'; END $$
        """
    )
    op.execute(
        "CREATE TRIGGER change_is_append_only BEFORE UPDATE OR DELETE ON change"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_history()"
    )
    op.execute("UPDATE webhook_delivery d SET change_id = NULL WHERE NOT EXISTS (SELECT FROM change WHERE id = d.change_id)")
    op.create_foreign_key(op.f('fk_webhook_delivery_change_id_change'), 'webhook_delivery', 'change', ['change_id'], ['id'])
    op.drop_table('log_key')
    op.drop_table('log_seal')


def _together(log: str) -> None:
    """One table again, with all rows."""
    bind = op.get_bind()
    next_id = bind.execute(sa.text(f"SELECT nextval(pg_get_serial_sequence('{log}', 'id'))")).scalar_one()
    indexes = bind.execute(sa.text(
        f"""
        SELECT i.relname, pg_get_indexdef(i.oid) FROM pg_index JOIN pg_class i ON i.oid = indexrelid
        WHERE indrelid = '{log}'::regclass AND NOT indisprimary ORDER BY 1
        """
    )).all()
    [primary] = bind.execute(sa.text(
        f"SELECT conname FROM pg_constraint WHERE conrelid = '{log}'::regclass AND contype = 'p'"
    )).scalars()
    op.execute(f"CREATE TABLE {log}_together (LIKE {log} INCLUDING DEFAULTS INCLUDING CONSTRAINTS)")
    op.execute(f"INSERT INTO {log}_together TABLE {log}")
    op.execute(f"DROP TABLE {log}")
    op.execute(f"ALTER TABLE {log}_together RENAME TO {log}")
    op.execute(f"ALTER TABLE {log} ALTER id ADD GENERATED ALWAYS AS IDENTITY (START WITH {next_id})")
    op.execute(f"ALTER TABLE {log} ADD CONSTRAINT {primary} PRIMARY KEY (id)")
    for _, made in indexes:
        op.execute(made.replace(' ON ONLY ', ' ON '))
