"""Sessions for commands that write what the authorization server owns."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.ext.asyncio import AsyncSession

from cli.settings import Addresses
from domain.database import open_engine


@asynccontextmanager
async def auth_session(addresses: Addresses) -> AsyncIterator[AsyncSession]:
    """One session as the login of the authorization server."""
    async with _session(addresses.auth) as session:
        yield session


@asynccontextmanager
async def consent_session(addresses: Addresses) -> AsyncIterator[AsyncSession]:
    """One session as the login that writes what citizens decide."""
    async with _session(addresses.consent) as session:
        yield session


@asynccontextmanager
async def worker_session(addresses: Addresses) -> AsyncIterator[AsyncSession]:
    """One session as the login of the worker."""
    async with _session(addresses.worker) as session:
        yield session


@asynccontextmanager
async def owner_session(addresses: Addresses) -> AsyncIterator[AsyncSession]:
    """One session as the owner, for what no running service may write (the demo's citizens)."""
    async with _session(addresses.owner) as session:
        yield session


@asynccontextmanager
async def _session(dsn: str) -> AsyncIterator[AsyncSession]:
    engine = open_engine(dsn)
    try:
        async with AsyncSession(engine, expire_on_commit=False) as session:
            yield session
    finally:
        await engine.dispose()
