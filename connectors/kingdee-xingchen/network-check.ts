import { lookup } from "node:dns/promises";
import { connect } from "node:net";
import { connect as connectSecurely, rootCertificates } from "node:tls";
import type { Bilingual, CheckStage } from "../contract.ts";

const CONNECT_TIMEOUT_MS = 10_000;

export type Finding = Pick<CheckStage, "state" | "message"> & { readonly nextStep?: Bilingual; readonly raw?: string };

export const say = (zh: string, en: string): Bilingual => ({ zh, en });
export const ok = (zh: string, en: string): Finding => ({ state: "ok", message: say(zh, en) });
export const failed = (message: Bilingual, nextStep: Bilingual, raw = ""): Finding => ({
  state: "failed",
  message,
  nextStep,
  ...(raw === "" ? {} : { raw }),
});

export const checkAddress = async (host: string): Promise<Finding> => {
  try {
    const { address } = await lookup(host);
    return ok(`地址解析为 ${address}`, `The address resolves to ${address}`);
  } catch (error) {
    return failed(
      say(`无法解析地址 ${host}`, `${host} cannot be resolved`),
      say("检查 baseUrl 与 DNS", "Check baseUrl and DNS"),
      String(error),
    );
  }
};

/** The empty text when the socket opened, else why it did not. */
const opened = (socket: ReturnType<typeof connect>, event: "connect" | "secureConnect"): Promise<string> =>
  new Promise((resolve) => {
    const end = (result: string): void => {
      socket.destroy();
      resolve(result);
    };
    socket.once(event, () => end(""));
    socket.once("timeout", () => end("timeout"));
    socket.once("error", (error: Error) => end(error.message));
  });

export const checkPort = async (host: string, port: number): Promise<Finding> => {
  const problem = await opened(connect({ host, port, timeout: CONNECT_TIMEOUT_MS }), "connect");
  if (problem === "") return ok(`端口 ${port} 可以连接`, `Port ${port} accepts connections`);
  return failed(
    say(`端口 ${port} 连接不上`, `Port ${port} does not answer`),
    say("检查防火墙与代理是否放行", "Check that firewall and proxy let it through"),
    problem,
  );
};

export const checkTls = async (
  protocol: string,
  host: string,
  port: number,
  authority: string | undefined,
): Promise<Finding> => {
  if (protocol !== "https:")
    return {
      state: "warning",
      message: say("连接没有加密（http）", "The connection is not encrypted (http)"),
      nextStep: say("正式环境使用 https://api.kingdee.com/", "Use https://api.kingdee.com/ for real books"),
    };
  const trusted = authority === undefined ? {} : { ca: [...rootCertificates, authority] };
  const socket = connectSecurely({ host, port, servername: host, timeout: CONNECT_TIMEOUT_MS, ...trusted });
  const problem = await opened(socket, "secureConnect");
  if (problem === "") return ok("证书有效", "The certificate is valid");
  return failed(
    say("证书不被信任", "The certificate is not trusted"),
    say(
      "在连接中用 certificateAuthority: file:路径 给出代理的 CA 证书",
      "Name the proxy's CA certificate in the connection: certificateAuthority: file:PATH",
    ),
    problem,
  );
};
