"""E-mail, text messages and webhooks against real servers on this machine; and where a webhook may never go."""

import asyncio
import json
import socket
from datetime import timedelta
from ipaddress import ip_address
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook as Verifier

from domain.errors import Conflict, Invalid
from domain.values import utc_now
from notifications import webhooks
from notifications.channels import LONGEST, Delivered, Message, Rejected, Retry, backoff
from notifications.channels.egress import MOST_BYTES, Egress, Refused, Unreachable
from notifications.channels.email import Email, SmtpSettings
from notifications.channels.retry_after import retry_after
from notifications.channels.sms import Sms, SmsSettings
from notifications.channels.webhook import Webhooks
from tests.notifications.town import SEALS

SECRET = "whsec_" + "c2VjcmV0" * 4


def message(address="", **more):
    return Message(id=uuid4(), about=uuid4(), address=address, ttl=timedelta(hours=1), **more)


class Server:
    """HTTP on this machine: keeps what it is asked, answers what it is told."""

    def __init__(self):
        self.asked, self.answer, self.hangs = [], b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", False

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        self.origin = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *_):
        self.server.close()

    async def _serve(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = head.split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
        body = await reader.readexactly(int(headers["content-length"]))
        self.asked.append((lines[0], headers, body))
        if self.hangs:
            await reader.read()
        writer.write(self.answer)
        await writer.drain()
        writer.close()


@pytest.fixture
async def server():
    async with Server() as made:
        yield made


async def test_a_webhook_is_signed_and_says_only_that_there_is_something(server):
    told = message(f"{server.origin}/hook?x=1", secret=SECRET)
    assert await Webhooks(Egress("loopback")).send([told]) == [Delivered()]
    ((line, headers, body),) = server.asked
    assert line == "POST /hook?x=1 HTTP/1.1"
    said = Verifier(SECRET).verify(body, headers)
    assert said["type"] == "notice.created"
    assert said["data"] == {"id": str(told.about)}
    assert said.keys() == {"type", "timestamp", "data"}
    assert headers["webhook-id"] == str(told.id)
    assert "cookie" not in headers


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("200 OK", Delivered()),
        ("410 Gone", Rejected("gone")),
        ("302 Found\r\nLocation: http://127.0.0.1/", Retry(None, "http_3xx")),
        ("404 Not Found", Retry(None, "http_4xx")),
        ("429 Too Many Requests\r\nRetry-After: 7", Retry(timedelta(seconds=7), "http_4xx")),
        ("500 Internal Server Error", Retry(None, "http_5xx")),
    ],
)
async def test_what_each_answer_means(server, status, outcome):
    server.answer = f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode()
    assert await Webhooks(Egress("loopback")).send([message(server.origin, secret=SECRET)]) == [outcome]
    assert len(server.asked) == 1, "redirects are not followed"


@pytest.mark.parametrize(
    "answer", [b"hello", b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (MOST_BYTES + 1), b""], ids=["no http", "long", "none"]
)
async def test_an_answer_that_cannot_be_read_is_none(server, answer):
    server.answer = answer
    with pytest.raises(Unreachable):
        await Egress("loopback").post(server.origin, b"{}", {})


async def test_a_server_that_never_answers_does_not_hold_the_worker(server):
    server.hangs = True
    with pytest.raises(Unreachable):
        await Egress("loopback", timedelta(milliseconds=200)).post(server.origin, b"{}", {})


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "https://user:secret@example.com/",
        "https:///path",
        "https://example.com/#part",
        "https://ex\x00ample.com/",
        "https://exämple.com/",
        "https://example.com:99999/",
        "https://example.com/" + "a" * 3000,
        "javascript:alert(1)",
        "",
    ],
)
def test_only_plain_https_addresses_are_taken(url):
    with pytest.raises(Refused):
        Egress().checked(url)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
     "[::1]", "[::]", "[fe80::1]", "[fd00::1]", "[::ffff:127.0.0.1]", "[::ffff:169.254.169.254]", "[64:ff9b::7f00:1]",
     "[2002:7f00:1::]", "2130706433", "0x7f000001", "127.1", "localhost"],
)  # fmt: skip
async def test_no_address_of_this_house_is_reached(host):
    with pytest.raises((Refused, Unreachable)):
        await Egress().post(f"https://{host}/", b"{}", {})


@given(st.ip_addresses())
def test_what_is_not_global_is_not_allowed(address):
    if Egress().allows(address):
        assert address.is_global
        assert not address.is_loopback


