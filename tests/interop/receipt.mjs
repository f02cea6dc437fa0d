// Verifies a consent receipt with npm jose, years later, with nothing but the keys that were published.

import assert from "node:assert/strict";
import { compactVerify, createLocalJWKSet, errors } from "jose";

const TYPE = "consent-receipt+jwt";

async function read(receipt, keys) {
  const { payload, protectedHeader } = await compactVerify(receipt, keys, { algorithms: ["ES256"] });
  assert.equal(protectedHeader.typ, TYPE);
  return JSON.parse(new TextDecoder().decode(payload));
}

export async function verifies(told) {
  const keys = createLocalJWKSet(told.jwks);
  const [header, , signature] = told.receipt.split(".");
  const claims = await read(told.receipt, keys);
  const widened = Buffer.from(JSON.stringify({ ...claims, sections: ["*"] })).toString("base64url");
  await assert.rejects(read([header, widened, signature].join("."), keys), errors.JWSSignatureVerificationFailed);
  await assert.rejects(read(told.receipt, createLocalJWKSet(told.tokenJwks)), errors.JWKSNoMatchingKey);
  return claims;
}
