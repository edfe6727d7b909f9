// Fetches a Temporal server program through the official package and prints its path. A process of its own, because the
// download inside the package can neither be limited nor cancelled: this process can be killed.
//
// argv: kind ("dev" | "time-skipping"), folder for the download
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { TestWorkflowEnvironment } from "@temporalio/testing";

const [kind, folder] = process.argv.slice(2);
const download = mkdtempSync(join(folder, "download-"));
const executable = { type: "cached-download", downloadDir: download };
try {
  const environment =
    kind === "dev"
      ? await TestWorkflowEnvironment.createLocal({ server: { executable } })
      : await TestWorkflowEnvironment.createTimeSkipping({ server: { executable } });
  await environment.teardown();
  const [program] = readdirSync(download);
  mkdirSync(join(folder, "bin"), { recursive: true });
  const target = join(folder, "bin", kind === "dev" ? "temporal" : "temporal-test-server");
  chmodSync(join(download, program), 0o755);
  renameSync(join(download, program), target);
  process.stdout.write(`${target}\n`);
  process.exitCode = 0;
} finally {
  rmSync(download, { recursive: true, force: true });
}
