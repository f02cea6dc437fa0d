"""Every shape that the plain endpoints take and give."""

from typing import Any, get_args

from domain.intake.submissions import Status

Schema = dict[str, Any]


def text(description: str, **more: Any) -> Schema:
    return {"type": "string", "description": description, **more}


def perhaps(description: str, kind: str = "string", **more: Any) -> Schema:
    return {"type": [kind, "null"], "description": description, **more}


def array(description: str, items: Schema) -> Schema:
    return {"type": "array", "description": description, "items": items}


def made_of(description: str, properties: dict[str, Schema], *, optional: tuple[str, ...] = ()) -> Schema:
    required = [name for name in properties if name not in optional]
    return {"type": "object", "description": description, "required": required, "properties": properties}


def standard(description: str, **more: Any) -> Schema:
    """An object whose form a standard defines and this document does not repeat."""
    return {"type": "object", "description": description, **more}


ISSUE = made_of(
    "One finding, with its place. It never repeats what the record says.",
    {
        "severity": text("An error refuses the visit; a warning is kept beside it.", enum=["error", "warning"]),
        "code": text("A FHIR issue type: structure, required, value, code-invalid, invariant, too-long ..."),
        "table": text("Table or resource type (XML4, Observation)."),
        "row": perhaps("Row of the table, or entry of the bundle, from 1.", "integer", minimum=1),
        "field": perhaps("Field of the row (NGAY_KQ)."),
        "message": text("What is wrong, in words."),
    },
)
VISIT_ANSWER = made_of(
    "What became of one visit.",
    {
        "position": {"type": "integer", "minimum": 1, "description": "Which of the file's visits, from 1."},
        "key": perhaps("The sender's own name of it (MA_LK), where it could be read."),
        "status": text(
            "accepted: new. unchanged: known already. superseded: took an earlier one's place. refused: not stored.",
            enum=list(get_args(Status)),
        ),
        "kept": array("Documents kept as received, because no section of the book shows them.", text("Such as XML7.")),
        "issues": array("Findings, in the order of the tables.", {"$ref": "#/components/schemas/Issue"}),
    },
)
PROBLEM = made_of(
    "Problem details (RFC 9457).",
    {
        "type": text("Always about:blank: the status says it.", format="uri-reference"),
        "title": text("The kind of problem."),
        "status": {"type": "integer", "description": "The HTTP status."},
        "instance": text("urn:uuid: and the request's id.", format="uri-reference"),
    },
    optional=("instance",),
)
OAUTH_ERROR = made_of(
    "An error by RFC 6749 5.2 or RFC 6750 3.",
    {"error": text("Its code."), "error_description": text("The same for people.")},
    optional=("error_description",),
)
DAY_ROOT = made_of(
    "The signed end of a day of the access log.",
    {
        "day": text("The day in Vietnam.", format="date"),
        "seal": {"type": "integer", "description": "Number of the last seal of the log up to that day's end."},
        "hash": text("That seal's hash, hexadecimal.", pattern="^[0-9a-f]{64}$"),
        "signed": text("The same as a JWS (RFC 7515, ES256, typ access-log-root+jwt)."),
    },
)
DAY_ROOTS = made_of(
    "The ends of days of the access log, in order; nothing of any person.",
    {
        "issuer": text("Whose log it is.", format="uri"),
        "keys": text("Where the keys are that verify the signatures.", format="uri"),
        "roots": array("Day by day.", DAY_ROOT),
        "next": perhaps("Where the days after these are.", format="uri"),
    },
)
OUTCOME = made_of(
    "FHIR R4 OperationOutcome: an information or error for each patient's part, each followed by its findings.",
    {
        "resourceType": {"const": "OperationOutcome", "description": "FHIR's name of this."},
        "issue": array("In the order of the parts.", {"$ref": "#/components/schemas/OutcomeIssue"}),
    },
)
OUTCOME_ISSUE = made_of(
    "FHIR R4 OperationOutcome.issue.",
    {
        "severity": text("How bad.", enum=["error", "warning", "information"]),
        "code": text("A FHIR issue type."),
        "diagnostics": text("In words, without what the record says."),
        "expression": array("Where in the bundle, as FHIRPath.", text("One place.")),
    },
    optional=("expression",),
)
TOKEN_REQUEST = made_of(
    "RFC 6749 4.1.3, 4.4.2 or 6, by grant type.",
    {
        "grant_type": text("What is offered.", enum=["authorization_code", "refresh_token", "client_credentials"]),
        "scope": text("Scopes, parted by spaces; all that the client may have unless told."),
        "code": text("authorization_code: the code, within 60 seconds."),
        "redirect_uri": text("authorization_code: as in the authorization request.", format="uri"),
        "code_verifier": text("authorization_code: RFC 7636 4.1.", minLength=43, maxLength=128),
        "refresh_token": text("refresh_token: the newest one; an older one ends the sign-in."),
        "client_id": text("A client without a secret names itself here."),
        "client_assertion_type": text("RFC 7523 2.2, with client_assertion."),
        "client_assertion": text("A JWT signed by the client, of at most five minutes."),
    },
    optional=(
        *("scope", "code", "redirect_uri", "code_verifier", "refresh_token", "client_id"),
        *("client_assertion_type", "client_assertion"),
    ),
)
TOKEN_ANSWER = made_of(
    "RFC 6749 5.1.",
    {
        "access_token": text("A JWT by RFC 9068."),
        "token_type": text("DPoP where a key was proved (RFC 9449 5), else RFC 6750.", enum=["Bearer", "DPoP"]),
        "expires_in": {"type": "integer", "description": "Seconds that the access token lives."},
        "scope": text("What it reaches, parted by spaces."),
        "refresh_token": text("With offline_access: for the next access token, once."),
        "id_token": text("With openid: who signed in (OpenID Connect Core 2)."),
        "patient": text("With launch/patient or a SMART name: whose record it reads.", format="uuid"),
    },
    optional=("refresh_token", "id_token", "patient"),
)
PUSHED_REQUEST = made_of(
    "RFC 9126 2.1: what would else stand in the address of the authorization endpoint.",
    {
        "response_type": {"const": "code", "description": "The only one."},
        "client_id": text("Who asks."),
        "redirect_uri": text("Where the code goes: a registered address.", format="uri"),
        "scope": text("Scopes, parted by spaces; SMART names are understood."),
        "code_challenge": text("RFC 7636 4.2.", minLength=43, maxLength=43),
        "code_challenge_method": {"const": "S256", "description": "The only one."},
        "state": text("Comes back with the answer."),
        "nonce": text("Comes back in the id_token."),
        "dpop_jkt": text("The key that the code will need (RFC 9449 10).", minLength=43, maxLength=43),
        "acr_values": text("How strong a sign-in is needed (RFC 9470)."),
        "max_age": text("How old the sign-in may be, in seconds."),
        "aud": text("SMART App Launch 2.1: the FHIR base, or the API."),
    },
    optional=("client_id", "state", "nonce", "dpop_jkt", "acr_values", "max_age", "aud"),
)
PUSHED_ANSWER = made_of(
    "RFC 9126 2.2.",
    {
        "request_uri": text("To be carried to the authorization endpoint with client_id, once."),
        "expires_in": {"type": "integer", "description": "Seconds within which it must be opened."},
    },
)
USERINFO = made_of(
    "OpenID Connect Core 5.3.2.",
    {
        "sub": text("The citizen's id, as in the id_token."),
        "name": text("With profile, where there is one to give."),
        "fhirUser": text("With fhirUser: a FHIR reference to who signed in.", format="uri"),
    },
    optional=("name", "fhirUser"),
)
INTROSPECTION = made_of(
    "RFC 7662 2.2.",
    {
        "active": {"type": "boolean", "description": "Whether it opens anything now. Alone where it does not."},
        "iss": text("Who issued it.", format="uri"),
        "client_id": text("Whose it is."),
        "sub": text("The citizen's id, or the client's own."),
        "scope": text("What it reaches."),
        "exp": {"type": "integer", "description": "When it ends, in seconds since 1970."},
        "iat": {"type": "integer", "description": "When it was issued."},
        "jti": text("Its own id."),
        "aud": text("What it is for."),
        "token_type": text("Bearer or DPoP, for an access token."),
        "cnf": standard("The key it is bound to (RFC 9449 6.2)."),
        "act": standard("Who acts for the subject (RFC 8693 4.1)."),
    },
    optional=("iss", "client_id", "sub", "scope", "exp", "iat", "jti", "aud", "token_type", "cnf", "act"),
)

