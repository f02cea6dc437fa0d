"""A server that is told to stop says so to those who listen, before it cuts their connections."""

import asyncio
import os
import signal
import sys

import websockets.asyncio.client as sockets

from auth.settings import new_kek
from tests.cli.servers import PROJECT
from tests.interop.node import free_port

WITHIN_S = 60


async def test_sigterm_closes_websockets_with_1001(database, tmp_path):
    port = free_port()
    environment = os.environ | {
        "HEALTHBOOK_DATABASE_URL": database.owner,
        "HEALTHBOOK_DATA": str(tmp_path),
        "HEALTHBOOK_KEK": new_kek(),
    }
    command = [sys.executable, "-c", "from cli.main import main; main()", "serve", "--port", str(port)]
    process = await asyncio.create_subprocess_exec(*command, cwd=PROJECT, env=environment)
    try:
        async with asyncio.timeout(WITHIN_S):
            socket = await connected(port)
            process.send_signal(signal.SIGTERM)
            await socket.wait_closed()
            assert (socket.close_code, socket.close_reason) == (1001, "Going away")
            assert await process.wait() in (0, 128 + signal.SIGTERM)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def connected(port):
    while True:
        try:
            return await sockets.connect(f"ws://127.0.0.1:{port}/graphql", subprotocols=["graphql-transport-ws"])
        except OSError:
            await asyncio.sleep(0.05)
