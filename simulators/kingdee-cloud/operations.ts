/** What the DynamicFormService does: every method on every form, under the rights of its caller. */

import type { ArmedFault } from "../shared/faults.ts";
import type { JsonOut } from "../shared/json.ts";
import { type BaseForm, baseForm } from "./base-data.ts";
import {
  type Envelope,
  type Failure,
  failureJson,
  failureOf,
  inQueryShape,
  type OperationResult,
  resultJson,
  type Success,
} from "./envelope.ts";
import { metadataOf, VOUCHER_FORM } from "./forms.ts";
import { type BaseItem, MSG, type Origin, Refusal, Refusals, type Voucher } from "./model.ts";
import { readQuery, runQuery } from "./query.ts";
import { accountBalance, BALANCE_REPORT } from "./reports.ts";
import { idInModel, itemView, readModel, readSaveOptions, returnData, viewOf } from "./voucher-wire.ts";
import { fieldOf, flagOf, integerOf, listOf, membersOf, textOf } from "./wire-values.ts";
import type { World } from "./world.ts";

/** Vendor-neutral verb of a method: what fault files and request counters speak of. */
export type Verb =
  | "save"
  | "draft"
  | "batchSave"
  | "submit"
  | "cancelAssign"
  | "audit"
  | "unaudit"
  | "delete"
  | "void"
  | "unvoid"
  | "book"
  | "unbook"
  | "forbid"
  | "enable"
  | "operation"
  | "view"
  | "query"
  | "metadata"
  | "report"
  | "poll"
  | "switchOrg";

export type MethodShape = { layout: "data" | "form-data" | "form-operation-data"; verb: Verb };

/** Methods by lower-case name. */
export const METHODS: ReadonlyMap<string, MethodShape> = new Map<string, MethodShape>([
  ["save", { layout: "form-data", verb: "save" }],
  ["draft", { layout: "form-data", verb: "draft" }],
  ["batchsave", { layout: "form-data", verb: "batchSave" }],
  ["submit", { layout: "form-data", verb: "submit" }],
  ["cancelassign", { layout: "form-data", verb: "cancelAssign" }],
  ["audit", { layout: "form-data", verb: "audit" }],
  ["unaudit", { layout: "form-data", verb: "unaudit" }],
  ["delete", { layout: "form-data", verb: "delete" }],
  ["view", { layout: "form-data", verb: "view" }],
  ["getsysreportdata", { layout: "form-data", verb: "report" }],
  ["excuteoperation", { layout: "form-operation-data", verb: "operation" }],
  ["executeoperation", { layout: "form-operation-data", verb: "operation" }],
  ["executebillquery", { layout: "data", verb: "query" }],
  ["billquery", { layout: "data", verb: "query" }],
  ["querybusinessinfo", { layout: "data", verb: "metadata" }],
  ["queryasyncresult", { layout: "data", verb: "poll" }],
  ["switchorg", { layout: "data", verb: "switchOrg" }],
]);

/** opNumber of ExcuteOperation, lower case. 过账's number is not public: these are the simulator's choice. */
const OPERATION_NUMBERS: ReadonlyMap<string, Verb> = new Map<string, Verb>([
  ["cancel", "void"],
  ["uncancel", "unvoid"],
  ["post", "book"],
  ["posting", "book"],
  ["unpost", "unbook"],
  ["forbid", "forbid"],
  ["enable", "enable"],
  ["submit", "submit"],
  ["audit", "audit"],
  ["unaudit", "unaudit"],
]);

const WRITES: ReadonlySet<Verb> = new Set<Verb>([
  ...(["save", "draft", "batchSave", "submit", "cancelAssign", "audit", "unaudit", "delete"] as const),
  ...(["void", "unvoid", "book", "unbook", "forbid", "enable"] as const),
]);

const VERB_NAMES: Partial<Record<Verb, string>> = {
  save: "保存",
  draft: "暂存",
  batchSave: "批量保存",
  submit: "提交",
  audit: "审核",
  unaudit: "反审核",
  delete: "删除",
  query: "查看",
  view: "查看",
  void: "作废",
  book: "过账",
};

/** Documents in one BatchSave; more are refused. Not published by the vendor: the simulator's choice. */
const BATCH_MAX = 500;

