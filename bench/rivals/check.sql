-- Takes a check off the budget of client $2, looks who holds the NIK whose blind index is $1, and writes down who looked.
-- No row: the budget is used up.
WITH taken AS (
    UPDATE check_budget b SET refilled_at = now(), tokens = rivals.tokens_now(b, c) - 1
    FROM client c WHERE c.id = b.client_id AND c.id = $2 AND c.revoked_at IS NULL AND rivals.tokens_now(b, c) >= 1
    RETURNING c.id, c.organizer_code
), found AS (
    SELECT organizer_code, status, registered_at FROM registrant
    WHERE season = 2026 AND nik_index = $1 AND direction = 'MUDIK' AND service = 'PASSENGER'
      AND status IN ('REGISTERED', 'VERIFIED', 'DEPARTED', 'NO_SHOW')
), looked AS (
    INSERT INTO nik_access (at, client_id, organizer_code, nik_index, purpose, outcome)
    SELECT now(), id, organizer_code, $1, 'CHECK',
           CASE WHEN EXISTS (SELECT FROM found) THEN 'REGISTERED' ELSE 'AVAILABLE' END FROM taken
)
SELECT found.organizer_code, found.status, found.registered_at FROM taken LEFT JOIN found ON true
