import { BlockList, isIP, isIPv4 } from "node:net";
import { ZhangshiError } from "../../domain/errors.ts";

/** Link-local ranges and the places where clouds keep the credentials of a machine: no ERP lives there. */
const refused = new BlockList();
refused.addSubnet("169.254.0.0", 16, "ipv4");
refused.addAddress("100.100.100.200", "ipv4");
refused.addAddress("192.0.0.192", "ipv4");
refused.addAddress("168.63.129.16", "ipv4");
refused.addSubnet("fe80::", 10, "ipv6");
refused.addAddress("fd00:ec2::254", "ipv6");
// IPv4 behind a translator (NAT64): the last four bytes are the address that is reached.
refused.addSubnet("64:ff9b::a9fe:0", 112, "ipv6");
refused.addAddress("64:ff9b::6464:64c8", "ipv6");

const refusedNames: ReadonlySet<string> = new Set(["metadata", "metadata.google.internal", "metadata.tencentyun.com"]);

/** True for addresses to which no request may go. A name that resolves to one is refused as well. */
export const isRefusedAddress = (address: string): boolean => {
  if (isIP(address) === 0) return false;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return refused.check(mapped, "ipv4");
  return refused.check(address, isIPv4(address) ? "ipv4" : "ipv6");
};

/**
 * The base URL with a trailing "/".
 * @param allowed  host names or addresses that the operator allows by name
 * @throws ZhangshiError CONFIG_INVALID when it is no http(s) URL, carries credentials, or points at a refused place
 */
export const checkedBaseUrl = (text: string, allowed: readonly string[] = []): URL => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const refuse = (reason: string): ZhangshiError =>
    new ZhangshiError("CONFIG_INVALID", { field: "baseUrl", value: url === undefined ? "" : url.host, reason });
  if (url === undefined) throw refuse("not a URL");
  if (url.protocol !== "http:" && url.protocol !== "https:") throw refuse("neither http nor https");
  if (url.username !== "" || url.password !== "") throw refuse("credentials do not belong into the address");
  const host = url.hostname
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "")
    .toLowerCase();
  if (!allowed.includes(host) && (isRefusedAddress(host) || refusedNames.has(host)))
    throw refuse("link-local and metadata addresses are refused unless allowed by name");
  if (!url.pathname.endsWith("/")) url.pathname = `${url.pathname}/`;
  return url;
};