export type ServiceCall = {
  verb: Verb;
  /** the query method that answers objects instead of arrays */
  asObjects: boolean;
  envelope: Envelope;
  formId: string;
  request: string;
};

export type Session = { user: string; organization: string };

/** @returns the call behind an envelope; ExcuteOperation turns into the verb of its opNumber */
export function callOf(method: string, shape: MethodShape, envelope: Envelope, request: string): ServiceCall {
  const byNumber = OPERATION_NUMBERS.get(envelope.opNumber.toLowerCase());
  const verb = shape.verb === "operation" ? (byNumber ?? "operation") : shape.verb;
  const inData = textOf(fieldOf(envelope.data, "FormId"));
  const formId = (verb === "query" || verb === "metadata" ? inData || envelope.formId : envelope.formId).trim();
  return { verb, asObjects: method === "billquery", envelope, formId, request };
}

/** What a fault file needs to know of a call. */
export function traitsOf(call: ServiceCall): { writes: boolean; creates: boolean; elements: number } {
  const creates = call.verb === "save" || call.verb === "batchSave" || call.verb === "draft";
  const writes = WRITES.has(call.verb);
  const elements = call.verb === "batchSave" ? modelsOf(call.envelope.data).length : 0;
  const named = writes && !creates ? keysOf(call.envelope.data).length : 0;
  return {
    writes,
    creates: creates && idInModel(fieldOf(call.envelope.data, "Model")) === 0,
    elements: elements + named,
  };
}

/** A session that ended while a batch was under way. */
export class SessionEnded extends Error {}

/**
 * Does the call and words the answer.
 *
 * @throws SessionEnded when the fault ends the session in the middle
 */
export function runCall(call: ServiceCall, session: Session, world: World, fault: ArmedFault | undefined): JsonOut {
  const origin: Origin = { kind: "api", request: call.request, user: session.user };
  try {
    refuseWithoutRight(call, session, world);
    return dispatch(call, session, world, origin, fault);
  } catch (error) {
    if (error instanceof Refusals) {
      return resultJson({ successes: [], failures: error.list.map((one) => failureOf(one, 0)) }, false);
    }
    if (!(error instanceof Refusal)) throw error;
    const failure = failureJson(error.msgCode, error.message, error.fieldName);
    return call.verb === "query" ? inQueryShape(failure) : failure;
  }
}

function dispatch(
  call: ServiceCall,
  session: Session,
  world: World,
  origin: Origin,
  fault: ArmedFault | undefined,
): JsonOut {
  const { data } = call.envelope;
  switch (call.verb) {
    case "save":
    case "draft":
      return saveOne(call, session, world, origin, fault);
    case "batchSave":
      return saveBatch(call, session, world, origin, fault);
    case "submit":
    case "cancelAssign":
    case "audit":
    case "unaudit":
    case "delete":
    case "void":
    case "unvoid":
    case "book":
    case "unbook":
    case "forbid":
    case "enable":
      return changeStates(call, call.verb, world, origin, fault);
    case "view":
      return view(call, session, world);
    case "query": {
      const result = runQuery(readQuery(withForm(data, call.formId), world.settings.rowsMax), world.context);
      const rows = fault?.kind === "reorder" ? world.random.shuffled(result.rows) : result.rows;
      if (!call.asObjects) return rows;
      return rows.map((row) => Object.fromEntries(result.keys.map((key, at) => [key, row[at] ?? null])));
    }
    case "metadata":
      return metadata(call.formId, world);
    case "report":
      if (call.formId.toUpperCase() !== BALANCE_REPORT) throw new Refusal(MSG.fieldUnknown, "业务对象不存在");
      return accountBalance(data, world.context, (book) => world.openings.get(book) ?? []);
    case "switchOrg":
      return resultJson({ successes: [], failures: [] }, false);
    case "operation":
      throw new Refusal(MSG.noOperation, `操作“${call.envelope.opNumber}”不存在`);
    case "poll":
      throw new Refusal(MSG.parameters, "查询任务不存在");
  }
}

/** data without FormId (form given beside it) still names its form. */
function withForm(data: unknown, formId: string): unknown {
  return fieldOf(data, "FormId") === undefined ? { ...Object.fromEntries(membersOf(data)), FormId: formId } : data;
}

