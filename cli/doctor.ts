import { existsSync } from "node:fs";
import { statfs } from "node:fs/promises";
import process from "node:process";
import type { Command } from "commander";
import { SEARCH_ATTRIBUTES } from "../config/environment.ts";
import { openDatabase } from "../db/database.ts";
import { currentInstallationVersion } from "../db/installation-store.ts";
import { pendingMigrations } from "../db/migrate.ts";
import type { Bilingual } from "./language.ts";
import { connect, workersOn } from "./procedure.ts";
import { commandNamed, runCommand, say, type Surroundings, withDatabaseUrl, withTemporal } from "./surroundings.ts";

const NODE_MIN = [20, 19] as const;
const DISK_FREE_MIN_BYTES = 2 * 1024 ** 3;
/** Leases and signatures both suffer when clocks disagree by more. */
const CLOCK_SKEW_MAX_MS = 5_000;

interface Finding {
  readonly check: string;
  readonly state: "ok" | "warning" | "failed";
  readonly said: Bilingual;
  readonly nextStep?: Bilingual;
}
const SIGNS = { ok: "✓", warning: "!", failed: "✗" } as const;

export const doctorCommand = (): Command =>
  commandNamed("doctor", {
    zh: "检查本机：Node、数据库与结构、Temporal、检索属性、工作进程、磁盘、时钟",
    en: "examine this machine: Node, database and schema, Temporal, search attributes, workers, disk, clock",
  }).action(() =>
    runCommand(async (surroundings) => {
      const findings = [
        nodeFinding(process.versions.node),
        await diskFinding(surroundings.environment.dataFolder),
        ...(await databaseFindings(surroundings)),
        ...(await temporalFindings(surroundings)),
      ];
      const failed = findings.filter(({ state }) => state === "failed").length;
      if (failed > 0) process.exitCode = 1;
      surroundings.result(
        {
          ok: failed === 0,
          findings: findings.map(({ check, state, said, nextStep }) => ({
            check,
            state,
            message: say(said),
            ...(nextStep === undefined ? {} : { nextStep: say(nextStep) }),
          })),
        },
        findings.map(describe).join("\n"),
      );
    }),
  );

const describe = ({ check, state, said, nextStep }: Finding): string =>
  `${SIGNS[state]} ${check}: ${say(said)}${nextStep === undefined ? "" : `\n    → ${say(nextStep)}`}`;

const both = (text: string): Bilingual => ({ zh: text, en: text });

function nodeFinding(version: string): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const enough = major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1]);
  if (enough) return { check: "node", state: "ok", said: both(version) };
  const nextStep = {
    zh: `安装 Node ${NODE_MIN.join(".")} 或更新版本`,
    en: `Install Node ${NODE_MIN.join(".")} or later`,
  };
  return { check: "node", state: "failed", said: both(version), nextStep };
}

async function diskFinding(folder: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(existsSync(folder) ? folder : ".");
  const gigabytes = ((bavail * bsize) / 1024 ** 3).toFixed(1);
  const said = { zh: `剩余 ${gigabytes} GB`, en: `${gigabytes} GB free` };
  if (bavail * bsize >= DISK_FREE_MIN_BYTES) return { check: "disk", state: "ok", said };
  return { check: "disk", state: "warning", said, nextStep: { zh: "清理磁盘空间", en: "Make room" } };
}

