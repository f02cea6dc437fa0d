// What an app does with npm openid-client 6, as its documentation says, at a server it knows by its address alone.

import assert from "node:assert/strict";
import { importJWK } from "jose";
import * as client from "openid-client";
import { Browser } from "./browser.mjs";

const LABS = "record:labs:read";
const VITALS = "record:vitals:read";
const TICKED = [LABS, VITALS];
const SCOPE = `openid profile fhirUser offline_access ${LABS} ${VITALS}`;
const CHECKED = [client.allowInsecureRequests, client.enableNonRepudiationChecks]; // http on loopback; signatures
const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";

function discovered(told, clientId, auth = client.None(), algorithm = "oidc") {
  return client.discovery(new URL(told.issuer), clientId, undefined, auth, { algorithm, execute: CHECKED });
}

async function signed(told, algorithm = "ES256") {
  return client.PrivateKeyJwt({ key: await importJWK(told.keys[algorithm], algorithm), kid: algorithm });
}

// A whole sign-in by code, PKCE, state and nonce; `build` makes the address that the citizen's browser opens.
async function signIn(told, config, { build = client.buildAuthorizationUrl, citizen = told.citizen, ...more } = {}) {
  const { DPoP, scope = SCOPE, browser = new Browser(told.issuer), ...parameters } = more;
  const [verifier, state, nonce] = [client.randomPKCECodeVerifier(), client.randomState(), client.randomNonce()];
  const asked = {
    redirect_uri: told.callback,
    scope,
    state,
    nonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    ...parameters,
  };
  const address = await build(config, asked, { DPoP });
  const returned = await browser.allow(address, citizen, TICKED);
  const maxAge = parameters.max_age === undefined ? undefined : Number(parameters.max_age);
  const checks = { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true };
  return client.authorizationCodeGrant(config, returned, { ...checks, maxAge }, undefined, { DPoP });
}

function refused(error, status) {
  return (thrown) => {
    assert.ok(thrown instanceof client.ResponseBodyError, String(thrown?.stack));
    assert.deepEqual([thrown.error, thrown.status], [error, status]);
    return true;
  };
}

// A 401 of a resource, with the reason under the scheme that was tried (RFC 6750 3, RFC 9449 7.1).
function challenged(scheme, error) {
  return (thrown) => {
    assert.ok(thrown instanceof client.WWWAuthenticateChallengeError, String(thrown?.stack));
    const told = thrown.cause.find((one) => one.scheme === scheme);
    assert.deepEqual([thrown.status, told.parameters.error], [401, error]);
    return true;
  };
}

export async function discovers(told) {
  const [oidc, oauth] = await Promise.all(["oidc", "oauth2"].map((how) => discovered(told, "x", undefined, how)));
  assert.deepEqual(oidc.serverMetadata(), oauth.serverMetadata());
  assert.equal(oidc.serverMetadata().issuer, told.issuer);
  assert.ok(oidc.serverMetadata().supportsPKCE());
}

export async function signsIn(told) {
  const config = await discovered(told, told.clients.phone);
  const tokens = await signIn(told, config, { max_age: "300" });
  const claims = tokens.claims();
  assert.deepEqual([claims.sub, claims.acr, tokens.expires_in], [told.citizen, "demo", 300]);
  assert.deepEqual(new Set(tokens.scope.split(" ")), new Set(SCOPE.split(" ")));
  const person = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
  assert.equal(person.fhirUser, `${told.issuer}/fhir/Patient/${told.patient}`);
  assert.equal(person.fhirUser, claims.fhirUser);
  return person;
}

export async function isDenied(told) {
  const config = await discovered(told, told.clients.phone);
  const verifier = client.randomPKCECodeVerifier();
  const address = client.buildAuthorizationUrl(config, {
    redirect_uri: told.callback,
    scope: SCOPE,
    state: "s-1",
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
  });
  const returned = await new Browser(told.issuer).deny(address, told.citizen);
  const redeemed = client.authorizationCodeGrant(config, returned, { pkceCodeVerifier: verifier, expectedState: "s-1" });
  await assert.rejects(redeemed, (thrown) => {
    assert.ok(thrown instanceof client.AuthorizationResponseError, String(thrown?.stack));
    assert.equal(thrown.error, "access_denied");
    return true;
  });
}

export async function refreshes(told) {
  const config = await discovered(told, told.clients.phone);
  const first = await signIn(told, config);
  const narrow = await client.refreshTokenGrant(config, first.refresh_token, { scope: `openid ${LABS}` });
  assert.equal(narrow.scope, `openid ${LABS}`);
  assert.deepEqual([narrow.claims().sub, narrow.claims().auth_time], [told.citizen, first.claims().auth_time]);
  const whole = await client.refreshTokenGrant(config, narrow.refresh_token);
  assert.deepEqual(new Set(whole.scope.split(" ")), new Set(SCOPE.split(" ")));
  const wider = client.refreshTokenGrant(config, whole.refresh_token, { scope: `${SCOPE} record:allergies:read` });
  await assert.rejects(wider, refused("invalid_scope", 400));
  await assert.rejects(client.refreshTokenGrant(config, first.refresh_token), refused("invalid_grant", 400));
  await assert.rejects(client.refreshTokenGrant(config, whole.refresh_token), refused("invalid_grant", 400));
  const asked = client.fetchUserInfo(config, whole.access_token, told.citizen);
  await assert.rejects(asked, challenged("bearer", "invalid_token"));
}

export async function pushes(told) {
  const config = await discovered(told, told.clients.diary);
  const tokens = await signIn(told, config, { build: client.buildAuthorizationUrlWithPAR });
  assert.equal(tokens.claims().sub, told.citizen);
}

