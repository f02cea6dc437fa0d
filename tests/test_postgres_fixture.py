"""The databases that tests get: built once, copied cheaply, independent of each other."""

import asyncio

import asyncpg
import pytest

from tests import postgres
from tests.postgres import Databases


@pytest.fixture
def databases():
    return Databases(postgres.test_server())


class Recipe:
    """Builds a table with one row, and counts how often it was asked to."""

    def __init__(self, *, fails: bool = False, leaves_open: bool = False):
        self.calls = 0
        self.fails = fails
        self.leaves_open = leaves_open
        self.left = []

    async def __call__(self, dsn):
        self.calls += 1
        connection = await asyncpg.connect(dsn)
        await connection.execute("CREATE TABLE greeting AS SELECT 'Sổ sức khỏe' AS words")
        if self.leaves_open:
            self.left.append(connection)
        else:
            await connection.close()
        if self.fails:
            raise LookupError("the recipe failed")


async def fetch(dsn, query):
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def test_is_one_server_per_process():
    assert postgres.test_server() is postgres.test_server()
    assert postgres.test_server().process is not None


async def test_clones_hold_what_the_template_holds(databases):
    dsn = await databases.clone(await databases.template("holds", Recipe()))
    assert await fetch(dsn, "SELECT words FROM greeting") == "Sổ sức khỏe"
    await databases.drop(dsn)


async def test_clones_do_not_see_each_other(databases):
    template = await databases.template("apart", Recipe())
    one, other = [await databases.clone(template) for _ in range(2)]
    await fetch(one, "DELETE FROM greeting")
    assert await fetch(other, "SELECT count(*) FROM greeting") == 1
    assert await fetch(await databases.clone(template), "SELECT count(*) FROM greeting") == 1


async def test_builds_a_template_once_for_many_askers(databases):
    recipe = Recipe()
    names = await asyncio.gather(*(databases.template("once", recipe) for _ in range(5)))
    assert len(set(names)) == 1
    assert recipe.calls == 1


async def test_finds_the_template_another_object_built(databases):
    first = await databases.template("shared", Recipe())
    again = Recipe()
    assert await Databases(postgres.test_server()).template("shared", again) == first
    assert again.calls == 0


async def test_keys_have_their_own_templates(databases):
    assert await databases.template("a", Recipe()) != await databases.template("b", Recipe())


async def test_accepts_any_text_as_key(databases):
    name = await databases.template('"; DROP DATABASE postgres; -- ' + "đ" * 200, Recipe())
    assert await fetch(await databases.clone(name), "SELECT count(*) FROM greeting") == 1


async def test_refuses_connections_to_a_template(databases):
    name = await databases.template("closed", Recipe())
    with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError):
        await asyncpg.connect(postgres.test_server().dsn(name))


async def test_clones_a_template_whose_builder_left_a_connection(databases):
    recipe = Recipe(leaves_open=True)
    name = await databases.template("left open", recipe)
    assert await fetch(await databases.clone(name), "SELECT count(*) FROM greeting") == 1
    recipe.left[0].terminate()


async def test_a_failed_build_leaves_nothing_and_may_be_repeated(databases):
    with pytest.raises(LookupError):
        await databases.template("repeated", Recipe(fails=True))
    name = await databases.template("repeated", Recipe())
    assert await fetch(await databases.clone(name), "SELECT count(*) FROM greeting") == 1


async def test_drops_a_clone_in_use(databases):
    dsn = await databases.clone(await databases.template("in use", Recipe()))
    user = await asyncpg.connect(dsn)
    await databases.drop(dsn)
    with pytest.raises(asyncpg.InvalidCatalogNameError):
        await asyncpg.connect(dsn)
    user.terminate()


async def test_drops_only_clones(databases):
    with pytest.raises(ValueError, match="not a clone"):
        await databases.drop(postgres.test_server().dsn("postgres"))
