// What other people's schema tools say: graphql-eslint, graphql-inspector, relay-compiler and graphql-codegen.
// `told.schema` is the schema in SDL, `told.operations` documents by name.

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

import { buildSchema, parse } from "graphql";

const run = promisify(execFile);

async function inFolder(work) {
  const folder = await mkdtemp(join(process.cwd(), "tools-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function linted(folder, plugin, rules, file, text) {
  const { ESLint } = await import("eslint");
  const graphQLConfig = { schema: join(folder, "schema.graphql"), documents: join(folder, "operations", "*.graphql") };
  const eslint = new ESLint({
    cwd: folder,
    overrideConfigFile: true,
    overrideConfig: [
      {
        files: ["**/*.graphql"],
        languageOptions: { parser: plugin.parser, parserOptions: { graphQLConfig } },
        plugins: { "@graphql-eslint": plugin },
        rules,
      },
    ],
  });
  const [result] = await eslint.lintText(text, { filePath: join(folder, file) });
  return result.messages.map(({ ruleId, line, message }) => ({ rule: ruleId, file, line, message }));
}

async function placed(folder, { schema, operations }) {
  await mkdir(join(folder, "operations"));
  await writeFile(join(folder, "schema.graphql"), schema);
  for (const [name, text] of Object.entries(operations)) {
    await writeFile(join(folder, "operations", `${name}.graphql`), text);
  }
}

// Complaints of the recommended and relay sets; `told.off` names rules that are switched off or set otherwise.
export async function lint(told) {
  const { default: plugin } = await import("@graphql-eslint/eslint-plugin");
  const rulesOf = (...names) => Object.assign({}, ...names.map((name) => plugin.configs[`flat/${name}`].rules));
  const schemaRules = { ...rulesOf("schema-recommended", "schema-relay"), ...told.schemaRules };
  const operationRules = { ...rulesOf("operations-recommended"), ...told.operationRules };
  return inFolder(async (folder) => {
    await placed(folder, told);
    const found = await linted(folder, plugin, schemaRules, "schema.graphql", told.schema);
    for (const [name, text] of Object.entries(told.operations)) {
      found.push(...(await linted(folder, plugin, operationRules, join("operations", `${name}.graphql`), text)));
    }
    return found;
  });
}

// Every change from `told.released` to `told.schema`, with how much it may break.
export async function changes(told) {
  const { diff } = await import("@graphql-inspector/core");
  const found = await diff(buildSchema(told.released), buildSchema(told.schema));
  return found.map(({ type, path, message, criticality }) => ({ type, path, message, level: criticality.level }));
}

// The TypeScript of the schema and of every operation.
export async function generated(told) {
  const { codegen } = await import("@graphql-codegen/core");
  const typescript = await import("@graphql-codegen/typescript");
  const typescriptOperations = await import("@graphql-codegen/typescript-operations");
  const documents = Object.entries(told.operations).map(([location, text]) => ({ location, document: parse(text) }));
  const config = { scalars: { PartialDate: "string", Instant: "string" } };
  return codegen({
    filename: "schema.ts",
    schema: parse(told.schema),
    documents,
    config,
    plugins: [{ typescript: {} }, { operations: {} }],
    pluginMap: { typescript, operations: typescriptOperations },
  });
}

// The names of the artifacts that relay-compiler makes of the operations.
export async function relayed(told) {
  const { default: relayCompiler } = await import("relay-compiler");
  return inFolder(async (folder) => {
    await mkdir(join(folder, "src"));
    await writeFile(join(folder, "schema.graphql"), told.schema);
    for (const [name, text] of Object.entries(told.operations)) {
      await writeFile(join(folder, "src", `${name}.js`), `const document = graphql\`\n${text}\n\`;\n`);
    }
    const config = { src: "./src", schema: "./schema.graphql", language: "typescript", artifactDirectory: "./made" };
    await writeFile(join(folder, "relay.config.json"), JSON.stringify(config));
    await mkdir(join(folder, "made"));
    await run(relayCompiler, ["relay.config.json"], { cwd: folder });
    return (await readdir(join(folder, "made"))).sort();
  });
}
