import type { Period } from "../../domain/dates.ts";
import { ZhangshiError } from "../../domain/errors.ts";
import type { PostingKey } from "../../domain/posting-key.ts";
import type { ErpVoucher, LookUp } from "../contract.ts";
import { readErrorOf } from "./answers.ts";
import type { XingchenChannel } from "./channel.ts";
import { readAll } from "./lists.ts";
import type { KingdeeXingchenSettings } from "./settings.ts";
import { type VoucherDetail, type VoucherHead, detailOf, headOf, voucherOf } from "./voucher-rows.ts";

export const VOUCHER_PATH = "jdy/v2/fi/voucher";
const DETAIL_PATH = "jdy/v2/fi/voucher_detail";

/** Words by which the vendor says that an id is not there (public clients: `参数number[…]不存在`). */
const GONE = /不存在|已删除|已被删除|找不到/;

export interface Reading {
  readonly channel: XingchenChannel;
  readonly settings: KingdeeXingchenSettings;
}

/**
 * Heads of all vouchers with this key, whatever their date, period or status. A row that does not even contain the key shows
 * that the filter was ignored: then nothing can be concluded.
 * @throws ZhangshiError KEY_FIELD_MISSING, RESULT_TRUNCATED and the codes of a failed read
 */
const headsWithKey = async ({ channel, settings }: Reading, key: PostingKey): Promise<readonly VoucherHead[]> => {
  const rows = await readAll(channel, VOUCHER_PATH, { source_bill_no: key }, settings.pageSize, (row) => {
    const head = headOf(row);
    if (!head.key.includes(key))
      throw new ZhangshiError("KEY_FIELD_MISSING", {
        reason: "the list ignores the filter source_bill_no or no longer shows the field",
        voucher: head.erpId,
      });
    return [head.erpId, head];
  });
  // The filter may look for a part of the text.
  return rows.filter((head) => head.key === key);
};

/** Never throws: what cannot be asked is `failed`. */
export const lookUp = async (reading: Reading, key: PostingKey): Promise<LookUp> => {
  try {
    const heads = await headsWithKey(reading, key);
    const [first] = heads;
    if (first === undefined) return { kind: "absent" };
    if (heads.length > 1) return { kind: "several", erpIds: heads.map((head) => head.erpId) };
    return { kind: "one", erpId: first.erpId, number: first.number, stage: first.stage };
  } catch (error) {
    if (!(error instanceof ZhangshiError)) throw error;
    const message = error.details["message"] ?? error.details["reason"] ?? error.message;
    return { kind: "failed", code: error.code, message: reading.channel.redact(message) };
  }
};

/** One voucher, or undefined where the vendor says that it is not there. @throws ZhangshiError */
export const readDetail = async (reading: Reading, erpId: string): Promise<VoucherDetail | undefined> => {
  const answer = await reading.channel.read(DETAIL_PATH, { id: erpId });
  if (answer.kind === "ok") {
    if (isEmpty(answer.data)) return undefined;
    const detail = detailOf(answer.data, reading.settings);
    if (detail.head.erpId !== erpId)
      throw new ZhangshiError("READ_FAILED", { voucher: erpId, reason: `the answer holds ${detail.head.erpId}` });
    return detail;
  }
  if (answer.kind === "error" && GONE.test(answer.message)) return undefined;
  const { code, message } = readErrorOf(answer);
  throw new ZhangshiError(code, { voucher: erpId, message });
};

const isEmpty = (data: unknown): boolean =>
  data === null || data === undefined || (typeof data === "object" && Object.keys(data).length === 0);

/** The whole voucher. The vendor's model of a detail has no source_bill_no, so its row in the list is asked for the key. */
export const readVoucher = async (reading: Reading, erpId: string): Promise<ErpVoucher | undefined> => {
  const detail = await readDetail(reading, erpId);
  if (detail === undefined) return undefined;
  const { settings, channel } = reading;
  if (detail.withKey) return voucherOf(detail.head, detail.lines, settings);
  const { periodText, number } = detail.head;
  const rows = await readAll(
    channel,
    VOUCHER_PATH,
    {
      ...(periodText === "" ? {} : { start_period: periodText, end_period: periodText }),
      ...(number === "" ? {} : { number }),
    },
    settings.pageSize,
    (row) => {
      const head = headOf(row);
      return [head.erpId, head];
    },
  );
  const head = rows.find((row) => row.erpId === erpId);
  // Deleted between the two questions.
  if (head === undefined) return (await readDetail(reading, erpId)) === undefined ? undefined : raiseMissing(erpId);
  return voucherOf(merged(detail.head, head), detail.lines, settings);
};

const raiseMissing = (erpId: string): never => {
  throw new ZhangshiError("READ_FAILED", { voucher: erpId, reason: "it has a detail, but the list does not show it" });
};

/** The detail is the younger one; the key stands only in the list. */
const merged = (detail: VoucherHead, row: VoucherHead): VoucherHead => ({ ...row, ...detail, key: row.key });

/** @throws ZhangshiError RESULT_TRUNCATED, READ_FAILED */
export const headsOfPeriod = async ({ channel, settings }: Reading, of: Period): Promise<readonly VoucherHead[]> => {
  const yearMonth = of.replace("-", "");
  const rows = await readAll(
    channel,
    VOUCHER_PATH,
    { start_period: yearMonth, end_period: yearMonth },
    settings.pageSize,
    (row) => {
      const head = headOf(row);
      if (head.periodText !== "" && head.periodText !== yearMonth)
        throw new ZhangshiError("READ_FAILED", { voucher: head.erpId, reason: "the filter on the period is ignored" });
      return [head.erpId, head];
    },
  );
  return rows.toSorted((a, b) => byId(a.erpId, b.erpId));
};

const byId = (a: string, b: string): number => a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);

/** Lines to a head that came from the list; undefined where the voucher is gone meanwhile. */
export const withLines = async (reading: Reading, head: VoucherHead): Promise<ErpVoucher | undefined> => {
  const detail = await readDetail(reading, head.erpId);
  return detail === undefined ? undefined : voucherOf(merged(detail.head, head), detail.lines, reading.settings);
};
