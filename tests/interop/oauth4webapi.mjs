// What an app and a resource server do with oauth4webapi 3, which checks every answer against the RFCs.

import assert from "node:assert/strict";
import { importJWK } from "jose";
import * as oauth from "oauth4webapi";
import { Browser } from "./browser.mjs";

const LABS = "record:labs:read";
const SCOPE = `openid offline_access ${LABS}`;
const INSECURE = { [oauth.allowInsecureRequests]: true }; // http on loopback
const NOBODY = oauth.None();

async function server(told, algorithm = "oidc") {
  const issuer = new URL(told.issuer);
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, { algorithm, ...INSECURE }));
}

async function bound(app) {
  const keys = await oauth.generateKeyPair("ES256");
  return oauth.DPoP(app, keys);
}

function refused(kind, error, status) {
  return (thrown) => {
    assert.ok(thrown instanceof kind, String(thrown?.stack));
    assert.deepEqual([thrown.error, thrown.status], [error, status]);
    return true;
  };
}

// What the app asks for, and the secrets that it keeps meanwhile.
async function request(told, app) {
  const kept = {
    verifier: oauth.generateRandomCodeVerifier(),
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
  };
  const asked = new URLSearchParams({
    client_id: app.client_id,
    redirect_uri: told.callback,
    response_type: "code",
    scope: SCOPE,
    state: kept.state,
    nonce: kept.nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(kept.verifier),
    code_challenge_method: "S256",
  });
  return { ...kept, asked };
}

async function allowed(told, as, app, parameters, state) {
  const address = new URL(as.authorization_endpoint);
  address.search = parameters;
  const returned = await new Browser(told.issuer).allow(address, told.citizen, [LABS]);
  return oauth.validateAuthResponse(as, app, returned, state);
}

function redeem(told, as, app, callback, verifier, options) {
  return oauth.authorizationCodeGrantRequest(as, app, NOBODY, callback, told.callback, verifier, {
    ...INSECURE,
    ...options,
  });
}

// Code, PKCE, PAR and DPoP together, the id_token's signature included.
async function signedIn(told, as, app, DPoP) {
  const { asked, verifier, state, nonce } = await request(told, app);
  const push = await oauth.pushedAuthorizationRequest(as, app, NOBODY, asked, { DPoP, ...INSECURE });
  const { request_uri } = await oauth.processPushedAuthorizationResponse(as, app, push);
  const reference = new URLSearchParams({ client_id: app.client_id, request_uri });
  const callback = await allowed(told, as, app, reference, state);
  const answer = await redeem(told, as, app, callback, verifier, { DPoP });
  const tokens = await oauth.processAuthorizationCodeResponse(as, app, answer, {
    expectedNonce: nonce,
    requireIdToken: true,
  });
  await oauth.validateApplicationLevelSignature(as, answer, INSECURE);
  return tokens;
}

function ask(told, token, DPoP, query = "{ healthRecord { labs(first: 1) { totalCount } } }") {
  const headers = new Headers({ "content-type": "application/json" });
  const address = new URL("/graphql", told.issuer);
  return oauth.protectedResourceRequest(token, "POST", address, headers, JSON.stringify({ query }), {
    DPoP,
    ...INSECURE,
  });
}

export async function readsTheRecord(told) {
  const [as, app] = [await server(told), { client_id: told.clients.phone }];
  const DPoP = await bound(app);
  const tokens = await signedIn(told, as, app, DPoP);
  assert.equal(tokens.token_type, "dpop");
  const info = await oauth.userInfoRequest(as, app, tokens.access_token, { DPoP, ...INSECURE });
  await oauth.processUserInfoResponse(as, app, told.citizen, info);
  const answer = await ask(told, tokens.access_token, DPoP);
  assert.equal(answer.status, 200);
  return answer.json();
}

// RFC 6750 3 and RFC 9449 7.1, as the library reads them.
export async function theApiSaysWhatIsWrong(told) {
  const [as, app] = [await server(told), { client_id: told.clients.phone }];
  const [DPoP, other] = [await bound(app), await bound(app)];
  const tokens = await signedIn(told, as, app, DPoP);
  for (const [proof, scheme, error] of [
    [undefined, "bearer", "invalid_token"],
    [other, "dpop", "invalid_token"],
  ]) {
    await assert.rejects(ask(told, tokens.access_token, proof), (thrown) => {
      assert.ok(thrown instanceof oauth.WWWAuthenticateChallengeError, String(thrown?.stack));
      const challenge = thrown.cause.find((one) => one.scheme === scheme);
      assert.deepEqual([thrown.status, challenge.parameters.error], [401, error]);
      return true;
    });
  }
}

