import { z } from "zod";

/** The demo speaks to the simulators as anybody could: JSON over HTTP. */

const ANSWER_MS = 60_000;
const THROTTLED_TRIES_MAX = 60;
const THROTTLED_WAIT_MS = 250;
/** Too many calls, of the interface and of the company. Source: Jiandaoyun reference §2. */
const THROTTLED = new Set([8303, 8304]);

/** @throws Error naming address and answer when it is not 2xx or does not fit `shape` */
export async function postJson<T>(
  url: string,
  body: unknown,
  shape: z.ZodType<T>,
  headers: Record<string, string> = {},
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(ANSWER_MS),
    });
    const answer: unknown = await response.json();
    if (response.ok) return shape.parse(answer);
    const refused = z.object({ code: z.number() }).safeParse(answer);
    const throttled = response.status === 429 || (refused.success && THROTTLED.has(refused.data.code));
    if (!throttled || attempt === THROTTLED_TRIES_MAX) throw refusal(url, response.status, answer);
    await new Promise((resolve) => setTimeout(resolve, THROTTLED_WAIT_MS));
  }
}

/** @throws Error naming address and answer when it is not 2xx or does not fit `shape` */
export async function getJson<T>(url: string, shape: z.ZodType<T>): Promise<T> {
  const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS) });
  const answer: unknown = await response.json();
  if (!response.ok) throw refusal(url, response.status, answer);
  return shape.parse(answer);
}

const refusal = (url: string, status: number, answer: unknown): Error =>
  new Error(`${new URL(url).pathname} answered ${status}: ${JSON.stringify(answer).slice(0, 300)}`);
