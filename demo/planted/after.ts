import { centsOf, centsText, type DemoCompany, type DemoDocument, type DemoItem, documentWith } from "../document.ts";
import type { JiandaoyunOffice } from "../jiandaoyun-office.ts";
import type { BookVoucher, KingdeeOffice } from "../kingdee-office.ts";
import { Draw } from "../random.ts";
import { movementSubject, planOf, type Planted, planted } from "./planted.ts";

const STREAM = 0xaf7e;
/** The ERP's number of 凭证字 记. */
const WORD_NUMBER = "PRE001";
const WORD = "记";
const ITEM_COLUMN = "FFLEX8";
const STOCK_ACCOUNT = /^1405(\.|$)/;
const NEXT_MONTH_DAY = "2025-04-02";
/** One each for causes 1, 4 and 8, two for cause 12. */
const QUIET_NEEDED = 5;
const EDIT_CENTS = 8_800n;

/** Forms whose documents lead to one voucher and are not referred to by later steps of the month. */
const BOOK_FORMS: ReadonlySet<string> = new Set([
  "purchase-receipt",
  "production-issue",
  "subcontract-issue",
  "scrap",
  "production-receipt",
]);

export interface PlantAfter {
  /** As entered, `plantBefore` included. */
  readonly company: DemoCompany;
  readonly jiandaoyun: JiandaoyunOffice;
  readonly kingdee: KingdeeOffice;
  readonly seed: number;
  /** Items to keep away from: those of `plantBefore`. */
  readonly reservedItems: readonly string[];
  /** Subjects planted already; no document is used twice. */
  readonly exclude: readonly Planted[];
}

/** What the demo does between the acts. */
export interface Pipeline {
  /** Pulls what is new and posts it, to the end. */
  syncAndPost(): Promise<void>;
  /** Pulls what changed and posts nothing. */
  sync(): Promise<void>;
}

/**
 * Hides the rest, in the order of README.md: 13, 4, then 5, 6, 10 and 11 in the books, 8 and 12 in the warehouse, 1 at the end.
 * Afterwards only the reconciliation may run.
 */
export async function plantAfter(given: PlantAfter, pipeline: Pipeline): Promise<readonly Planted[]> {
  const acts = new Acts(given);
  const plan = planOf(given.seed);
  const found: Planted[] = [];
  found.push(await acts.late());
  await pipeline.syncAndPost();
  if (plan.has(4)) {
    await given.kingdee.auditRight(false);
    try {
      found.push(await acts.unaudited());
      await pipeline.syncAndPost();
    } finally {
      await given.kingdee.auditRight(true);
    }
  }
  found.push(...(await acts.inBooks(plan)));
  if (plan.has(8)) found.push(await acts.otherPrice());
  found.push(await acts.cancelled());
  found.push(await acts.otherSupplier());
  await pipeline.sync();
  if (plan.has(1)) found.push(await acts.unpulled());
  return found;
}

class Acts {
  readonly #given: PlantAfter;
  readonly #draw: Draw;
  readonly #usedItems: Set<string>;
  readonly #usedSubjects: Set<string>;
  /** Receipts after which their item did not move any more; each is used once. */
  readonly #quiet: DemoDocument[];

