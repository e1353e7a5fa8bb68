-- Whether certainly nobody on the whole server has begun to write since `$1` was the number that the next transaction would get, and what
-- the sequences hold. Only for the first statement of a transaction.
SELECT _venomqa.is_calm() AND pg_snapshot_xmax(pg_current_snapshot()) = $1::xid8 AS still, positions, called FROM _venomqa.positions()
