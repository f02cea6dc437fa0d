"""A tour through consent, against a running `make demo`: python3 docs/tour.py

A clinic asks for three sections, the citizen grants two of them, the clinic reads exactly those, the citizen withdraws,
the clinic reads nothing, and the log tells it all. Only Python's standard library; the demo leaves its tokens in
.healthbook/demo.env.
"""

import base64
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

ASKED, GRANTED = ["labs", "prescriptions", "encounters"], ["labs", "prescriptions"]
UNTIL = (datetime.now(UTC) + timedelta(days=30)).strftime("%Y-%m-%dT00:00:00Z")
BOOK = """query ($patient: ID!) { healthRecord(patientId: $patient) {
  labs(first: 1) { totalCount nodes { display } } prescriptions { totalCount } encounters { totalCount } } }"""
PATIENT = "{ me { patients { patientId } } }"
ASK = """mutation ($patient: ID!, $sections: [String!]!, $until: Instant!) {
  requestConsent(patientId: $patient, sections: $sections, purpose: TREAT, validUntil: $until) { outcome } }"""
INBOX = "{ consentRequests { nodes { id facility { name organizationId } sections purposes validUntil } } }"
TEXT = """query ($reader: ConsentReaderInput!, $terms: ConsentTermsInput!) {
  consentText(reader: $reader, terms: $terms) { body hash } }"""
GRANT = """mutation ($id: ID!, $terms: ConsentTermsInput!, $hash: String!) {
  answerConsentRequest(id: $id, grant: {terms: $terms, textHash: $hash}) {
    ... on ConsentRequest { status consentId } ... on ConsentRefused { code } } }"""
WITHDRAW = "mutation ($id: ID!) { withdrawConsent(id: $id) { status sections } }"
LOG = "{ accessLog(first: 6) { nodes { at summary } } }"


@dataclass(frozen=True)
class Caller:
    """Somebody with a token."""

    origin: str
    token: str

    def graphql(self, query: str, **variables: object) -> dict[str, Any]:
        body = json.dumps({"query": query, "variables": variables})
        return ask(f"{self.origin}/graphql", body, "application/json", f"Bearer {self.token}")


def main() -> None:
    told = dict(line.split("=", 1) for line in environment().read_text().splitlines())
    citizen = Caller(told["ORIGIN"], told["CITIZEN"])
    clinic = Caller(told["ORIGIN"], clinic_token(told))
    patient = citizen.graphql(PATIENT)["data"]["me"]["patients"][0]["patientId"]

    say("The clinic learns nothing, not even that there is such a book", clinic.graphql(BOOK, patient=patient))
    say("It asks for three sections", clinic.graphql(ASK, patient=patient, sections=ASKED, until=UNTIL))
    consent = grant(citizen)
    say("The clinic reads exactly those", clinic.graphql(BOOK, patient=patient))
    say("She withdraws", citizen.graphql(WITHDRAW, id=consent))
    say("The same token, the next request", clinic.graphql(BOOK, patient=patient))

    print("\n# Her log, newest first")
    for entry in citizen.graphql(LOG)["data"]["accessLog"]["nodes"]:
        print(entry["at"][:19], entry["summary"])


def grant(citizen: Caller) -> str:
    """She reads the request, then the text for the sections she is willing to open, and signs that very text."""
    request = citizen.graphql(INBOX)["data"]["consentRequests"]["nodes"][0]
    say("The citizen finds the request", request)
    terms = {"purposes": request["purposes"], "sections": GRANTED, "validUntil": UNTIL}
    reader = {"organizationId": request["facility"]["organizationId"]}
    text = citizen.graphql(TEXT, reader=reader, terms=terms)["data"]["consentText"]
    print(f"\n# What she signs when she grants two of them\n{text['body']}")
    answer = citizen.graphql(GRANT, id=request["id"], terms=terms, hash=text["hash"])
    say("She grants two of them", answer)
    return str(answer["data"]["answerConsentRequest"]["consentId"])


def clinic_token(told: dict[str, str]) -> str:
    secret = base64.b64encode(f"{told['CLINIC_ID']}:{told['CLINIC_SECRET']}".encode()).decode()
    form = "grant_type=client_credentials"
    answer = ask(f"{told['ORIGIN']}/oauth/token", form, "application/x-www-form-urlencoded", f"Basic {secret}")
    return str(answer["access_token"])


def ask(url: str, body: str, kind: str, authorization: str) -> dict[str, Any]:
    request = Request(url, body.encode(), {"Content-Type": kind, "Authorization": authorization})
    with urlopen(request) as answer:
        return dict(json.load(answer))


def say(title: str, answer: object) -> None:
    print(f"\n# {title}\n{json.dumps(answer, ensure_ascii=False)}")


def environment() -> Path:
    return Path(os.environ.get("HEALTHBOOK_DATA", ".healthbook")) / "demo.env"


if __name__ == "__main__":
    main()