function refuseWithoutRight(call: ServiceCall, session: Session, world: World): void {
  if (call.formId === "") throw new Refusal(MSG.noForm, "表单标识为空");
  const form = call.formId.toUpperCase();
  for (const operation of [call.verb, "*"]) {
    if (!world.revoked.has(`${session.user}|${form}|${operation}`)) continue;
    const name = form === VOUCHER_FORM ? "凭证" : (baseForm(form)?.name ?? call.formId);
    throw new Refusal(MSG.noPermission, `没有“${name}”的“${VERB_NAMES[call.verb] ?? call.verb}”权限，请联系系统管理员`);
  }
}

// ---- Save, Draft, BatchSave

type Saved = { id: number; number: string; returned: JsonOut };

function modelsOf(data: unknown): unknown[] {
  return listOf(fieldOf(data, "Model"));
}

function saveOne(
  call: ServiceCall,
  session: Session,
  world: World,
  origin: Origin,
  fault: ArmedFault | undefined,
): JsonOut {
  const model = fieldOf(call.envelope.data, "Model");
  if (typeof model !== "object" || model === null || Array.isArray(model)) {
    throw new Refusal(MSG.parameters, "参数Model不正确");
  }
  const first = attempt(() => save(call, model, session, world, origin), 0);
  const second =
    fault?.kind === "apply-twice" && first.saved ? attempt(() => save(call, model, session, world, origin), 0) : first;
  if (second.saved && fault?.kind === "already-exists") {
    const message = fault.message ?? `凭证“${second.saved.number}”已存在`;
    return resultJson({ successes: [], failures: [plainFailure(message, 0)], returned: [{}] }, true);
  }
  return resultJson(
    {
      successes: second.saved ? [{ id: second.saved.id, number: second.saved.number, index: 0 }] : [],
      failures: second.failures,
      returned: [second.saved?.returned ?? {}],
    },
    true,
  );
}

function saveBatch(
  call: ServiceCall,
  session: Session,
  world: World,
  origin: Origin,
  fault: ArmedFault | undefined,
): JsonOut {
  const models = modelsOf(call.envelope.data);
  if (models.length === 0) throw new Refusal(MSG.parameters, "参数Model不正确");
  if (models.length > BATCH_MAX) throw new Refusal(MSG.parameters, `批量保存一次不能超过${BATCH_MAX}张单据`);
  const act = (index: number): Attempt => {
    const once = (): Saved => save(call, models[index], session, world, origin);
    const first = attempt(once, index);
    return fault?.kind === "apply-twice" && first.saved ? attempt(once, index) : first;
  };
  const outcome = underFault(models.length, act, fault);
  const returned = outcome.order.map((index) => outcome.saved.get(index)?.returned ?? {});
  return resultJson(inOrder(world, { ...outcome, returned }, fault), false);
}

type Attempt = { saved: Saved | undefined; failures: readonly Failure[] };

function attempt(act: () => Saved, index: number): Attempt {
  try {
    return { saved: act(), failures: [] };
  } catch (error) {
    if (error instanceof Refusals)
      return { saved: undefined, failures: error.list.map((one) => failureOf(one, index)) };
    if (error instanceof Refusal) return { saved: undefined, failures: [failureOf(error, index)] };
    throw error;
  }
}

type BatchOutcome = {
  successes: Success[];
  failures: Failure[];
  saved: Map<number, Saved>;
  /** indexes that the answer speaks of */
  order: number[];
};

/** Runs the elements one by one, as the fault (if it speaks of elements) wants it. */
function underFault(count: number, act: (index: number) => Attempt, fault: ArmedFault | undefined): BatchOutcome {
  const outcome: BatchOutcome = { successes: [], failures: [], saved: new Map(), order: [] };
  for (let index = 0; index < count; index += 1) {
    if (fault?.kind === "session-lost-mid-batch" && index >= fault.after) throw new SessionEnded();
    if (fault?.kind === "batch-element-refused" && fault.index === index) {
      outcome.failures.push(plainFailure(fault.message ?? "字段[摘要]校验不通过", index));
      outcome.order.push(index);
      continue;
    }
    const silent = fault?.kind === "batch-element-unnamed" && fault.index === index;
    if (silent && !fault.done) continue;
    const { saved, failures } = act(index);
    if (silent) continue;
    outcome.order.push(index);
    if (saved && fault?.kind === "already-exists") {
      outcome.failures.push(plainFailure(fault.message ?? `凭证“${saved.number}”已存在`, index));
      continue;
    }
    outcome.failures.push(...failures);
    if (!saved) continue;
    outcome.saved.set(index, saved);
    outcome.successes.push({ id: saved.id, number: saved.number, index });
  }
  if (fault?.kind === "session-lost-mid-batch") throw new SessionEnded();
  return outcome;
}

