"""npm openid-client 6, unmodified: every flow it knows and we offer."""

import pytest

SCRIPT = "openid_client.mjs"


@pytest.mark.parametrize(
    "flow",
    [
        "discovers",
        "isDenied",
        "refreshes",
        "pushes",
        "aClinicianSignsInAndHisSystemWorksForHim",
        "aMotherActsForHerChild",
        "aDeviceShowsACode",
        "registersItself",
        "logsOut",
    ],
)
async def test_openid_client(healthbook, flow):
    await healthbook.run(SCRIPT, flow)


async def test_openid_client_signs_in(healthbook):
    person = await healthbook.run(SCRIPT, "signsIn")
    assert person["sub"] == healthbook.told["citizen"]


@pytest.mark.parametrize("algorithm", ["ES256", "ES384", "RS384"])
async def test_openid_client_proves_itself_by_key(healthbook, algorithm):
    await healthbook.run(SCRIPT, "provesItselfByKey", algorithm=algorithm)


async def test_openid_client_proves_possession_to_the_api(healthbook):
    answer = await healthbook.run(SCRIPT, "provesPossession")
    assert answer == {"data": {"healthRecord": {"labs": {"totalCount": 0}}}}
