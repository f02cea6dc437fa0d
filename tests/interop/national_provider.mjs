// A stand-in for the national identity provider: npm oidc-provider on loopback, whose only person is told by the tests.
//
// `POST /control` says who signs in next: { sub, acr, ts, claims, deny }. Everything else is oidc-provider's own.

import { createServer } from "node:http";
import { generateKeyPairSync } from "node:crypto";
import { text } from "node:stream/consumers";
import Provider from "oidc-provider";

const { port, redirect, clientKey } = JSON.parse(process.argv[2]);
const issuer = `http://127.0.0.1:${port}`;
let person = {};

function privateKey(kid) {
  const { privateKey: key } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...key.export({ format: "jwk" }), kid, use: "sig", alg: "RS256" };
}

const shared = { redirect_uris: [redirect], grant_types: ["authorization_code"], response_types: ["code"] };
const provider = new Provider(issuer, {
  acrValues: ["urn:vneid:1", "urn:vneid:2"],
  claims: { openid: ["sub"], profile: ["name", "birthdate", "gender", "citizen_id"] },
  clients: [
    { ...shared, client_id: "healthbook", client_secret: "a secret of thirty-two characters" },
    {
      ...shared,
      client_id: "healthbook-key",
      token_endpoint_auth_method: "private_key_jwt",
      token_endpoint_auth_signing_alg: "ES256",
      jwks: { keys: [clientKey] },
    },
  ],
  cookies: { keys: ["cookies of a test"] },
  features: { devInteractions: { enabled: false } },
  findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => ({ ...person.claims, sub }) }),
  interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
  jwks: { keys: [privateKey("first")] },
  pkce: { required: () => true },
  ttl: { AccessToken: 300, AuthorizationCode: 60, Grant: 600, IdToken: 300, Interaction: 600, Session: 3600 },
});

async function grantOf(details) {
  const grant = new provider.Grant({ accountId: person.sub, clientId: details.params.client_id });
  grant.addOIDCScope(details.params.scope);
  return grant.save();
}

async function interact(request, response) {
  const details = await provider.interactionDetails(request, response);
  if (person.deny) {
    return provider.interactionFinished(request, response, { error: "access_denied" });
  }
  const login = { accountId: person.sub, acr: person.acr, ts: person.ts };
  const result = details.prompt.name === "login" ? { login } : { consent: { grantId: await grantOf(details) } };
  return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
}

async function answer(request, response) {
  if (request.url === "/control") {
    person = JSON.parse(await text(request));
    return response.end();
  }
  if (request.url.startsWith("/interaction/")) {
    return interact(request, response);
  }
  return provider.callback()(request, response);
}

createServer((request, response) => {
  answer(request, response).catch((error) => {
    response.statusCode = 500;
    response.end(String(error.stack));
  });
}).listen(port, "127.0.0.1", () => console.log("ready"));
