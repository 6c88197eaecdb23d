-- name: extents_in
-- Zones whose references are known, with what bounds them, that meet an area by cell, height and time.
SELECT z.zone_id, z.party_id, z.body FROM zone_meeting($1) m JOIN zone z USING (zone_id)
WHERE z.is_elsewhere ORDER BY z.start_ms, z.zone_id LIMIT $2

-- name: all_extents
-- All zones whose references are known, with what bounds them.
SELECT z.zone_id, z.party_id, z.body FROM zone z WHERE z.is_elsewhere ORDER BY z.start_ms, z.zone_id LIMIT $1
