/** Log-in, cookies and the life of sessions (guide §3.1). */

import { randomUUID } from "node:crypto";
import type { Settings } from "./settings.ts";

export type Session = { readonly id: string; readonly user: string; lastUsedMs: number };

const NODES = 2;

export class Sessions {
  readonly #sessions = new Map<string, Session>();
  readonly #now: () => number;
  readonly #settings: () => Settings;
  #logins = 0;

  constructor(now: () => number, settings: () => Settings) {
    this.#now = now;
    this.#settings = settings;
  }

  /** sessions that still live */
  get count(): number {
    this.#drop();
    return this.#sessions.size;
  }

  /** @returns undefined when the company has no session to give */
  begin(user: string): Session | undefined {
    if (this.count >= this.#settings().maxSessions) return undefined;
    this.#logins += 1;
    const id = `${randomUUID()}-${4000 + this.#logins}-${1000 + (this.#logins % 9000)}`;
    const session = { id, user, lastUsedMs: this.#now() };
    this.#sessions.set(id, session);
    return session;
  }

  /** Expiry slides: a session lives as long as it is used (API reference, Logout). */
  find(cookieHeader: string | undefined): Session | undefined {
    const session = this.#sessions.get(cookieOf(cookieHeader, "B1SESSION") ?? "");
    if (session === undefined) return undefined;
    if (this.#expired(session)) {
      this.#sessions.delete(session.id);
      return undefined;
    }
    session.lastUsedMs = this.#now();
    return session;
  }

  end(id: string): void {
    this.#sessions.delete(id);
  }

  endAll(): void {
    this.#sessions.clear();
  }

  /** The balancer's route: any node, by turns. */
  route(): string {
    return `.node${1 + (this.#logins % NODES)}`;
  }

  #expired(session: Session): boolean {
    return this.#now() - session.lastUsedMs > this.#settings().sessionTimeoutMin * 60_000;
  }

  #drop(): void {
    for (const session of this.#sessions.values()) {
      if (this.#expired(session)) this.#sessions.delete(session.id);
    }
  }
}

/** Clients send cookies in many shapes, attributes and empty members included: the first of the name counts. */
export function cookieOf(header: string | undefined, name: string): string | undefined {
  for (const member of (header ?? "").split(";")) {
    const at = member.indexOf("=");
    if (at >= 0 && member.slice(0, at).trim() === name) return member.slice(at + 1).trim();
  }
  return undefined;
}

/** Two headers, exactly so: no path and a dangling semicolon on the first (guide §3.1; field note on .NET). */
export function sessionCookies(id: string, route: string, style: Settings["cookieStyle"]): string[] {
  if (style === "modern") {
    return [`B1SESSION=${id};HttpOnly;Secure;SameSite=None`, `ROUTEID=${route}; path=/b1s; Secure; SameSite=None`];
  }
  return [`B1SESSION=${id};HttpOnly;`, `ROUTEID=${route}; path=/b1s`];
}
