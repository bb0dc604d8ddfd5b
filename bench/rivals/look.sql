-- Who holds a NIK: $1 is its blind index.
SELECT organizer_code, status, registered_at FROM registrant
WHERE season = 2026 AND nik_index = $1 AND direction = 'MUDIK' AND service = 'PASSENGER'
  AND status IN ('REGISTERED', 'VERIFIED', 'DEPARTED', 'NO_SHOW')
