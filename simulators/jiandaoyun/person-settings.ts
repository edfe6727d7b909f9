import { z } from "zod";
import { FaceError } from "./errors.ts";
import { type PersonContext, read, tableOf } from "./person-context.ts";
import { PUSH_EVENTS } from "./push.ts";
import type { ApiKey, Change, Member, PushConfig } from "./store.ts";

/** Pushes, keys, members and departments: what an administrator sets up. */

const Events = z.array(z.enum(PUSH_EVENTS));
const ALL_DATA_EVENTS: z.infer<typeof Events> = [
  "data_create",
  "data_update",
  "data_remove",
  "data_recover",
  "form_update",
];
const NewPush = z.strictObject({
  entry_id: z.string(),
  url: z.url(),
  secret: z.string().min(1).optional(),
  events: Events.default(ALL_DATA_EVENTS),
});

export function createPush(body: unknown, context: PersonContext): unknown {
  const request = read(NewPush, body);
  const table = tableOf(request.entry_id, context);
  const push: PushConfig = {
    id: context.store.ids.objectId(context.store.clock.now()),
    entryId: table.form.entryId,
    url: request.url,
    secret: request.secret ?? context.defaultSecret,
    events: request.events,
    enabled: true,
    failures: 0,
  };
  context.store.commit([{ kind: "push", push }]);
  return { push_id: push.id, secret: push.secret };
}

const PushAddress = z.strictObject({ push_id: z.string() });
const PushAlteration = PushAddress.extend({
  url: z.url().optional(),
  secret: z.string().min(1).optional(),
  events: Events.optional(),
  enabled: z.boolean().optional(),
});

export function alterPush(body: unknown, context: PersonContext): unknown {
  const request = read(PushAlteration, body);
  const old = pushNamed(request.push_id, context);
  const enabled = request.enabled ?? old.enabled;
  const push: PushConfig = {
    ...old,
    url: request.url ?? old.url,
    secret: request.secret ?? old.secret,
    events: request.events ?? old.events,
    enabled,
    failures: request.enabled === true ? 0 : old.failures,
  };
  context.store.commit([{ kind: "push", push }]);
  return push;
}

export function deletePush(body: unknown, context: PersonContext): unknown {
  const { id } = pushNamed(read(PushAddress, body).push_id, context);
  context.store.commit([{ kind: "push-gone", id }]);
  return {};
}

/** The button 服务器连接测试. */
export function testPush(body: unknown, context: PersonContext): unknown {
  const push = pushNamed(read(PushAddress, body).push_id, context);
  context.pushes.queue(push, "data_test", {}, context.store.clock.now());
  return {};
}

function pushNamed(id: string, { store }: PersonContext): PushConfig {
  const push = store.pushes.get(id);
  if (push === undefined) throw new FaceError(404, `no push ${id}`);
  return push;
}

export function pushLog(_body: unknown, { store, pushes }: PersonContext): unknown {
  return {
    pending: pushes.pending(),
    pushes: [...store.pushes.values()],
    deliveries: [...store.deliveries.values()],
  };
}

const KeySettings = {
  name: z.string().optional(),
  enabled: z.boolean().optional(),
  apps: z.array(z.string()).nullable().optional(),
  interfaces: z.array(z.string()).nullable().optional(),
  ips: z.array(z.string().regex(/^(\d{1,3}|\*)(\.(\d{1,3}|\*)){3}$/)).optional(),
};
const KeyAddress = z.strictObject({ apiKey: z.string() });
const NewKey = z.strictObject({ ...KeySettings, apiKey: z.string().min(1).optional() });
const KeyAlteration = KeyAddress.extend(KeySettings);

/** Characters of a generated key, as long as those the vendor shows. */
const KEY_CHARACTERS = 32;

export function createKey(body: unknown, { store }: PersonContext): ApiKey {
  const request = read(NewKey, body);
  const key: ApiKey = {
    apiKey: request.apiKey ?? store.ids.hex(KEY_CHARACTERS),
    name: request.name ?? "",
    enabled: request.enabled ?? true,
    apps: request.apps ?? undefined,
    interfaces: request.interfaces ?? undefined,
    ips: request.ips ?? [],
  };
  store.commit([{ kind: "key", key }]);
  return key;
}

export function alterKey(body: unknown, context: PersonContext): ApiKey {
  const request = read(KeyAlteration, body);
  const old = keyNamed(request.apiKey, context);
  const key: ApiKey = {
    apiKey: old.apiKey,
    name: request.name ?? old.name,
    enabled: request.enabled ?? old.enabled,
    apps: request.apps === undefined ? old.apps : (request.apps ?? undefined),
    interfaces: request.interfaces === undefined ? old.interfaces : (request.interfaces ?? undefined),
    ips: request.ips ?? old.ips,
  };
  context.store.commit([{ kind: "key", key }]);
  return key;
}

export function deleteKey(body: unknown, context: PersonContext): unknown {
  const { apiKey } = keyNamed(read(KeyAddress, body).apiKey, context);
  context.store.commit([{ kind: "key-gone", apiKey }]);
  return {};
}

function keyNamed(apiKey: string, { store }: PersonContext): ApiKey {
  const key = store.keys.get(apiKey);
  if (key === undefined) throw new FaceError(404, "no such key");
  return key;
}

const Members = z.strictObject({
  members: z.array(
    z.strictObject({
      username: z.string().regex(/^[#A-Za-z0-9_]{1,50}$/),
      name: z.string().min(1).max(80),
      departments: z.array(z.int()).default([1]),
      status: z.union([z.literal(-1), z.literal(0), z.literal(1)]).default(1),
      type: z.union([z.literal(0), z.literal(2)]).default(0),
    }),
  ),
});

export function putMembers(body: unknown, { store }: PersonContext): unknown {
  const members = read(Members, body).members.map((given): Member => {
    const id = store.members.get(given.username)?.id ?? store.ids.objectId(store.clock.now());
    return { id, ...given };
  });
  store.commit(members.map((member): Change => ({ kind: "member", member })));
  return { count: members.length };
}

const Departments = z.strictObject({
  departments: z.array(z.strictObject({ dept_no: z.int(), name: z.string().min(1), parent_no: z.int().default(1) })),
});

export function putDepartments(body: unknown, { store }: PersonContext): unknown {
  const { departments } = read(Departments, body);
  store.commit(departments.map((department): Change => ({ kind: "department", department })));
  return { count: departments.length };
}
