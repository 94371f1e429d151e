-- The tables of ticket counters, version 1. What they promise, whoever writes to them:
--
-- * `NoOversell`: no count falls below zero, and no ticket number is given out twice;
-- * `Conservation`: what is left, held and sold is what was put on sale;
-- * revisions go 1, 2, 3, … without gaps, and what was written is never changed;
-- * what stands on a counter follows from its records: nobody can write it.

CREATE SCHEMA ticket_counter;

CREATE TABLE ticket_counter.migration (
    version integer PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE ticket_counter.counter (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE,
    -- The version of the lines of its records.
    format integer NOT NULL,
    key bytea NOT NULL CHECK (octet_length(key) = 32),
    revision bigint NOT NULL CHECK (revision BETWEEN 0 AND 9007199254740991),
    at_ms bigint NOT NULL CHECK (at_ms BETWEEN 0 AND 9007199254740991),
    -- Of the last line, which the next one goes on from.
    checksum bigint NOT NULL CHECK (checksum BETWEEN 0 AND 4294967295),
    count bigint NOT NULL CHECK (count BETWEEN 0 AND 9007199254740991),
    held bigint NOT NULL CHECK (held >= 0),
    -- The ticket numbers given out; it never falls.
    sold bigint NOT NULL CHECK (sold BETWEEN 0 AND 9007199254740991),
    refunded bigint NOT NULL CHECK (refunded >= 0),
    admitted bigint NOT NULL CHECK (admitted >= 0),
    capacity bigint NOT NULL,
    -- The revision of the last snapshot.
    kept bigint NOT NULL,
    -- Counts the commits of nothing by which a server learns that what it saw has reached the standby.
    fence bigint NOT NULL DEFAULT 0,
    CONSTRAINT has_room_for_what_comes_back CHECK (count + held <= 9007199254740991),
    CONSTRAINT conservation CHECK (count + held + sold = capacity + refunded),
    CONSTRAINT refunds_and_admissions_are_of_sales CHECK (refunded + admitted <= sold)
);

CREATE TABLE ticket_counter.record (
    counter bigint NOT NULL REFERENCES ticket_counter.counter ON DELETE CASCADE,
    revision bigint NOT NULL CHECK (revision > 0),
    -- The process that appended it, by a number drawn at random.
    writer bigint NOT NULL,
    -- `crc32c json`, as in the segments of a ledger in files, without the newline.
    line text NOT NULL CHECK (line ~ '^[0-9a-f]{8} [{]'),
    PRIMARY KEY (counter, revision)
);

-- What a counter had come to, so that a start need not read all records. The parts come first: a snapshot that
-- is named here is whole.
CREATE TABLE ticket_counter.snapshot (
    counter bigint NOT NULL REFERENCES ticket_counter.counter ON DELETE CASCADE,
    revision bigint NOT NULL,
    writer bigint NOT NULL,
    base text NOT NULL,
    PRIMARY KEY (counter, revision)
);

CREATE TABLE ticket_counter.snapshot_part (
    counter bigint NOT NULL REFERENCES ticket_counter.counter ON DELETE CASCADE,
    revision bigint NOT NULL,
    writer bigint NOT NULL,
    part bigint NOT NULL,
    bytes bytea NOT NULL,
    PRIMARY KEY (counter, revision, writer, part)
);

-- Folds the records that one statement has added into what stands on their counter, or refuses them all.
CREATE FUNCTION ticket_counter.fold() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    head ticket_counter.counter;
    after record;
BEGIN
    SELECT counter.* INTO head FROM ticket_counter.counter
        WHERE id = (SELECT min(added.counter) FROM added) FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL; -- nothing was added
    END IF;
    -- Materialized, each: what is inlined is computed anew wherever it is named.
    WITH parsed AS MATERIALIZED (
        SELECT added.counter, added.revision, left(added.line, 8) AS checksum, substr(added.line, 10)::jsonb AS line
        FROM added
    ), named AS MATERIALIZED (
        SELECT counter, revision, checksum, (line ->> 'revision')::bigint AS line_revision,
            (line ->> 'count')::bigint AS count, (line ->> 'at_ms')::bigint AS at_ms, kind, line -> kind AS change
        FROM parsed CROSS JOIN LATERAL (SELECT CASE
            WHEN line ? 'sold' THEN 'sold' WHEN line ? 'refused' THEN 'refused' WHEN line ? 'held' THEN 'held'
            WHEN line ? 'released' THEN 'released' WHEN line ? 'lapsed' THEN 'lapsed'
            WHEN line ? 'refunded' THEN 'refunded' WHEN line ? 'admitted' THEN 'admitted'
            WHEN line ? 'restocked' THEN 'restocked' WHEN line ? 'sale' THEN 'sale'
            WHEN line ? 'adjusted' THEN 'adjusted' WHEN line ? 'restored' THEN 'restored'
        END AS kind) AS its
    ), sized AS MATERIALIZED (
        SELECT counter, revision, checksum, line_revision, count, at_ms,
            CASE WHEN kind = 'sold' AND change ? 'hold' THEN 'confirmed' ELSE kind END AS kind,
            kind IN ('adjusted', 'restored') AS is_outside,
            (change ->> 'quantity')::bigint AS quantity,
            (change ->> 'ticket')::bigint AS ticket,
            -- The numbers given out by then, where somebody outside changed the count.
            (change ->> 'sold')::bigint - head.sold AS sold_outside
        FROM named
    ), changed AS MATERIALIZED (
        SELECT *,
            row_number() OVER in_order AS nth,
            lag(at_ms, 1, head.at_ms) OVER in_order AS at_ms_before,
            lag(count, 1, head.count) OVER in_order AS count_before,
            CASE WHEN is_outside THEN sold_outside
                WHEN kind IN ('sold', 'confirmed') THEN quantity ELSE 0 END AS d_sold,
            CASE WHEN kind = 'held' THEN quantity
                WHEN kind IN ('confirmed', 'released', 'lapsed') THEN -quantity ELSE 0 END AS d_held
        FROM sized WINDOW in_order AS (ORDER BY revision)
    ), folded AS MATERIALIZED (
        SELECT *, head.sold + sum(d_sold) OVER (ORDER BY revision) AS sold_after,
            CASE WHEN is_outside THEN d_sold + count - count_before
                WHEN kind = 'restocked' THEN quantity ELSE 0 END AS d_capacity,
            (counter = head.id
                AND revision = head.revision + nth AND line_revision = revision
                AND kind IS NOT NULL AND (kind IN ('sale', 'adjusted', 'restored') OR quantity > 0)
                AND (NOT is_outside OR nth = 1 AND sold_outside >= 0)
                AND at_ms >= at_ms_before
                AND count >= 0 AND (is_outside OR count = count_before + CASE
                    WHEN kind IN ('sold', 'held') THEN -quantity
                    WHEN kind IN ('released', 'lapsed', 'refunded', 'restocked') THEN quantity ELSE 0 END)
            ) IS TRUE AS follows
        FROM changed
    )
    SELECT
        max(revision) AS revision, max(at_ms) AS at_ms,
        (array_agg(checksum ORDER BY revision DESC))[1] AS checksum,
        (array_agg(count ORDER BY revision DESC))[1] AS count,
        head.sold + sum(d_sold) AS sold,
        head.held + sum(d_held) AS held,
        head.refunded + coalesce(sum(quantity) FILTER (WHERE kind = 'refunded'), 0) AS refunded,
        head.admitted + coalesce(sum(quantity) FILTER (WHERE kind = 'admitted'), 0) AS admitted,
        head.capacity + sum(d_capacity) AS capacity,
        min(revision) FILTER (WHERE NOT follows
            OR kind IN ('sold', 'confirmed') AND ticket IS DISTINCT FROM sold_after - quantity + 1) AS wrong
        INTO after FROM folded;
    IF after.wrong IS NOT NULL THEN
        RAISE EXCEPTION 'record % of ticket counter "%" does not follow from the record before it', after.wrong, head.name
            USING ERRCODE = 'check_violation';
    END IF;
    UPDATE ticket_counter.counter SET
        revision = after.revision, at_ms = after.at_ms,
        checksum = ('x' || after.checksum)::bit(32)::bigint,
        count = after.count, held = after.held, sold = after.sold, refunded = after.refunded,
        admitted = after.admitted, capacity = after.capacity
        WHERE id = head.id;
    RETURN NULL;
END $$;

CREATE TRIGGER fold AFTER INSERT ON ticket_counter.record
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ticket_counter.fold();

-- What stands on a counter is written by the trigger above, and by nobody else.
CREATE FUNCTION ticket_counter.refuse_to_write_the_head() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 2 THEN
        RAISE EXCEPTION 'what stands on ticket counter "%" follows from its records, and cannot be written', OLD.name
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER refuse_to_write_the_head BEFORE UPDATE ON ticket_counter.counter FOR EACH ROW
    WHEN ((OLD.id, OLD.key, OLD.revision, OLD.at_ms, OLD.checksum, OLD.count, OLD.held, OLD.sold, OLD.refunded,
            OLD.admitted, OLD.capacity)
        IS DISTINCT FROM
        (NEW.id, NEW.key, NEW.revision, NEW.at_ms, NEW.checksum, NEW.count, NEW.held, NEW.sold, NEW.refunded,
            NEW.admitted, NEW.capacity))
    EXECUTE FUNCTION ticket_counter.refuse_to_write_the_head();

-- What was written stays, for as long as its counter is there.
CREATE FUNCTION ticket_counter.refuse_to_change_the_past() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_LEVEL = 'ROW' AND NOT EXISTS (SELECT FROM ticket_counter.counter WHERE id = OLD.counter) THEN
        RETURN OLD;
    END IF;
    RAISE EXCEPTION 'the records of a ticket counter cannot be changed' USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER refuse_to_update BEFORE UPDATE ON ticket_counter.record
    FOR EACH STATEMENT EXECUTE FUNCTION ticket_counter.refuse_to_change_the_past();
CREATE TRIGGER refuse_to_truncate BEFORE TRUNCATE ON ticket_counter.record
    FOR EACH STATEMENT EXECUTE FUNCTION ticket_counter.refuse_to_change_the_past();
CREATE TRIGGER refuse_to_delete BEFORE DELETE ON ticket_counter.record
    FOR EACH ROW EXECUTE FUNCTION ticket_counter.refuse_to_change_the_past();