def test_public_addresses_are_allowed():
    assert Egress().allows(ip_address("1.1.1.1"))
    assert Egress().allows(ip_address("2606:4700:4700::1111"))


async def test_the_address_looked_at_is_the_one_connected_to(server, monkeypatch):
    """A name that leads elsewhere the second time it is asked (DNS rebinding) is asked once."""
    asked = []

    async def resolved(_self, host, port, **_):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", resolved)
    answer = await Egress("loopback").post(f"http://partner.test:{server.port}/", b"{}", {})
    assert answer.status == 204
    assert asked.count("partner.test") == 1
    assert server.asked[0][1]["host"] == f"partner.test:{server.port}"


async def test_a_text_message_goes_to_the_gateway_signed(server):
    told = message("+84900000001")
    assert await Sms(SmsSettings(server.origin, SECRET)).send([told]) == [Delivered()]
    ((_, headers, body),) = server.asked
    said = Verifier(SECRET).verify(body, headers)
    assert (said["id"], said["to"]) == (str(told.id), "+84900000001")
    assert said["text"].startswith("Sổ sức khỏe: bạn có tin mới.")
    assert len(said["text"]) < 160


async def test_a_number_that_the_gateway_refuses_is_not_tried_again(server):
    server.answer = b"HTTP/1.1 422 Unprocessable\r\nContent-Length: 0\r\n\r\n"
    assert await Sms(SmsSettings(server.origin, SECRET)).send([message("+841")]) == [Rejected("number_refused")]


class Mailbox:
    """SMTP on this machine, as far as a letter needs it."""

    def __init__(self):
        self.letters, self.refuses = [], None

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.server.close()

    async def _serve(self, reader, writer):
        writer.write(b"220 here\r\n")
        while line := await reader.readline():
            verb = line[:4].upper()
            if verb == b"DATA":
                writer.write(b"354 go on\r\n")
                self.letters.append((await reader.readuntil(b"\r\n.\r\n")).decode())
                writer.write(b"250 taken\r\n")
            elif verb == b"RCPT" and self.refuses:
                writer.write(self.refuses)
            else:
                writer.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n")
            if verb == b"QUIT":
                break
        writer.close()


@pytest.fixture
async def mailbox():
    async with Mailbox() as made:
        yield made


def email(mailbox):
    return Email(SmtpSettings.of(f"smtp://127.0.0.1:{mailbox.port}", "so@suckhoe.example"))


async def test_a_letter_is_neutral_and_the_same_at_every_try(mailbox):
    told = message("me@example.vn", language="en")
    channel = email(mailbox)
    assert await channel.send([told, told]) == [Delivered(), Delivered()]
    assert mailbox.letters[0].count(f"Message-ID: <{told.id}@suckhoe.example>") == 1
    assert "there is something new in your health book" in mailbox.letters[0].lower()
    assert "http" not in mailbox.letters[0]
    assert len(mailbox.letters) == 2


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [(b"550 no such user\r\n", Rejected("address_refused")), (b"451 later\r\n", Retry(reason="recipient_deferred"))],
)
async def test_what_the_mail_server_says(mailbox, answer, outcome):
    mailbox.refuses = answer
    assert await email(mailbox).send([message("me@example.vn")]) == [outcome]


async def test_without_a_mail_server_it_is_tried_again():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    (outcome,) = await Email(SmtpSettings.of(f"smtp://127.0.0.1:{port}", "a@b.example")).send(
        [message("me@example.vn")]
    )
    assert isinstance(outcome, Retry)


async def test_a_far_mail_server_must_speak_tls(mailbox):
    far = SmtpSettings("127.0.0.1", mailbox.port, "a@b.example")
    object.__setattr__(far, "host", "127.0.0.2")  # another machine, as far as the rule goes
    channel = Email(far)
    assert not far.is_local
    assert channel._connection()._start_tls_on_connect is True


@pytest.mark.parametrize("url", ["http://x", "smtp://", "mail.example"])
def test_settings_that_are_wrong_do_not_show_their_password(url):
    with pytest.raises(ValueError) as wrong:
        SmtpSettings.of(url.replace("://", "://me:geheim@"), "a@b.example")
    assert "geheim" not in str(wrong.value)


