/**
 * 引入 and 引出 as a person performs them: the answer is a file in the folder (the log, the export) and a word on the
 * screen (the HTTP answer). Faults cut either of them.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import type { ArmedFault, FaultCall, FaultPlan } from "../shared/faults.ts";
import type { Answer, Exchange } from "../shared/http.ts";
import type { LateWork } from "../shared/misbehave.ts";
import { exportName, exportVouchers } from "./exporting.ts";
import { freeReceiptName, readFile, writeFile } from "./files.ts";
import { decodeGbk } from "./gbk.ts";
import { importOpened, openVoucherFile } from "./importing.ts";
import { type Origin, Refusal } from "./model.ts";
import { json, Period, user, worded } from "./person-face.ts";
import { type Receipt, receiptBytes, receiptText } from "./receipt.ts";
import type { World } from "./world.ts";

const Import = z.strictObject({ file: z.string(), user });
const Export = z.strictObject({ period: Period, file: z.string().optional(), user });

export type Tools = { world: World; faults: FaultPlan; late: LateWork; request: string };

/** The program stopped without a word. */
const CRASHED = "运行时错误，程序已退出";
const NOISE = Uint8Array.from({ length: 64 }, (_, index) => 0xff - index);

/** A piece of work whose result is written into the folder. */
type FileWork = {
  call: FaultCall;
  /** does the work and returns the file that tells of it */
  run(fault: ArmedFault | undefined): Promise<{ name: string; bytes: Uint8Array; answer: object }>;
  /** the file that tells of a failure without the work being done */
  failed(message: string): { name: string; bytes: Uint8Array; answer: object };
};

export async function personImports(exchange: Exchange, tools: Tools): Promise<void> {
  const { world, request } = tools;
  try {
    const body = Import.parse(JSON.parse(exchange.text));
    const bytes = readFile(world.folder, body.file);
    const opened = await openVoucherFile(bytes, world);
    const by: Origin = { kind: "import", request, user: body.user, file: body.file };
    const told = (receipt: Receipt): { name: string; bytes: Uint8Array; answer: object } => ({
      name: freeReceiptName(world.folder, body.file),
      bytes: receiptBytes(receipt),
      answer: { ok: true, ...receipt, text: receiptText(receipt) },
    });
    await carryOut(exchange, tools, {
      call: {
        operation: "import",
        text: `${body.file}\n${decodeGbk(bytes)}`,
        writes: true,
        creates: true,
        elements: opened.vouchers.length,
      },
      run: async (fault) => {
        const receipt = importOpened(opened, body.file, by, world, fault);
        if (fault?.kind === "apply-twice") importOpened(opened, body.file, by, world, undefined);
        return told(receipt);
      },
      failed: (message) => told(importOpened({ ...opened, refusedWhole: message }, body.file, by, world, undefined)),
    });
  } catch (error) {
    exchange.reply(worded(error));
  }
}

export async function personExports(exchange: Exchange, tools: Tools): Promise<void> {
  const { world } = tools;
  try {
    const body = Export.parse(JSON.parse(exchange.text));
    const name = body.file ?? exportName(body.period, world);
    await carryOut(exchange, tools, {
      call: { operation: "export", text: name, writes: false, creates: false, elements: 0 },
      run: async (fault) => {
        const listed = world.ledger.inPeriod(body.period);
        const vouchers = fault?.kind === "reorder" ? world.random.shuffled(listed) : listed;
        return { name, bytes: await exportVouchers(vouchers, world), answer: { ok: true, vouchers: vouchers.length } };
      },
      failed: (message) => {
        throw new Refusal(message);
      },
    });
  } catch (error) {
    exchange.reply(worded(error));
  }
}

async function carryOut(exchange: Exchange, { world, faults, late }: Tools, work: FileWork): Promise<void> {
  const { latencyMs, fault } = faults.draw(work.call);
  const waitMs = latencyMs + world.settings.latencyMs;
  if (waitMs > 0) await sleep(waitMs);
  const done = async (): ReturnType<FileWork["run"]> => {
    try {
      return await work.run(fault);
    } finally {
      world.flush();
    }
  };
  const saved = (told: { name: string; bytes: Uint8Array; answer: object }): Answer => {
    writeFile(world.folder, told.name, told.bytes);
    return json(200, { ...told.answer, written: told.name });
  };
  if (fault === undefined) return exchange.reply(saved(await done()));
  const crashed: Answer = { status: fault.status, contentType: "text/plain; charset=utf-8", body: CRASHED };
  switch (fault.kind) {
    case "lose-before":
      return exchange.destroy();
    case "lose-after":
    case "session-lost-mid-batch":
      await done();
      return exchange.destroy();
    case "half-answer": {
      const told = await done();
      return exchange.replyHalf(saved({ ...told, bytes: told.bytes.subarray(0, Math.floor(told.bytes.length / 2)) }));
    }
    case "unreadable":
      return exchange.reply(saved({ ...(await done()), bytes: NOISE }));
    case "500-before":
      return exchange.reply(crashed);
    case "500-after":
      await done();
      return exchange.reply(crashed);
    case "200-failure":
      return exchange.reply(saved(work.failed(fault.message ?? "数据库操作失败")));
    case "failure-after":
      await done();
      return exchange.reply(saved(work.failed(fault.message ?? "数据库操作失败")));
    case "hang":
      return exchange.hang(fault.delayMs);
    case "hang-after":
      await done();
      return exchange.hang(fault.delayMs);
    case "late-commit":
      late.later(fault.delayMs ?? 0, async () => {
        await done();
      });
      return exchange.destroy();
    case "session-lost":
      throw new Refusal(fault.message ?? "与账套的连接已断开，请重新登录");
    case "throttled":
      throw new Refusal(fault.message ?? "其他用户正在进行凭证引入，请稍后再试");
    case "already-exists":
    case "apply-twice":
    case "batch-element-refused":
    case "batch-element-unnamed":
    case "reorder":
    case "slow":
      return exchange.reply(saved(await done()));
  }
}
