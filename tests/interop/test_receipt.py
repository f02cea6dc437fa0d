"""A consent receipt, verified by other people's software with published keys and nothing else."""

import base64
import hashlib
import json

import httpx

DECIDED = """
    select event.receipt, event.snapshot, text.body
    from access.consent_event event
    join access.consent using (patient_id)
    join access.consent_text text on text.text_hash = consent.text_hash
    where consent.id = event.consent_id and consent.client_id = $1
    order by event.place desc limit 1
"""


async def keys(healthbook, path):
    async with httpx.AsyncClient(base_url=healthbook.origin) as http:
        return (await http.get(path)).json()


async def test_jose_verifies_the_receipt_of_a_consent_offline(healthbook):
    told = healthbook.told
    await healthbook.run("openid_client.mjs", "pushes")
    [decided] = await healthbook.sql(DECIDED, told["clients"]["diary"])
    published = {
        "jwks": await keys(healthbook, "/oauth/receipt-jwks"),
        "tokenJwks": await keys(healthbook, "/oauth/jwks"),
    }
    claims = await healthbook.run("receipt.mjs", "verifies", receipt=decided["receipt"], **published)
    assert claims.pop("iss") == healthbook.origin
    assert claims == json.loads(decided["snapshot"])
    assert claims["sections"] == ["labs", "vitals"]
    read = hashlib.sha256(decided["body"].encode()).digest()
    assert base64.urlsafe_b64decode(claims["notice"]["sha256"] + "=") == read
