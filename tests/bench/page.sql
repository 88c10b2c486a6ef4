WITH page AS (
  SELECT id, slug, name, name_key, row_number() OVER (ORDER BY name_key, id) AS place FROM community
  WHERE archived_at IS NULL AND (name_key, id) >
    ('community ' || lpad(:n::text, 6, '0'), ('01920002-0000-7000-8000-' || lpad(to_hex(:n::bigint), 12, '0'))::uuid)
  ORDER BY name_key, id LIMIT 51
)
SELECT json_build_object('communities', json_build_object(
  'nodes', (
    SELECT json_agg(json_build_object(
      'slug', p.slug,
      'name', json_build_object('text', p.name -> 'texts' ->> 'en'),
      'initiatives', json_build_object('nodes', i.list),
      'latestValues', v.list) ORDER BY p.place)
    FROM page p
    CROSS JOIN LATERAL (
      SELECT json_agg(json_build_object('slug', t.slug, 'title', json_build_object('text', t.title -> 'texts' ->> 'en'), 'status', t.status)
        ORDER BY t.name_key, t.id) AS list
      FROM (SELECT t.id, t.slug, t.title, t.status, t.name_key FROM initiative_community l JOIN initiative t ON t.id = l.initiative_id
        WHERE l.community_id = p.id AND t.archived_at IS NULL ORDER BY t.name_key, t.id LIMIT 3) AS t) AS i
    CROSS JOIN LATERAL (
      SELECT json_agg(json_build_object('value', l.value, 'period', to_char(l.period_start, 'YYYY'), 'indicator', json_build_object('code', x.code))
        ORDER BY x.code) AS list
      FROM indicator x JOIN latest_observation l ON l.community_id = p.id AND l.indicator_id = x.id
      WHERE x.code IN ('i000001', 'i000002', 'i000003', 'i000004', 'i000005') AND l.disaggregation = '' AND l.confidentiality = 'F') AS v
    WHERE p.place <= 50),
  'pageInfo', json_build_object('hasNextPage', (SELECT count(*) > 50 FROM page))));
