-- What the rivals have in the database of the registry, beside its own tables.
CREATE SCHEMA rivals;

CREATE FUNCTION rivals.tokens_now(b check_budget, c client) RETURNS double precision LANGUAGE sql STABLE
RETURN least(c.check_capacity, b.tokens + extract(epoch FROM now() - b.refilled_at) * c.check_refill);

-- A registrant and its seat, in one transaction: the unique index judges the NIK, the quota the seat. Without a seat it
-- fails, and nothing is written.
-- With a client: a check is taken off its budget, and who named the NIK is written down.
CREATE FUNCTION rivals.submit(
    route uuid, nik_index bytea, nik_sealed bytea, name_sealed bytea, document text, reference text, client text,
    OUT id uuid, OUT refusal text
) LANGUAGE plpgsql AS $$
BEGIN
    IF client IS NOT NULL THEN
        UPDATE check_budget b SET refilled_at = now(), tokens = rivals.tokens_now(b, c) - 1
        FROM client c WHERE c.id = b.client_id AND c.id = submit.client AND c.revoked_at IS NULL
          AND rivals.tokens_now(b, c) >= 1;
        IF NOT FOUND THEN
            refusal := 'TOO_MANY_CHECKS';
            RETURN;
        END IF;
    END IF;
    INSERT INTO registrant (id, season, organizer_code, route_id, direction, service, status, nik_index, nik_sealed,
                            name_sealed, identity_document, reference, registered_at, arrived_at)
    SELECT uuidv7(), r.season, r.organizer_code, r.id, r.direction, r.service, 'REGISTERED', submit.nik_index,
           submit.nik_sealed, submit.name_sealed, submit.document, submit.reference, now(), now()
    FROM route r WHERE r.id = submit.route
    ON CONFLICT DO NOTHING RETURNING registrant.id INTO submit.id;
    IF client IS NOT NULL THEN
        INSERT INTO nik_access (at, client_id, organizer_code, nik_index, purpose, outcome)
        SELECT now(), c.id, c.organizer_code, submit.nik_index, 'SUBMISSION',
               CASE WHEN submit.id IS NULL THEN 'REGISTERED' ELSE 'AVAILABLE' END
        FROM client c WHERE c.id = submit.client;
    END IF;
    IF submit.id IS NULL THEN
        refusal := 'ALREADY_REGISTERED';
    ELSE
        -- The hot row comes last: it is locked for as short as can be.
        UPDATE route SET taken = taken + 1 WHERE route.id = submit.route AND (quota IS NULL OR taken < quota);
        IF NOT FOUND THEN
            RAISE EXCEPTION 'QUOTA_FULL' USING ERRCODE = 'QF000';
        END IF;
    END IF;
END $$;

-- What PostGraphile shows.
CREATE SCHEMA rivals_api;

CREATE TYPE rivals_api.standing AS (organizer text, status text, registered_at timestamptz);
CREATE TYPE rivals_api.submission AS (registrant_id uuid, refusal text);

-- HMAC-SHA-256 by what PostgreSQL has: the bench puts in the key, XORed with the inner and the outer pad.
CREATE FUNCTION rivals.blind_index(nik text) RETURNS bytea LANGUAGE sql IMMUTABLE
RETURN sha256('\x{outer}'::bytea || sha256('\x{inner}'::bytea || convert_to('pemudik:nik:1:' || nik, 'UTF8')));

CREATE FUNCTION rivals_api.check_nik(nik text) RETURNS rivals_api.standing LANGUAGE sql STABLE AS $$
    SELECT organizer_code, status, registered_at FROM registrant
    WHERE season = 2026 AND nik_index = rivals.blind_index(nik) AND direction = 'MUDIK' AND service = 'PASSENGER'
      AND status IN ('REGISTERED', 'VERIFIED', 'DEPARTED', 'NO_SHOW')
$$;

-- NIK and name are stored as they are: PostgreSQL cannot seal them.
CREATE FUNCTION rivals_api.submit_registrant(
    route_id uuid, nik text, name text, identity_document text, reference text
) RETURNS rivals_api.submission LANGUAGE sql VOLATILE AS $$
    SELECT * FROM rivals.submit(route_id, rivals.blind_index(nik), convert_to(nik, 'UTF8'), convert_to(name, 'UTF8'),
                                identity_document, reference, NULL)
$$;