  constructor(given: PlantAfter) {
    this.#given = given;
    this.#draw = new Draw(given.seed ^ STREAM);
    this.#usedItems = new Set(given.reservedItems);
    this.#usedSubjects = new Set(given.exclude.map(({ subject }) => subject));
    this.#quiet = this.#draw
      .shuffled(given.company.documents.filter((document) => isQuiet(document, given.company, this.#usedItems)))
      .slice(0, QUIET_NEEDED);
    // Set aside at once: no other act may touch their items.
    for (const { lines } of this.#quiet) for (const { item } of lines) this.#usedItems.add(item);
  }

  /** Cause 13: dated before issues that have been costed, at another price. */
  async late(): Promise<Planted> {
    const day = `${this.#month()}-04`;
    const issued = this.#given.company.documents
      .filter(({ form, happenedAt }) => form === "sales-issue" && happenedAt > `${day} 23:59:59`)
      .flatMap(({ lines }) => lines.map(({ item }) => item))
      .filter((item) => !this.#usedItems.has(item));
    const item = this.#itemOf(this.#draw.one(issued));
    this.#usedItems.add(item.code);
    return this.#newReceipt(13, "CG2503-9013", `${day} 10:20:00`, item, 160n);
  }

  unaudited(): Promise<Planted> {
    return this.#newReceipt(4, "CG2503-9004", `${this.#month()}-31 20:10:00`, this.#quietItem(), 100n);
  }

  unpulled(): Promise<Planted> {
    return this.#newReceipt(1, "CG2503-9001", `${this.#month()}-31 20:40:00`, this.#quietItem(), 100n);
  }

  /** Cause 8: the price in the form is corrected after the voucher stood. */
  async otherPrice(): Promise<Planted> {
    const receipt = this.#nextQuiet();
    const amounts = receipt.lines.map(({ amount }) => centsText((centsOf(amount ?? "0") * 125n) / 100n));
    await this.#given.jiandaoyun.correctAmounts(receipt, amounts);
    return this.#note(8, movementSubject(receipt.form, receipt.documentNumber));
  }

  async cancelled(): Promise<Planted> {
    const receipt = this.#nextQuiet();
    await this.#given.jiandaoyun.remove(receipt);
    return this.#note(12, movementSubject(receipt.form, receipt.documentNumber));
  }

  /** Cause 12: the goods had come from somebody else; the voucher owes the wrong supplier. */
  async otherSupplier(): Promise<Planted> {
    const receipt = this.#nextQuiet();
    const others = this.#given.company.suppliers.filter(({ code }) => code !== receipt.partner);
    await this.#given.jiandaoyun.correctPartner(receipt, this.#draw.one(others).code);
    return this.#note(12, movementSubject(receipt.form, receipt.documentNumber));
  }

  async inBooks(plan: ReadonlySet<number>): Promise<readonly Planted[]> {
    const { kingdee, company } = this.#given;
    const vouchers = await kingdee.vouchers(company.book);
    const targets = this.#targets(vouchers);
    const next = (): Target => {
      const at = targets.findIndex(({ items }) => items.every((item) => !this.#usedItems.has(item)));
      const [target] = targets.splice(at < 0 ? targets.length : at, 1);
      if (target === undefined) throw new Error("no voucher is left that may be touched");
      for (const item of target.items) this.#usedItems.add(item);
      return target;
    };
    const found: Planted[] = [];
    const noteTarget = (cause: number, { document }: Target): void => {
      found.push(this.#note(cause, movementSubject(document.form, document.documentNumber)));
    };
    const edited = next();
    await kingdee.act("change", { id: edited.voucher.id, force: true, lines: raised(edited.voucher) });
    noteTarget(10, edited);
    const unaudited = next();
    await kingdee.act("unaudit", { id: unaudited.voucher.id });
    noteTarget(10, unaudited);
    const deleted = next();
    await kingdee.act("delete", { id: deleted.voucher.id, force: true });
    noteTarget(10, deleted);
    if (plan.has(5)) {
      const copied = next();
      await kingdee.act("copy", { id: copied.voucher.id });
      noteTarget(5, copied);
    }
    if (plan.has(6)) {
      const moved = next();
      await kingdee.act("change", { id: moved.voucher.id, force: true, head: { date: NEXT_MONTH_DAY } });
      noteTarget(6, moved);
    }
    found.push(await this.#manual(vouchers));
    return found;
  }

  // ------------------------------------------------------------------------------------------- within

  #month(): string {
    return this.#given.company.firstPeriod;
  }

  #note(cause: number, subject: string): Planted {
    if (this.#usedSubjects.has(subject)) throw new Error(`${subject} is planted twice`);
    this.#usedSubjects.add(subject);
    return planted(this.#given.company.code, cause, subject);
  }

  #itemOf(code: string): DemoItem {
    const item = this.#given.company.items.find((one) => one.code === code);
    if (item === undefined) throw new Error(`no item ${code}`);
    return item;
  }

  #nextQuiet(): DemoDocument {
    const receipt = this.#quiet.pop();
    if (receipt === undefined) throw new Error("no quiet receipt is left");
    return receipt;
  }

  #quietItem(): DemoItem {
    return this.#itemOf(this.#nextQuiet().lines[0]?.item ?? "");
  }

  /** A receipt typed in now. @param percent  of the item's opening price */
  async #newReceipt(
    cause: number,
    documentNumber: string,
    happenedAt: string,
    item: DemoItem,
    percent: bigint,
  ): Promise<Planted> {
    const { company, jiandaoyun } = this.#given;
    const opening = company.documents.find(
      ({ form, lines }) => form === "opening" && lines.some((line) => line.item === item.code),
    );
    const line = opening?.lines.find((one) => one.item === item.code);
    const quantity = BigInt(this.#draw.between(20, 60));
    const price = (centsOf(line?.amount ?? "10.00") * percent) / (BigInt(line?.quantity ?? "1") * 100n);
    await jiandaoyun.fillIn(
      documentWith({
        form: "purchase-receipt",
        documentNumber,
        happenedAt,
        warehouse: company.warehouses[0]?.code ?? "",
        partner: company.suppliers[0]?.code ?? "",
        department: "D01",
        lines: [
          {
            item: item.code,
            batch: "B2503ZZ",
            unit: item.unit,
            quantity: quantity.toString(),
            amount: centsText(quantity * price),
          },
        ],
      }),
    );
    return this.#note(cause, movementSubject("purchase-receipt", documentNumber));
  }

  /** Documents with exactly one voucher that names them, audited and ours. */
  #targets(vouchers: readonly BookVoucher[]): Target[] {
    const origins = new Set(this.#given.company.documents.map(({ originDocument }) => originDocument));
    const fitting = this.#given.company.documents.filter(
      ({ form, documentNumber, invoiced, originDocument }) =>
        BOOK_FORMS.has(form) &&
        !invoiced &&
        originDocument === "" &&
        !origins.has(documentNumber) &&
        !this.#usedSubjects.has(movementSubject(form, documentNumber)),
    );
    const targets = fitting.flatMap((document): readonly Target[] => {
      const naming = vouchers.filter((voucher) => names(voucher, document.documentNumber));
      const [voucher] = naming;
      if (voucher === undefined || naming.length > 1) return [];
      if (voucher.external === "" || voucher.documentStatus !== "C" || voucher.invalid) return [];
      return [{ document, voucher, items: document.lines.map(({ item }) => item) }];
    });
    // The fewest lines first after shuffling: the items of two acts should not overlap.
    return this.#draw.shuffled(targets).sort((a, b) => a.items.length - b.items.length);
  }

  /** Cause 11: somebody writes on a stock account by hand, sometimes with a quantity. */
  async #manual(vouchers: readonly BookVoucher[]): Promise<Planted> {
    const { company, kingdee } = this.#given;
    const entries = vouchers
      .flatMap((voucher) => voucher.entries)
      .filter(
        ({ account, dimensions }) => STOCK_ACCOUNT.test(account) && !this.#usedItems.has(dimensions[ITEM_COLUMN] ?? ""),
      );
    const entry = this.#draw.one(entries);
    this.#usedItems.add(entry.dimensions[ITEM_COLUMN] ?? "");
    const amount = centsText(BigInt(this.#draw.between(200, 900)) * 100n);
    const counted =
      this.#draw.chance(50) && entry.unit !== ""
        ? { quantity: String(this.#draw.between(2, 9)), unit: entry.unit }
        : {};
    const { number, date } = await kingdee.write({
      book: company.book,
      date: `${this.#month()}-20`,
      group: WORD_NUMBER,
      stage: "audited",
      lines: [
        {
          account: entry.account,
          debit: amount,
          dimensions: entry.dimensions,
          explanation: "手工调整库存",
          ...counted,
        },
        { account: "1002", credit: amount, explanation: "手工调整库存" },
      ],
    });
    return this.#note(11, `voucher:${company.book}/${WORD}-${number}@${date.slice(0, 7)}`);
  }
}

interface Target {
  readonly document: DemoDocument;
  readonly voucher: BookVoucher;
  readonly items: readonly string[];
}

const names = (voucher: BookVoucher, documentNumber: string): boolean => {
  const whole = new RegExp(`(?<![A-Za-z0-9-])${documentNumber}(?![A-Za-z0-9-])`);
  return voucher.entries.some(({ explanation }) => whole.test(explanation));
};

/** The first debit and the first credit line, both raised: the voucher still balances. */
const raised = (voucher: BookVoucher): readonly object[] =>
  (["debit", "credit"] as const).map((side) => {
    const index = voucher.entries.findIndex((entry) => centsOf(entry[side]) !== 0n);
    const entry = voucher.entries[index];
    if (entry === undefined) throw new Error(`voucher ${voucher.id} has no ${side} line`);
    return { index, [side]: centsText(centsOf(entry[side]) + EDIT_CENTS) };
  });

/** A receipt of one line, without invoice or return, whose item does not move afterwards. */
function isQuiet(document: DemoDocument, company: DemoCompany, reserved: ReadonlySet<string>): boolean {
  const [line, second] = document.lines;
  if (
    document.form !== "purchase-receipt" ||
    line === undefined ||
    second !== undefined ||
    document.invoiced ||
    document.originDocument !== ""
  )
    return false;
  if (reserved.has(line.item) || company.items.find(({ code }) => code === line.item)?.unit !== line.unit) return false;
  return company.documents.every(
    (other) =>
      other === document ||
      (other.originDocument !== document.documentNumber &&
        (other.happenedAt < document.happenedAt || other.lines.every(({ item }) => item !== line.item))),
  );
}
