/**
 * A certificate authority and a server certificate of the simulator's own making. Node signs but has no X.509 writer, so
 * the few DER structures of RFC 5280 are put together here; no program outside Node is needed.
 */

import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from "node:crypto";
import { isIP } from "node:net";

export type Certificates = {
  /** PEM of the authority: what a client has to trust */
  ca: string;
  /** PEM of the server's certificate */
  cert: string;
  /** PEM (PKCS #8) of the server's private key */
  key: string;
};

const LIFE_YEARS = 10;
const TAG = { boolean: 0x01, integer: 0x02, bits: 0x03, octets: 0x04, oid: 0x06, utf8: 0x0c, utcTime: 0x17 } as const;
const GENERALIZED_TIME = 0x18;
const SEQUENCE = 0x30;
const SET = 0x31;
const OID = {
  commonName: "550403",
  ecdsaWithSha256: "2a8648ce3d040302",
  subjectKeyId: "551d0e",
  keyUsage: "551d0f",
  subjectAltName: "551d11",
  basicConstraints: "551d13",
  authorityKeyId: "551d23",
  extendedKeyUsage: "551d25",
  serverAuth: "2b06010505070301",
} as const;
/** UTCTime holds years up to 2049 only (RFC 5280, 4.1.2.5). */
const UTC_TIME_YEAR_MAX = 2049;

/**
 * @param hosts  names and addresses under which the server is reached
 * @param now  milliseconds since 1970; the certificates hold from a day before it
 */
export function makeCertificates(hosts: readonly string[], now: number): Certificates {
  const authority = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const server = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const caName = "SAP Business One simulator CA";
  const caId = keyId(authority.publicKey);
  const ca = certificate({
    subject: caName,
    issuer: caName,
    publicKey: authority.publicKey,
    signer: authority.privateKey,
    now,
    extensions: [
      extension(OID.basicConstraints, true, sequence(der(TAG.boolean, Buffer.from([0xff])))),
      // keyCertSign and cRLSign
      extension(OID.keyUsage, true, der(TAG.bits, Buffer.from([1, 0x06]))),
      extension(OID.subjectKeyId, false, der(TAG.octets, caId)),
    ],
  });
  const cert = certificate({
    subject: hosts[0] ?? "localhost",
    issuer: caName,
    publicKey: server.publicKey,
    signer: authority.privateKey,
    now,
    extensions: [
      extension(OID.basicConstraints, true, sequence()),
      // digitalSignature
      extension(OID.keyUsage, true, der(TAG.bits, Buffer.from([7, 0x80]))),
      extension(OID.extendedKeyUsage, false, sequence(oid(OID.serverAuth))),
      extension(OID.subjectAltName, false, sequence(...hosts.map(alternativeName))),
      extension(OID.authorityKeyId, false, sequence(der(0x80, caId))),
    ],
  });
  return { ca, cert, key: server.privateKey.export({ format: "pem", type: "pkcs8" }).toString() };
}

function certificate(parts: {
  subject: string;
  issuer: string;
  publicKey: KeyObject;
  signer: KeyObject;
  now: number;
  extensions: readonly Buffer[];
}): string {
  const algorithm = sequence(oid(OID.ecdsaWithSha256));
  const from = new Date(parts.now - 86_400_000);
  const until = new Date(from);
  until.setUTCFullYear(from.getUTCFullYear() + LIFE_YEARS);
  const toBeSigned = sequence(
    der(0xa0, der(TAG.integer, Buffer.from([2]))),
    der(TAG.integer, serialNumber()),
    algorithm,
    name(parts.issuer),
    sequence(time(from), time(until)),
    name(parts.subject),
    parts.publicKey.export({ format: "der", type: "spki" }),
    der(0xa3, sequence(...parts.extensions)),
  );
  const signature = sign("sha256", toBeSigned, parts.signer);
  return pem(sequence(toBeSigned, algorithm, der(TAG.bits, Buffer.concat([Buffer.from([0]), signature]))));
}

/** The common way of RFC 5280, 4.2.1.2: SHA-1 of the public point, which is the end of the SPKI after its 26 octets. */
function keyId(publicKey: KeyObject): Buffer {
  return createHash("sha1")
    .update(publicKey.export({ format: "der", type: "spki" }).subarray(26))
    .digest();
}

function alternativeName(host: string): Buffer {
  const version = isIP(host);
  if (version === 0) return der(0x82, Buffer.from(host, "latin1"));
  return der(0x87, version === 4 ? Buffer.from(host.split(".").map(Number)) : ipv6(host));
}

/** Only what a listener on one machine needs: the unspecified and the loopback address. */
function ipv6(host: string): Buffer {
  const bytes = Buffer.alloc(16);
  if (host.endsWith("1")) bytes[15] = 1;
  return bytes;
}

function serialNumber(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes;
}

function time(at: Date): Buffer {
  const digits = at.toISOString().replace(/[-:T]/g, "").slice(0, 14);
  return at.getUTCFullYear() <= UTC_TIME_YEAR_MAX
    ? der(TAG.utcTime, Buffer.from(`${digits.slice(2)}Z`))
    : der(GENERALIZED_TIME, Buffer.from(`${digits}Z`));
}

const name = (commonName: string): Buffer =>
  sequence(der(SET, sequence(oid(OID.commonName), der(TAG.utf8, Buffer.from(commonName)))));
const extension = (id: string, critical: boolean, value: Buffer): Buffer =>
  sequence(oid(id), ...(critical ? [der(TAG.boolean, Buffer.from([0xff]))] : []), der(TAG.octets, value));
const oid = (hex: string): Buffer => der(TAG.oid, Buffer.from(hex, "hex"));
const sequence = (...parts: readonly Buffer[]): Buffer => der(SEQUENCE, Buffer.concat(parts));

function der(tag: number, content: Buffer): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const bytes = length < 0x100 ? [length] : [length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, 0x80 | bytes.length, ...bytes]), content]);
}

function pem(bytes: Buffer): string {
  const lines = bytes.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
