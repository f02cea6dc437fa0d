"""Signing in at this server, one module a way; `/account` for what a citizen has of them; `/logout`.

    demo.py             the demo's list of invented citizens
    national.py         the national OpenID provider (`openid_provider`, `id_tokens`)
    passkey_page.py     a passkey (`passkeys`)
    code_pages.py       a one-time code by phone or e-mail (`codes`, `contacts`)
    account*.py         the citizen's own sessions, passkeys and contacts

Every way ends in `entry.enter`: a new session with a new id, and its strength (`levels`).
"""

from starlette.routing import Route

from auth.provider import CodeSender, Provider
from auth.sign_in import account, account_contacts, account_passkeys, code_pages, national, passkey_page, script
from auth.sign_in.asking import ACCOUNT, LOGIN, address, own_path
from auth.sign_in.demo import DemoList
from auth.sign_in.entry import trouble
from auth.sign_in.levels import CODE_ACR, DEMO_ACR, STRONG_ACR, asked_level, level_of
from auth.sign_in.openid_provider import OpenIDProvider
from auth.sign_in.outbox import DemoOutbox
from auth.sign_in.passkeys import Passkeys
from auth.sign_in.ways import Ways

__all__ = [
    "CODE_ACR",
    "DEMO_ACR",
    "STRONG_ACR",
    "address",
    "asked_level",
    "level_of",
    "own_path",
    "routes",
    "trouble",
]


def routes(provider: Provider, sender: CodeSender | None = None) -> list[Route]:
    """`sender` takes one-time codes to people; without one that way is off, and in a demo an outbox shows them."""
    settings = provider.settings
    sender = sender or (DemoOutbox() if settings.demo_sign_in else None)
    posting = code_pages.Posting(provider, sender) if sender else None
    passkeys = Passkeys.of(settings)
    openid = OpenIDProvider(settings.national, settings.issuer + national.CALLBACK) if settings.national else None
    ways, away = Ways(provider, sender, passkeys), national.National(provider, openid)
    codes, answers = code_pages.CodePages(provider, posting), passkey_page.PasskeyPage(provider, passkeys)
    own = account.Account(provider, passkeys, sender is not None)
    own_passkeys = account_passkeys.AccountPasskeys(provider, passkeys)
    own_contacts = account_contacts.AccountContacts(provider, posting)
    return [
        Route(LOGIN, ways.page),
        Route(LOGIN, DemoList(provider).choose, methods=["POST"]),
        Route("/logout", ways.sign_out, methods=["POST"]),
        Route(national.START, away.start),
        Route(national.CALLBACK, away.callback),
        Route(passkey_page.PATH, answers.answer, methods=["POST"]),
        Route(script.SCRIPT_PATH, script.script),
        Route(code_pages.ASK, codes.ask, methods=["POST"]),
        Route(code_pages.CHECK, codes.check, methods=["POST"]),
        Route(ACCOUNT, own.page),
        Route(account.SESSIONS, own.end_session, methods=["POST"]),
        Route(account_passkeys.ADD, own_passkeys.add, methods=["POST"]),
        Route(account_passkeys.REMOVE, own_passkeys.remove, methods=["POST"]),
        Route(account_contacts.ADD, own_contacts.add, methods=["POST"]),
        Route(account_contacts.CHECK, own_contacts.check, methods=["POST"]),
        Route(account_contacts.REMOVE, own_contacts.remove, methods=["POST"]),
    ]
