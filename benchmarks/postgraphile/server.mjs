// PostGraphile 5 (Amber preset) over the tables of schema `book`, as their owner and without protection.
// Reads PostgreSQL's address from PG* variables, prints its port, and ends with its standard input.
import { createServer } from "node:http";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";

const { PGHOST, PGPORT, PGUSER, PGDATABASE, CONNECTIONS } = process.env;
const connectionString = `postgres://${PGUSER}@localhost:${PGPORT}/${PGDATABASE}?host=${encodeURIComponent(PGHOST)}`;
const serv = postgraphile({
  extends: [PostGraphileAmberPreset],
  disablePlugins: ["PgIndexBehaviorsPlugin"], // `shown` is the predicate of a partial index, which it does not look at
  pgServices: [makePgService({ connectionString, schemas: ["book"], poolConfig: { max: Number(CONNECTIONS) } })],
  grafserv: { graphiql: false, watch: false },
  schema: { defaultBehavior: "-insert -update -delete" },
}).createServ(grafserv);

const server = createServer();
await serv.addTo(server);
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit(0)).resume();
