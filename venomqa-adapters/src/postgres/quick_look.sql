-- What came and went under the marks after `$1`, and with `$2` what the sequences hold, where certainly nobody is writing. Else it says
-- busy, which `_venomqa.look` is to confirm. Only for the first statement of a transaction.
--
-- It sees what was committed before it took the next mark: had somebody got the number of a transaction since, it would not find the
-- server calm.
SELECT fence.upto, CASE WHEN fence.upto IS NOT NULL THEN NOT _venomqa.is_calm() END AS busy,
    (SELECT statement FROM _venomqa.schema_change) AS ddl,
    found.marks, found.numbers, found.counts, found.images, sequences.positions, sequences.called
FROM (SELECT nextval('_venomqa.mark') - 1 AS upto) fence
    CROSS JOIN LATERAL (
        SELECT array_agg(mark) AS marks, array_agg(number) AS numbers, array_agg(count) AS counts, array_agg(image) AS images
        FROM _venomqa.journal WHERE mark > $1 AND mark <= fence.upto
    ) found
    LEFT JOIN LATERAL (SELECT now.positions, now.called FROM _venomqa.positions() now WHERE $2) sequences ON true
