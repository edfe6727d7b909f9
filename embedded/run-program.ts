import { spawn } from "node:child_process";

export interface RunOptions {
  readonly cwd: string;
  /** After this long the program is killed. */
  readonly limitMs: number;
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly gid?: number;
}

const OUTPUT_KEPT = 4_000;

/**
 * Runs a program to its end and returns what it wrote. Nothing reaches our own output.
 *
 * @throws Error  with the end of its output, when it fails or takes too long
 */
export function runProgram(
  command: string,
  args: readonly string[],
  { limitMs, ...options }: RunOptions,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, [...args], { ...options, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const keep = (chunk: Buffer) => {
      output = (output + chunk.toString("utf8")).slice(-OUTPUT_KEPT);
    };
    child.stdout.on("data", keep);
    child.stderr.on("data", keep);
    let late = false;
    const limit = setTimeout(() => {
      late = true;
      child.kill("SIGKILL");
    }, limitMs);
    child.once("error", (error) => {
      clearTimeout(limit);
      reject(new Error(`${command} cannot be started: ${error.message}`));
    });
    child.once("close", (code) => {
      clearTimeout(limit);
      if (code === 0) resolve(output);
      else
        reject(
          new Error(
            `${command} ${late ? `took longer than ${limitMs / 1000} s` : `failed (${code ?? "killed"})`}: ${output.trim()}`,
          ),
        );
    });
  });
}
