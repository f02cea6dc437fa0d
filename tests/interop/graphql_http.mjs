// The server audit of npm graphql-http, unmodified, as a signed-in client: every MUST, SHOULD and MAY of the specification.

import { serverAudits } from "./node_modules/graphql-http/lib/audits/server.mjs";

export async function audits({ url, token }) {
  const fetchFn = (address, init = {}) =>
    fetch(address, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });
  const found = [];
  for (const { fn } of serverAudits({ url, fetchFn })) found.push(await fn());
  return found.map(({ id, name, status, reason }) => ({ id, name, status, reason }));
}
