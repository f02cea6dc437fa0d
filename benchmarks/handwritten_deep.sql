-- The answer to section.graphql from a cursor on, by hand. $1 is the patient, $2 the place of an item that has a date.
with page as materialized (
  select l.id as row_id, access.node_id('labs', l.patient_id, l.id) as id, l.occurred, l.display, l.value, l.unit,
         row_number() over (order by l.occurred desc nulls last, l.id desc) as place
    from book.labs l where l.patient_id = $1::uuid and l.shown
     and (l.occurred, l.id) < (split_part($2::text, '|', 1), split_part($2::text, '|', 2)::uuid)
   order by l.occurred desc nulls last, l.id desc limit 21)
select json_build_object('healthRecord', json_build_object('labs', json_build_object(
  'nodes', (select coalesce(json_agg(json_build_object(
              'id', id, 'occurred', occurred, 'display', display, 'value', value, 'unit', unit) order by place), '[]')
              from page where place <= 20),
  'pageInfo', json_build_object('hasNextPage', exists (select from page where place = 21),
              'endCursor', (select occurred || '|' || row_id from page where place <= 20 order by place desc limit 1)))));
