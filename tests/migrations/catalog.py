"""Questions to the catalog of a migrated database, and the classes that the code declares for its tables."""

from typing import Any

import asyncpg

from migrations.metadata import SCHEMAS, metadata

DECLARED: dict[str, str] = {table.fullname: table.info.get("class", "") for table in metadata.tables.values()}
PATIENT_TABLES = sorted(name for name, kind in DECLARED.items() if kind == "patient")
CLASSES = frozenset({"patient", "consent", "appointment", "clinic", "reference", "intake", "lookup", "local"})
NOT_DECLARED = frozenset({"registry.alembic_version"})  # Alembic's own
LOGIN_ROLES = ("healthbook_web", "healthbook_intake", "healthbook_auth", "healthbook_consent", "healthbook_worker")
OWNERS = ("healthbook_record", "healthbook_access", "healthbook_booking", "healthbook_notify", "healthbook_forecast")
ROLES = (*LOGIN_ROLES, *OWNERS)
LIBRARY = "jobs"  # PgQueuer's own schema: its tables, trigger and sequences are not ours, rights to them are

TABLES = """
select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where n.nspname = any($1::text[]) and c.relkind in ('r', 'p') and not c.relispartition
"""

# Each query lists what breaks a rule of docs/adr (schema rules): $1 are the tables that a patient owns.
SCHEMA_RULES = {
    "the key starts with patient_id": """
        select t from unnest($1::text[]) t
         where coalesce((select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid
                            and a.attnum = i.indkey[0] where i.indrelid = t::regclass and i.indisprimary), '')
               <> 'patient_id'""",
    "the key is (patient_id, id), of the patient himself patient_id": """
        select t from unnest($1::text[]) t
         where t <> 'book.patient' and (select array_agg(a.attname::text order by k.n) from pg_index i
             cross join unnest(i.indkey) with ordinality k(attnum, n)
             join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.attnum
            where i.indrelid = t::regclass and i.indisprimary) is distinct from array['patient_id', 'id']""",
    "patient_id is a uuid that is never null": """
        select t from unnest($1::text[]) t
         where not exists (select from pg_attribute a where a.attrelid = t::regclass and a.attname = 'patient_id'
                              and a.attnotnull and a.atttypid = 'uuid'::regtype)""",
    "every index starts with patient_id": """
        select i.indexrelid::regclass::text from unnest($1::text[]) t join pg_index i on i.indrelid = t::regclass
          left join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
         where a.attname is distinct from 'patient_id'""",
    "foreign keys contain patient_id, first on both sides": """
        select k.conname from unnest($1::text[]) t join pg_constraint k on k.conrelid = t::regclass and k.contype = 'f'
          join pg_attribute a on a.attrelid = k.conrelid and a.attnum = k.conkey[1]
          join pg_attribute b on b.attrelid = k.confrelid and b.attnum = k.confkey[1]
         where a.attname <> 'patient_id' or b.attname <> 'patient_id'""",
    "no foreign key from outside leads to a patient's rows": """
        select k.conname from unnest($1::text[]) t join pg_constraint k on k.confrelid = t::regclass and k.contype = 'f'
         where k.conrelid <> all ($1::text[]::regclass[])""",
    "no ON DELETE or ON UPDATE SET NULL or SET DEFAULT": """
        select k.conname from unnest($1::text[]) t join pg_constraint k on k.conrelid = t::regclass and k.contype = 'f'
         where k.confdeltype in ('n', 'd') or k.confupdtype in ('n', 'd')""",
    "no exclusion constraints": """
        select k.conname from unnest($1::text[]) t join pg_constraint k on k.conrelid = t::regclass
         where k.contype = 'x'""",
    "no triggers of ours": """
        select g.tgname from unnest($1::text[]) t join pg_trigger g on g.tgrelid = t::regclass
         where not g.tgisinternal""",
    "no rules": "select r.rulename from unnest($1::text[]) t join pg_rewrite r on r.ev_class = t::regclass",
    "no sequences and no identity": """
        select t from unnest($1::text[]) t join pg_attribute a on a.attrelid = t::regclass
          left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
         where a.attidentity <> '' or pg_get_expr(d.adbin, d.adrelid) like '%nextval%'""",
    "not partitioned, no part of an inheritance": """
        select t from unnest($1::text[]) t join pg_class c on c.oid = t::regclass
         where c.relkind <> 'r' or c.relispartition or c.relhassubclass""",
}

