import { isZero } from "../../domain/decimal.ts";
import { period } from "../../domain/dates.ts";
import { ZhangshiError } from "../../domain/errors.ts";
import type { ErpVoucher, ErpVoucherLine } from "../contract.ts";
import { dimensionsFrom, isVoid, sideOf, stageFrom, wordOf } from "./eai-vouchers.ts";
import { erpIdOf, keyIn } from "./erp-id.ts";
import type { Row } from "./openapi-channel.ts";
import type { YonyouU8Settings } from "./settings.ts";
import { periodFrom, vendorDate, vendorNumber } from "./values.ts";

/** Rows of one voucher, in the order of its lines. Neither list of the OpenAPI names the 凭证字 unless it is asked for. */
export interface VoucherRows {
  readonly rows: readonly Row[];
}

const numberIn = (row: Row, name: string): number => Number(row[name] ?? "");

/**
 * Rows of voucherdetails by voucher. Two 凭证字 may have one number on one day: a line number that comes again opens another
 * voucher. Ids of rows rise, so the rows of one voucher stand together.
 */
export const groupRows = (rows: readonly Row[]): readonly VoucherRows[] => {
  const sorted = rows.toSorted((a, b) => numberIn(a, "i_id") - numberIn(b, "i_id"));
  const open = new Map<string, Row[]>();
  const groups: Row[][] = [];
  for (const row of sorted) {
    const name = JSON.stringify([
      row["date"]?.slice(0, 10),
      row["ino_id"],
      row["csign"] ?? "",
      row["coutno_id"] ?? "",
      row["bill"] ?? "",
    ]);
    const group = open.get(name);
    if (group === undefined || group.some((one) => one["inid"] === row["inid"])) {
      const fresh = [row];
      open.set(name, fresh);
      groups.push(fresh);
    } else group.push(row);
  }
  return groups.map((group) => ({ rows: group.toSorted((a, b) => numberIn(a, "inid") - numberIn(b, "inid")) }));
};

/** @throws ZhangshiError READ_FAILED */
export const voucherOf = ({ rows }: VoucherRows, sign: string, settings: YonyouU8Settings): ErpVoucher => {
  const [head] = rows;
  const text = (name: string): string => (head?.[name] ?? "").trim();
  if (head?.["coutno_id"] === undefined || text("ino_id") === "")
    throw new ZhangshiError("READ_FAILED", { call: "voucherdetails", message: "a row without ino_id or coutno_id" });
  const date = vendorDate(text("date"), "date");
  const of =
    text("iyear") === "" || text("iperiod") === ""
      ? period(date.slice(0, 7))
      : periodFrom(text("iyear"), text("iperiod"));
  const number = String(Number(text("ino_id")));
  const external = text("coutno_id");
  const key = keyIn(external);
  return {
    erpId: erpIdOf({ period: of, sign, number, key }),
    key,
    word: wordOf(sign, settings),
    number,
    date,
    period: of,
    stage: stageFrom(text("ccheck"), text("cbook")),
    voided: isVoid(text("iflag")),
    // 附单据数 is in none of the OpenAPI's lists.
    attachments: undefined,
    origin: key === "" && external !== "" ? "external" : "manual",
    maker: text("bill"),
    lines: rows.map((row) => lineOf(row, settings)),
  };
};

const COLUMNS: Readonly<Record<string, string>> = {
  dept_id: "cdept_id",
  personnel_id: "cperson_id",
  cust_id: "ccus_id",
  supplier_id: "csup_id",
  item_class: "citem_class",
  item_id: "citem_id",
};

const lineOf = (row: Row, settings: YonyouU8Settings): ErpVoucherLine => {
  const text = (name: string): string => row[name] ?? "";
  const amount = sideOf(vendorNumber(text("md"), "md"), vendorNumber(text("mc"), "mc"));
  const quantityColumn = amount.side === "debit" ? "nd_s" : "nc_s";
  const quantity = vendorNumber(text(quantityColumn), quantityColumn);
  return {
    lineNumber: Number(text("inid")),
    summary: text("digest"),
    ...amount,
    account: text("code").trim(),
    quantity: isZero(quantity) ? undefined : quantity,
    unit: undefined,
    dimensions: dimensionsFrom((name) => text(COLUMNS[name] ?? name), settings),
  };
};
