import process from "node:process";
import type { Command } from "commander";
import { readFileSync } from "node:fs";
import { z } from "zod";
import { parseInstallation } from "../config/installation.ts";
import type { CheckStage } from "../connectors/contract.ts";
import { currentInstallation } from "../db/installation-store.ts";
import { ZhangshiError } from "../domain/errors.ts";
import type { Installation } from "../domain/installation.ts";
import { connectorOf } from "./connectors.ts";
import { commandNamed, parseOptions, runCommand, say, type Surroundings, withDatabase } from "./surroundings.ts";

const Options = z.object({ file: z.string().optional() });
const SIGNS = { ok: "✓", failed: "✗", warning: "!", skipped: "–" } as const;

export const checkCommand = (): Command =>
  commandNamed("check", {
    zh: "检查连接：地址、TLS、登录、权限、时钟、基础资料、凭证键字段；失败时说明怎么办",
    en: "check a connection: address, TLS, log-in, rights, clock, master data, key field; says what to do when it fails",
  })
    .argument("<connection>", say({ zh: "连接名称", en: "name of the connection" }))
    .option(
      "--file <FILE>",
      say({ zh: "使用该文件而不是已应用的配置", en: "use this file instead of the applied configuration" }),
    )
    .action((name: string, options: object) =>
      runCommand(async (surroundings) => {
        const installation = await installationFor(surroundings, parseOptions(Options, options).file);
        const connector = connectorOf(installation, name, surroundings.variables);
        let failed = 0;
        let stages = 0;
        try {
          for await (const stage of connector.check()) {
            stages += 1;
            if (stage.state === "failed") failed += 1;
            process.stdout.write(
              `${surroundings.json ? JSON.stringify({ connection: name, ...stage }) : describeStage(stage)}\n`,
            );
          }
        } finally {
          await connector.close();
        }
        if (failed > 0) process.exitCode = 1;
        const summary = { connection: name, stages, failed, ok: failed === 0 };
        surroundings.result(
          summary,
          failed === 0
            ? say({ zh: `连接 ${name} 可用。`, en: `Connection ${name} works.` })
            : say({
                zh: `连接 ${name} 有 ${failed} 步失败。`,
                en: `Connection ${name}: ${failed} of the steps failed.`,
              }),
        );
      }),
    );

/** The configuration of that file, else the applied one. @throws ZhangshiError CONFIG_MISSING, CONFIG_INVALID, FILE_UNREADABLE */
export async function installationFor(surroundings: Surroundings, file: string | undefined): Promise<Installation> {
  if (file !== undefined) {
    try {
      return parseInstallation(readFileSync(file, "utf8"), file);
    } catch (error) {
      if (error instanceof ZhangshiError) throw error;
      throw new ZhangshiError("FILE_UNREADABLE", { file }, { cause: error });
    }
  }
  const installation = await withDatabase(surroundings, (database) => currentInstallation(database));
  if (installation === undefined) throw new ZhangshiError("CONFIG_MISSING");
  return installation;
}

function describeStage(stage: CheckStage): string {
  const head = `${SIGNS[stage.state]} ${stage.stage} ${stage.subject} (${Math.round(stage.durationMs)} ms): ${say(stage.message)}`;
  const next = stage.nextStep === undefined ? [] : [`    → ${say(stage.nextStep)}`];
  const raw = stage.raw === undefined || stage.state === "ok" ? [] : [`    ${stage.raw}`];
  return [head, ...next, ...raw].join("\n");
}