export async function provesItselfByKey(told) {
  const config = await discovered(told, told.clients.clinic, await signed(told, told.algorithm));
  const tokens = await client.clientCredentialsGrant(config, { scope: LABS });
  assert.deepEqual([tokens.scope, tokens.expires_in, tokens.refresh_token], [LABS, 300, undefined]);
  const known = await client.tokenIntrospection(config, tokens.access_token, { token_type_hint: "access_token" });
  assert.deepEqual([known.active, known.client_id, known.scope], [true, told.clients.clinic, LABS]);
  await client.tokenRevocation(config, tokens.access_token);
  assert.deepEqual(await client.tokenIntrospection(config, tokens.access_token), { active: false });
}

export async function aClinicianSignsInAndHisSystemWorksForHim(told) {
  const ward = await discovered(told, told.clients.ward, await signed(told));
  const scope = `openid fhirUser offline_access ${LABS}`;
  const build = client.buildAuthorizationUrlWithPAR;
  const tokens = await signIn(told, ward, { build, citizen: told.doctor, scope });
  assert.equal(tokens.claims().fhirUser, `${told.issuer}/fhir/Practitioner/${told.doctor}`);
  await client.refreshTokenGrant(ward, tokens.refresh_token);
  const clinic = await discovered(told, told.clients.clinic, await signed(told));
  const exchanged = await client.genericGrantRequest(clinic, EXCHANGE, {
    subject_token: tokens.access_token,
    subject_token_type: ACCESS_TOKEN,
  });
  const known = await client.tokenIntrospection(clinic, exchanged.access_token);
  assert.deepEqual([known.sub, known.act], [told.doctor, { sub: told.clients.clinic }]);
}

export async function aMotherActsForHerChild(told) {
  const config = await discovered(told, told.clients.phone);
  const own = await signIn(told, config);
  const exchanged = await client.genericGrantRequest(config, EXCHANGE, {
    subject_token: own.access_token,
    subject_token_type: ACCESS_TOKEN,
    requested_subject: told.child,
    scope: LABS,
  });
  assert.deepEqual([exchanged.scope, exchanged.issued_token_type], [LABS, ACCESS_TOKEN]);
  const claims = JSON.parse(Buffer.from(exchanged.access_token.split(".")[1], "base64url"));
  assert.deepEqual([claims.sub, claims.act], [told.child, { sub: told.citizen }]);
}

export async function aDeviceShowsACode(told) {
  const config = await discovered(told, told.clients.screen);
  const shown = await client.initiateDeviceAuthorization(config, { scope: SCOPE });
  const browser = new Browser(told.issuer);
  const typed = await browser.open(shown.verification_uri_complete, told.citizen);
  const form = [...typed.page.matchAll(/name="form_token" value="([^"]*)"/g)][0][1];
  const asked = await browser.go("/device", [["form_token", form], ["user_code", shown.user_code]]);
  const done = await browser.press(asked, "decision", "allow", [LABS]);
  assert.equal(done.status, 200);
  const tokens = await client.pollDeviceAuthorizationGrant(config, shown);
  assert.equal(tokens.claims().sub, told.citizen);
  assert.ok(tokens.scope.split(" ").includes(LABS) && !tokens.scope.split(" ").includes(VITALS));
}

export async function provesPossession(told) {
  const config = await discovered(told, told.clients.phone);
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair());
  const tokens = await signIn(told, config, { DPoP });
  assert.equal(tokens.token_type, "dpop");
  await client.fetchUserInfo(config, tokens.access_token, told.citizen, { DPoP });
  const unproved = client.fetchUserInfo(config, tokens.access_token, told.citizen);
  await assert.rejects(unproved, challenged("bearer", "invalid_token"));
  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP });
  await assert.rejects(client.refreshTokenGrant(config, refreshed.refresh_token), refused("invalid_grant", 400));
  const answer = await client.fetchProtectedResource(
    config,
    refreshed.access_token,
    new URL("/graphql", told.issuer),
    "POST",
    JSON.stringify({ query: "{ healthRecord { labs(first: 1) { totalCount } } }" }),
    new Headers({ "content-type": "application/json" }),
    { DPoP },
  );
  return answer.json();
}

export async function registersItself(told) {
  const metadata = {
    client_name: "Bước chân Hồng",
    redirect_uris: [told.callback],
    post_logout_redirect_uris: [told.signedOut],
    grant_types: ["authorization_code", "refresh_token"],
    response_types: ["code"],
    token_endpoint_auth_method: "none",
    scope: SCOPE,
  };
  const config = await client.dynamicClientRegistration(new URL(told.issuer), metadata, client.None(), {
    algorithm: "oidc",
    execute: CHECKED,
    initialAccessToken: told.registrationToken,
  });
  assert.equal(config.clientMetadata().client_name, metadata.client_name);
  assert.deepEqual(config.clientMetadata().redirect_uris, [told.callback]);
  const tokens = await signIn(told, config);
  assert.deepEqual(tokens.claims().aud, [config.clientMetadata().client_id]);
}

export async function logsOut(told) {
  const config = await discovered(told, told.clients.phone);
  const browser = new Browser(told.issuer);
  const tokens = await signIn(told, config, { browser });
  const leaving = client.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token,
    post_logout_redirect_uri: told.signedOut,
    state: "bye",
  });
  const { address } = await browser.go(leaving);
  assert.equal(address.href, `${told.signedOut}?state=bye`);
  await assert.rejects(client.refreshTokenGrant(config, tokens.refresh_token), refused("invalid_grant", 400));
  const again = await browser.go("/account");
  assert.ok(again.page.includes('name="citizen"'), "still signed in");
}
