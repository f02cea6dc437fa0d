-- The answer to sync.graphql by hand, for a phone that has had everything at revision $2 (none: nothing). $1 is the patient.
select json_build_object('changes', json_build_object(
  'purged', '[]'::json, 'hasMore', false,
  'cursor', (select p.revision::text from book.patient p where p.patient_id = $1::uuid),
  'labs', json_build_object('removed', (select coalesce(json_agg(access.node_id('labs', r.patient_id, r.item_id)), '[]')
      from book.removal r where r.patient_id = $1 and r.section = 'labs' and r.revision > $2::text::bigint),
    'items', (select coalesce(json_agg(json_build_object('id', access.node_id('labs', i.patient_id, i.id), 'occurred', i.occurred,
                'display', i.display, 'value', i.value)), '[]')
      from book.labs i where i.patient_id = $1 and i.shown and i.revision > $2::text::bigint)),
  'encounters', json_build_object('removed', (select coalesce(json_agg(access.node_id('encounters', r.patient_id, r.item_id)), '[]')
      from book.removal r where r.patient_id = $1 and r.section = 'encounters' and r.revision > $2::text::bigint),
    'items', (select coalesce(json_agg(json_build_object('id', access.node_id('encounters', i.patient_id, i.id), 'occurred', i.occurred)), '[]')
      from book.encounters i where i.patient_id = $1 and i.shown and i.revision > $2::text::bigint)),
  'prescriptions', json_build_object('removed', (select coalesce(json_agg(access.node_id('prescriptions', r.patient_id, r.item_id)), '[]')
      from book.removal r where r.patient_id = $1 and r.section = 'prescriptions' and r.revision > $2::text::bigint),
    'items', (select coalesce(json_agg(json_build_object('id', access.node_id('prescriptions', i.patient_id, i.id), 'occurred', i.occurred,
                'items', (select coalesce(json_agg(json_build_object('drug', d.drug) order by d.position), '[]')
                   from book.prescription_items d where d.patient_id = $1 and d.prescription_id = i.id))), '[]')
      from book.prescriptions i where i.patient_id = $1 and i.shown and i.revision > $2::text::bigint)),
  'vitals', json_build_object('removed', (select coalesce(json_agg(access.node_id('vitals', r.patient_id, r.item_id)), '[]')
      from book.removal r where r.patient_id = $1 and r.section = 'vitals' and r.revision > $2::text::bigint),
    'items', (select coalesce(json_agg(json_build_object('id', access.node_id('vitals', i.patient_id, i.id), 'value', i.value)), '[]')
      from book.vitals i where i.patient_id = $1 and i.shown and i.revision > $2::text::bigint))));
