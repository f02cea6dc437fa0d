// What an app does with graphql-ws 6 and graphql-sse 2, which keep the protocols' own rules: follow a record until the
// right to it ends, and come back with a new token.

import { createClient as streams } from "graphql-sse";
import { createClient as sockets } from "graphql-ws";
import WebSocket from "ws";

const query = "subscription { recordChanged { sections revision } }";

function socketClient(told, tokens, on = {}) {
  const left = [...tokens];
  return sockets({
    url: `${told.issuer.replace("http", "ws")}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: () => ({ Authorization: `Bearer ${left.length > 1 ? left.shift() : left[0]}` }),
    lazyCloseTimeout: 5000, // stays to hear why the server closes
    retryAttempts: tokens.length - 1,
    retryWait: async () => {},
    shouldRetry: (closed) => closed.code === 4403,
    on,
  });
}

// Results until the end; the last word is the errors' codes.
function followed(client) {
  return new Promise((resolve, reject) => {
    const events = [];
    client.subscribe(
      { query },
      {
        next: ({ data, errors }) => events.push(data ? data.recordChanged : errors.map((one) => one.extensions.code)),
        error: (error) =>
          Array.isArray(error) ? resolve([...events, error.map((one) => one.extensions.code)]) : reject(error),
        complete: () => resolve(events),
      },
    );
  });
}

export async function followsOverASocket(told) {
  let say;
  const closed = new Promise((resolve) => (say = resolve));
  const client = socketClient(told, [told.token], { closed: (event) => say(event.code) });
  return { events: await followed(client), closed: await closed };
}

export async function comesBackWithANewToken(told) {
  const codes = [];
  const client = socketClient(told, [told.short, told.token], { closed: (event) => codes.push(event.code) });
  const results = client.iterate({ query });
  const events = [(await results.next()).value, (await results.next()).value];
  await results.return();
  await client.dispose();
  return { events, codes };
}

export async function followsOverAStream(told) {
  const client = streams({
    url: `${told.issuer}/graphql`,
    headers: { Authorization: `Bearer ${told.token}` },
    retryAttempts: 0,
  });
  return followed(client);
}

// The example of docs/subscriptions.md, which the test has put beside this file.
export async function theDocumentedExampleComesBack(told) {
  const { follow } = await import("./documented.mjs");
  const [tokens, events] = [[told.short, told.token], []];
  await new Promise((resolve, reject) => {
    const following = follow({
      url: `${told.issuer.replace("http", "ws")}/graphql`,
      freshToken: () => (tokens.length > 1 ? tokens.shift() : tokens[0]),
      changed: (event) => events.push(event) === 2 && resolve(following.dispose()),
      ended: reject,
      webSocketImpl: WebSocket,
    });
  });
  return events;
}
