/** /jdy/v2/fi/voucher and its neighbours: save, list, detail, 冲销, 凭证字. */

import type { JsonOut } from "../shared/json.ts";
import { type Call, eachElement, listOut, type Operation, PartialFailure, reading } from "./call.ts";
import type { VoucherInput } from "./ledger.ts";
import { ERR, Refusal, type Voucher } from "./model.ts";
import { fieldOf, listOf, textIn, textOf } from "./parameters.ts";
import { decodeVoucher, encodeDetail, encodeRow, findVouchers } from "./voucher-wire.ts";

const ITEMS_MAX = 200;

type Wanted = { id: string | undefined; input: VoucherInput };

function itemsOf(body: unknown): unknown[] {
  return listOf(fieldOf(body, "items"));
}

/** Some vouchers are new, others carry the id of one that is to be changed. */
export const saveVouchers: Operation = {
  traits: ({ body }) => {
    const items = itemsOf(body);
    return {
      verb: items.length > 1 ? "batchSave" : "save",
      writes: true,
      creates: items.some((item) => textIn(item, "id") === ""),
      elements: items.length,
    };
  },
  right: () => "gl_voucher|save",
  run: (call) => {
    const items = itemsOf(call.parameters.body);
    if (items.length === 0) throw new Refusal(ERR.validation, "参数items不能为空");
    if (items.length > ITEMS_MAX) throw new Refusal(ERR.validation, `参数items不能超过${ITEMS_MAX}条`);
    const { wanted, refusals } = readAll(items, call);
    const [first] = refusals;
    if (first && (call.settings.batchMode === "all-or-nothing" || items.length === 1)) throw first;
    const wordIds = (ids: string[]): JsonOut => ({ ids });
    const ids = eachElement(call, wanted, (one) => saveOne(one, call), wordIds);
    if (first) throw new PartialFailure(first.errcode, refusals.map(({ message }) => message).join("；"), wordIds(ids));
    return wordIds(ids);
  },
};

function saveOne({ id, input }: Wanted, { set, origin }: Call): string {
  return id === undefined ? set.ledger.create(input, origin).id : set.ledger.update(id, input, origin).id;
}

/** Reads and checks every item before anything is kept. */
function readAll(items: readonly unknown[], call: Call): { wanted: Wanted[]; refusals: Refusal[] } {
  const { ledger, base } = call.set;
  const wanted: Wanted[] = [];
  const refusals: Refusal[] = [];
  const numbers = new Set<string>();
  for (const [index, item] of items.entries()) {
    const where = items.length > 1 ? `第${index + 1}条凭证：` : "";
    try {
      const input = decodeVoucher(item, base, call.settings.lostFields, where);
      const id = textIn(item, "id") === "" ? undefined : textIn(item, "id");
      ledger.verify(input, id);
      const series = `${input.date.slice(0, 7)}|${input.group}|${input.number}`;
      if (input.number !== "" && numbers.has(series)) {
        throw new Refusal(ERR.duplicate, `凭证号重复：${input.group}-${input.number}`);
      }
      numbers.add(series);
      wanted.push({ id, input });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refusals.push(error.message.startsWith(where) ? error : new Refusal(error.errcode, `${where}${error.message}`));
    }
  }
  return { wanted, refusals };
}

export const listVouchers: Operation = reading("query", "gl_voucher|query", (call) => {
  const { ledger, base } = call.set;
  const found = findVouchers(call.parameters, ledger, base, call.settings.ignoredFilters);
  return listOut(call, found, (voucher) => encodeRow(voucher, ledger, base, call.settings.lostFields), true);
});

export const viewVoucher: Operation = reading("view", "gl_voucher|query", ({ set, parameters, settings }) => {
  const id = parameters.text("id");
  const voucher = id === "" ? voucherOfNumber(parameters.text("number"), set.ledger) : set.ledger.get(id);
  return encodeDetail(voucher, set.ledger, set.base, settings.lostFields);
});

/** A 凭证字号 names a voucher only within one period. @throws Refusal when there is none, or are several */
export function voucherOfNumber(number: string, ledger: Call["set"]["ledger"]): Voucher {
  if (number === "") throw new Refusal(ERR.validation, "参数id和number不能同时为空");
  const found = [...ledger.vouchers.values()].filter((voucher) => {
    return ledger.caption(voucher) === number || voucher.number === number;
  });
  const [one] = found;
  if (!one) throw new Refusal(ERR.notFound, `参数number[${number}]不存在`);
  if (found.length > 1) throw new Refusal(ERR.validation, `参数number[${number}]对应多张凭证`);
  return one;
}

/** 冲销; each id gets a row of its own, with the reversal's id or a message. */
export const reverseVouchers: Operation = {
  traits: ({ body }) => ({
    verb: "reverse",
    writes: true,
    creates: true,
    elements: listOf(fieldOf(body, "ids")).length,
  }),
  right: () => "gl_voucher|reverse",
  run: (call) => {
    const ids = listOf(fieldOf(call.parameters.body, "ids")).map(textOf);
    if (ids.length === 0) throw new Refusal(ERR.validation, "参数ids不能为空");
    const rows = new Map<string, JsonOut>();
    const wordRows = (): JsonOut => ({ rows: [...rows.values()] });
    const named = eachElement(call, ids, (id) => reverseOne(id, call, rows), wordRows);
    return { rows: named.flatMap((id) => rows.get(id) ?? []) };
  },
};

function reverseOne(id: string, { set, origin }: Call, rows: Map<string, JsonOut>): string {
  try {
    const reversal = set.ledger.reverse(id, origin);
    rows.set(id, { id, message: "", reverse_voucher_id: reversal.id });
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    if (!rows.has(id)) rows.set(id, { id, message: error.message, reverse_voucher_id: "" });
  }
  return id;
}

export const listVoucherTypes: Operation = reading("master", "gl_voucher|query", (call) =>
  listOut(call, call.set.base.list("gl_vouchertype"), ({ id, number, name }) => ({ id, name, number }), true),
);

export const listAttachments: Operation = reading("view", "gl_voucher|query", (call) =>
  listOut(call, [], () => null, true),
);
