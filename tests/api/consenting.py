"""Citizens who decide and facilities that read, as the API meets them."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from api.app import record_scopes
from tests.api.conftest import Book

APP_NAME = "Nhật ký bước chân"
MANAGE = "consent:read consent:manage"
CLIENT = """insert into auth.client (client_id, name, kind, status, auth_method, secret_hash, organization_id,
                                     grant_types, scope, created_at, redirect_uris)
            values ($1, $2, $3, 'active', $4, $5, $6, '[]', '', now(), '[]')"""
CONSENT = """... on Consent { id patientId kind status version actorRole purposes sections sensitive dataFrom dataTo
             validFrom validUntil eraseBy withdrawnAt textHash reader { organizationId clientId name code } }
             ... on ConsentRefused { code }"""
GRANT = f"""mutation($reader: ConsentReaderInput!, $terms: ConsentTermsInput!, $hash: String!, $patient: ID,
                     $language: TextLanguage! = VI, $child: Boolean! = false) {{
    grantConsent(reader: $reader, terms: $terms, textHash: $hash, patientId: $patient, language: $language,
                 childAgrees: $child) {{ __typename {CONSENT} }} }}"""
NARROW = f"""mutation($id: ID!, $terms: ConsentTermsInput!, $hash: String!) {{
    narrowConsent(id: $id, terms: $terms, textHash: $hash) {{ __typename {CONSENT} }} }}"""
WITHDRAW = "mutation($id: ID!) { withdrawConsent(id: $id) { id status version withdrawnAt } }"
DENY = """mutation($denial: DenialInput!, $patient: ID) { denyAccess(denial: $denial, patientId: $patient) {
    id scope section category inEmergency isMine liftedAt organization { name code } } }"""
LIFT = "mutation($id: ID!) { liftDenial(id: $id) { id liftedAt } }"
TEXT = """query($reader: ConsentReaderInput!, $terms: ConsentTermsInput!, $patient: ID, $language: TextLanguage! = VI) {
    consentText(reader: $reader, terms: $terms, patientId: $patient, language: $language) {
        body hash language version latestEnd childMustAgree } }"""


def later(**delta: int) -> str:
    return (datetime.now(UTC) + timedelta(**delta)).isoformat()


def terms(*sections: str, **changes) -> dict:
    """Terms of a year, for treatment, unless told."""
    return {"purposes": ["TREAT"], "sections": list(sections), "validUntil": later(days=365)} | changes


class Citizen:
    """Somebody who has just signed in strongly, at the phone."""

    def __init__(self, book: Book, token: str, patient_id: UUID | None, citizen_id: UUID | None = None) -> None:
        self.book, self.token, self.patient_id, self.citizen_id = book, token, patient_id, citizen_id

    async def ask(self, query: str, **variables) -> dict:
        answer = await self.book.ask(query, self.token, variables)
        assert "errors" not in answer, answer["errors"]
        [value] = answer["data"].values()
        return value

    async def code(self, query: str, **variables) -> str:
        """The code of the one error."""
        answer = await self.book.ask(query, self.token, variables)
        [error] = answer["errors"]
        assert set((answer.get("data") or {}).values()) <= {None}
        return error["extensions"]["code"]

    async def grant(self, reader: dict, wish: dict, patient: str | None = None, *, child: bool = False) -> dict:
        shown = await self.ask(TEXT, reader=reader, terms=wish, patient=patient)
        return await self.ask(GRANT, reader=reader, terms=wish, hash=shown["hash"], patient=patient, child=child)

    async def narrow(self, consent: dict, wish: dict) -> dict:
        names = consent["reader"]
        reader = {key: names[key] for key in ("organizationId", "clientId") if names[key]}
        shown = await self.ask(TEXT, reader=reader, terms=wish, patient=consent["patientId"])
        return await self.ask(NARROW, id=consent["id"], terms=wish, hash=shown["hash"])

    async def deny(self, patient: str | None = None, **denial) -> dict:
        return await self.ask(DENY, denial=denial, patient=patient)


class Clinic:
    """A facility's own system, with a token that reaches every section."""

    def __init__(self, book: Book, organization_id: UUID, token: str, name: str) -> None:
        self.book, self.organization_id, self.token, self.name = book, organization_id, token, name
        self.reader = {"organizationId": str(organization_id)}

    async def reads(self, patient_id: UUID, *sections: str, purpose: str | None = None) -> dict[str, int | None]:
        """How many items of each section it gets; None for a section that is closed to it."""
        wanted = " ".join(f"{section}(first: 500) {{ nodes {{ id }} totalCount }}" for section in sections)
        query = f"""query($id: ID, $purpose: PurposeOfUse) {{
            healthRecord(patientId: $id, purpose: $purpose) {{ {wanted} }} }}"""
        answer = await self.book.ask(query, self.token, {"id": str(patient_id), "purpose": purpose})
        assert {error["extensions"]["code"] for error in answer.get("errors", ())} <= {"CONSENT_REQUIRED", "NOT_FOUND"}
        record = answer["data"]["healthRecord"]
        if record is None:
            return dict.fromkeys(sections)
        for page in filter(None, record.values()):
            assert page["totalCount"] == len(page["nodes"])
        return {section: None if record[section] is None else record[section]["totalCount"] for section in sections}


async def citizen(book: Book, number: int = 0, scope: str = MANAGE) -> Citizen:
    """One of those with a book of his own; the first has the most in it."""
    rows = await book.sql(
        """select c.id, c.patient_id from access.citizen c join book.labs l on l.patient_id = c.patient_id and l.shown
            join book.demographics d on d.patient_id = c.patient_id and d.shown and d.birth_date < '2000'
            group by c.id, c.patient_id having count(*) > 20 order by count(*) desc, c.id limit 1 offset $1""",
        number,
    )
    return await signed_in(book, rows[0]["id"], rows[0]["patient_id"], scope)


async def signed_in(book: Book, citizen_id: UUID, patient_id: UUID | None = None, scope: str = MANAGE) -> Citizen:
    return Citizen(book, await book.token(citizen_id, scope, acr="demo"), patient_id, citizen_id)


async def clinic(book: Book, number: int = 0) -> Clinic:
    named = "select id, name from registry.organization where name is not null order by code offset $1"
    rows = await book.sql(named, number)
    organization_id, name = rows[0]["id"], rows[0]["name"]
    client_id = f"clinic-{number}"
    await book.sql(CLIENT, client_id, name, "facility", "client_secret_basic", b"x" * 32, organization_id)
    return Clinic(book, organization_id, await book.token(None, " ".join(record_scopes()), client_id), name)


async def app(book: Book, citizen_id: UUID, client_id: str = "steps") -> Clinic:
    """A third-party app that a citizen signed in at; it reads like a clinic does."""
    await book.sql(CLIENT, client_id, APP_NAME, "third_party", "none", None, None)
    token = await book.token(citizen_id, " ".join(record_scopes()), client_id)
    found = Clinic(book, UUID(int=0), token, APP_NAME)
    found.reader = {"clientId": client_id}
    return found
