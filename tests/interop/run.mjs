// Runs one flow of one program: { script, flow, told } on standard input, its answer as JSON on standard output.
// A flow that fails throws; node then shows why and ends with another code than 0.

import { text } from "node:stream/consumers";

const { script, flow, told } = JSON.parse(await text(process.stdin));
const flows = await import(`./${script}`);
process.stdout.write(JSON.stringify((await flows[flow](told)) ?? null));
