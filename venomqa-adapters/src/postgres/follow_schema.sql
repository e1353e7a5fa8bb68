-- Records every change of the schema by the statement that made it. Tables of single sessions are nobody else's business.

CREATE FUNCTION _venomqa.schema_changed() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    changes bool;
BEGIN
    IF TG_EVENT = 'sql_drop' THEN
        changes := EXISTS (SELECT FROM pg_event_trigger_dropped_objects() WHERE original AND NOT is_temporary);
    ELSE
        changes := EXISTS (SELECT FROM pg_event_trigger_ddl_commands() WHERE schema_name IS DISTINCT FROM 'pg_temp');
    END IF;
    IF changes THEN
        PERFORM _venomqa.cannot_undo();
    END IF;
END $$;

CREATE EVENT TRIGGER _venomqa_ddl ON ddl_command_end EXECUTE FUNCTION _venomqa.schema_changed();
CREATE EVENT TRIGGER _venomqa_drop ON sql_drop EXECUTE FUNCTION _venomqa.schema_changed();

-- The first change of the schema, if there is one.
CREATE VIEW _venomqa.schema_change AS SELECT statement FROM _venomqa.irreversible ORDER BY number LIMIT 1;
