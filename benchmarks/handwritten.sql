-- The answer to record.graphql as somebody would write it by hand for one screen: one statement, no gates, no rules of
-- access, run as the owner of the tables. $1 is the patient.
with page as (select 50 as size)
select json_build_object('healthRecord', row_to_json(r)) from (select
  $1::uuid as "patientId",
  (select row_to_json(x) from (
    select access.node_id('demographics', d.patient_id, d.id) as id, d.name, d.birth_date as "birthDate", d.sex,
           d.blood_group as "bloodGroup", d.ethnicity_code as "ethnicityCode", d.occupation_code as "occupationCode",
           d.phones, d.address, d.province_code as "provinceCode", d.commune_code as "communeCode",
           (select json_agg(json_build_object('kind', i->'kind', 'value', i->'value', 'issuer', i->'issuer'))
              from jsonb_array_elements(d.identifiers) i) as identifiers,
           (select json_agg(json_build_object('name', c->'name', 'relation', c->'relation', 'phone', c->'phone'))
              from jsonb_array_elements(d.contacts) c) as contacts,
           (select json_agg(json_build_object('organizationCode', s->'organization_code', 'organizationName',
                   s->'organization_name', 'document', s->'document', 'receivedAt', s->'received_at'))
              from jsonb_array_elements(d.sources) s) as sources
      from book.demographics d where d.patient_id = $1 and d.shown
     order by d.occurred desc nulls last, d.id desc limit 1) x) as demographics,
  (select coalesce(json_agg(row_to_json(x)), '[]') from (
    select access.node_id('allergies', a.patient_id, a.id) as id, a.occurred, a.display, a.code, a.kind, a.criticality,
           a.clinical_status as "clinicalStatus", a.is_absence as "isAbsence", a.contradicted as "isContradicted",
           a.categories, a.onset,
           (select json_agg(json_build_object('manifestations', x->'manifestations', 'severity', x->'severity'))
              from jsonb_array_elements(a.reactions) x) as reactions,
           (select json_agg(json_build_object('organizationCode', s->'organization_code', 'organizationName',
                   s->'organization_name', 'document', s->'document', 'receivedAt', s->'received_at'))
              from jsonb_array_elements(a.sources) s) as sources
      from book.allergies a where a.patient_id = $1 and a.shown order by a.occurred desc nulls last, a.id desc) x
  ) as allergies,
  (select json_build_object('nodes', coalesce(json_agg(row_to_json(x)), '[]')) from (
    select access.node_id('conditions', c.patient_id, c.id) as id, c.occurred,
           access.node_id('encounters', c.patient_id, c.encounter_id) as "encounterId", c.category, c.rank,
           c.clinical_status as "clinicalStatus", c.icd10, c.display, c.onset, c.contradicted as "isContradicted",
           (select json_agg(json_build_object('organizationCode', s->'organization_code', 'organizationName',
                   s->'organization_name', 'document', s->'document', 'receivedAt', s->'received_at'))
              from jsonb_array_elements(c.sources) s) as sources
      from book.conditions c where c.patient_id = $1 and c.shown
     order by c.occurred desc nulls last, c.id desc limit (select size from page)) x) as conditions,
  (select coalesce(json_agg(row_to_json(x)), '[]') from (
    select access.node_id('family_history', f.patient_id, f.id) as id, f.relation, f.relation_code as "relationCode",
           f.display, f.icd10, f.onset_age_years as "onsetAgeYears", f.is_deceased as "isDeceased", f.note
      from book.family_history f where f.patient_id = $1 and f.shown
     order by f.occurred desc nulls last, f.id desc) x) as "familyHistory",
  (select coalesce(json_agg(row_to_json(x)), '[]') from (
    select access.node_id('social_history', s.patient_id, s.id) as id, s.occurred, s.kind, s.display, s.value,
           s.value_number as "valueNumber", s.unit, s.note
      from book.social_history s where s.patient_id = $1 and s.shown
     order by s.occurred desc nulls last, s.id desc) x) as "socialHistory",
  (select coalesce(json_agg(row_to_json(x)), '[]') from (
    select access.node_id('immunizations', i.patient_id, i.id) as id, i.occurred, i.status, i.vaccine,
           i.vaccine_code as "vaccineCode", i.antigens, i.dose_number as "doseNumber", i.lot_number as "lotNumber",
           i.manufacturer, i.site, i.facility, i.facility_code as "facilityCode",
           (select json_agg(json_build_object('organizationCode', s->'organization_code', 'organizationName',
                   s->'organization_name', 'document', s->'document', 'receivedAt', s->'received_at'))
              from jsonb_array_elements(i.sources) s) as sources
      from book.immunizations i where i.patient_id = $1 and i.shown
     order by i.occurred desc nulls last, i.id desc) x) as immunizations,
  (select json_build_object(
     'nodes', coalesce(json_agg((select row_to_json(x) from (select
       access.node_id('encounters', e.patient_id, e.id) as id, e.occurred, e.ended_at as "endedAt", e.status,
       e.class_code as "classCode", e.type_code as "typeCode", e.facility_code as "facilityCode",
       e.facility_name as "facilityName", e.reason, e.final_diagnosis as "finalDiagnosis", e.advice,
       e.result_code as "resultCode", e.treatment_days as "treatmentDays", e.total_cost as "totalCost",
       e.paid_by_insurance as "paidByInsurance", e.copayment,
       (select json_agg(json_build_object('code', d->'code', 'display', d->'display', 'rank', d->'rank'))
          from jsonb_array_elements(e.diagnoses) d) as diagnoses,
       (select json_agg(json_build_object('name', p->'name', 'code', p->'code', 'role', p->'role'))
          from jsonb_array_elements(e.practitioners) p) as practitioners
     ) x) order by e.n) filter (where e.n <= 50), '[]'),
     'pageInfo', json_build_object('hasNextPage', count(*) > 50, 'endCursor', translate(encode(decode((array_agg(
        coalesce(e.occurred, '') || '|' || e.id order by e.n desc) filter (where e.n <= 50))[1],
        'escape'), 'base64'), E'+/=\n', '-_')))
     from (select y.*, row_number() over (order by y.occurred desc nulls last, y.id desc) as n
             from book.encounters y where y.patient_id = $1 and y.shown
            order by y.occurred desc nulls last, y.id desc limit 51) e) as encounters,
  (select json_build_object('nodes', coalesce(json_agg(row_to_json(x)), '[]')) from (
    select
           access.node_id('procedures', p.patient_id, p.id) as id, p.occurred,
           access.node_id('encounters', p.patient_id, p.encounter_id) as "encounterId", p.category, p.display,
           p.service_code as "serviceCode", p.anaesthesia_code as "anaesthesiaCode", p.outcome, p.performers
      from book.procedures p where p.patient_id = $1 and p.shown
     order by p.occurred desc nulls last, p.id desc limit (select size from page)) x) as procedures,
  (select json_build_object(
     'nodes', coalesce(json_agg((select row_to_json(x) from (select
       access.node_id('labs', l.patient_id, l.id) as id, l.occurred,
       access.node_id('encounters', l.patient_id, l.encounter_id) as "encounterId", l.status, l.code, l.display, l.value,
       l.value_number as "valueNumber", l.unit, l.reference_low as "referenceLow", l.reference_high as "referenceHigh",
       l.interpretation, nullif(l.sensitivity, '') as sensitivity
     ) x) order by l.n) filter (where l.n <= 50), '[]'),
     'pageInfo', json_build_object('hasNextPage', count(*) > 50, 'endCursor', translate(encode(decode((array_agg(
        coalesce(l.occurred, '') || '|' || l.id order by l.n desc) filter (where l.n <= 50))[1],
        'escape'), 'base64'), E'+/=\n', '-_')))
     from (select y.*, row_number() over (order by y.occurred desc nulls last, y.id desc) as n
             from book.labs y where y.patient_id = $1 and y.shown
            order by y.occurred desc nulls last, y.id desc limit 51) l) as labs,
  (select json_build_object('nodes', coalesce(json_agg(row_to_json(x)), '[]')) from (
    select
           access.node_id('imaging', i.patient_id, i.id) as id, i.occurred,
           access.node_id('encounters', i.patient_id, i.encounter_id) as "encounterId", i.category, i.display,
           i.service_code as "serviceCode", i.modalities, i.body_site as "bodySite", i.description, i.conclusion,
           i.performer
      from book.imaging i where i.patient_id = $1 and i.shown
     order by i.occurred desc nulls last, i.id desc limit (select size from page)) x) as imaging,
  (select json_build_object(
     'nodes', coalesce(json_agg((select row_to_json(x) from (select
       access.node_id('vitals', v.patient_id, v.id) as id, v.occurred,
       access.node_id('encounters', v.patient_id, v.encounter_id) as "encounterId", v.code, v.display, v.value,
       v.value_number as "valueNumber", v.unit, v.systolic, v.diastolic
     ) x) order by v.n) filter (where v.n <= 50), '[]'),
     'pageInfo', json_build_object('hasNextPage', count(*) > 50, 'endCursor', translate(encode(decode((array_agg(
        coalesce(v.occurred, '') || '|' || v.id order by v.n desc) filter (where v.n <= 50))[1],
        'escape'), 'base64'), E'+/=\n', '-_')))
     from (select y.*, row_number() over (order by y.occurred desc nulls last, y.id desc) as n
             from book.vitals y where y.patient_id = $1 and y.shown
            order by y.occurred desc nulls last, y.id desc limit 51) v) as vitals,
  (select json_build_object(
     'nodes', coalesce(json_agg((select row_to_json(x) from (select
       access.node_id('prescriptions', p.patient_id, p.id) as id, p.occurred,
       access.node_id('encounters', p.patient_id, p.encounter_id) as "encounterId", p.kind, p.status, p.code, p.prescriber,
       p.facility, p.diagnosis, p.valid_until as "validUntil",
       (select coalesce(json_agg(row_to_json(x)), '[]') from (
         select i.position, i.drug, i.drug_code as "drugCode", i.strength, i.form, i.route, i.quantity, i.unit,
                i.dose_text as "doseText", i.times_per_day as "timesPerDay", i.dose_per_time as "dosePerTime"
           from book.prescription_items i where i.patient_id = $1 and i.prescription_id = p.id order by i.position) x
       ) as items,
       (select coalesce(json_agg(row_to_json(x)), '[]') from (
         select d.occurred, d.drug, d.quantity, d.unit, d.pharmacy from book.dispenses d
          where d.patient_id = $1 and d.shown
            and (d.prescription_id = p.id or lower(d.prescription_code) = lower(p.code))
          order by d.occurred, d.id) x) as dispenses
     ) x) order by p.n) filter (where p.n <= 50), '[]'),
     'pageInfo', json_build_object('hasNextPage', count(*) > 50, 'endCursor', translate(encode(decode((array_agg(
        coalesce(p.occurred, '') || '|' || p.id order by p.n desc) filter (where p.n <= 50))[1],
        'escape'), 'base64'), E'+/=\n', '-_')))
     from (select y.*, row_number() over (order by y.occurred desc nulls last, y.id desc) as n
             from book.prescriptions y where y.patient_id = $1 and y.shown
            order by y.occurred desc nulls last, y.id desc limit 51) p) as prescriptions,
  (select coalesce(json_agg(row_to_json(x)), '[]') from (
    select
           access.node_id('referrals', r.patient_id, r.id) as id, r.occurred, r.status, r.number,
           r.from_facility as "fromFacility", r.to_facility as "toFacility", r.to_facility_code as "toFacilityCode",
           r.diagnosis, r.reason_code as "reasonCode", r.valid_until as "validUntil"
      from book.referrals r where r.patient_id = $1 and r.shown
     order by r.occurred desc nulls last, r.id desc) x) as referrals,
  (select json_build_object('nodes', coalesce(json_agg(row_to_json(x)), '[]')) from (
    select
           access.node_id('follow_ups', f.patient_id, f.id) as id, f.occurred,
           access.node_id('encounters', f.patient_id, f.encounter_id) as "encounterId", f.kind, f.status, f.number,
           f.title, f.facility, f.doctor, f.diagnosis, f.instruction
      from book.follow_ups f where f.patient_id = $1 and f.shown
     order by f.occurred desc nulls last, f.id desc limit (select size from page)) x) as "followUps",
  (select coalesce(json_agg(row_to_json(x)), '[]') from (
    select
           access.node_id('insurance', i.patient_id, i.id) as id, i.status, i.card_number as "cardNumber",
           i.object_group as "objectGroup", i.benefit_level as "benefitLevel", i.valid_from as "validFrom",
           i.valid_until as "validUntil", i.registered_facility_code as "registeredFacilityCode",
           i.registered_facility as "registeredFacility"
      from book.insurance i where i.patient_id = $1 and i.shown
     order by i.occurred desc nulls last, i.id desc) x) as insurance,
  (select json_build_object('nodes', coalesce(json_agg(row_to_json(x)), '[]')) from (
    select
           access.node_id('documents', d.patient_id, d.id) as id, d.occurred,
           access.node_id('encounters', d.patient_id, d.encounter_id) as "encounterId", d.kind, d.status, d.title,
           d.number, d.author, d.custodian
      from book.documents d where d.patient_id = $1 and d.shown
     order by d.occurred desc nulls last, d.id desc limit (select size from page)) x) as documents
) r;
