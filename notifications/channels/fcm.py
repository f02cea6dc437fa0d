"""Push through Firebase Cloud Messaging, HTTP v1, by firebase-admin's asynchronous client.

The library's HTTP client is replaced by one of ours: its own retries of 500 and 503 would multiply ours and sleep in
the worker, and it fetches access tokens on the event loop, with a new session for each message. A message goes alone:
one answer that is no JSON makes the library give up a whole list.

Source: firebase.google.com/docs/reference/fcm/rest/v1/projects.messages, /docs/cloud-messaging/error-codes.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import firebase_admin
import httpx
import orjson
from firebase_admin import credentials, exceptions, messaging
from google.auth.credentials import AnonymousCredentials, Credentials
from google.auth.transport.requests import Request

from notifications.channels import Delivered, Gone, Message, Outcome, Rejected, Retry
from notifications.channels.connections import Connections
from notifications.channels.retry_after import retry_after
from notifications.kinds import PUSH
from notifications.texts import hint

BATCH, AT_ONCE = 500, 64
TIMEOUT = timedelta(seconds=20)
APNS_ALERT, APNS_QUIET = "10", "5"


@dataclass(frozen=True, slots=True)
class FcmSettings:
    """`credentials`: path of a service account's file. `endpoint`: another origin than Google's (tests, a proxy)."""

    project: str
    credentials: str | None = None
    endpoint: str | None = None


class Nobody(credentials.Base):  # type: ignore[misc]  # firebase-admin is not typed
    """No credential, for a server on this machine."""

    def get_credential(self) -> Credentials:
        return AnonymousCredentials()  # type: ignore[no-untyped-call]


class Client:
    """What firebase-admin asks of its HTTP client: one try, and an error for a status that is none of success.

    Google's access token is fetched in a thread, by one request at a time.
    """

    def __init__(self, credential: Credentials) -> None:
        self._connections = Connections(AT_ONCE, TIMEOUT)
        self._credential = credential
        self._turn = asyncio.Lock()

    async def request(self, _method: str, url: str, *, headers: dict[str, str], json: Any) -> httpx.Response:
        if not self._credential.valid:
            await self._refresh()
        told = {**headers, "content-type": "application/json"}
        self._credential.apply(told)  # type: ignore[no-untyped-call]
        return (await self._connections.post(url, told, orjson.dumps(json))).raise_for_status()

    async def _refresh(self) -> None:
        async with self._turn:
            if not self._credential.valid:
                await asyncio.to_thread(self._credential.refresh, Request())

    async def aclose(self) -> None:
        self._connections.close()


class Fcm:
    """The channel `push`."""

    name, most = PUSH, BATCH

    def __init__(self, settings: FcmSettings) -> None:
        held = credentials.Certificate(settings.credentials) if settings.credentials else Nobody()
        self._app = firebase_admin.initialize_app(held, {"projectId": settings.project}, name=f"healthbook-{uuid4()}")
        service = messaging._get_messaging_service(self._app)  # noqa: SLF001 -- no public way to its client or address
        self._client = Client(held.get_credential())
        service._async_client = self._client  # noqa: SLF001
        if settings.endpoint:
            service._fcm_url = f"{settings.endpoint.rstrip('/')}/v1/projects/{settings.project}/messages:send"  # noqa: SLF001

    async def send(self, messages: Sequence[Message]) -> list[Outcome]:
        return list(await asyncio.gather(*(self._send(message) for message in messages)))

    async def _send(self, message: Message) -> Outcome:
        try:
            answer = await messaging.send_each_async([envelope(message)], app=self._app)
        except exceptions.FirebaseError:  # an answer that is no JSON: a proxy's page
            return Retry(reason="not_understood")
        except Exception as failure:  # noqa: BLE001 -- a credential that cannot be refreshed must not lose messages
            return Retry(reason=type(failure).__name__)
        (sent,) = answer.responses
        return Delivered() if sent.success else outcome_of(sent.exception)

    async def close(self) -> None:
        await self._client.aclose()
        await asyncio.to_thread(firebase_admin.delete_app, self._app)  # it runs a loop of its own


def outcome_of(failure: Any) -> Outcome:
    """What FCM's answer means for the token. Only FCM's own words end one: a proxy's 404 page does not."""
    match failure:
        case messaging.UnregisteredError():
            return Gone("unregistered")
        case messaging.SenderIdMismatchError():
            return Gone("sender_mismatch")
        case exceptions.InvalidArgumentError():
            return Rejected("invalid_argument")
        case exceptions.FirebaseError():
            response = failure.http_response
            after = None if response is None else retry_after(response.headers.get("retry-after"), datetime.now(UTC))
            return Retry(after, failure.code.lower())
        case _:
            return Retry(reason="not_understood")


def envelope(message: Message) -> messaging.Message:
    """FCM's message: a neutral title, ids, a link. Shown again under its `about` it replaces what it showed before."""
    title = hint("digest" if message.is_digest else "push", message.language)
    made = messaging.Message(
        data={"id": str(message.about), "message": str(message.id), "link": message.link},
        notification=messaging.Notification(title=title),
        **{PLATFORMS[message.platform][0]: PLATFORMS[message.platform][1](message, title)},
    )
    made.token = message.address  # phones are known by registration tokens; naming one above only warns of a newer way
    return made


def _android(message: Message, _title: str) -> messaging.AndroidConfig:
    about = str(message.about)
    return messaging.AndroidConfig(
        collapse_key=about,
        priority="high" if message.urgent else "normal",
        ttl=message.ttl,
        notification=messaging.AndroidNotification(tag=about),
    )


def _apns(message: Message, title: str) -> messaging.APNSConfig:
    headers = {
        "apns-collapse-id": str(message.about),
        "apns-id": str(message.id),
        "apns-priority": APNS_ALERT if message.urgent else APNS_QUIET,
        "apns-expiration": str(int((datetime.now(UTC) + message.ttl).timestamp())),
    }
    alert = messaging.Aps(alert=messaging.ApsAlert(title=title))
    return messaging.APNSConfig(headers=headers, payload=messaging.APNSPayload(aps=alert))


def _webpush(message: Message, title: str) -> messaging.WebpushConfig:
    headers = {
        "TTL": str(int(message.ttl.total_seconds())),
        "Urgency": "high" if message.urgent else "normal",
        "Topic": message.about.hex,
    }
    return messaging.WebpushConfig(
        headers=headers, notification=messaging.WebpushNotification(title=title, tag=str(message.about))
    )


PLATFORMS: dict[str, tuple[str, Callable[[Message, str], Any]]] = {
    "android": ("android", _android),
    "ios": ("apns", _apns),
    "web": ("webpush", _webpush),
}
"""What each platform is told beside the common part: how long it is good, how urgent, and what it replaces."""
