"""The demo's worker: tells the invented citizens through a push server on this machine, in a thread of the demo."""

import asyncio
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial

from cli.appointments import pass_places_on
from cli.delivery import notifier
from cli.demo_push import PushServer
from cli.settings import Addresses
from cli.worker import MINUTE, Job, notices, once
from notifications.worker import Notifier

PROJECT = "demo"
LOOK_EVERY_S = 10.0


@contextmanager
def telling(addresses: Addresses, environ: Mapping[str, str]) -> Iterator[str]:
    """Origin of the push server; what it was sent stands at /messages. Both end with the block."""
    phones = PushServer().start()
    told = {**environ, "HEALTHBOOK_FCM_PROJECT": PROJECT, "HEALTHBOOK_FCM_ENDPOINT": phones.origin}
    told.pop("HEALTHBOOK_FCM_CREDENTIALS", None)
    worker = _Thread(addresses, told)
    worker.start()
    try:
        yield phones.origin
    finally:
        worker.stop()
        phones.close()


class _Thread(threading.Thread):
    """A worker that ends with its process, or when it is told."""

    def __init__(self, addresses: Addresses, environ: Mapping[str, str]) -> None:
        super().__init__(name="worker", daemon=True)
        self._addresses, self._environ = addresses, environ
        self._loop = asyncio.new_event_loop()
        self._told_to_stop = asyncio.Event()

    def run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._work())
        finally:
            self._loop.close()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._told_to_stop.set)
        self.join()

    async def _work(self) -> None:
        told = notifier(self._addresses, self._environ)
        if told is None:
            return
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(told.run(self._told_to_stop))
                group.create_task(self._look(told))
        finally:
            await told.close()
            await told.engine.dispose()

    async def _look(self, told: Notifier) -> None:
        while not self._told_to_stop.is_set():
            for job in (*notices(told), Job("places", MINUTE, partial(pass_places_on, self._addresses))):
                await once(job)
            try:
                await asyncio.wait_for(self._told_to_stop.wait(), LOOK_EVERY_S)
            except TimeoutError:
                continue
