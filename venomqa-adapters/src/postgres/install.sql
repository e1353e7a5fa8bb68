-- What is written into a database to follow it: everything lies in this schema, or goes with it when it is dropped.
--
-- Triggers on every table write the rows that come and go into a journal, as text, under a number called a mark. A look
-- takes the next mark, so that the rows between two looks can be told from others. An edge in the tree of checkpoints is a set of
-- marks; rows are counted, +1 for one that came and -1 for one that went, because nested triggers write them in no useful
-- order. The net of some marks is what their counts add up to.

CREATE SCHEMA _venomqa;

-- The mark under which rows are journaled now. A sequence, because a trigger must see the newest one whatever its snapshot.
CREATE SEQUENCE _venomqa.mark;
SELECT nextval('_venomqa.mark');

-- The record of the run, one row. `step` counts the restores: after a broken connection it says whether the last one came
-- through. Of the rows under the marks up to `mark`, only those under `applied` are in the tables: the others belong to
-- checkpoints that lie elsewhere in the tree, or to nothing any more. Rows under later marks are in the tables.
CREATE TABLE _venomqa.run (
    layout int NOT NULL,
    id text NOT NULL,
    holder text NOT NULL,
    step bigint NOT NULL,
    mark bigint NOT NULL,
    applied bigint[] NOT NULL
);

CREATE TABLE _venomqa.tables (
    number int PRIMARY KEY,
    relation oid NOT NULL,
    -- With the partitions.
    relations oid[] NOT NULL,
    name text NOT NULL,
    identifier text NOT NULL,
    shape text NOT NULL,
    -- The body of the function that writes its rows.
    writer text NOT NULL
);

-- The sequences, with what they held at the root.
CREATE TABLE _venomqa.sequences (number int PRIMARY KEY, relation oid NOT NULL, position bigint NOT NULL, called bool NOT NULL);

CREATE TABLE _venomqa.journal (mark bigint NOT NULL, number int NOT NULL, count int NOT NULL, image text COLLATE "C" NOT NULL);
CREATE INDEX ON _venomqa.journal (mark);

-- Statements that a journal cannot undo.
CREATE TABLE _venomqa.irreversible (number bigint GENERATED ALWAYS AS IDENTITY, statement text NOT NULL);

-- Records that the statement which the application runs now cannot be undone.
CREATE FUNCTION _venomqa.cannot_undo(because text DEFAULT '') RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO _venomqa.irreversible (statement) VALUES (left(regexp_replace(current_query(), '\s+', ' ', 'g'), 500) || because);
END $$;

-- Journals what a statement did to a table. The first argument is the table's number; a partition whose columns lie in
-- another order than those of the whole table has the whole table as the second one.
--
-- The settings make the text of a row independent of the application's own. Names come last in the path, for
-- nothing of the application to be mistaken for a function of the server.
CREATE FUNCTION _venomqa.follow() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET DateStyle = 'ISO, MDY' SET IntervalStyle = 'postgres' SET TimeZone = 'UTC'
    SET extra_float_digits = 1 SET bytea_output = 'hex' SET lc_monetary = 'C'
AS $$
BEGIN
    IF TG_NARGS > 1 OR TG_OP = 'TRUNCATE' THEN
        -- Who has read the mark is to be seen from then on. Other statements have written by now.
        PERFORM pg_current_xact_id();
        IF TG_OP = 'TRUNCATE' AND current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
            -- It removes rows that were committed later than what this transaction sees, and whose text cannot be had.
            PERFORM _venomqa.cannot_undo(' at REPEATABLE READ');
            UPDATE _venomqa.tables SET shape = 'not to be written' WHERE number = TG_ARGV[0]::int;
        END IF;
        EXECUTE _venomqa.following(TG_OP, TG_RELID, TG_ARGV[0]::int, TG_ARGV[1]::oid);
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO _venomqa.journal
            SELECT last_value, TG_ARGV[0]::int, 1, (_venomqa_new.*)::text FROM _venomqa.mark, _venomqa_new;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO _venomqa.journal
            SELECT last_value, TG_ARGV[0]::int, -1, (_venomqa_old.*)::text FROM _venomqa.mark, _venomqa_old;
    ELSE
        INSERT INTO _venomqa.journal
            SELECT last_value, TG_ARGV[0]::int, -1, (_venomqa_old.*)::text FROM _venomqa.mark, _venomqa_old
            UNION ALL
            SELECT last_value, TG_ARGV[0]::int, 1, (_venomqa_new.*)::text FROM _venomqa.mark, _venomqa_new;
    END IF;
    RETURN NULL;
