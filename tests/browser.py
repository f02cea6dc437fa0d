"""A real Chromium (Debian's, driven by playwright), and axe-core, which looks for barriers in a page.

Import the fixtures where they are used. Without Chromium the tests that need one are skipped, but never in CI.
"""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from playwright.async_api import Browser, Page, async_playwright
from starlette.types import ASGIApp

from cli.serve import WEBSOCKETS
from tests.interop.node import installed

NAMES = ("chromium", "chromium-browser", "google-chrome")
PHONE = {"width": 390, "height": 844}
ONLY_LOOPBACK = "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1 , EXCLUDE localhost"  # passkeys need a name
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
START_LIMIT_S = 60


def executable() -> str:
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None and os.environ.get("CI"):
        pytest.fail("CI has no chromium; .ci/run installs it")
    if found is None:
        pytest.skip("no chromium is installed here (Debian: apt-get install chromium)")
    return found


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """One process for all tests; each opens a context of its own, which shares nothing with others."""
    options = [ONLY_LOOPBACK, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable(), args=options)
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
def axe(pytestconfig: pytest.Config) -> str:
    """The source of axe-core."""
    folder: Path = installed(pytestconfig.cache.mkdir("node"))
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text()


async def barriers(page: Page, axe: str) -> list[str]:
    """What axe finds in the page as it is now: the rule, and the elements that break it."""
    await page.evaluate(axe)
    found: dict[str, Any] = await page.evaluate("rules => axe.run({runOnly: rules})", list(RULES))
    return [f"{one['id']}: {[node['html'] for node in one['nodes']]}" for one in found["violations"]]


def listening() -> socket.socket:
    """A free port of loopback on which connections wait until a server takes them."""
    return socket.create_server(("127.0.0.1", 0))


@asynccontextmanager
async def serving(app: ASGIApp, bound: socket.socket) -> AsyncIterator[None]:
    """The app over HTTP for the length of the block, in this event loop, started."""
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on", **WEBSOCKETS))
    running = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        async with httpx.AsyncClient(timeout=START_LIMIT_S) as first:
            await first.get(f"http://127.0.0.1:{bound.getsockname()[1]}/")
        yield
    finally:
        server.should_exit = True
        await running
