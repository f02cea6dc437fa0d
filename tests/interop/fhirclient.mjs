// A SMART app on a web server, with fhirclient 2: standalone launch with PKCE, its patient, its user, and a refresh.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import smart from "fhirclient";
import { Browser, EVERYTHING } from "./browser.mjs";

const LABS = "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory";

class Memory {
  #kept = new Map();
  async get(key) {
    return this.#kept.get(key);
  }
  async set(key, value) {
    this.#kept.set(key, value);
    return value;
  }
  async unset(key) {
    return this.#kept.delete(key);
  }
}

// The app: /launch sends the browser to the server, /callback is where it returns; `ready` has the client then.
async function app(told, scope) {
  const storage = new Memory();
  let arrived;
  const ready = new Promise((resolve, reject) => (arrived = { resolve, reject }));
  const server = createServer((request, response) => {
    const here = smart(request, response, storage);
    if (request.url.startsWith("/callback")) {
      here.ready().then(arrived.resolve, arrived.reject).finally(() => response.end());
      return;
    }
    const redirectUri = `${origin}/callback`;
    here
      .authorize({ iss: `${told.issuer}/fhir`, clientId: told.clients.smart, redirectUri, scope, pkceMode: "required" })
      .catch((error) => response.end(String(arrived.reject(error))));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const origin = `http://127.0.0.1:${server.address().port}`;
  return { origin, ready, close: () => server.close() };
}

async function launched(told, scope, ticked) {
  const here = await app(told, scope);
  try {
    const sent = await fetch(`${here.origin}/launch`, { redirect: "manual" });
    const back = await new Browser(told.issuer).allow(sent.headers.get("location"), told.citizen, ticked);
    const [client] = await Promise.all([here.ready, fetch(back)]);
    return client;
  } finally {
    here.close();
  }
}

function grantedOf(client) {
  return client.state.tokenResponse.scope.split(" ");
}

export async function launchesAndRefreshes(told) {
  const scope = "launch/patient patient/Observation.rs openid fhirUser offline_access";
  const client = await launched(told, scope, EVERYTHING);
  assert.equal(client.patient.id, told.patient);
  assert.equal(client.user.fhirUser, `Patient/${told.patient}`);
  assert.deepEqual([client.user.resourceType, client.user.id], ["Patient", told.patient]);
  assert.ok(grantedOf(client).includes("patient/Observation.rs"));
  const { access_token: before, refresh_token: spent } = client.state.tokenResponse;
  await client.refresh();
  assert.notEqual(client.state.tokenResponse.access_token, before);
  assert.notEqual(client.state.tokenResponse.refresh_token, spent);
  assert.equal(client.patient.id, told.patient);
  await client.refresh();
}

export async function isToldWhatWasUnticked(told) {
  const client = await launched(told, "launch/patient patient/Observation.rs openid fhirUser", ["record:labs:read"]);
  assert.ok(grantedOf(client).includes(LABS) && !grantedOf(client).includes("patient/Observation.rs"));
}