function plainFailure(message: string, index: number): Failure {
  return { fieldName: null, message, index, msgCode: MSG.validation };
}

/** Shuffles what is named when the fault says so; DIndex stays true, positions in the lists do not. */
function inOrder(world: World, result: OperationResult, fault: ArmedFault | undefined): OperationResult {
  const mixed = result.successes.length > 0 && result.failures.length > 0;
  // A batch of which an element is silently missing calls itself whatever the named elements say.
  const flagged = mixed && world.settings.mixedBatchIsSuccess ? { ...result, isSuccess: true } : result;
  if (fault?.kind !== "reorder") return flagged;
  return {
    ...flagged,
    successes: world.random.shuffled(flagged.successes),
    failures: world.random.shuffled(flagged.failures),
    ...(flagged.returned === undefined ? {} : { returned: world.random.shuffled(flagged.returned) }),
  };
}

function save(call: ServiceCall, model: unknown, session: Session, world: World, origin: Origin): Saved {
  const form = call.formId.toUpperCase();
  if (form === VOUCHER_FORM) return saveVoucher(call, model, world, origin);
  const baseDataForm = baseForm(form);
  if (!baseDataForm) throw new Refusal(MSG.fieldUnknown, "业务对象不存在");
  return saveItem(baseDataForm, model, session, world);
}

function saveVoucher(call: ServiceCall, model: unknown, world: World, origin: Origin): Saved {
  const { data } = call.envelope;
  const options = readSaveOptions(data, world.settings.strictKeys);
  const id = idInModel(model);
  // An id in the Model means that very voucher: a caller who invents one overwrites what it finds there.
  const existing = id === 0 ? undefined : world.ledger.get(id);
  if (existing) refuseConflict(existing, world);
  const input = readModel(model, existing, options, world.context);
  const draft = call.verb === "draft";
  const voucher = existing
    ? world.ledger.update(existing.id, input, origin, draft)
    : world.ledger.create(input, origin, draft);
  if (flagOf(fieldOf(data, "IsAutoSubmitAndAudit"), false)) {
    world.ledger.submit(voucher.id);
    world.ledger.audit(voucher.id, origin);
  }
  const returned = returnData(voucher, options.needReturnFields, world.context);
  return { id: voucher.id, number: voucher.number, returned };
}

/** Base data is created 创建 (A) and becomes usable by Submit and Audit. */
function saveItem(form: BaseForm, model: unknown, session: Session, world: World): Saved {
  const number = textOf(fieldOf(model, "FNumber")).trim();
  const name = textOf(fieldOf(model, "FName")).trim();
  if (number === "") throw new Refusal(MSG.validation, "字段[编码]是必录字段", "FNumber");
  if (name === "") throw new Refusal(MSG.validation, "字段[名称]是必录字段", "FName");
  const id = integerOf(fieldOf(model, form.idKey)) ?? 0;
  const existing = id === 0 ? undefined : world.base.byId(form.id, id);
  if (id !== 0 && !existing) throw new Refusal(MSG.notFound, `内码为“${id}”的${form.name}不存在`);
  if (existing?.documentStatus === "C") throw new Refusal(MSG.notOperable, "单据已审核，不允许修改");
  // Accounts belong to a 科目表, everything else to a 使用组织.
  const ownerRef =
    form.id === "BD_ACCOUNT"
      ? fieldOf(model, "FACCTTBLID")
      : (fieldOf(model, "FUseOrgId") ?? fieldOf(model, "FCreateOrgId"));
  const owner = textOf(fieldOf(ownerRef, "FNumber")) || session.organization;
  const scope = form.scoped ? (existing?.scope ?? owner) : "";
  const other = world.base.find(form.id, number, scope);
  if (other && other.id !== existing?.id) {
    throw new Refusal(MSG.validation, `编码为“${number}”的${form.name}已存在`, "FNumber");
  }
  const attributes = form.fields.flatMap((field): [string, string][] => {
    const value = fieldOf(model, field.key);
    if (value === undefined) return [];
    const text = textOf(value) || textOf(fieldOf(value, "FNumber"));
    return [[field.key.toUpperCase(), field.type === "flag" ? (flagOf(text, false) ? "1" : "0") : text]];
  });
  const item = world.base.put({
    form: form.id,
    number,
    name,
    scope,
    attributes: { ...(form.id === "BD_ACCOUNT" ? accountRules(model) : {}), ...Object.fromEntries(attributes) },
    documentStatus: existing?.documentStatus ?? "A",
  });
  return { id: item.id, number: item.number, returned: {} };
}

