import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { checkout, sources, textFiles } from "./checkout.ts";
import { checkImports, checkWorkflowLoads, sentence } from "./imports.ts";
import {
  downloadAddresses,
  incompletePlatforms,
  LockFile,
  PackageFile,
  protobufCopies,
  temporalVersions,
  unknownCommands,
} from "./packages.ts";
import { importsOf, withoutComments } from "./source-text.ts";
import { forbiddenWords, impureCode, vendorNames } from "./words.ts";

const files = textFiles();
const lock = LockFile.parse(JSON.parse(readFileSync(join(checkout, "package-lock.json"), "utf8")));
const manifest = PackageFile.parse(JSON.parse(readFileSync(join(checkout, "package.json"), "utf8")));

describe("this checkout", () => {
  test("every import keeps to the table of folders", () => {
    expect(checkImports(sources(files)).map(sentence)).toEqual([]);
  });

  test("workflows load nothing that their sandbox lacks", () => {
    expect(checkWorkflowLoads(sources(files)).map(sentence)).toEqual([]);
  });

  test("shared code does not know a vendor's name", () => {
    expect(vendorNames(files)).toEqual([]);
  });

  test("domain, mappings and workflows take time and randomness as arguments", () => {
    expect(impureCode(files)).toEqual([]);
  });

  test("no file holds paths of one machine, registry addresses or words about its making", () => {
    expect(forbiddenWords(files)).toEqual([]);
  });

  test("all parts of the Temporal SDK have the one version that package.json names", () => {
    expect(temporalVersions(lock)).toEqual([]);
    const named = Object.entries(manifest.dependencies).filter(([name]) => name.startsWith("@temporalio/"));
    expect(named.map(([name, version]) => [name, lock.packages[`node_modules/${name}`]?.version === version])).toEqual(
      named.map(([name]) => [name, true]),
    );
  });

  test("the Temporal SDK and we use one copy of protobufjs", () => {
    expect(protobufCopies(lock)).toEqual([]);
  });

  test("the lock file names no download address and every platform's packages", () => {
    expect(downloadAddresses(lock)).toEqual([]);
    expect(incompletePlatforms(lock)).toEqual([]);
  });

  test("every dependency is fixed to one version", () => {
    const all = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(all.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
  });

  test("the files that every visitor looks for are there", () => {
    const wanted = ["README.md", "README.zh-CN.md", "package.json", "tsconfig.json", "docker-compose.yml", ".ci/run"];
    expect(wanted.filter((name) => !existsSync(join(checkout, name)))).toEqual([]);
  });

  test("every npm command in the documentation exists", () => {
    const documents = files.filter(({ path }) => path.endsWith(".md"));
    const unknown = documents.flatMap(({ path, text }) =>
      unknownCommands(text, manifest.scripts).map((name) => `${path}: npm run ${name}`),
    );
    expect(unknown).toEqual([]);
  });
});

describe("the rules bite", () => {
  const refused = (path: string, text: string) => checkImports([{ path, text }]).map(sentence);

  test("a wrong import is refused with file, import and rule", () => {
    expect(refused("domain/stock.ts", 'import { readFileSync } from "node:fs";')).toEqual([
      'domain/stock.ts imports "node:fs": domain/ does no input or output; of Node it may use node:crypto',
    ]);
    expect(refused("domain/stock.ts", 'import { Store } from "../db/store.ts";')).toEqual([
      'domain/stock.ts imports "../db/store.ts": domain/ may import none',
    ]);
    expect(refused("embedded/postgres.ts", 'export * from "../domain/decimal.ts";')).toEqual([
      'embedded/postgres.ts imports "../domain/decimal.ts": embedded/ may import config',
    ]);
    expect(refused("mappings/rules.ts", 'const axios = await import("axios");')).toEqual([
      'mappings/rules.ts imports "axios": mappings/ may use the packages zod, yaml, hucre',
    ]);
    expect(refused("helpers/things.ts", 'import "zod";')).toEqual([
      'helpers/things.ts imports "zod": the folder helpers/ is not in the table of folders',
    ]);
  });

  test("where only types may cross, a value is refused and a type is not", () => {
    const rule = "activities/ may import only types from db/";
    expect(refused("activities/posting.ts", 'import type { Postings } from "../db/postings.ts";')).toEqual([]);
    expect(refused("activities/posting.ts", 'import { type Postings, type Row } from "../db/postings.ts";')).toEqual(
      [],
    );
    expect(refused("activities/posting.ts", 'import { type Row, open } from "../db/postings.ts";')).toEqual([
      `activities/posting.ts imports "../db/postings.ts": ${rule}`,
    ]);
    expect(refused("activities/posting.ts", 'import { pace } from "../connectors/transport/pace.ts";')).toHaveLength(1);
  });

  test("vendors do not know each other, and only the registry knows them", () => {
    const vendor = 'import { Acme } from "./acme/acme.ts";';
    expect(refused("connectors/registry.ts", vendor)).toEqual([]);
    expect(refused("connectors/contract.ts", vendor)).toEqual([
      'connectors/contract.ts imports "./acme/acme.ts": only connectors/registry.ts knows the vendors',
    ]);
    expect(refused("connectors/globex/wire.ts", 'import { sign } from "../acme/sign.ts";')).toEqual([
      "connectors/globex/wire.ts imports \"../acme/sign.ts\": one vendor's folder does not import another's",
    ]);
    expect(refused("connectors/globex/wire.ts", 'import { send } from "../transport/send.ts";')).toEqual([]);
    expect(refused("simulators/acme/server.ts", 'import { sign } from "../../connectors/acme/sign.ts";')).toHaveLength(
      1,
    );
  });

  test("what finds mismatches cannot know what was planted, and nobody imports a test", () => {
    expect(refused("demo/reconcile-demo.ts", 'import { planted } from "./planted/plan.ts";')).toHaveLength(1);
    expect(refused("activities/reconciliation.ts", 'import { planted } from "../demo/planted/plan.ts";')).toHaveLength(
      1,
    );
    expect(refused("domain/stock.ts", 'import { sample } from "./stock.test.ts";')).toHaveLength(1);
    expect(refused("domain/stock.test.ts", 'import { testDatabase } from "../test/support/database.ts";')).toEqual([]);
  });

  test("a workflow that loads a Node module through another file is found", () => {
    const made = [
      {
        path: "workflows/sync.ts",
        text: 'import { keyOf } from "../domain/key.ts"; import type { A } from "../activities/a.ts";',
      },
      { path: "domain/key.ts", text: 'import { createHash } from "node:crypto";' },
      { path: "activities/a.ts", text: 'import { Client } from "pg";' },
    ];
    expect(checkWorkflowLoads(made).map(sentence)).toEqual([
      'domain/key.ts imports "node:crypto": workflows load this file, and their sandbox has no such module',
    ]);
  });

  test("a vendor's name in shared code is found, in a comment or in the vendor's folder it is not", () => {
    const text = 'if (ledger.vendor === "kingdee-cloud") post();';
    expect(vendorNames([{ path: "activities/posting.ts", text }])).toEqual([
      'activities/posting.ts:1 names "kingdee": shared code branches on capabilities, never on a vendor\'s name',
    ]);
    expect(vendorNames([{ path: "activities/posting.ts", text: "// as Kingdee does" }])).toEqual([]);
    expect(vendorNames([{ path: "connectors/kingdee-cloud/wire.ts", text }])).toEqual([]);
  });

  test("a clock in the domain and a path of one machine are found", () => {
    expect(impureCode([{ path: "domain/x.ts", text: "const now = Date.now();" }])).toHaveLength(1);
    expect(impureCode([{ path: "domain/x.ts", text: "// Date.now() is not allowed here" }])).toEqual([]);
    expect(forbiddenWords([{ path: "docs/x.md", text: `see ${["", "work", "main", "x"].join("/")}` }])).toHaveLength(1);
  });

  test("a second copy of a package, an address and a missing platform are found in a lock file", () => {
    const packages = {
      "node_modules/protobufjs": { version: "8.8.1" },
      "node_modules/@temporalio/common": { version: "1.24.0", dependencies: { protobufjs: "^8" } },
      "node_modules/@temporalio/worker": { version: "1.24.0", dependencies: { protobufjs: "^7" } },
      "node_modules/@temporalio/worker/node_modules/protobufjs": {
        version: "7.0.0",
        resolved: "https://example.org/x.tgz",
      },
      "node_modules/other/node_modules/@temporalio/common": {
        version: "1.23.0",
        optionalDependencies: { fsevents: "1.0.0" },
      },
    };
    expect(temporalVersions({ packages })).toHaveLength(3);
    expect(protobufCopies({ packages })).toEqual([
      "node_modules/@temporalio/worker uses protobufjs 7.0.0, ours is 8.8.1",
    ]);
    expect(downloadAddresses({ packages })).toHaveLength(1);
    expect(incompletePlatforms({ packages })).toHaveLength(1);
  });

  test("a command that package.json does not know is found", () => {
    expect(unknownCommands("npm run demo, npm test, npm run fly", { demo: "", test: "" })).toEqual(["fly"]);
  });

  test("imports are read from code, not from comments or texts", () => {
    const text = `// import "a"
/* import b from "b" */
import c, { type D } from "c";
import type { E } from "e";
import {
  type F,
  g,
} from "f";
export { h } from "h";
import "i";
const j = await import("j");
type K = typeof import("k");
const address = "https://x"; const pattern = /"\\/\\//;
import { l } from "l";`;
    expect(importsOf(text).map(({ specifier, typeOnly }) => `${specifier}${typeOnly ? " (types)" : ""}`)).toEqual([
      "c",
      "e (types)",
      "f",
      "h",
      "l",
      "i",
      "j",
      "k (types)",
    ]);
    expect(withoutComments("a // b\nc")).toBe("a     \nc");
  });
});
