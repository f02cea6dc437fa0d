"""fhirclient 2, unmodified: a SMART App Launch 2 standalone launch."""

import pytest

SCRIPT = "fhirclient.mjs"


@pytest.mark.parametrize("flow", ["launchesAndRefreshes", "isToldWhatWasUnticked"])
async def test_fhirclient(healthbook, flow):
    await healthbook.run(SCRIPT, flow)