export async function refreshesAndRevokes(told) {
  const [as, app] = [await server(told, "oauth2"), { client_id: told.clients.phone }];
  const DPoP = await bound(app);
  const first = await signedIn(told, as, app, DPoP);
  const refresh = async (token) =>
    oauth.processRefreshTokenResponse(
      as,
      app,
      await oauth.refreshTokenGrantRequest(as, app, NOBODY, token, { DPoP, ...INSECURE }),
    );
  const second = await refresh(first.refresh_token);
  const revoked = await oauth.revocationRequest(as, app, NOBODY, second.refresh_token, INSECURE);
  await oauth.processRevocationResponse(revoked);
  await assert.rejects(refresh(second.refresh_token), refused(oauth.ResponseBodyError, "invalid_grant", 400));
}

export async function aCodeIsUsedOnce(told) {
  const [as, app] = [await server(told), { client_id: told.clients.phone }];
  const { asked, verifier, state, nonce } = await request(told, app);
  const callback = await allowed(told, as, app, asked, state);
  const outcome = async () => {
    const answer = await redeem(told, as, app, callback, verifier);
    return oauth.processAuthorizationCodeResponse(as, app, answer, { expectedNonce: nonce });
  };
  const tokens = await outcome();
  await assert.rejects(outcome(), refused(oauth.ResponseBodyError, "invalid_grant", 400));
  const answer = await oauth.userInfoRequest(as, app, tokens.access_token, INSECURE);
  assert.equal(answer.status, 401);
}

export async function aWrongVerifierBurnsTheCode(told) {
  const [as, app] = [await server(told), { client_id: told.clients.phone }];
  const { asked, verifier, state, nonce } = await request(told, app);
  const callback = await allowed(told, as, app, asked, state);
  for (const secret of [oauth.generateRandomCodeVerifier(), verifier]) {
    const answer = await redeem(told, as, app, callback, secret);
    const read = oauth.processAuthorizationCodeResponse(as, app, answer, { expectedNonce: nonce });
    await assert.rejects(read, refused(oauth.ResponseBodyError, "invalid_grant", 400));
  }
}

export async function wrongClients(told) {
  const as = await server(told);
  const stolen = oauth.PrivateKeyJwt({ key: await importJWK(told.keys.ES256, "ES256"), kid: "ES256" });
  for (const [clientId, auth] of [
    ["nobody", stolen],
    [told.clients.clinic, oauth.PrivateKeyJwt({ key: (await oauth.generateKeyPair("ES256")).privateKey, kid: "ES256" })],
    [told.clients.clinic, oauth.ClientSecretBasic("guessed")],
  ]) {
    const app = { client_id: clientId };
    const answer = await oauth.clientCredentialsGrantRequest(as, app, auth, { scope: LABS }, INSECURE);
    await assert.rejects(oauth.processClientCredentialsResponse(as, app, answer), (thrown) => {
      assert.ok(thrown instanceof oauth.WWWAuthenticateChallengeError, String(thrown?.stack));
      assert.deepEqual([thrown.status, thrown.cause[0].scheme], [401, "basic"]);
      return true;
    });
  }
}

export async function errorsThatReturn(told) {
  const [as, app] = [await server(told), { client_id: told.clients.phone }];
  const { asked, state } = await request(told, app);
  asked.set("prompt", "none");
  const address = new URL(as.authorization_endpoint);
  address.search = asked;
  const returned = (await new Browser(told.issuer).go(address)).address;
  assert.throws(
    () => oauth.validateAuthResponse(as, app, returned, state),
    (thrown) => thrown instanceof oauth.AuthorizationResponseError && thrown.error === "login_required",
  );
}

// The resource server's side (RFC 9068 4): our access tokens, plain and bound, are what their profile says.
export async function accessTokensAreValid(told) {
  const [as, app] = [await server(told), { client_id: told.clients.phone }];
  const audience = `${told.issuer}/graphql`;
  const keys = await oauth.generateKeyPair("ES256");
  const DPoP = oauth.DPoP(app, keys);
  const tokens = await signedIn(told, as, app, DPoP);
  let sent;
  const catching = { [oauth.customFetch]: async (...request) => ((sent = new Request(...request)), Response.json({})) };
  await oauth.protectedResourceRequest(tokens.access_token, "GET", new URL(audience), undefined, undefined, {
    DPoP,
    ...INSECURE,
    ...catching,
  });
  const claims = await oauth.validateJwtAccessToken(as, sent, audience, { requireDPoP: true, ...INSECURE });
  assert.deepEqual([claims.sub, claims.client_id, claims.acr], [told.citizen, told.clients.phone, "demo"]);
  await assert.rejects(oauth.validateJwtAccessToken(as, sent, `${audience}/x`, INSECURE));
  const plain = await signedIn(told, as, app);
  const request = new Request(audience, { headers: { authorization: `Bearer ${plain.access_token}` } });
  assert.equal((await oauth.validateJwtAccessToken(as, request, audience, INSECURE)).sub, told.citizen);
  const identity = new Request(audience, { headers: { authorization: `Bearer ${plain.id_token}` } });
  await assert.rejects(oauth.validateJwtAccessToken(as, identity, audience, INSECURE));
}
