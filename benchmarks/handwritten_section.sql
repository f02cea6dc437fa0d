-- The answer to section.graphql without a cursor, by hand. $1 is the patient.
with page as materialized (
  select l.id as row_id, access.node_id('labs', l.patient_id, l.id) as id, l.occurred, l.display, l.value, l.unit,
         row_number() over (order by l.occurred desc nulls last, l.id desc) as place
    from book.labs l where l.patient_id = $1::uuid and l.shown
   order by l.occurred desc nulls last, l.id desc limit 21)
select json_build_object('healthRecord', json_build_object('labs', json_build_object(
  'nodes', (select coalesce(json_agg(json_build_object(
              'id', id, 'occurred', occurred, 'display', display, 'value', value, 'unit', unit) order by place), '[]')
              from page where place <= 20),
  'pageInfo', json_build_object('hasNextPage', exists (select from page where place = 21),
              'endCursor', (select occurred || '|' || row_id from page where place <= 20 order by place desc limit 1)))));
