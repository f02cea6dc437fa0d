"""The two ways in, as a facility's programmer needs them."""

from typing import Any

from api.rest.description.answers import HEADERS_OF_ALL, answer, content, response

NDJSON, FHIR, XML = "application/x-ndjson", "application/fhir+json", "application/xml"

ACCEPTED = {"position": 1, "key": "HS25031400123", "status": "accepted", "kept": ["XML7"], "issues": []}
REFUSED = {
    "position": 2,
    "key": "HS25031400124",
    "status": "refused",
    "kept": [],
    "issues": [
        {
            "severity": "error",
            "code": "value",
            "table": "XML1",
            "row": 1,
            "field": "NGAY_VAO",
            "message": "is no date of the calendar",
        }
    ],
}
ENVELOPE = """<?xml version="1.0" encoding="utf-8"?>
<GIAMDINHHS>
  <THONGTINDONVI><MACSKCB>01001</MACSKCB></THONGTINDONVI>
  <THONGTINHOSO>
    <NGAYLAP>20250314</NGAYLAP>
    <SOLUONGHOSO>1</SOLUONGHOSO>
    <DANHSACHHOSO>
      <HOSO><FILEHOSO><LOAIHOSO>XML1</LOAIHOSO><NOIDUNGFILE>(base64)</NOIDUNGFILE></FILEHOSO></HOSO>
    </DANHSACHHOSO>
  </THONGTINHOSO>
</GIAMDINHHS>
"""
BUNDLE = {
    "resourceType": "Bundle",
    "type": "transaction",
    "identifier": {"system": "urn:example:hospital", "value": "export-0001"},
    "entry": [
        {
            "fullUrl": "urn:uuid:0190a000-0000-7000-8000-000000000001",
            "resource": {"resourceType": "Patient", "name": [{"text": "Trần Thị Xanh"}], "birthDate": "1955"},
            "request": {"method": "POST", "url": "Patient"},
        }
    ],
}
OUTCOME = {
    "resourceType": "OperationOutcome",
    "issue": [{"severity": "information", "code": "informational", "diagnostics": "accepted: export-0001"}],
}
UNREADABLE = {
    "resourceType": "OperationOutcome",
    "issue": [
        {"severity": "error", "code": "informational", "diagnostics": "refused: bundle"},
        {"severity": "error", "code": "structure", "diagnostics": "is not JSON", "expression": ["Bundle"]},
    ],
}
REFUSALS: dict[str, Any] = {
    "400": response("Malformed"),
    "401": response("NoToken"),
    "403": response("Forbidden"),
    "413": response("TooLarge"),
    "500": response("Unexpected"),
}

QD4750: dict[str, Any] = {
    "operationId": "ingestQd4750",
    "summary": "Send visits as QĐ 4750 XML",
    "description": (
        "A file of visits (GIAMDINHHS) as exported for the insurer, of either generation of the decision (QĐ 130 or "
        "QĐ 4750). The answer is one line a visit, in the order of the file, and starts before the file is done.\n\n"
        "Sending the same visit again changes nothing (`unchanged`). A visit with the same MA_CSKCB and MA_LK but "
        "another content replaces the earlier version (`superseded`). A refused visit is kept with its bytes and can "
        "be replayed. Where the file breaks off, the last line says so, and the lines before it hold."
    ),
    "tags": ["ingest"],
    "security": [{"oauth2": ["record:submit"]}],
    "requestBody": {"required": True, "description": "One file.", "content": content(XML, "Qd4750File", ENVELOPE)},
    "responses": {
        "200": {
            "description": "One JSON object a line and visit. 200 says that the file was read, not that all was taken.",
            "headers": HEADERS_OF_ALL,
            "content": {
                NDJSON: {
                    "schema": {"type": "string", "description": "Lines, each one a VisitAnswer."},
                    "x-line-schema": {"$ref": "#/components/schemas/VisitAnswer"},
                    "examples": {
                        "accepted": {"summary": "A visit that was stored", "value": ACCEPTED},
                        "refused": {"summary": "A visit that was not, and why", "value": REFUSED},
                    },
                }
            },
        },
        **REFUSALS,
    },
}

FHIR_BUNDLE: dict[str, Any] = {
    "operationId": "ingestFhir",
    "summary": "Send a FHIR R4 bundle",
    "description": (
        "A bundle of type transaction, batch, collection or document, of one patient or several, at most 64 MiB. It is "
        "read as a record of what happened: request methods other than POST and PUT take nothing. Each patient's part "
        "is stored by itself; types that no section of the book holds are kept as received and named in the answer."
    ),
    "tags": ["ingest"],
    "security": [{"oauth2": ["record:submit"]}],
    "requestBody": {"required": True, "description": "One bundle.", "content": content(FHIR, "Bundle", BUNDLE)},
    "responses": {
        "200": answer("At least one patient's part was taken, or nothing was new.", "OperationOutcome", OUTCOME, FHIR),
        "422": answer("Nothing could be taken, and why.", "OperationOutcome", UNREADABLE, FHIR),
        **REFUSALS,
    },
}

PATHS: dict[str, Any] = {"/ingest/qd4750": {"post": QD4750}, "/ingest/fhir": {"post": FHIR_BUNDLE}}