/** A new account is a detail account; with 数量金额辅助核算 its lines may carry quantities. */
function accountRules(model: unknown): Record<string, string> {
  const withQuantity = flagOf(fieldOf(model, "FISQUANTITIES"), false);
  return { FISDETAIL: "1", FQUANTITYRULE: withQuantity ? "optional" : "none" };
}

function refuseConflict(voucher: Voucher, world: World): void {
  const person = world.openInClient.get(voucher.id);
  if (person === undefined) return;
  const caption = world.ledger.caption(voucher);
  const message = `"${person}"使用业务单据："凭证"业务操作-"[凭证-${caption}-修改]"冲突，请稍候再使用。`;
  throw new Refusal(MSG.conflict, message);
}

// ---- status operations

type Key = { id: number } | { number: string };

/** Ids is a comma list (or one bare number) and wins over Numbers. */
function keysOf(data: unknown): Key[] {
  const ids = fieldOf(data, "Ids");
  const idTexts = (Array.isArray(ids) ? ids.map(textOf) : textOf(ids).split(",")).map((text) => text.trim());
  const named = idTexts.filter((text) => text !== "" && text !== "0");
  if (named.length > 0) return named.map((text) => ({ id: Number(text) }));
  return listOf(fieldOf(data, "Numbers")).map((number) => ({ number: textOf(number).trim() }));
}

type StateVerb =
  | "submit"
  | "cancelAssign"
  | "audit"
  | "unaudit"
  | "delete"
  | "void"
  | "unvoid"
  | "book"
  | "unbook"
  | "forbid"
  | "enable";

function changeStates(
  call: ServiceCall,
  verb: StateVerb,
  world: World,
  origin: Origin,
  fault: ArmedFault | undefined,
): JsonOut {
  const keys = keysOf(call.envelope.data);
  if (keys.length === 0) throw new Refusal(MSG.parameters, "参数Ids和Numbers不能同时为空");
  const isVoucher = call.formId.toUpperCase() === VOUCHER_FORM;
  const act = (index: number): Attempt => {
    const key = keys[index] ?? { id: 0 };
    return attempt(() => {
      if (!isVoucher) return changeItemState(call.formId, key, verb, world);
      return changeVoucherState(voucherOf(key, world), verb, world, origin);
    }, index);
  };
  const outcome = underFault(keys.length, act, fault);
  return resultJson(inOrder(world, { successes: outcome.successes, failures: outcome.failures }, fault), false);
}

function voucherOf(key: Key, world: World): Voucher {
  if ("id" in key) return world.ledger.get(key.id);
  const [only, ...others] = world.ledger.byNumber(key.number);
  if (only === undefined) throw new Refusal(MSG.notFound, `编码为“${key.number}”的凭证不存在`);
  // Numbers restart with every book, period and 凭证字, so a bare number may mean many vouchers.
  if (others.length > 0) throw new Refusal(MSG.parameters, `编码“${key.number}”对应多张凭证，请使用内码`);
  return world.ledger.get(only);
}

export function changeVoucherState(voucher: Voucher, verb: StateVerb, world: World, origin: Origin): Saved {
  if (origin.kind === "api") refuseConflict(voucher, world);
  const changed = applyVerb(voucher.id, verb, world, origin);
  return { id: changed.id, number: changed.number, returned: {} };
}

