-- name: host
-- Publish, change or withdraw a zone that is hosted here; see the migration for the answers.
SELECT * FROM zone_host($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)

-- name: seed_locks
-- Make the rows that a write locks, where they are missing; in key order, as they are locked.
INSERT INTO plan_cell_lock (parent) SELECT u FROM unnest($1::bigint[]) AS u ORDER BY u ON CONFLICT DO NOTHING

-- name: find
-- One zone by its id, with what its manager elsewhere told of it as it stands.
SELECT z.zone_id, z.party_id, z.version, z.ovn, z.start_ms, z.end_ms, z.changed_ms, z.source, z.body, z.is_elsewhere, d.body AS told
FROM zone z LEFT JOIN peer_details d ON z.is_elsewhere AND d.kind = 'zone' AND d.subject_id = z.zone_id AND d.ovn = z.ovn
WHERE z.zone_id = $1

-- name: changed
-- Zones by their ids, as they stand; the bodies of those that are too large for an event are left out.
SELECT z.zone_id, z.party_id, z.version, z.ovn, z.start_ms, z.end_ms, z.changed_ms, z.source,
       CASE WHEN octet_length(z.body) <= $2 THEN z.body END AS body, z.is_elsewhere,
       CASE WHEN octet_length(d.body) <= $2 THEN d.body END AS told
FROM zone z LEFT JOIN peer_details d ON z.is_elsewhere AND d.kind = 'zone' AND d.subject_id = z.zone_id AND d.ovn = z.ovn
WHERE z.zone_id = ANY ($1)

-- name: page
-- One page of zones by party, source and time, ordered by id.
SELECT z.zone_id, z.party_id, z.version, z.ovn, z.start_ms, z.end_ms, z.changed_ms, z.source, z.body, z.is_elsewhere, d.body AS told
FROM zone z LEFT JOIN peer_details d ON z.is_elsewhere AND d.kind = 'zone' AND d.subject_id = z.zone_id AND d.ovn = z.ovn
WHERE ($1::text IS NULL OR z.party_id = $1) AND ($2::text IS NULL OR z.source = $2)
  AND ($3::bigint IS NULL OR z.end_ms > $3) AND ($4::bigint IS NULL OR z.start_ms < $4)
  AND z.zone_id > $5
ORDER BY z.zone_id LIMIT $6

-- name: page_in_area
-- The same among the zones whose index rows meet an area.
SELECT z.zone_id, z.party_id, z.version, z.ovn, z.start_ms, z.end_ms, z.changed_ms, z.source, z.body, z.is_elsewhere, d.body AS told
FROM zone_meeting($7) m JOIN zone z USING (zone_id)
LEFT JOIN peer_details d ON z.is_elsewhere AND d.kind = 'zone' AND d.subject_id = z.zone_id AND d.ovn = z.ovn
WHERE ($1::text IS NULL OR z.party_id = $1) AND ($2::text IS NULL OR z.source = $2)
  AND ($3::bigint IS NULL OR z.end_ms > $3) AND ($4::bigint IS NULL OR z.start_ms < $4)
  AND z.zone_id > $5
ORDER BY z.zone_id LIMIT $6

-- name: near
-- Zones whose index rows meet those asked about, without their bodies; of those that may close the air, or all.
SELECT z.zone_id, z.ovn, z.party_id, z.is_elsewhere, z.uss_base_url, z.is_elsewhere AND party_is_down(z.party_id) AS is_down
FROM zone_meeting($1) m JOIN zone z USING (zone_id)
WHERE NOT $3 OR z.restriction IS NULL OR z.restriction = 'prohibited'
ORDER BY z.zone_id LIMIT $2

-- name: bodies
-- The bodies of zones at just these versions.
SELECT z.zone_id, z.ovn, z.body
FROM zone z JOIN unnest($1::uuid[], $2::text[]) AS w (id, ovn) ON w.id = z.zone_id AND w.ovn = z.ovn