END $$;

-- The statement that journals, where it depends on the table.
CREATE FUNCTION _venomqa.following(op text, relation oid, number int, whole oid) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    image text := '(%1$I.*)::text';
    journal text := 'INSERT INTO _venomqa.journal SELECT last_value, %s, %s, %s FROM _venomqa.mark, %s';
BEGIN
    IF whole IS NOT NULL THEN
        SELECT 'ROW(' || string_agg('%1$I.' || replace(quote_ident(attname), '%', '%%'), ', ' ORDER BY attnum) || ')::text'
            INTO image FROM pg_attribute WHERE attrelid = whole AND attnum > 0 AND NOT attisdropped;
    END IF;
    RETURN CASE op
        WHEN 'TRUNCATE' THEN
            format(journal, number, -1, format(image, '_venomqa_old'), format('ONLY %s AS _venomqa_old', relation::regclass))
        WHEN 'INSERT' THEN format(journal, number, 1, format(image, '_venomqa_new'), '_venomqa_new')
        WHEN 'DELETE' THEN format(journal, number, -1, format(image, '_venomqa_old'), '_venomqa_old')
        ELSE format(journal, number, -1, format(image, '_venomqa_old'), '_venomqa_old') || ' UNION ALL '
            || format(replace(journal, 'INSERT INTO _venomqa.journal ', ''), number, 1, format(image, '_venomqa_new'), '_venomqa_new')
    END;
END $$;

-- Whether a transaction that has written to this database is not over yet. A snapshot alone would not tell: it does not list the newest.
CREATE FUNCTION _venomqa.is_busy() RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
    -- Else a transaction goes on seeing who was active when it looked first.
    PERFORM pg_stat_clear_snapshot();
    RETURN EXISTS (
        SELECT FROM pg_stat_get_activity(NULL)
        WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()
            AND coalesce(backend_type, 'client backend') = 'client backend'
            AND datid = (SELECT oid FROM pg_database WHERE datname = current_database())
    ) OR EXISTS (SELECT FROM pg_prepared_xact() WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()));
END $$;

-- Whether certainly nobody on the whole server is writing, which is quick to tell: a snapshot lists nothing as running, and all
-- numbers of transactions that were ever given out are before its end. Only for the first statement of a transaction: in later ones the
-- server goes on telling the number that came next then. Nor does it tell those that came after our own, which the next mark takes
-- now and then.
CREATE FUNCTION _venomqa.is_calm() RETURNS bool STABLE LANGUAGE sql AS $$
    SELECT pg_snapshot_xmin(pg_current_snapshot()) = pg_snapshot_xmax(pg_current_snapshot())
        AND age(pg_snapshot_xmax(pg_current_snapshot())::xid) = 0
        AND pg_current_xact_id_if_assigned() IS NULL
$$;

-- The rows that were journaled under the marks after one, up to another.
CREATE FUNCTION _venomqa.journaled(
    seen bigint, upto bigint, OUT marks bigint[], OUT numbers int[], OUT counts int[], OUT images text[]
) LANGUAGE plpgsql AS $$
BEGIN
    SELECT array_agg(mark), array_agg(number), array_agg(count), array_agg(image) INTO marks, numbers, counts, images
        FROM _venomqa.journal WHERE mark > seen AND mark <= upto;
END $$;

-- What came and went under the marks after `seen`, and what the sequences hold. Says busy, and nothing else, while somebody is
-- writing, and the statement alone that changed the schema.
--
-- The next mark is taken first: who journals under the old one has a transaction that shows as long as it is open, and is
-- seen in full once it is over.
CREATE FUNCTION _venomqa.look(
    seen bigint,
    OUT upto bigint, OUT busy bool, OUT ddl text, OUT marks bigint[], OUT numbers int[], OUT counts int[], OUT images text[],
    OUT positions bigint[], OUT called bool[]
) LANGUAGE plpgsql AS $$
BEGIN
    upto := nextval('_venomqa.mark') - 1;
    busy := _venomqa.is_busy();
    IF NOT busy THEN
        ddl := (SELECT statement FROM _venomqa.schema_change);
    END IF;
    IF NOT busy AND ddl IS NULL THEN
        SELECT * INTO marks, numbers, counts, images FROM _venomqa.journaled(seen, upto);
        SELECT * INTO positions, called FROM _venomqa.positions();
    END IF;
