"""Everything but the record: facilities, rights and log, tokens, sources and links."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('access_log',
    sa.Column('patient_id', sa.Uuid(), nullable=False),
    sa.Column('at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.Column('id', sa.Uuid(), server_default=sa.text('uuidv7()'), nullable=False),
    sa.Column('grant_id', sa.Uuid(), nullable=False),
    sa.Column('client_id', sa.Text(), nullable=False),
    sa.Column('citizen_id', sa.Uuid(), nullable=True),
    sa.Column('organization_id', sa.Uuid(), nullable=True),
    sa.Column('basis', sa.Text(), nullable=False),
    sa.Column('purpose', sa.Text(), nullable=False),
    sa.Column('sections', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('opened', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('outcome', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('patient_id', 'at', 'id', name=op.f('pk_access_log')),
    schema='access',
    info={'class': 'local'},
    postgresql_partition_by='range (at)'
    )
    op.create_index('ix_access_log_grant_id', 'access_log', ['grant_id', 'at'], unique=False, schema='access')
    op.create_table('citizen',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('patient_id', sa.Uuid(), nullable=True),
    sa.Column('demo_label', sa.Text(), nullable=True),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('clock_timestamp()'), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_citizen')),
    sa.UniqueConstraint('patient_id', name=op.f('uq_citizen_patient_id')),
    schema='access',
    info={'class': 'lookup'}
    )
    op.create_table('patient_redirect',
    sa.Column('old_id', sa.Uuid(), nullable=False),
    sa.Column('patient_id', sa.Uuid(), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.PrimaryKeyConstraint('old_id', name=op.f('pk_patient_redirect')),
    schema='access',
    info={'class': 'lookup'}
    )
    op.create_table('client',
    sa.Column('client_id', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('auth_method', sa.Text(), nullable=False),
    sa.Column('grant_types', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
    sa.Column('scope', sa.Text(), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('redirect_uris', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=True),
    sa.Column('secret_hash', sa.LargeBinary(), nullable=True),
    sa.Column('jwks', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.CheckConstraint("(auth_method = 'client_secret_basic') = (secret_hash IS NOT NULL)", name=op.f('ck_client_secret')),
    sa.CheckConstraint("(auth_method = 'private_key_jwt') = (jwks IS NOT NULL)", name=op.f('ck_client_jwks')),
    sa.CheckConstraint("auth_method IN ('none', 'client_secret_basic', 'private_key_jwt')", name=op.f('ck_client_auth_method')),
    sa.CheckConstraint("kind <> 'facility' OR auth_method <> 'none'", name=op.f('ck_client_facility_is_confidential')),
    sa.CheckConstraint("kind <> 'facility' OR organization_id IS NOT NULL", name=op.f('ck_client_facility_has_organization')),
    sa.CheckConstraint("kind IN ('first_party', 'facility', 'third_party', 'clinician', 'sandbox')", name=op.f('ck_client_kind')),
    sa.CheckConstraint("status IN ('active', 'suspended', 'pending')", name=op.f('ck_client_status')),
    sa.PrimaryKeyConstraint('client_id', name=op.f('pk_client')),
    schema='auth',
    info={'class': 'local'}
    )
    op.create_index(op.f('ix_client_organization_id'), 'client', ['organization_id'], unique=False, schema='auth', postgresql_where=sa.text('organization_id IS NOT NULL'))
    op.create_table('once',
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('key_hash', sa.LargeBinary(), nullable=False),
    sa.Column('expires_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('kind', 'key_hash', name=op.f('pk_once')),
    schema='auth',
    info={'class': 'local'}
    )
    op.create_index(op.f('ix_once_expires_at'), 'once', ['expires_at'], unique=False, schema='auth')
    op.create_table('signing_key',
    sa.Column('kid', sa.Text(), nullable=False),
    sa.Column('use', sa.Text(), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('public_jwk', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
    sa.Column('private_key', sa.LargeBinary(), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('retired_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.CheckConstraint("state IN ('next', 'active', 'retired')", name=op.f('ck_signing_key_state')),
    sa.PrimaryKeyConstraint('kid', name=op.f('pk_signing_key')),
    schema='auth',
    info={'class': 'local'}
    )
    op.create_index('uq_signing_key_active', 'signing_key', ['use'], unique=True, schema='auth', postgresql_where=sa.text("state = 'active'"))
    op.create_index('uq_signing_key_next', 'signing_key', ['use'], unique=True, schema='auth', postgresql_where=sa.text("state = 'next'"))
    op.create_table('web_session',
    sa.Column('id_hash', sa.LargeBinary(), nullable=False),
    sa.Column('citizen_id', sa.Uuid(), nullable=False),
    sa.Column('acr', sa.Text(), nullable=False),
    sa.Column('auth_time', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('last_seen_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('expires_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('revoked_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id_hash', name=op.f('pk_web_session')),
    schema='auth',
    info={'class': 'local'}
    )
    op.create_index(op.f('ix_web_session_citizen_id'), 'web_session', ['citizen_id'], unique=False, schema='auth')
    op.create_index(op.f('ix_web_session_expires_at'), 'web_session', ['expires_at'], unique=False, schema='auth')
    op.create_table('never_link',
    sa.Column('patient_id', sa.Uuid(), nullable=False),
    sa.Column('other_id', sa.Uuid(), nullable=False),
    sa.Column('decided_by', sa.Text(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('decided_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint('patient_id < other_id', name=op.f('ck_never_link_ordered')),
    sa.PrimaryKeyConstraint('patient_id', 'other_id', name=op.f('pk_never_link')),
    schema='intake',
    info={'class': 'intake'}
    )
    op.create_table('patient_key',
    sa.Column('key', sa.LargeBinary(), nullable=False),
    sa.Column('patient_id', sa.Uuid(), nullable=False),
    sa.Column('source_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('key', 'patient_id', 'source_id', name=op.f('pk_patient_key')),
    schema='intake',
    info={'class': 'lookup'}
    )
    op.create_index('ix_patient_key_patient_id', 'patient_key', ['patient_id'], unique=False, schema='intake')
    op.create_index('ix_patient_key_source_id', 'patient_key', ['source_id'], unique=False, schema='intake')
    op.create_table('refusal',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_code', sa.Text(), nullable=True),
    sa.Column('format', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(), nullable=True),
    sa.Column('sha256', sa.LargeBinary(), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.Column('issues', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('client_id', sa.Text(), nullable=True),
    sa.Column('received_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('replayed_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_refusal')),
    sa.UniqueConstraint('sha256', 'format', name=op.f('uq_refusal_sha256_format')),
    schema='intake',
    info={'class': 'intake'}
    )
    op.create_index('ix_refusal_open', 'refusal', ['received_at'], unique=False, schema='intake', postgresql_where=sa.text('replayed_at is null'))
    op.create_table('organization',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=True),
    sa.Column('name_en', sa.Text(), nullable=True),
    sa.Column('kind', sa.Text(), nullable=True),
    sa.Column('province', sa.Text(), nullable=True),
    sa.Column('commune', sa.Text(), nullable=True),
    sa.Column('address', sa.Text(), nullable=True),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.CheckConstraint("kind is null or kind in ('hospital', 'commune_station', 'clinic', 'pharmacy', 'vaccination_centre', 'other')", name=op.f('ck_organization_kind')),
    sa.CheckConstraint("status in ('active', 'suspended')", name=op.f('ck_organization_status')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_organization')),
    sa.UniqueConstraint('code', name=op.f('uq_organization_code')),
    schema='registry',
    info={'class': 'reference'}
    )
    op.create_table('related_person',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('citizen_id', sa.Uuid(), nullable=False),
    sa.Column('patient_id', sa.Uuid(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('sections', postgresql.ARRAY(sa.Text()), nullable=True),
    sa.Column('valid_from', postgresql.TIMESTAMP(timezone=True), server_default=sa.text('now()'), nullable=False),
    sa.Column('valid_until', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('revoked_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.CheckConstraint("kind in ('parent', 'guardian', 'delegate')", name=op.f('ck_related_person_kind')),
    sa.ForeignKeyConstraint(['citizen_id'], ['access.citizen.id'], name=op.f('fk_related_person_citizen_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_related_person')),
    schema='access',
    info={'class': 'lookup'}
    )
    op.create_index('ix_related_person_citizen_id_patient_id', 'related_person', ['citizen_id', 'patient_id'], unique=False, schema='access')
    op.create_table('token_grant',
    sa.Column('client_id', sa.Text(), nullable=False),
    sa.Column('scope', sa.Text(), nullable=False),
    sa.Column('created_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('expires_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('citizen_id', sa.Uuid(), nullable=True),
    sa.Column('actor_id', sa.Uuid(), nullable=True),
    sa.Column('acr', sa.Text(), nullable=True),
    sa.Column('auth_time', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('revoked_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('revoke_reason', sa.Text(), nullable=True),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.CheckConstraint('(revoked_at IS NULL) = (revoke_reason IS NULL)', name=op.f('ck_token_grant_revoked_for_a_reason')),
    sa.CheckConstraint('expires_at > created_at', name=op.f('ck_token_grant_period')),
    sa.ForeignKeyConstraint(['client_id'], ['auth.client.client_id'], name=op.f('fk_token_grant_client_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_token_grant')),
    schema='auth',
    info={'class': 'local'}
    )
    op.create_index(op.f('ix_token_grant_citizen_id_client_id'), 'token_grant', ['citizen_id', 'client_id'], unique=False, schema='auth', postgresql_where=sa.text('citizen_id IS NOT NULL'))
    op.create_index(op.f('ix_token_grant_client_id'), 'token_grant', ['client_id'], unique=False, schema='auth')
    op.create_table('source_record',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('organization_id', sa.Uuid(), nullable=False),
    sa.Column('format', sa.Text(), nullable=False),
    sa.Column('key', sa.Text(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('sha256', sa.LargeBinary(), nullable=False),
    sa.Column('content', sa.LargeBinary(), nullable=False),
    sa.Column('restriction', sa.Text(), nullable=False),
    sa.Column('warnings', postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
    sa.Column('client_id', sa.Text(), nullable=True),
    sa.Column('received_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('superseded_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.CheckConstraint("format in ('qd4750', 'fhir')", name=op.f('ck_source_record_format')),
    sa.ForeignKeyConstraint(['organization_id'], ['registry.organization.id'], name=op.f('fk_source_record_organization_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_source_record')),
    sa.UniqueConstraint('organization_id', 'format', 'key', 'version', name=op.f('uq_source_record_organization_id_format_key_version')),
    schema='intake',
    info={'class': 'intake'}
    )
    op.create_index('ix_source_record_current', 'source_record', ['organization_id', 'format', 'key'], unique=True, schema='intake', postgresql_where=sa.text('superseded_at is null'))
    op.create_table('authorization_code',
    sa.Column('code_hash', sa.LargeBinary(), nullable=False),
    sa.Column('grant_id', sa.Uuid(), nullable=False),
    sa.Column('redirect_uri', sa.Text(), nullable=False),
    sa.Column('code_challenge', sa.Text(), nullable=False),
    sa.Column('expires_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('nonce', sa.Text(), nullable=True),
    sa.Column('used_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['grant_id'], ['auth.token_grant.id'], name=op.f('fk_authorization_code_grant_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('code_hash', name=op.f('pk_authorization_code')),
    schema='auth',
    info={'class': 'local'}
    )
    op.create_index(op.f('ix_authorization_code_expires_at'), 'authorization_code', ['expires_at'], unique=False, schema='auth')
    op.create_index(op.f('ix_authorization_code_grant_id'), 'authorization_code', ['grant_id'], unique=False, schema='auth')
    op.create_table('refresh_token',
    sa.Column('token_hash', sa.LargeBinary(), nullable=False),
    sa.Column('grant_id', sa.Uuid(), nullable=False),
    sa.Column('issued_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('expires_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('used_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('child_hash', sa.LargeBinary(), nullable=True),
    sa.ForeignKeyConstraint(['grant_id'], ['auth.token_grant.id'], name=op.f('fk_refresh_token_grant_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('token_hash', name=op.f('pk_refresh_token')),
    schema='auth',
    info={'class': 'local'}
    )
    op.create_index(op.f('ix_refresh_token_expires_at'), 'refresh_token', ['expires_at'], unique=False, schema='auth')
    op.create_index(op.f('ix_refresh_token_grant_id'), 'refresh_token', ['grant_id'], unique=False, schema='auth')
    op.create_table('link',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('source_id', sa.Uuid(), nullable=False),
    sa.Column('patient_id', sa.Uuid(), nullable=False),
    sa.Column('rule', sa.Text(), nullable=False),
    sa.Column('reasons', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('decided_by', sa.Text(), nullable=False),
    sa.Column('decided_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('undone_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('undone_by', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['source_id'], ['intake.source_record.id'], name=op.f('fk_link_source_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_link')),
    schema='intake',
    info={'class': 'intake'}
    )
    op.create_index('ix_link_patient_id', 'link', ['patient_id'], unique=False, schema='intake')
    op.create_index('ix_link_source_id', 'link', ['source_id'], unique=False, schema='intake')
    op.create_index('ix_link_source_id_active', 'link', ['source_id'], unique=True, schema='intake', postgresql_where=sa.text('undone_at is null'))
    op.create_table('review',
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('source_id', sa.Uuid(), nullable=False),
    sa.Column('patient_id', sa.Uuid(), nullable=False),
    sa.Column('candidates', postgresql.ARRAY(sa.Uuid()), nullable=False),
    sa.Column('rule', sa.Text(), nullable=False),
    sa.Column('reasons', postgresql.ARRAY(sa.Text()), nullable=False),
    sa.Column('asked_at', postgresql.TIMESTAMP(timezone=True), nullable=False),
    sa.Column('resolved_at', postgresql.TIMESTAMP(timezone=True), nullable=True),
    sa.Column('resolution', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['source_id'], ['intake.source_record.id'], name=op.f('fk_review_source_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_review')),
    schema='intake',
    info={'class': 'intake'}
    )
    op.create_index('ix_review_open', 'review', ['asked_at'], unique=False, schema='intake', postgresql_where=sa.text('resolved_at is null'))
    op.create_index('ix_review_source_id', 'review', ['source_id'], unique=False, schema='intake')

def downgrade() -> None:
    raise NotImplementedError("the first release has nothing to go back to")
