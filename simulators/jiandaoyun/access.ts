import { VendorError } from "./errors.ts";
import type { ApiKey, Store } from "./store.ts";

/**
 * Who may call: the key, its IP list, its interfaces. Which apps it may touch is checked where the app is named.
 *
 * Source: Jiandaoyun reference §1.2, §9.2.
 *
 * @throws VendorError 8301 without a readable header, 17018 for an unknown or disabled key, 17052, 17054
 */
export function admit(store: Store, authorization: string | undefined, path: string, ip: string): ApiKey {
  const bearer = /^Bearer\s+(\S+)$/.exec(authorization ?? "")?.[1];
  if (bearer === undefined) throw new VendorError(8301);
  const key = store.keys.get(bearer);
  if (key === undefined || !key.enabled) throw new VendorError(17018);
  if (key.ips.length > 0 && !key.ips.some((pattern) => matchesIp(pattern, ip))) throw new VendorError(17052, ip);
  if (key.interfaces !== undefined && !key.interfaces.includes(path)) throw new VendorError(17054, path);
  return key;
}

/** An entry of the allow-list: an IPv4 address in which at most one part is `*`. */
function matchesIp(pattern: string, ip: string): boolean {
  const wanted = pattern.split(".");
  const parts = ip.split(".");
  return wanted.length === parts.length && wanted.every((part, index) => part === "*" || part === parts[index]);
}