SCHEMAS: dict[str, Schema] = {
    "Qd4750File": text(
        "XML by Quyết định 4750/QĐ-BYT (or 130/QĐ-BYT): an envelope of visits with base64 documents inside. UTF-8 "
        "unless it says otherwise. No document type, no entities.",
        contentMediaType="application/xml",
    ),
    "VisitAnswer": VISIT_ANSWER,
    "Issue": ISSUE,
    "Bundle": standard(
        "FHIR R4 Bundle.",
        required=["resourceType", "type"],
        properties={
            "resourceType": {"const": "Bundle", "description": "FHIR's name of this."},
            "type": text("Its kind.", enum=["transaction", "batch", "collection", "document"]),
            "entry": array("Its resources.", standard("FHIR R4 Bundle.entry.")),
        },
    ),
    "OperationOutcome": OUTCOME,
    "OutcomeIssue": OUTCOME_ISSUE,
    "Problem": PROBLEM,
    "OAuthError": OAUTH_ERROR,
    "Alive": made_of("The process answers.", {"status": {"const": "alive", "description": "Always so."}}),
    "Ready": made_of(
        "The server can be used.",
        {"status": {"const": "ready", "description": "Always so."}, "schema": text("Revision of the database.")},
    ),
    "Unready": made_of(
        "The server cannot be used now.",
        {"status": {"const": "unready", "description": "Always so."}, "reason": text("Why not.")},
    ),
    "DayRoots": DAY_ROOTS,
    "OpenApiDocument": standard("An OpenAPI 3.1 document."),
    "ServerMetadata": standard("RFC 8414 2 and OpenID Connect Discovery 1.0, 3."),
    "KeySet": made_of("RFC 7517 5.", {"keys": array("Public keys.", standard("RFC 7517 4."))}),
    "TokenRequest": TOKEN_REQUEST,
    "TokenOnly": made_of(
        "RFC 7009 2.1 and RFC 7662 2.1.",
        {
            "token": text("An access or refresh token."),
            "token_type_hint": text("Not needed."),
            "client_id": text("Own."),
        },
        optional=("token_type_hint", "client_id"),
    ),
    "TokenAnswer": TOKEN_ANSWER,
    "PushedRequest": PUSHED_REQUEST,
    "PushedAnswer": PUSHED_ANSWER,
    "Userinfo": USERINFO,
    "Introspection": INTROSPECTION,
    "ClientMetadata": standard(
        "RFC 7591 2. What a client may not say of itself, and everything unknown, is left out.",
        required=["redirect_uris"],
        properties={
            "client_name": text("Shown to citizens; not one that poses as an authority."),
            "redirect_uris": array("https, http on a loopback address, or an app's own scheme.", text("An address.")),
        },
    ),
    "ClientInformation": standard(
        "RFC 7591 3.2.1 and RFC 7592 3.",
        required=["client_id"],
        properties={"client_id": text("Its name from now on.")},
    ),
    "DeviceRequest": standard(
        "RFC 8628 3.1.", required=["client_id"], properties={"client_id": text("Own."), "scope": text("What is asked.")}
    ),
    "DeviceAnswer": made_of(
        "RFC 8628 3.2.",
        {
            "device_code": text("For polling."),
            "user_code": text("For the citizen to type."),
            "verification_uri": text("Where to type it.", format="uri"),
            "verification_uri_complete": text("The same with the code, for a QR.", format="uri"),
            "expires_in": {"type": "integer", "description": "Seconds."},
            "interval": {"type": "integer", "description": "Seconds between two polls, at least."},
        },
    ),
    "Nothing": standard("An empty object.", maxProperties=0),
}
