import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { replaceCodes } from "../../db/code-store.ts";
import { type Database, openDatabase } from "../../db/database.ts";
import { storeInstallation } from "../../db/installation-store.ts";
import { demoCompany } from "../../demo/company.ts";
import { enterCompany } from "../../demo/enter.ts";
import { demoInstallation, ledgerCodeOf, secretVariables } from "../../demo/installation.ts";
import { codeRowsOf } from "../../demo/kingdee-office.ts";
import { type CompanyPipeline, openPipeline } from "../../demo/pipeline.ts";
import { plantBefore } from "../../demo/planted/before.ts";
import { demoRulePackYaml } from "../../demo/rules.ts";
import { Installation } from "../../domain/installation.ts";
import { readMappings } from "../../mappings/applied.ts";
import { createLog } from "../../observability/log.ts";
import { startJiandaoyun } from "../../simulators/jiandaoyun/server.ts";
import { startKingdeeCloud } from "../../simulators/kingdee-cloud/server.ts";
import { type RunningWorker, startWorker } from "../../worker/worker.ts";

/**
 * The main job with the first documents of the demo company, simulators and worker in this process. Some of its items
 * are unknown to the ERP or forbidden there, so that there is something to refuse.
 */
export interface MainJob {
  readonly company: string;
  readonly installation: Installation;
  readonly database: Database;
  readonly pipeline: CompanyPipeline;
  /** Variables of the environment by name: every credential of both simulators. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Starts a worker with these credentials instead; the caller stops it. */
  readonly work: (credentials: Readonly<Record<string, string>>) => Promise<RunningWorker>;
  readonly close: () => Promise<void>;
}

export interface MainJobPlace {
  /** A migrated database. */
  readonly databaseUrl: string;
  /** A server on which nobody else runs our task queues. */
  readonly temporal: { readonly address: string; readonly namespace: string };
  /** An empty folder. */
  readonly folder: string;
  /** Takes what is logged; it goes nowhere when absent. */
  readonly logged?: (line: string) => void;
}

const SEED = 1;
/** Openings, and the first days of the month. */
const DOCUMENTS = 90;

export async function openMainJob({ databaseUrl, temporal, folder, logged }: MainJobPlace): Promise<MainJob> {
  const planted = plantBefore(demoCompany(SEED), SEED);
  const company = { ...planted.company, documents: planted.company.documents.slice(0, DOCUMENTS) };
  const [jiandaoyun, kingdee] = await Promise.all([
    startJiandaoyun({ seed: SEED, apps: [], switches: { rates: "off" } }),
    startKingdeeCloud({ seed: SEED }),
  ]);
  const { office } = await enterCompany(
    company,
    {
      jiandaoyun: { baseUrl: jiandaoyun.baseUrl, apiKey: jiandaoyun.credentials.apiKey },
      kingdeeOrigin: kingdee.origin,
    },
    SEED,
    planted,
  );
  const rulePack = join(folder, "rules.yaml");
  await writeFile(rulePack, demoRulePackYaml());
  const installation = Installation.parse(
    demoInstallation([{ company, office, rulePack }], { jiandaoyun: jiandaoyun.baseUrl, kingdee: kingdee.baseUrl }),
  );
  const database = openDatabase(databaseUrl);
  await storeInstallation(database, installation, readMappings(installation, folder));
  await replaceCodes(database, ledgerCodeOf(company.code), codeRowsOf(company, planted.missingItems));
  const credentials = {
    ...variablesOf(secretVariables.jiandaoyun, { ...jiandaoyun.credentials }),
    ...variablesOf(secretVariables.kingdee, { ...kingdee.credentials }),
  };
  const pipeline = await openPipeline(temporal.address, temporal.namespace, installation);
  return {
    company: company.code,
    installation,
    database,
    pipeline,
    credentials,
    work: (environment) =>
      startWorker({
        databaseUrl,
        temporalAddress: temporal.address,
        namespace: temporal.namespace,
        environment,
        log: createLog({
          level: "trace",
          secrets: Object.values(environment),
          destination: { write: (line: string) => logged?.(line) },
        }),
      }),
    close: async () => {
      await pipeline.close();
      await database.close();
      await Promise.all([jiandaoyun.close(), kingdee.close()]);
    },
  };
}

const variablesOf = (
  names: Readonly<Record<string, string>>,
  credentials: Readonly<Record<string, unknown>>,
): Record<string, string> =>
  Object.fromEntries(Object.entries(names).map(([name, variable]) => [variable, String(credentials[name])]));