@given(st.integers(1, 400), st.none() | st.timedeltas(timedelta(0), timedelta(hours=6)))
def test_pauses_grow_to_an_hour_and_are_never_shorter_than_asked(attempts, least):
    pause = backoff(attempts, least)
    assert max(least or timedelta(0), min(LONGEST, timedelta(seconds=5) * 2 ** min(attempts - 1, 12))) <= pause
    assert pause <= max(LONGEST, least or LONGEST) + LONGEST / 2


@given(st.text(max_size=50))
def test_any_retry_after_is_read_or_left(value):
    told = retry_after(value, utc_now())
    assert told is None or timedelta(0) <= told <= timedelta(hours=6)


async def sync(town, work, *arguments):
    from sqlalchemy.ext.asyncio import AsyncSession

    async with AsyncSession(town.engine, expire_on_commit=False) as session:
        made = await session.run_sync(work, *arguments)
        await session.commit()
    return made


async def partner(town, server, patient):
    """A partner's app with a webhook, and the consent of this patient."""
    await town.sql.execute(
        """insert into auth.client (client_id, name, kind, status, auth_method, grant_types, scope, created_at,
               redirect_uris)
           values ('diary', 'diary', 'third_party', 'active', 'none', '[]', '', now(), '[]')"""
    )
    await town.sql.execute(
        """insert into access.consent (patient_id, id, kind, client_id, purposes, sections, sensitive, valid_from,
               valid_until, version, granted_by, actor_role, channel, acr, auth_time, text_hash, created_at)
           values ($1, $2, 'app', 'diary', '{PATRQT}', '{labs}', '{}', now() - interval '1 day',
               now() + interval '9 days', 1, $1, 'self', 'page', '', now(), '', now())""",
        patient, uuid4(),
    )  # fmt: skip
    town.channels["webhook"] = Webhooks(Egress("loopback"), town.clock)
    return await sync(town, webhooks.register, SEALS, "diary", server.origin, utc_now(), Egress("loopback"))


async def test_a_partner_hears_of_news_of_who_connected_him_and_of_nobody_else(town, server):
    citizen, patient = await town.citizen(), uuid4()
    registered = await partner(town, server, patient)
    for about in (patient, uuid4(), None):
        await town.post([citizen], "new_result", patient=about)
    await town.post([citizen], "emergency_access", patient=patient)
    await town.deliver()
    ((_, _headers, body),) = server.asked
    assert registered.secret.startswith("whsec_")
    assert str(patient) not in body.decode()
    assert json.loads(body)["type"] == "notice.created"
    await town.sql.execute("update access.consent set withdrawn_at = now(), withdrawn_by = $1", patient)
    await town.post([citizen], "new_result", patient=patient)
    await town.deliver()
    assert len(server.asked) == 1


async def test_a_partner_who_is_down_for_three_days_is_held_and_can_be_resumed(town, server):
    citizen, patient = await town.citizen(), uuid4()
    registered = await partner(town, server, patient)
    server.answer = b"HTTP/1.1 503 Unavailable\r\nContent-Length: 0\r\n\r\n"
    await town.post([citizen], "new_result", patient=patient)
    for _ in range(80):
        await town.deliver()
        town.clock.forward(hours=1)
    assert len(server.asked) > 30
    await town.post([citizen], "new_result", patient=patient)
    await town.deliver()
    assert (await town.sql.fetchval("select held_at from notify.webhook")) is not None
    tries = len(server.asked)
    await town.post([citizen], "new_result", patient=patient)
    town.clock.forward(hours=2)
    await town.deliver()
    assert len(server.asked) == tries, "nothing is sent to one that is held"
    server.answer = b"HTTP/1.1 204 No Content\r\n\r\n"
    await sync(town, webhooks.resume, registered.id, town.clock.now)
    await town.deliver()
    assert len(server.asked) > tries
    assert (await town.sql.fetchval("select failing_since from notify.webhook")) is None


async def test_a_webhook_is_registered_once_and_only_to_the_world(town, server):
    await partner(town, server, uuid4())
    with pytest.raises(Conflict):
        await sync(town, webhooks.register, SEALS, "diary", "https://example.com/", utc_now())
    with pytest.raises(Invalid):
        await sync(town, webhooks.register, SEALS, "other", "http://example.com/", utc_now())


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "239.1.1.1", "255.255.255.255",
     "::1", "fe80::1", "fd00::1", "ff0e::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
     "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2"],
)  # fmt: skip
def test_no_form_of_an_inner_address_is_allowed(address):
    assert not Egress().allows(ip_address(address))
