"""oauth4webapi 3, unmodified: the library that takes no answer that is not what its RFC says."""

import pytest

SCRIPT = "oauth4webapi.mjs"


@pytest.mark.parametrize(
    "flow",
    [
        "aCodeIsUsedOnce",
        "accessTokensAreValid",
        "aWrongVerifierBurnsTheCode",
        "errorsThatReturn",
        "refreshesAndRevokes",
        "theApiSaysWhatIsWrong",
        "wrongClients",
    ],
)
async def test_oauth4webapi(healthbook, flow):
    await healthbook.run(SCRIPT, flow)


async def test_oauth4webapi_reads_the_record_with_a_bound_token(healthbook):
    answer = await healthbook.run(SCRIPT, "readsTheRecord")
    assert answer == {"data": {"healthRecord": {"labs": {"totalCount": 0}}}}
