-- The answer to home.graphql by hand. $1 is the patient.
select json_build_object('healthRecord', row_to_json(r)) from (select
  (select row_to_json(x) from (
    select d.name, d.birth_date as "birthDate", d.sex, d.blood_group as "bloodGroup"
      from book.demographics d where d.patient_id = $1::uuid and d.shown
     order by d.occurred desc nulls last, d.id desc limit 1) x) as demographics,
  (select json_build_object('nodes', coalesce(json_agg(row_to_json(x)), '[]')) from (
    select access.node_id('follow_ups', f.patient_id, f.id) as id, f.occurred, f.kind, f.status, f.title, f.facility
      from book.follow_ups f where f.patient_id = $1 and f.shown
     order by f.occurred desc nulls last, f.id desc limit 2) x) as "followUps",
  (select json_build_object('nodes', coalesce(json_agg(row_to_json(x)), '[]')) from (
    select access.node_id('labs', l.patient_id, l.id) as id, l.occurred, l.display, l.value, l.unit, l.interpretation
      from book.labs l where l.patient_id = $1 and l.shown
     order by l.occurred desc nulls last, l.id desc limit 3) x) as labs,
  (select json_build_object('nodes', coalesce(json_agg(row_to_json(x)), '[]')) from (
    select access.node_id('prescriptions', p.patient_id, p.id) as id, p.occurred, p.prescriber, p.facility,
           (select coalesce(json_agg(row_to_json(y)), '[]') from (
             select i.drug, i.dose_text as "doseText" from book.prescription_items i
              where i.patient_id = $1 and i.prescription_id = p.id order by i.position) y) as items
      from book.prescriptions p where p.patient_id = $1 and p.shown
     order by p.occurred desc nulls last, p.id desc limit 1) x) as prescriptions,
  (select coalesce(json_agg(row_to_json(x)), '[]') from (
    select i.card_number as "cardNumber", i.valid_until as "validUntil"
      from book.insurance i where i.patient_id = $1 and i.shown
     order by i.occurred desc nulls last, i.id desc) x) as insurance
) r;
