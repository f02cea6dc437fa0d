"""`healthbook serve`: the API in this process, until it is told to stop."""

import asyncio
import gc
import socket
from collections.abc import Callable
from typing import Any

import typer
import uvicorn

from api.app import create_app
from api.settings import ApiSettings, budgets, connections, emergency_alarm, identifier_key, introspection, seats
from api.subscriptions.limits import LARGEST_MESSAGE
from auth.settings import AuthSettings
from auth.signing.keys import ensure
from cli.database import database
from cli.logs import configure
from cli.sessions import auth_session
from cli.settings import Addresses, data_folder, environment, keys
from domain.values import utc_now

TRIED_PORTS = 50
WEBSOCKETS: dict[str, Any] = {
    "ws": "websockets-sansio",
    "ws_max_size": 2 * LARGEST_MESSAGE,  # what is a little too large is told so, what is far too large is cut off
    "ws_ping_interval": 30.0,
    "ws_ping_timeout": 20.0,
    "ws_per_message_deflate": False,  # messages are short, and its tables take more memory than the rest of a socket
}


def run(*, host: str, port: int) -> None:
    environ = environment()
    held = {**environ, **keys(environ, data_folder(environ))}
    with database(environ) as addresses:
        listening = free_socket(host, port)
        issuer = environ.get("HEALTHBOOK_ISSUER") or f"http://{host}:{listening.getsockname()[1]}"
        auth = AuthSettings.from_env({**held, "HEALTHBOOK_ISSUER": issuer})
        asyncio.run(ensure_keys(addresses, auth))
        api = ApiSettings(
            web_dsn=addresses.web,
            intake_dsn=addresses.intake,
            auth_dsn=addresses.auth,
            consent_dsn=addresses.consent,
            identifier_key=identifier_key(held),
            connections=connections(environ),
            metrics_token=environ.get("HEALTHBOOK_METRICS_TOKEN") or None,
            emergency_alarm=emergency_alarm(environ),
            introspection=introspection(environ),
            seats=seats(environ),
            budgets=budgets(environ),
        )
        serve(api, auth, listening)


async def ensure_keys(addresses: Addresses, auth: AuthSettings) -> None:
    async with auth_session(addresses) as session:
        await ensure(session, auth.kek, utc_now())
        await session.commit()


def serve(
    api: ApiSettings, auth: AuthSettings, listening: socket.socket, *, ready: Callable[[], None] | None = None
) -> None:
    """Serve on a socket until SIGINT or SIGTERM; `ready` is called once requests are answered."""
    configure()
    config = uvicorn.Config(
        create_app(api, auth),
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
        **WEBSOCKETS,
    )
    server = _Announced(config, ready)
    with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:  # uvloop where it is installed
        runner.run(server.serve(sockets=[listening]))


class _Announced(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None] | None) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        settle()
        if self.started and self._ready:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Subscribers hear that the server goes away (1001) before their connections are cut."""
        if self.started:
            await self.config.app.state.services.live.close()  # type: ignore[union-attr]  # the Starlette of serve()
        await super().shutdown(sockets)


def settle() -> None:
    """What was made at the start lives as long as the process: the collector never walks the schema again.

    Each full collection went through all of it, a pause for every request under way.
    """
    gc.collect()
    gc.freeze()


def free_socket(host: str, port: int) -> socket.socket:
    """A socket on the port, or on the next free one, said plainly."""
    for candidate in range(port, min(port + TRIED_PORTS, 65_536)):
        try:
            listening = socket.create_server((host, candidate), backlog=2048)
        except OSError:
            continue
        if candidate != port:
            typer.echo(f"Port {port} is taken; using {candidate}.")
        return listening
    raise typer.BadParameter(f"no free port between {port} and {port + TRIED_PORTS}")