ACCESS_RULES = {
    "row-level security is on and forced": """
        select t from unnest($1::text[]) t join pg_class c on c.oid = t::regclass
         where not (c.relrowsecurity and c.relforcerowsecurity)""",
    "every role with a right has a policy": """
        select t || ' ' || r from unnest($1::text[]) t cross join unnest($2::text[]) r
         where (has_any_column_privilege(r, t, 'select, insert, update')
             or has_table_privilege(r, t, 'delete, truncate'))
           and not exists (select from pg_policy p where p.polrelid = t::regclass
                              and p.polroles @> array[r::regrole::oid])""",
    "the reading role only reads": """
        select t from unnest($1::text[]) t
         where not has_table_privilege('healthbook_record', t, 'select')
            or has_any_column_privilege('healthbook_record', t, 'insert, update, references')
            or has_table_privilege('healthbook_record', t, 'delete, truncate, trigger')""",
    "the writing role deletes nothing": """
        select t from unnest($1::text[]) t
         where has_table_privilege('healthbook_intake', t, 'delete, truncate, trigger, references')""",
    "nobody else has any right": """
        select t || ' ' || r from unnest($1::text[]) t
         cross join unnest(array['healthbook_web', 'healthbook_auth', 'healthbook_access', 'healthbook_consent',
                                 'healthbook_worker', 'healthbook_notify']) r
         where has_table_privilege(r, t, 'select, insert, update, delete, truncate, references, trigger')
            or has_any_column_privilege(r, t, 'select, insert, update, references')""",
    "writing is checked like reading": """
        select p.polrelid::regclass || ' ' || p.polname from unnest($1::text[]) t
          join pg_policy p on p.polrelid = t::regclass
         where p.polcmd <> 'r' and (p.polwithcheck is null
            or pg_get_expr(p.polqual, p.polrelid) <> pg_get_expr(p.polwithcheck, p.polrelid))""",
    "every policy compares patient_id with a strict setting": """
        select p.polrelid::regclass || ' ' || p.polname from unnest($1::text[]) t
          join pg_policy p on p.polrelid = t::regclass
         where pg_get_expr(p.polqual, p.polrelid) not like '%patient_id = %current_setting(''app.patient''%'
           and pg_get_expr(p.polqual, p.polrelid) not like '%strpos(current_setting(''app.patients''%patient_id)%> 0)%'
            or pg_get_expr(p.polqual, p.polrelid) like '%, true)%'""",
}