END $$;

-- Makes the function that writes rows of a table, under the name that the table has now.
CREATE FUNCTION _venomqa.make_writer(wanted int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE (
        SELECT format(
            'CREATE OR REPLACE FUNCTION _venomqa.write_%s(gone text[], come text[]) RETURNS void LANGUAGE plpgsql AS %L',
            number, replace(writer, identifier, relation::regclass::text)
        ) FROM _venomqa.tables WHERE number = wanted
    );
END $$;

-- Writes rows of a table whose schema may be another now. Says whether that came through.
CREATE FUNCTION _venomqa.try_to_write_table(wanted int, gone text[], come text[]) RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT shape IS DISTINCT FROM _venomqa.shape(relation) FROM _venomqa.tables WHERE number = wanted) THEN
        RETURN false;
    END IF;
    PERFORM _venomqa.make_writer(wanted);
    EXECUTE format('SELECT _venomqa.write_%s($1, $2)', wanted) USING gone, come;
    RETURN true;
EXCEPTION
    -- What has nothing to do with the schema, and may pass.
    WHEN transaction_rollback OR lock_not_available OR insufficient_resources OR operator_intervention OR system_error OR internal_error THEN
        RAISE;
    WHEN OTHERS THEN
        RETURN false;
END $$;

-- Writes into the tables what the marks `down` add and the marks `up` take back. Where the schema may be another now, tells the numbers
-- of the tables that did not take it.
CREATE FUNCTION _venomqa.write(up bigint[], down bigint[], altered bool DEFAULT false, OUT missed int[]) LANGUAGE plpgsql AS $$
DECLARE
    way record;
BEGIN
    FOR way IN
        SELECT net.number,
            array_agg(net.image) FILTER (WHERE net.count < 0) AS gone,
            array_agg(net.image) FILTER (WHERE net.count > 0) AS come
        FROM (
            SELECT number, image, sum(CASE WHEN mark = ANY (down) THEN count ELSE -count END) AS count
            FROM _venomqa.journal WHERE mark = ANY (up || down) GROUP BY number, image
        ) net, generate_series(1, abs(net.count))
        GROUP BY net.number
    LOOP
        IF NOT altered THEN
            {write_table}
        ELSIF NOT _venomqa.try_to_write_table(way.number, way.gone, way.come) THEN
            missed := missed || way.number;
        END IF;
    END LOOP;
END $$;

