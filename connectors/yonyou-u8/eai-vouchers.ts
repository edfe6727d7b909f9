import { isZero, subtract } from "../../domain/decimal.ts";
import { ZhangshiError } from "../../domain/errors.ts";
import type { Stage } from "../../domain/posting.ts";
import type { DimensionKind } from "../../domain/voucher.ts";
import type { ErpVoucher, ErpVoucherLine } from "../contract.ts";
import { erpIdOf, keyIn } from "./erp-id.ts";
import type { YonyouU8Settings } from "./settings.ts";
import { periodFrom, vendorDate, vendorNumber } from "./values.ts";
import { placeOf, placedKinds } from "./voucher-body.ts";
import { type XmlElement, child, childrenOf, textOf } from "./xml.ts";

/** Names of people are empty until they did their part: 记账 (booked) comes after 审核 (audited). */
export const stageFrom = (checker: string, poster: string): Stage => {
  if (poster.trim() !== "") return "booked";
  return checker.trim() === "" ? "saved" : "audited";
};

/** iflag, revokeflag: 1 作废, 2 有错, else normal. */
export const isVoid = (flag: string): boolean => flag.trim() === "1";

/** 凭证字 of U8 in our name. */
export const wordOf = (sign: string, settings: YonyouU8Settings): string =>
  Object.entries(settings.words).find(([, theirs]) => theirs === sign)?.[0] ?? sign;

/** CDM is ours, GL and nothing a person's; anything else is a module of U8's. */
export const originOf = (makingSystem: string, settings: YonyouU8Settings): string =>
  ["", "GL", settings.makingSystem].includes(makingSystem.trim()) ? "manual" : makingSystem.trim();

/** One side of a line: the one that is not zero. Both together are what neither a person nor a program can enter. */
export const sideOf = (debit: ErpVoucherLine["amount"], credit: ErpVoucherLine["amount"]) =>
  isZero(debit) && !isZero(credit)
    ? ({ side: "credit", amount: credit } as const)
    : ({ side: "debit", amount: subtract(debit, credit) } as const);

/**
 * Dimensions of a line. The OpenAPI's page labels 项目大类 and 项目编码 the wrong way round, so the two are looked at as a pair.
 */
export const dimensionsFrom = (
  field: (name: string) => string,
  settings: YonyouU8Settings,
): Partial<Record<DimensionKind, string>> => {
  const dimensions: Partial<Record<DimensionKind, string>> = {};
  const [itemClass, item] = [field("item_class").trim(), field("item_id").trim()];
  for (const kind of placedKinds(settings)) {
    const place = placeOf(settings, kind);
    if (place === undefined) continue;
    const code =
      typeof place === "string"
        ? field(place).trim()
        : place.itemClass === itemClass
          ? item
          : place.itemClass === item
            ? itemClass
            : "";
    if (code !== "") dimensions[kind] = code;
  }
  return dimensions;
};

/** An exported `<voucher>`, in the form of the template with all fields filled. @throws ZhangshiError READ_FAILED */
export const voucherFrom = (element: XmlElement, settings: YonyouU8Settings): ErpVoucher => {
  const head = child(element, "voucher_head");
  const text = (name: string): string => textOf(head, name).trim();
  if (head === undefined || text("voucher_id") === "" || child(head, "reserve2") === undefined)
    throw new ZhangshiError("READ_FAILED", { asked: "voucher", message: "a voucher without number or reserve2" });
  const period = periodFrom(text("fiscal_year"), text("accounting_period"));
  const sign = text("voucher_type");
  const number = text("voucher_id");
  const key = keyIn(text("reserve2"));
  const attachments = text("attachment_number");
  const lines = childrenOf(child(element, "voucher_body"), "entry").map((entry) => lineFrom(entry, settings));
  return {
    erpId: erpIdOf({ period, sign, number, key }),
    key,
    word: wordOf(sign, settings),
    number,
    date: vendorDate(text("date"), "date"),
    period,
    stage: stageFrom(text("checker"), text("posting_person")),
    voided: isVoid(text("revokeflag")),
    attachments: /^\d+$/.test(attachments) ? Number(attachments) : undefined,
    origin: originOf(text("voucher_making_system"), settings),
    maker: text("enter"),
    lines: lines.toSorted((a, b) => a.lineNumber - b.lineNumber),
  };
};

const lineFrom = (entry: XmlElement, settings: YonyouU8Settings): ErpVoucherLine => {
  const text = (name: string): string => textOf(entry, name);
  const auxiliary = new Map(
    childrenOf(child(entry, "auxiliary_accounting"), "item").map((item) => [item.attributes["name"] ?? "", item.text]),
  );
  const amount = sideOf(
    vendorNumber(text("natural_debit_currency"), "natural_debit_currency"),
    vendorNumber(text("natural_credit_currency"), "natural_credit_currency"),
  );
  const quantity = vendorNumber(text(`${amount.side}_quantity`), `${amount.side}_quantity`);
  return {
    lineNumber: Number(vendorNumber(text("entry_id"), "entry_id")),
    summary: text("abstract"),
    ...amount,
    account: text("account_code").trim(),
    quantity: isZero(quantity) ? undefined : quantity,
    unit: undefined,
    dimensions: dimensionsFrom((name) => auxiliary.get(name) ?? "", settings),
  };
};