# Over all our schemas: $1 the schemas, $2 our roles.
GLOBAL_RULES = {
    "no policy for PUBLIC": """
        select polrelid::regclass || ' ' || polname from pg_policy where 0 = any(polroles)""",
    "no policy is simply true": """
        select polrelid::regclass || ' ' || polname from pg_policy
         where pg_get_expr(polqual, polrelid) in ('true', '(true)')
            or pg_get_expr(polwithcheck, polrelid) in ('true', '(true)') or polqual is null and polwithcheck is null""",
    "no policy has a sub-select": """
        select polrelid::regclass || ' ' || polname from pg_policy
         where polqual::text like '%SUBLINK%' or polwithcheck::text like '%SUBLINK%'""",
    "a function with its owner's rights fixes its search path": """
        select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
         where n.nspname = any($1::text[]) and p.prosecdef
           and not exists (select from unnest(p.proconfig) s where s like 'search_path=%')""",
    "no function of ours is PUBLIC's": """
        select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
         where n.nspname = any($1::text[]) and (p.proacl is null
            or exists (select from aclexplode(p.proacl) a where a.grantee = 0))""",
    "nothing of ours is PUBLIC's": """
        select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
         cross join aclexplode(c.relacl) a where n.nspname = any($1::text[]) and a.grantee = 0
        union all
        select n.nspname from pg_namespace n cross join aclexplode(n.nspacl) a
         where n.nspname = any($1::text[] || array['public']) and a.grantee = 0""",
    "roles are plain": """
        select rolname from pg_roles where rolname = any($2::text[])
           and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication or rolinherit)""",
    "roles are members of nothing": """
        select roleid::regrole || ' -> ' || member::regrole from pg_auth_members
         where member = any($2::text[]::regrole[])""",
    "roles own no table and no schema": """
        select c.oid::regclass::text from pg_class c where c.relowner = any($2::text[]::regrole[])
        union all select nspname from pg_namespace where nspowner = any($2::text[]::regrole[])""",
    "login roles own no function": """
        select oid::regprocedure::text from pg_proc
         where pg_get_userbyid(proowner) in ('healthbook_web', 'healthbook_intake', 'healthbook_auth',
                                             'healthbook_consent', 'healthbook_worker')""",
    "roles create nothing": """
        select r || ' ' || n.nspname from pg_namespace n cross join unnest($2::text[]) r
         where n.nspname = any($1::text[] || array['public']) and has_schema_privilege(r, n.oid, 'create')""",
    "the web role has no right to any table, view or sequence": """
        select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = any($1::text[]) and (
               c.relkind in ('r', 'p', 'v', 'm', 'f') and (
                   has_table_privilege('healthbook_web', c.oid,
                                       'select, insert, update, delete, truncate, references, trigger')
                or has_any_column_privilege('healthbook_web', c.oid, 'select, insert, update, references'))
            or c.relkind = 'S' and has_sequence_privilege('healthbook_web', c.oid, 'usage, select, update'))""",
    "views see with the rights of who asks": """
        select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = any($1::text[]) and c.relkind = 'v'
           and not coalesce(c.reloptions @> array['security_invoker=true'], false)""",
    "no materialised views": """
        select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = any($1::text[]) and c.relkind = 'm'""",
    "every index is valid": "select indexrelid::regclass::text from pg_index where not indisvalid",
    "what was received is never rewritten": """
        select a.attrelid::regclass || '.' || a.attname from pg_attribute a
         where a.attrelid in ('intake.source_record'::regclass, 'intake.link'::regclass, 'intake.never_link'::regclass)
           and a.attnum > 0 and a.attname not in ('superseded_at', 'undone_at', 'undone_by')
           and has_column_privilege('healthbook_intake', a.attrelid, a.attnum, 'update')""",
    "the log is only added to": """
        select r from unnest($2::text[]) r
         where has_table_privilege(r, 'access.access_log', 'update, delete, truncate')
            or has_any_column_privilege(r, 'access.access_log', 'update')""",
    "partitions of the log are reached through it alone": """
        select i.inhrelid::regclass || ' ' || r from pg_inherits i cross join unnest($2::text[]) r
         where i.inhparent = 'access.access_log'::regclass
           and has_table_privilege(r, i.inhrelid, 'select, insert, update, delete, truncate')""",
}


async def undeclared(connection: asyncpg.Connection) -> list[str]:
    """Tables of our schemas that no model declares, or with no known class; and models without a table."""
    found = {row[0] for row in await connection.fetch(TABLES, sorted(SCHEMAS))} - NOT_DECLARED
    classless = {name for name, kind in DECLARED.items() if kind not in CLASSES}
    return sorted((found ^ DECLARED.keys()) | classless)


async def breaches(connection: asyncpg.Connection, tables: list[str] = PATIENT_TABLES) -> dict[str, list[Any]]:
    """By rule, what breaks it. Empty when the schema is as it must be."""
    schemas, roles = sorted(SCHEMAS | {LIBRARY}), list(ROLES)
    asked: list[tuple[str, str, tuple[Any, ...]]] = [
        *((name, sql, (tables,)) for name, sql in SCHEMA_RULES.items()),
        *((name, sql, (tables, roles) if "$2" in sql else (tables,)) for name, sql in ACCESS_RULES.items()),
        *((name, _numbered(sql), _used(sql, schemas, roles)) for name, sql in GLOBAL_RULES.items()),
    ]
    found = {name: [row[0] for row in await connection.fetch(sql, *given)] for name, sql, given in asked}
    return {name: broken for name, broken in found.items() if broken}


def _numbered(sql: str) -> str:
    return sql if "$1" in sql else sql.replace("$2", "$1")


def _used(sql: str, schemas: list[str], roles: list[str]) -> tuple[Any, ...]:
    return tuple(value for mark, value in (("$1", schemas), ("$2", roles)) if mark in sql)
