"""who read lists of people, by month and only appended to, so that it is sealed as the two logs are

Revision ID: 0038
Revises: 0037
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = '0038'
down_revision: str | None = '0037'
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

MONTHS_AHEAD = 2
RANDOM = 'uuid_send(gen_random_uuid())'
COLUMNS = 'client_id, organizer_code, what, asked, count, first_id, last_id, organizers, people'
PURPOSE = "coalesce({asked} #>> '{{registrant,purpose}}', {asked} #>> '{{casePeople,purpose}}')"
OTHERS = "{asked} #- '{{casePeople,purpose}}' #- '{{registrant,purpose}}'"

# What is personal may be emptied together with its salt, and a commitment takes its place. Two things are for servers of
# version 0.3, until they are gone: a purpose that they write into `asked` goes to its column, and where they write down
# the end of a minute, a row is added in place of changing the one that is there.
KEEP = f"""
CREATE FUNCTION keep_people_read() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
DECLARE
    wiped people_read%ROWTYPE;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF {PURPOSE.format(asked='NEW.asked')} IS NOT NULL THEN
            NEW.purpose := {PURPOSE.format(asked='NEW.asked')};
            NEW.asked := {OTHERS.format(asked='NEW.asked')};
        END IF;
        NEW.salt := {RANDOM};
        RETURN NEW;
    END IF;
    wiped := OLD;
    wiped.salt := NULL;
    wiped.purpose := NULL;
    wiped.unfound := NULL;
    IF NEW IS NOT DISTINCT FROM wiped THEN
        IF num_nonnulls(OLD.purpose, OLD.unfound) > 0 THEN
            NEW.commitment := sha256(
                coalesce(OLD.salt, {RANDOM}) || convert_to(ROW(OLD.purpose, OLD.unfound)::text, 'UTF8')
            );
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.salt IS NULL AND NEW IS NOT DISTINCT FROM OLD THEN
        NEW.salt := {RANDOM};
        RETURN NEW;
    END IF;
    IF OLD.until IS NULL AND NEW.until IS NOT NULL AND (NEW.id, NEW.at, NEW.client_id, NEW.organizer_code, NEW.what,
        NEW.asked) IS NOT DISTINCT FROM (OLD.id, OLD.at, OLD.client_id, OLD.organizer_code, OLD.what, OLD.asked)
    THEN
        INSERT INTO people_read (at, until, {COLUMNS}, ends)
        SELECT NEW.at, NEW.until, {', '.join(f'NEW.{one}' for one in COLUMNS.split(', '))}, OLD.id;
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'people_read is append-only';
END $$
"""
LOGS_BEFORE = "('change', 'nik_access')"
LOGS = "('change', 'nik_access', 'people_read')"
NAME_BEFORE = "CASE log_drop_month.log WHEN 'change' THEN 'changes' ELSE 'access' END"
NAME = "CASE log_drop_month.log WHEN 'change' THEN 'changes' WHEN 'nik_access' THEN 'access' ELSE 'reads' END"
INDEXES = (
    'CREATE INDEX ix_people_read_at ON people_read (at)',
    'CREATE INDEX ix_people_read_bounded ON people_read (first_id) WHERE people IS NULL OR until IS NULL',
    'CREATE INDEX ix_people_read_client_id_at ON people_read (client_id, at)',
    'CREATE INDEX ix_people_read_people ON people_read USING gin (people) WHERE people IS NOT NULL',
)
NEW_INDEXES = (
    'CREATE INDEX ix_people_read_ends ON people_read (ends) WHERE ends IS NOT NULL',
    'CREATE INDEX ix_people_read_purposed ON people_read (at) WHERE purpose IS NOT NULL',
    'CREATE INDEX ix_people_read_unfound ON people_read USING gin (unfound) WHERE unfound IS NOT NULL',
    'CREATE INDEX ix_people_read_xact_id_id ON people_read (xact_id, id)',
)


def upgrade() -> None:
    op.execute(
        "ALTER TABLE people_read ADD xact_id xid8 NOT NULL DEFAULT '0', ADD ends bigint, ADD purpose text,"
        ' ADD unfound bytea[], ADD salt bytea, ADD commitment bytea,'
        ' ALTER first_id DROP NOT NULL, ALTER last_id DROP NOT NULL, DROP CONSTRAINT ck_people_read_count,'
        ' ADD CONSTRAINT ck_people_read_count CHECK (count >= 0)'
    )
    # What was written before counts as older than everything that comes.
    op.execute('ALTER TABLE people_read ALTER xact_id SET DEFAULT log_transaction(pg_current_xact_id())')
    op.execute(
        f"UPDATE people_read SET purpose = {PURPOSE.format(asked='asked')}, asked = {OTHERS.format(asked='asked')}"
        f" WHERE {PURPOSE.format(asked='asked')} IS NOT NULL"
    )
    _partition()
    op.execute(KEEP)
    op.execute(
        'CREATE TRIGGER salt_people_read BEFORE INSERT ON people_read FOR EACH ROW'
        f" WHEN (num_nonnulls(NEW.purpose, NEW.unfound) > 0 OR {PURPOSE.format(asked='NEW.asked')} IS NOT NULL)"
        ' EXECUTE FUNCTION keep_people_read()'
    )
    op.execute(
        'CREATE TRIGGER keep_people_read BEFORE UPDATE ON people_read FOR EACH ROW EXECUTE FUNCTION keep_people_read()'
    )
    _seals("('changes', 'access', 'reads')")
    _functions([(LOGS_BEFORE, LOGS), (NAME_BEFORE, NAME)])
    op.execute(f"SELECT log_make_months('people_read', now(), {MONTHS_AHEAD})")


def _seals(logs: str) -> None:
    op.execute(f'ALTER TABLE log_seal DROP CONSTRAINT ck_log_seal_log, ADD CONSTRAINT ck_log_seal_log CHECK (log IN {logs})')


def _functions(changes: Sequence[tuple[str, str]]) -> None:
    """The functions of the months know another log, or no longer. Nothing else of them changes."""
    for function in ('log_make_months', 'log_drop_month'):
        made = op.get_bind().execute(sa.text(f"SELECT pg_get_functiondef('{function}'::regproc)")).scalar_one()
        for old, new in changes:
            made = made.replace(old, new)
        op.execute(sa.text(made.replace(':', r'\:')))


def _partition() -> None:
    """The table as it is becomes the first partition: its rows stay where they are, and its key is made anew."""
    bind = op.get_bind()
    until, name = bind.execute(sa.text(
        """
        SELECT until::text, 'people_read_before_' || to_char(until AT TIME ZONE 'UTC', 'YYYY_MM') FROM (
            SELECT (date_trunc('month', greatest(now(), (SELECT max(at) FROM people_read)) AT TIME ZONE 'UTC')
                    + interval '1 month') AT TIME ZONE 'UTC'
        ) AS month (until)
        """
    )).one()
    next_id = bind.execute(sa.text("SELECT nextval(pg_get_serial_sequence('people_read', 'id'))")).scalar_one()
    op.execute('ALTER TABLE people_read ALTER id DROP IDENTITY')
    op.execute('ALTER TABLE people_read DROP CONSTRAINT pk_people_read')
    op.execute(f'ALTER TABLE people_read RENAME TO {name}')
    for index in INDEXES:
        index = index.split()[2]
        op.execute(f'ALTER INDEX {index} RENAME TO {index}_before')
    op.execute(f'ALTER TABLE {name} ADD PRIMARY KEY (id, at)')
    op.execute(f'CREATE TABLE people_read (LIKE {name} INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY RANGE (at)')
    op.execute(f'ALTER TABLE people_read ALTER id ADD GENERATED ALWAYS AS IDENTITY (START WITH {next_id})')
    op.execute('ALTER TABLE people_read ADD CONSTRAINT pk_people_read PRIMARY KEY (id, at)')
    for index in (*INDEXES, *NEW_INDEXES):
        op.execute(index)
    op.execute(f"ALTER TABLE people_read ATTACH PARTITION {name} FOR VALUES FROM (MINVALUE) TO ('{until}')")
    op.execute('CREATE TABLE people_read_default PARTITION OF people_read DEFAULT')


def downgrade() -> None:
    op.execute("DELETE FROM log_seal WHERE log = 'reads'")
    _seals("('changes', 'access')")
    _functions([(LOGS, LOGS_BEFORE), (NAME, NAME_BEFORE)])
    op.execute('DROP FUNCTION keep_people_read() CASCADE')
    bind = op.get_bind()
    next_id = bind.execute(sa.text("SELECT nextval(pg_get_serial_sequence('people_read', 'id'))")).scalar_one()
    op.execute('CREATE TABLE people_read_together (LIKE people_read INCLUDING DEFAULTS)')
    # As it was: of a minute that ended there is one row, and nobody was found is no row.
    op.execute(
        'INSERT INTO people_read_together SELECT * FROM people_read p'
        ' WHERE count > 0 AND NOT EXISTS (SELECT FROM people_read e WHERE e.ends = p.id)'
    )
    op.execute('DROP TABLE people_read')
    op.execute('ALTER TABLE people_read_together RENAME TO people_read')
    op.execute(
        "UPDATE people_read SET asked = jsonb_set(asked, '{registrant}',"
        " coalesce(asked -> 'registrant', '{}') || jsonb_build_object('purpose', purpose)) WHERE purpose IS NOT NULL"
    )
    op.execute(
        'ALTER TABLE people_read DROP xact_id, DROP ends, DROP purpose, DROP unfound, DROP salt, DROP commitment,'
        ' ALTER first_id SET NOT NULL, ALTER last_id SET NOT NULL,'
        ' ADD CONSTRAINT ck_people_read_count CHECK (count > 0), ADD CONSTRAINT pk_people_read PRIMARY KEY (id)'
    )
    op.execute(f'ALTER TABLE people_read ALTER id ADD GENERATED ALWAYS AS IDENTITY (START WITH {next_id})')
    for index in INDEXES:
        op.execute(index)
