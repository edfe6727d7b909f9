import { randomUUID } from "node:crypto";
import { rm, stat, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { decodeGbk, encodeGbk } from "../../domain/gbk.ts";
import type { Bilingual, CheckStage } from "../contract.ts";
import type { Desk, Sight } from "./desk.ts";
import { messageOf } from "./disk.ts";
import { keyInFile, summaryBytes } from "./entries.ts";
import type { KingdeeKisSettings } from "./settings.ts";

/** A full disk cuts files off; a month of vouchers takes a few megabytes. */
const FREE_BYTES_MIN = 100 * 1024 * 1024;
const PROBE = "zhangshi-probe-";
const SAMPLE = "暂估入库";

type Finding = Pick<CheckStage, "state" | "message"> & { readonly nextStep?: Bilingual; readonly raw?: string };

const say = (zh: string, en: string): Bilingual => ({ zh, en });
const ok = (zh: string, en: string): Finding => ({ state: "ok", message: say(zh, en) });

const timed = async (
  stage: CheckStage["stage"],
  subject: string,
  find: () => Promise<Finding>,
): Promise<CheckStage> => {
  const began = performance.now();
  let finding: Finding;
  try {
    finding = await find();
  } catch (error) {
    finding = {
      state: "failed",
      message: say("检查失败", "The check failed"),
      nextStep: say("查看原始信息", "See the raw message"),
      raw: messageOf(error),
    };
  }
  return { stage, subject, durationMs: Math.round(performance.now() - began), ...finding };
};

/** Folder there, writable, room on the disk, code page, layout, what waits, exports readable, key kept. */
export async function* checkStages(desk: Desk, settings: KingdeeKisSettings): AsyncGenerator<CheckStage> {
  const { folder } = desk;
  for (const step of [
    () => timed("address", folder, () => checkFolder(folder)),
    () => timed("rights", folder, () => checkWritable(folder)),
  ]) {
    const stage = await step();
    yield stage;
    if (stage.state === "failed") return;
  }
  yield await timed("limits", "disk", () => checkRoom(folder));
  yield await timed("limits", "GBK", async () => checkCodePage());
  yield await timed("limits", settings.dialect, async () => describeDialect(settings));
  let sight: Sight | undefined;
  yield await timed("master-data", "zhangshi-records", async () => {
    sight = await desk.look();
    return describeOutstanding(sight);
  });
  if (sight === undefined) return;
  const found = sight;
  yield await timed("master-data", "export", async () => describeExports(desk, found));
  yield await timed("key-field", settings.keyPlace, async () => checkKey(desk, settings));
}

const checkFolder = async (folder: string): Promise<Finding> => {
  const found = await stat(folder).catch(() => undefined);
  if (found?.isDirectory() === true) return ok(`文件夹 ${folder} 存在`, `The folder ${folder} is there`);
  return {
    state: "failed",
    message: say(`没有文件夹 ${folder}`, `There is no folder ${folder}`),
    nextStep: say(
      "新建该文件夹或挂载共享，并核对连接的 baseUrl（file:///…）",
      "Create the folder or mount the share, and compare the connection's baseUrl (file:///…)",
    ),
  };
};

const checkWritable = async (folder: string): Promise<Finding> => {
  const probe = join(folder, `${PROBE}${randomUUID()}`);
  try {
    await writeFile(probe, SAMPLE, { flag: "wx" });
    await rm(probe);
    return ok("可以写入文件夹", "Files can be written into the folder");
  } catch (error) {
    return {
      state: "failed",
      message: say("不能写入文件夹", "Nothing can be written into the folder"),
      nextStep: say("给运行账实的用户读写权限", "Let the user that runs Zhangshi read and write it"),
      raw: messageOf(error),
    };
  }
};

const checkRoom = async (folder: string): Promise<Finding> => {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const megabytes = Math.floor(free / 1024 / 1024);
  if (free >= FREE_BYTES_MIN) return ok(`剩余空间 ${megabytes} MB`, `${megabytes} MB are free`);
  return {
    state: "warning",
    message: say(`剩余空间只有 ${megabytes} MB`, `Only ${megabytes} MB are free`),
    nextStep: say("清理磁盘；磁盘写满时不会生成凭证文件", "Make room: on a full disk no voucher file is written"),
  };
};

const checkCodePage = (): Finding => {
  const { bytes } = encodeGbk(SAMPLE);
  if (bytes !== undefined && decodeGbk(bytes) === SAMPLE)
    return ok("可以按 GBK（代码页 936）读写中文", "Chinese can be written in GBK (code page 936)");
  return {
    state: "failed",
    message: say("运行环境不能处理 GBK", "This installation of Node lacks GBK"),
    nextStep: say("使用带完整 ICU 的 Node（官方发行版）", "Use a Node with full ICU, as the official ones are"),
  };
};

const EDITIONS = {
  standard: say("标准版、迷你版的 DBF", "DBF of 标准版 and 迷你版"),
  professional: say("专业版的 DBF", "DBF of 专业版"),
  excel: say("标准格式凭证工作簿", "a workbook of 标准格式凭证"),
} as const;

const describeDialect = (settings: KingdeeKisSettings): Finding => {
  const { zh, en } = EDITIONS[settings.dialect];
  return ok(
    `文件格式：${zh}；摘要最长 ${summaryBytes(settings)} 字节`,
    `Files are ${en}; 摘要 has ${summaryBytes(settings)} bytes`,
  );
};

const describeOutstanding = ({ outstanding, strays }: Sight): Finding => {
  const [stray] = strays;
  if (stray !== undefined)
    return {
      state: "warning",
      message: say(`${stray} 没有记录`, `Nothing is noted of ${stray}`),
      nextStep: say(
        "查明该文件是否已导入；移走后才会继续",
        "Find out whether it was imported; posting goes on once it is moved away",
      ),
    };
  if (outstanding === undefined) return ok("没有等待确认的文件", "No file waits for a receipt");
  return ok(
    `${outstanding.file}（${outstanding.vouchers.length} 张）等待导入与确认`,
    `${outstanding.file} (${outstanding.vouchers.length} vouchers) waits to be imported and confirmed`,
  );
};

const describeExports = (desk: Desk, { unreadable }: Sight): Finding => {
  const [bad] = unreadable;
  if (bad !== undefined)
    return {
      state: "warning",
      message: say(`${bad[0]} 不能作为导出文件读取`, `${bad[0]} cannot be read as an export`),
      nextStep: say(
        "重新从 KIS 引出；若格式不同，核对 dialect 与 headers",
        "Export it from KIS again; compare dialect and headers where the layout is another one",
      ),
      raw: bad[1],
    };
  const periods = [...desk.exports.newest.keys()];
  if (periods.length > 0)
    return ok(`导出文件可读：${periods.join("，")}`, `Exports can be read: ${periods.join(", ")}`);
  return {
    state: "skipped",
    message: say("还没有导出文件", "There is no export yet"),
    nextStep: say("从 KIS 引出一个期间的凭证放入该文件夹", "Export a period's vouchers from KIS into the folder"),
  };
};

/** A number that a log gave, and under it a voucher without our key: the program does not keep the field. */
const checkKey = (desk: Desk, settings: KingdeeKisSettings): Finding => {
  const shown = [...desk.exports.newest.values()];
  const keys = new Set(shown.flatMap(({ vouchers }) => vouchers.map(({ key }) => key)));
  for (const [key, { standing, voucher, saidAt }] of desk.records.all()) {
    if (standing.state !== "taken" || voucher === undefined || keys.has(keyInFile(key, settings))) continue;
    const bare = shown
      .filter(({ madeAt }) => madeAt >= Date.parse(saidAt))
      .flatMap(({ vouchers }) => vouchers)
      .some((one) => one.key === "" && one.date === voucher.date && standing.numbers.includes(one.number));
    if (bare)
      return {
        state: "failed",
        message: say("导出文件中没有我们的凭证键", "The export lacks our key"),
        nextStep: say(
          "KIS 没有保存该字段：把 keyPlace 改为 summary",
          "KIS does not keep this field: set keyPlace to summary",
        ),
        raw: key,
      };
  }
  keys.delete("");
  if (keys.size > 0) return ok("导出文件带有凭证键", "Exports carry our keys");
  return { state: "skipped", message: say("尚无带凭证键的导出文件", "No export has shown a key yet") };
};
