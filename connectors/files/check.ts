import { access, constants, mkdir, stat, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { errorCatalog } from "../../domain/errors.ts";
import type { CheckStage, ConnectorContext } from "../contract.ts";
import type { FileFormReader } from "./form-reader.ts";
import type { FilesSettings } from "./settings.ts";

type Found = Pick<CheckStage, "state" | "message" | "nextStep" | "raw">;

/** Looks at the folders; takes no file and moves none. */
export async function* checkFolders(
  root: string,
  settings: FilesSettings,
  context: ConnectorContext,
  readers: ReadonlyMap<string, FileFormReader>,
): AsyncIterable<CheckStage> {
  const stage = async (name: CheckStage["stage"], subject: string, look: () => Promise<Found>): Promise<CheckStage> => {
    const beganAt = context.now().getTime();
    const found = await look().catch(
      (error: unknown): Found => ({
        state: "failed",
        message: errorCatalog.FILE_UNREADABLE.what,
        nextStep: {
          zh: `建好文件夹并授予运行账号读、写、改名权限：${subject}`,
          en: `Create the folder and grant the service account reading, writing and renaming: ${subject}`,
        },
        raw: String(error),
      }),
    );
    return { stage: name, subject, durationMs: context.now().getTime() - beganAt, ...found };
  };
  const address = await stage("address", root, async () => {
    if (!(await stat(root)).isDirectory()) throw new Error("no folder");
    return ok("根文件夹存在", "The folder exists");
  });
  yield address;
  if (address.state === "failed") return;
  yield await stage("rights", root, async () => {
    const probe = join(root, ".entries", `.probe-${context.now().getTime()}`);
    await mkdir(join(root, ".entries"), { recursive: true });
    await writeFile(probe, "");
    await unlink(probe);
    return ok("可以读写", "Reading and writing work");
  });
  for (const [name, reader] of readers) {
    const { dropFolder } = reader.shelf;
    yield await stage("rights", dropFolder, async () => {
      await access(dropFolder, constants.R_OK | constants.W_OK);
      const waiting = await reader.shelf.dropped(settings.settleMs, context.now());
      return ok(`${name}：${waiting.length} 个文件待取`, `${name}: ${waiting.length} files wait`);
    });
  }
  const { fileBytes, rows } = settings.limits;
  yield await stage("limits", "files", async () =>
    ok(`单个文件不超过 ${fileBytes} 字节、${rows} 行`, `A file may have ${fileBytes} bytes and ${rows} rows`),
  );
}

const ok = (zh: string, en: string): Found => ({ state: "ok", message: { zh, en } });
