"""The few pages of sign-in and consent: server-rendered, Vietnamese first, for a phone first; a script for passkeys.

Every page is private to one browser and one moment: not stored, not framed, not named to other sites, and its forms may
only go to this server and, for consent, on to the client's registered address.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from auth.pages.words import LANGUAGES, WORDS

_FOLDER = Path(__file__).parent
_PAGES = Environment(
    loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
STYLE = (_FOLDER / "style.css").read_bytes()
STYLE_PATH = "/oauth/style.css"


def language(request: Request, ui_locales: str = "") -> str:
    """`lang` in the URL, then what the client asked (`ui_locales`), then the browser; else Vietnamese."""
    wanted = [request.query_params.get("lang", ""), *ui_locales.split(" ")]
    wanted += [part.partition(";")[0].strip() for part in request.headers.get("accept-language", "").split(",")]
    short = (name.partition("-")[0].lower() for name in wanted)
    return next((name for name in short if name in LANGUAGES), LANGUAGES[0])


def render(
    request: Request,
    page: str,
    *,
    lang: str,
    status: int = 200,
    form_action: str = "",
    script: str = "",
    by_language: Mapping[str, str] | None = None,
    **values: Any,
) -> HTMLResponse:
    """`form_action` is a further CSP source for forms: where a client's answer goes. `script`: the page's only one.

    `by_language`: where the page in another language is; its own address unless told.
    """
    languages = _switch(request) if by_language is None else by_language
    text = _PAGES.get_template(page).render(
        words=WORDS[lang], lang=lang, languages=languages, style=STYLE_PATH, script=script, **values
    )
    return HTMLResponse(text, status, headers=_headers(form_action, script, lang))


def _switch(request: Request) -> dict[str, str]:
    """The same page by language: own path and query, with `lang` replaced. The answer to a form has no address."""
    if request.method != "GET":
        return {}
    rest = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
    return {lang: f"{request.scope['path']}?{urlencode([*rest, ('lang', lang)])}" for lang in LANGUAGES}


def _headers(form_action: str, script: str, lang: str) -> dict[str, str]:
    scripts = f"script-src {script}; " if script else ""
    policy = (
        f"default-src 'none'; {scripts}style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self' {form_action}"
    )
    return {
        "Content-Security-Policy": policy.strip(),
        "Content-Language": lang,
        "Cache-Control": "no-store",
        # Not no-referrer: browsers then send `Origin: null` with our own forms (Fetch 3.1, request Origin header).
        "Referrer-Policy": "same-origin",
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Vary": "Accept-Language, Cookie",
    }