function applyVerb(id: number, verb: StateVerb, { ledger }: World, origin: Origin): Voucher {
  switch (verb) {
    case "submit":
      return ledger.submit(id);
    case "cancelAssign":
      return ledger.cancelAssign(id);
    case "audit":
      return ledger.audit(id, origin);
    case "unaudit":
      return ledger.unaudit(id);
    case "delete":
      return ledger.delete(id, origin);
    case "void":
      return ledger.void(id, origin);
    case "unvoid":
      return ledger.unvoid(id, origin);
    case "book":
      return ledger.post(id, origin);
    case "unbook":
      return ledger.unpost(id);
    case "forbid":
    case "enable":
      throw new Refusal(MSG.noOperation, "凭证没有此操作");
  }
}

function changeItemState(formId: string, key: Key, verb: StateVerb, world: World): Saved {
  const form = baseForm(formId);
  if (!form) throw new Refusal(MSG.fieldUnknown, "业务对象不存在");
  const item =
    "id" in key
      ? world.base.byId(form.id, key.id)
      : world.base.list(form.id).find(({ number }) => number === key.number);
  if (!item) throw new Refusal(MSG.notFound, `${form.name}不存在`);
  world.base.change(item, itemChange(item, verb));
  return { id: item.id, number: item.number, returned: {} };
}

function itemChange(item: BaseItem, verb: StateVerb): Partial<Pick<BaseItem, "documentStatus" | "forbidStatus">> {
  const from = (allowed: string, message: string): void => {
    if (!allowed.includes(item.documentStatus)) throw new Refusal(MSG.notOperable, `“${item.number}”：${message}`);
  };
  switch (verb) {
    case "submit":
      from("AD", "只有创建或重新审核状态的数据才允许提交");
      return { documentStatus: "B" };
    case "cancelAssign":
      from("B", "只有审核中的数据才允许撤销");
      return { documentStatus: "D" };
    case "audit":
      from("B", "只有审核中的数据才允许审核");
      return { documentStatus: "C" };
    case "unaudit":
      from("C", "只有已审核的数据才允许反审核");
      return { documentStatus: "D" };
    case "forbid":
      return { forbidStatus: "B" };
    case "enable":
      return { forbidStatus: "A" };
    case "delete":
    case "void":
    case "unvoid":
    case "book":
    case "unbook":
      throw new Refusal(MSG.noOperation, "基础资料没有此操作");
  }
}

// ---- View, QueryBusinessInfo

function view(call: ServiceCall, session: Session, world: World): JsonOut {
  const { data } = call.envelope;
  const id = integerOf(fieldOf(data, "Id")) ?? 0;
  const number = textOf(fieldOf(data, "Number")).trim();
  const key: Key = id === 0 ? { number } : { id };
  if (call.formId.toUpperCase() === VOUCHER_FORM) {
    return { Result: { ResponseStatus: null, Result: viewOf(voucherOf(key, world), world.context) } };
  }
  const form = baseForm(call.formId);
  if (!form) throw new Refusal(MSG.fieldUnknown, "业务对象不存在");
  const item = "id" in key ? world.base.byId(form.id, key.id) : world.base.find(form.id, number, session.organization);
  if (!item) throw new Refusal(MSG.notFound, "未找到对应数据");
  return {
    Result: {
      ResponseStatus: null,
      Result: {
        ...itemView(item),
        DocumentStatus: item.documentStatus,
        ForbidStatus: item.forbidStatus,
        UseOrgId: itemView(world.base.find("ORG_ORGANIZATIONS", item.scope)),
        ...item.attributes,
      },
    },
  };
}

function metadata(formId: string, world: World): JsonOut {
  const form = metadataOf(formId, world.context);
  const named = (name: string): JsonOut => [{ Key: 2052, Value: name }];
  return {
    Result: {
      ResponseStatus: {
        IsSuccess: true,
        Errors: [],
        SuccessEntitys: [],
        SuccessMessages: [],
        MsgCode: 0,
      },
      NeedReturnData: {
        Id: form.id,
        Name: named(form.name),
        Entrys: form.entities.map((entity) => ({
          Key: entity.key,
          ParentKey: entity.key === "FBillHead" ? "" : "FBillHead",
          Name: named(entity.name),
          Fields: entity.fields.map((field) => ({
            Key: field.key,
            Name: named(field.name),
            MustInput: field.mustInput ? 1 : 0,
            FieldType: 0,
            ElementType: 0,
            LookUpObjectFormId: field.lookup,
            Extends: "",
          })),
        })),
      },
    },
  };
}
