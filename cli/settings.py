"""Where things are: the data folder of an embedded server, or a real one's addresses. Alone reads os.environ.

Every variable stands in the README's table; a test compares.
"""

import base64
import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from auth.settings import new_kek

VARIABLES = {
    "HEALTHBOOK_DATA": "folder of the embedded database and its keys; `.healthbook` in the current folder unless told",
    "HEALTHBOOK_DATABASE_URL": "owner's address of a real PostgreSQL 18; without it an embedded one is started",
    "HEALTHBOOK_ROLE_PASSWORD": "password of the five login roles on a real server; `migrate` sets it",
    "HEALTHBOOK_ISSUER": "public origin of this server, such as https://book.example.vn",
    "HEALTHBOOK_AUDIENCE": "what access tokens are for; issuer + /graphql unless told",
    "HEALTHBOOK_KEK": "base64 of 32 bytes that open the signing keys",
    "HEALTHBOOK_IDENTIFIER_KEY": "base64 of 32 bytes that identifiers are hashed with; never change it",
    "HEALTHBOOK_CONNECTIONS": "records read at a time by one process; 4 unless told",
    "HEALTHBOOK_BUDGETS": "cost a minute: citizen/citizen of another app/that app/facility (docs/limits.md)",
    "HEALTHBOOK_INTROSPECTION": "on or off: whether callers of /graphql may read the schema; on unless told",
    "HEALTHBOOK_METRICS_TOKEN": "bearer token that opens /metrics; without one only this machine sees it",
    "HEALTHBOOK_EMERGENCY_ALARM": "emergencies of one clinician/one facility a day before an alarm; 10/100 unless told",
    "HEALTHBOOK_SUBSCRIBERS": "sockets of a process/a client without a citizen/a citizen; 20000/200/10 unless told",
    "HEALTHBOOK_FCM_PROJECT": "Firebase project that pushes go through; without it there are none",
    "HEALTHBOOK_FCM_CREDENTIALS": "path of that project's service account file",
    "HEALTHBOOK_FCM_ENDPOINT": "another origin than Google's for pushes: a proxy, or a test server on this machine",
    "HEALTHBOOK_SMTP_URL": "mail server: smtp://user:password@host:587 (STARTTLS) or smtps://; without it no e-mail",
    "HEALTHBOOK_SMTP_FROM": "sender's address of e-mails",
    "HEALTHBOOK_SMS_URL": "https address of a gateway for text messages; without it there are none",
    "HEALTHBOOK_SMS_SECRET": "whsec_ and base64: what requests to that gateway are signed with",
    "HEALTHBOOK_WEBHOOKS": "`on` tells partners' apps by webhook; `loopback` allows this machine too, for tests",
    "HEALTHBOOK_WORKER_METRICS_PORT": "port on 127.0.0.1 where the worker shows its metrics; without one nowhere",
    "HEALTHBOOK_OIDC_ISSUER": "issuer of the national OpenID provider (VNeID or alike); none unless told",
    "HEALTHBOOK_OIDC_CLIENT_ID": "this server's client_id at that provider",
    "HEALTHBOOK_OIDC_CLIENT_SECRET": "its client secret there, or instead:",
    "HEALTHBOOK_OIDC_CLIENT_KEY": "its private key there, a JWK (private_key_jwt)",
    "HEALTHBOOK_OIDC_ACR": "acr values that mean a strong sign-in there, with spaces between; others are refused",
    "HEALTHBOOK_OIDC_SCOPE": "scope to ask for there; openid profile unless told",
    "HEALTHBOOK_OIDC_CCCD_CLAIM": "claim with the CCCD, if the provider is authoritative for it; else nobody is linked",
}
LOGINS = {
    "web": "healthbook_web",
    "intake": "healthbook_intake",
    "auth": "healthbook_auth",
    "consent": "healthbook_consent",
    "worker": "healthbook_worker",
}


@dataclass(frozen=True, slots=True)
class Addresses:
    """One database, by who asks: its owner and the five logins."""

    owner: str = field(repr=False)
    web: str = field(repr=False)
    intake: str = field(repr=False)
    auth: str = field(repr=False)
    consent: str = field(repr=False)
    worker: str = field(repr=False)

    @classmethod
    def of_server(cls, url: str, password: str | None) -> "Addresses":
        """The logins on the server, port and database of the owner's address."""
        return cls(url, **{name: _as_role(url, role, password) for name, role in LOGINS.items()})


def environment() -> Mapping[str, str]:
    return os.environ


def data_folder(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("HEALTHBOOK_DATA") or ".healthbook").absolute()


def _as_role(url: str, role: str, password: str | None) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    login = role if password is None else f"{role}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{login}@{host}"))


def keys(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """HEALTHBOOK_KEK and HEALTHBOOK_IDENTIFIER_KEY: as given, else made once and kept in the data folder."""
    names = ("HEALTHBOOK_KEK", "HEALTHBOOK_IDENTIFIER_KEY")
    given = {name: environ[name] for name in names if environ.get(name)}
    if len(given) == len(names):
        return given
    return _kept_keys(folder / "keys.json") | given


def _kept_keys(path: Path) -> dict[str, str]:
    if path.exists():
        return dict(json.loads(path.read_text()))
    path.parent.mkdir(parents=True, exist_ok=True)
    made = {
        "HEALTHBOOK_KEK": new_kek(),
        "HEALTHBOOK_IDENTIFIER_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
    }
    write_private(path, made)
    return made


def write_private(path: Path, told: Mapping[str, str]) -> None:
    """A new JSON file that only its owner reads."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(told, file, ensure_ascii=False)
