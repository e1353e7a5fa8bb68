-- What came and went under the marks after `$1`, and with `$2` what the sequences hold, where certainly nobody is writing. Else it says
-- busy, which `_venomqa.look` is to confirm. Where it does not, the next transaction would have got the number `next_xid`. Only for the
-- first statement of a transaction.
--
-- The statement sees what was committed before it began. It takes the next mark after that, and then sees whether the server is calm: had
-- somebody got the number of a transaction since it began, it would not be. OFFSET 0 keeps this order.
SELECT now.upto, now.busy, now.ddl, found.marks, found.numbers, found.counts, found.images, sequences.positions, sequences.called,
    pg_snapshot_xmax(pg_current_snapshot())::text AS next_xid
FROM (
        SELECT calm.upto, calm.busy, CASE WHEN NOT calm.busy THEN (SELECT statement FROM _venomqa.schema_change) END AS ddl
        FROM (
            SELECT fence.upto, CASE WHEN fence.upto IS NOT NULL THEN NOT _venomqa.is_calm() END AS busy
            FROM (SELECT nextval('_venomqa.mark') - 1 AS upto) fence OFFSET 0
        ) calm OFFSET 0
    ) now
    CROSS JOIN LATERAL (
        SELECT array_agg(mark) AS marks, array_agg(number) AS numbers, array_agg(count) AS counts, array_agg(image) AS images
        FROM _venomqa.journal WHERE NOT now.busy AND now.ddl IS NULL AND mark > $1 AND mark <= now.upto
    ) found
    LEFT JOIN LATERAL (
        SELECT held.positions, held.called FROM _venomqa.positions() held WHERE $2 AND NOT now.busy AND now.ddl IS NULL OFFSET 0
    ) sequences ON true
