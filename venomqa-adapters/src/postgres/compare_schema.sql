-- Finds changes of the schema without the server's help: compares what the catalogs say with what they said at the root.

CREATE TABLE _venomqa.objects (class oid, object oid, state text NOT NULL, description text NOT NULL, PRIMARY KEY (class, object));

-- Every object that belongs to the schema, with what tells one state of it from another. An entry of a catalog is written anew
-- when it changes, and then has another xmin; one of a table is written for other reasons too.
CREATE FUNCTION _venomqa.objects_now() RETURNS TABLE (class oid, object oid, state text) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY
    WITH relations AS (
        SELECT c.* FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.oid >= 16384 AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> '_venomqa'
    )
    SELECT 'pg_class'::regclass::oid, c.oid, concat_ws(' ', c.relname, c.relnamespace, c.relowner, c.relkind, c.relpersistence,
            c.relrowsecurity, c.relforcerowsecurity, c.relispartition, c.relacl, c.reloptions, a.columns, s.xmin,
            -- Another file is what a materialized view gets when it is refreshed.
            CASE c.relkind WHEN 'm' THEN c.relfilenode END)
        FROM relations c LEFT JOIN pg_sequence s ON s.seqrelid = c.oid
        LEFT JOIN (SELECT attrelid, concat(count(*), ' ', sum(xmin::text::bigint)) AS columns FROM pg_attribute GROUP BY attrelid) a
            ON a.attrelid = c.oid
    UNION ALL SELECT 'pg_attrdef'::regclass, d.oid, d.xmin::text FROM pg_attrdef d JOIN relations c ON c.oid = d.adrelid
    UNION ALL SELECT 'pg_constraint'::regclass, k.oid, k.xmin::text FROM pg_constraint k LEFT JOIN relations c ON c.oid = k.conrelid
        WHERE c.oid IS NOT NULL OR k.oid >= 16384 AND k.contypid <> 0
    UNION ALL SELECT 'pg_trigger'::regclass, t.oid, t.xmin::text FROM pg_trigger t JOIN relations c ON c.oid = t.tgrelid
    UNION ALL SELECT 'pg_rewrite'::regclass, r.oid, r.xmin::text FROM pg_rewrite r JOIN relations c ON c.oid = r.ev_class
    UNION ALL SELECT 'pg_policy'::regclass, p.oid, p.xmin::text FROM pg_policy p
    UNION ALL SELECT 'pg_type'::regclass, t.oid, concat_ws(' ', t.xmin, e.labels) FROM pg_type t
        LEFT JOIN (SELECT enumtypid, concat(count(*), ' ', sum(xmin::text::bigint)) AS labels FROM pg_enum GROUP BY enumtypid) e
            ON e.enumtypid = t.oid
        WHERE t.oid >= 16384 AND t.typrelid = 0 AND t.typelem = 0 AND t.typnamespace <> '_venomqa'::regnamespace
    UNION ALL SELECT 'pg_proc'::regclass, p.oid, p.xmin::text FROM pg_proc p
        WHERE p.oid >= 16384 AND p.pronamespace <> '_venomqa'::regnamespace
    UNION ALL SELECT 'pg_namespace'::regclass, n.oid, n.xmin::text FROM pg_namespace n
        WHERE n.oid >= 16384 AND n.nspname NOT LIKE 'pg\_%' AND n.nspname <> '_venomqa';
END $$;

-- The first change of the schema, if there is one.
CREATE VIEW _venomqa.schema_change AS SELECT coalesce(
    (SELECT statement FROM _venomqa.irreversible ORDER BY number LIMIT 1),
    (
        SELECT CASE
            WHEN before.object IS NULL THEN coalesce(pg_describe_object(now.class, now.object, 0), 'something') || ' created'
            WHEN now.object IS NULL THEN before.description || ' dropped'
            ELSE before.description || ' changed'
        END
        FROM _venomqa.objects_now() now FULL JOIN _venomqa.objects before USING (class, object)
        WHERE now.state IS DISTINCT FROM before.state ORDER BY class, object LIMIT 1
    )
) AS statement;

INSERT INTO _venomqa.objects
    SELECT class, object, state, coalesce(pg_describe_object(class, object, 0), 'something') FROM _venomqa.objects_now();