async function databaseFindings(surroundings: Surroundings): Promise<Finding[]> {
  try {
    return await withDatabaseUrl(surroundings, async (databaseUrl) => {
      const database = openDatabase(databaseUrl);
      try {
        const asked = Date.now();
        const answer = await database.pool.query<{ version: string; now: Date }>(
          "SELECT current_setting('server_version') AS version, clock_timestamp() AS now",
        );
        const halfway = (asked + Date.now()) / 2;
        const row = answer.rows[0];
        const skewMs = Math.round(Math.abs((row?.now.getTime() ?? halfway) - halfway));
        const pending = await pendingMigrations(databaseUrl);
        const current = pending.length === 0 ? await currentInstallationVersion(database) : undefined;
        return [
          { check: "database", state: "ok", said: both(`PostgreSQL ${row?.version ?? ""}`) },
          schemaFinding(pending),
          clockFinding(skewMs),
          configurationFinding(current?.version),
        ];
      } finally {
        await database.close();
      }
    });
  } catch (error) {
    // The driver's message names host and port, never the password.
    const reason = error instanceof Error && "code" in error ? String(error.code) : "";
    return [
      {
        check: "database",
        state: "failed",
        said: { zh: `连接不上 ${reason}`, en: `cannot be reached ${reason}` },
        nextStep: { zh: "检查 ZHANGSHI_DATABASE_URL 与数据库服务", en: "Check ZHANGSHI_DATABASE_URL and the server" },
      },
    ];
  }
}

function schemaFinding(pending: readonly string[]): Finding {
  if (pending.length === 0) return { check: "schema", state: "ok", said: { zh: "最新", en: "newest" } };
  const said = { zh: `缺少 ${pending.join(" ")}`, en: `lacks ${pending.join(" ")}` };
  return { check: "schema", state: "failed", said, nextStep: both("zhangshi apply --migrate") };
}

function clockFinding(skewMs: number): Finding {
  const said = { zh: `与数据库相差 ${skewMs} 毫秒`, en: `${skewMs} ms apart from the database` };
  if (skewMs <= CLOCK_SKEW_MAX_MS) return { check: "clock", state: "ok", said };
  return {
    check: "clock",
    state: "failed",
    said,
    nextStep: { zh: "启用时间同步（NTP）", en: "Turn on time synchronisation (NTP)" },
  };
}

function configurationFinding(version: number | undefined): Finding {
  if (version !== undefined) {
    return { check: "configuration", state: "ok", said: { zh: `版本 ${version}`, en: `version ${version}` } };
  }
  const nextStep = { zh: "运行 zhangshi init，再运行 zhangshi apply", en: "Run zhangshi init, then zhangshi apply" };
  return { check: "configuration", state: "warning", said: { zh: "还没有应用", en: "none applied yet" }, nextStep };
}

async function temporalFindings(surroundings: Surroundings): Promise<Finding[]> {
  try {
    return await withTemporal(surroundings, async (address, namespace) => {
      const connection = await connect(surroundings, address);
      try {
        const info = await connection.workflowService.getSystemInfo({});
        const known = await connection.operatorService.listSearchAttributes({ namespace });
        const missing = SEARCH_ATTRIBUTES.filter((name) => !(name in (known.customAttributes ?? {})));
        const workers = await workersOn(connection, namespace);
        return [
          { check: "temporal", state: "ok", said: both(`${address}, ${namespace}, ${info.serverVersion ?? ""}`) },
          attributesFinding(missing),
          workersFinding(workers),
        ];
      } finally {
        await connection.close();
      }
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return [
      {
        check: "temporal",
        state: "failed",
        said: both(reason.split("\n")[0] ?? ""),
        nextStep: { zh: "检查 TEMPORAL_ADDRESS 与服务", en: "Check TEMPORAL_ADDRESS and the server" },
      },
    ];
  }
}

function attributesFinding(missing: readonly string[]): Finding {
  if (missing.length === 0) return { check: "search-attributes", state: "ok", said: { zh: "齐全", en: "complete" } };
  const said = { zh: `缺少 ${missing.join(" ")}`, en: `lacks ${missing.join(" ")}` };
  const nextStep = { zh: "zhangshi worker 启动时会自动创建", en: "zhangshi worker creates them when it starts" };
  return { check: "search-attributes", state: "warning", said, nextStep };
}

function workersFinding(workers: number): Finding {
  if (workers > 0) return { check: "workers", state: "ok", said: { zh: `${workers} 个`, en: `${workers} running` } };
  const nextStep = { zh: "运行 zhangshi worker", en: "Run zhangshi worker" };
  return { check: "workers", state: "warning", said: { zh: "没有在运行", en: "none running" }, nextStep };
}