-- Ends a restore into which somebody wrote: it is worth repeating.
CREATE FUNCTION _venomqa.expect_undisturbed(upto bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF _venomqa.is_busy() OR (SELECT max(mark) FROM _venomqa.journal) > upto THEN
        RAISE serialization_failure USING MESSAGE = 'somebody wrote meanwhile';
    END IF;
END $$;

-- Makes the sequences hold this, given what they hold now. Not undone with the transaction, so it comes last.
CREATE FUNCTION _venomqa.set_sequences(
    positions bigint[], called bool[], wanted_positions bigint[], wanted_called bool[]
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF positions <> wanted_positions OR called <> wanted_called THEN
        PERFORM setval(sequences.relation::regclass, wanted.position, wanted.called)
        FROM unnest(positions, called, wanted_positions, wanted_called) WITH ORDINALITY
            AS wanted (old_position, old_called, position, called, number)
        JOIN _venomqa.sequences ON sequences.number = wanted.number
        WHERE (wanted.old_position, wanted.old_called) <> (wanted.position, wanted.called);
    END IF;
END $$;

-- Goes to another checkpoint: takes back what is `live` and the marks `up`, adds the marks `down`, after which `there` are applied. The
-- marks in `dead` are forgotten. What was live is not, yet: should the answer get lost, it can be asked for. Looks first, and does
-- nothing where that finds a reason not to. A table may have been empty when the plans were made: they go by its key all the same.
CREATE FUNCTION _venomqa.restore(
    was bigint, seen bigint, live bigint[], up bigint[], down bigint[], there bigint[], dead bigint[],
    wanted_positions bigint[], wanted_called bool[],
    OUT upto bigint, OUT busy bool, OUT ddl text, OUT marks bigint[], OUT numbers int[], OUT counts int[], OUT images text[],
    OUT positions bigint[], OUT called bool[]
) LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    SELECT look.upto, look.busy, look.ddl, look.marks, look.numbers, look.counts, look.images, look.positions, look.called
        INTO upto, busy, ddl, marks, numbers, counts, images, positions, called FROM ({quick_look}) look;
    IF busy THEN
        SELECT * INTO upto, busy, ddl, marks, numbers, counts, images, positions, called FROM _venomqa.look(seen);
    END IF;
    IF busy OR ddl IS NOT NULL THEN
        RETURN;
    END IF;
    up := up || live;
    IF marks IS NOT NULL THEN
        up := up || ARRAY(SELECT DISTINCT unnest(marks));
    END IF;
    PERFORM _venomqa.write(up, down);
    PERFORM _venomqa.expect_undisturbed(upto);
    IF dead <> '{}' THEN
        DELETE FROM _venomqa.journal WHERE mark = ANY (dead);
    END IF;
    UPDATE _venomqa.run SET step = was + 1, mark = upto, applied = there WHERE step = was;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'VQ002', MESSAGE = 'the run is at another step';
    END IF;
    PERFORM _venomqa.set_sequences(positions, called, wanted_positions, wanted_called);
END $$;

-- Keeps everybody out of the tables until the transaction ends. Says no where somebody is still writing.
CREATE FUNCTION _venomqa.keep_out() RETURNS bool LANGUAGE plpgsql AS $$
DECLARE
    tables text;
BEGIN
    IF _venomqa.is_busy() THEN
        RETURN false;
    END IF;
    -- Whatever was done to them, by the names that they have now.
    SELECT string_agg(c.oid::regclass::text, ', ') INTO tables FROM _venomqa.tables JOIN pg_class c ON c.oid = relation
        WHERE has_schema_privilege(c.relnamespace, 'USAGE') AND has_table_privilege(c.oid, 'DELETE');
    IF tables IS NOT NULL THEN
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', tables);
    END IF;
    RETURN true;
END $$;

-- Returns to the root from wherever the run is, as far as the schema of now allows. Nobody else may write meanwhile.
CREATE FUNCTION _venomqa.to_root(OUT ddl text, OUT missed text) LANGUAGE plpgsql AS $$
DECLARE
    unwritten int[];
    one record;
BEGIN
    ddl := (SELECT statement FROM _venomqa.schema_change);
    unwritten := _venomqa.write(
        ARRAY(SELECT DISTINCT journal.mark FROM _venomqa.journal, _venomqa.run WHERE journal.mark > run.mark OR journal.mark = ANY (applied)),
        '{}', ddl IS NOT NULL
    );
    SELECT string_agg(format('`%s`', name), ', ' ORDER BY name) INTO missed FROM _venomqa.tables
        WHERE number = ANY (unwritten) OR EXISTS (SELECT FROM unnest(relations) part WHERE part NOT IN (SELECT oid FROM pg_class));
    -- Not undone with the transaction, so they come last.
    FOR one IN
        SELECT relation::regclass AS name, position, called FROM _venomqa.sequences JOIN pg_sequence ON seqrelid = relation
        WHERE position BETWEEN seqmin AND seqmax ORDER BY number
    LOOP
        EXECUTE format('SELECT setval($1, $2, $3) FROM %s WHERE (last_value, is_called) <> ($2, $3)', one.name)
            USING one.name, one.position, one.called;
    END LOOP;
END $$;

-- The columns of a table, as far as its rows as text depend on them.
CREATE FUNCTION _venomqa.shape(relation oid) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    RETURN (
        SELECT coalesce(string_agg(format('%I %s %s', attname, format_type(atttypid, atttypmod), attgenerated), ', ' ORDER BY attnum), '')
        FROM pg_attribute WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped
    );
END $$;
