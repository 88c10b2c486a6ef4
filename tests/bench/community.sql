SELECT slug, name, kind, country, subdivision, latitude, longitude, populations FROM community
WHERE id = ('01920002-0000-7000-8000-' || lpad(to_hex(:n::bigint), 12, '0'))::uuid;
