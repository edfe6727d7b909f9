import {
  centsText,
  type DemoBalance,
  type DemoCompany,
  type DemoDocument,
  type DemoItem,
  type DemoLine,
  type DocumentForm,
  documentWith,
  OPENING_CAUSE,
} from "./document.ts";
import { Draw } from "./random.ts";

/*
 * 恒安五金商贸: a trading company of our own making with a little assembly and subcontracting, two warehouses, one month.
 * Everything is drawn in the order of time from what is physically there, so stock can never fall below zero.
 */

export const DEMO_MONTH = "2025-03";
export const DEMO_CLOSED_MONTH = "2025-02";
const DAYS = 31;
const DOCUMENTS_PER_DAY_MIN = 9;
const DOCUMENTS_PER_DAY_MAX = 12;
const VAT_PERCENT = 13;
/** The count is taken after the last movement of this day. */
const COUNT_DAY = 30;

/** The only use of scrapped goods, besides mismanagement, that the demo's rules know. */
export const NORMAL_LOSS = "正常损耗";

const MAIN = "WH01";
const SHOP = "WH02";
export const QUIET_ITEMS = 8;

type Stocked = DemoItem & { readonly cost: number };
interface Lot {
  readonly batch: string;
  quantity: number;
}
/** Something that follows from an earlier document on a later day. */
interface FollowUp {
  readonly day: number;
  readonly make: (at: string) => void;
}

const goodsNames = [
  "内六角螺栓M6",
  "内六角螺栓M8",
  "外六角螺母M8",
  "平垫圈M8",
  "弹簧垫圈M10",
  "自攻螺钉4×20",
  "膨胀螺栓M10",
  "不锈钢合页",
  "抽屉滑轨",
  "门吸",
  "执手锁",
  "挂锁50mm",
  "卷尺5m",
  "活动扳手",
  "十字螺丝刀",
  "尖嘴钳",
  "羊角锤",
  "美工刀",
  "热熔胶棒",
  "生料带",
  "PVC胶带",
  "LED灯泡9W",
  "开关面板",
  "五孔插座",
] as const;
const rawNames = [
  "冷轧钢板1.2",
  "镀锌钢管DN20",
  "铝型材2020",
  "轴承6202",
  "电机60W",
  "电源线1.5m",
  "塑料外壳",
  "控制板",
  "包装纸箱",
] as const;
const finishedNames = ["台式砂轮机", "便携工具箱", "移动货架", "折叠梯"] as const;

/** One carton holds this many; drawn by position, so that the items never depend on the seed. */
const cartonSizes = [12, 24, 20, 48] as const;

const itemList = (): readonly Stocked[] => {
  const goods = goodsNames.map((name, at): Stocked => {
    const factor = cartonSizes[at % cartonSizes.length] ?? 12;
    return {
      // A code that a spreadsheet would turn into 7.
      code: at === 0 ? "007" : `SP-${String(1001 + at)}`,
      name,
      itemClass: "goods",
      unit: "个",
      conversions: at % 2 === 0 ? [{ unit: "箱", factor: String(factor) }] : [],
      cost: 180 + at * 145,
    };
  });
  const raw = rawNames.map((name, at): Stocked => {
    return {
      code: `YL-${String(2001 + at)}`,
      name,
      itemClass: "raw-material",
      unit: "件",
      conversions: [],
      cost: 950 + at * 410,
    };
  });
  const finished = finishedNames.map((name, at): Stocked => {
    return {
      code: `CP-${String(3001 + at)}`,
      name,
      itemClass: "finished-goods",
      unit: "台",
      conversions: [],
      cost: 16_800 + at * 3_900,
    };
  });
  const quiet = Array.from({ length: QUIET_ITEMS }, (_, at): Stocked => {
    return {
      code: `SP-${String(1901 + at)}`,
      name: `慢销五金${String(at + 1)}号`,
      itemClass: "goods",
      unit: "个",
      conversions: [],
      cost: 660 + at * 95,
    };
  });
  return [...goods, ...raw, ...finished, ...quiet];
};

const suppliers = ["永康五金厂", "宁波紧固件公司", "佛山型材公司", "乐清电器厂", "温州锁具厂", "苏州委外加工厂"].map(
  (name, at) => ({ code: `S${String(101 + at)}`, name }),
);
const SUBCONTRACTOR = "S106";
const customers = ["城东建材店", "联合装饰公司", "新城物业", "顺达贸易", "海宁工程队", "网店零售"].map((name, at) => ({
  code: `C${String(201 + at)}`,
  name,
}));
const departments = [
  { code: "D01", name: "仓储部" },
  { code: "D02", name: "装配车间" },
  { code: "D03", name: "销售部" },
];

const prefixes: Readonly<Record<DocumentForm, string>> = {
  opening: "QC",
  "purchase-receipt": "CG",
  "purchase-invoice": "FP",
  "purchase-return": "CT",
  "sales-issue": "XS",
  "sales-return": "XT",
  transfer: "DB",
  "production-issue": "LL",
  "production-receipt": "RK",
  "subcontract-issue": "WF",
  "subcontract-receipt": "WR",
  "subcontract-fee": "WJ",
  "count-gain": "PY",
  "count-loss": "PK",
  scrap: "BF",
  "status-change": "ZT",
  "count-sheet": "PD",
};

/**
 * Draws the month.
 *
 * @param seed  whole number; the same seed gives the same documents
 */
export function demoCompany(seed: number): DemoCompany {
  return new Month(seed).drawn();
}

const pad = (value: number): string => String(value).padStart(2, "0");
const taxOf = (cents: number): number => Math.floor((cents * VAT_PERCENT + 50) / 100);
const money = (cents: number): string => centsText(BigInt(cents));

class Month {
  readonly #draw: Draw;
  readonly #items = itemList();
  readonly #byCode = new Map(this.#items.map((item) => [item.code, item]));
  readonly #documents: DemoDocument[] = [];
  readonly #lots = new Map<string, Lot[]>();
  readonly #counters = new Map<DocumentForm, number>();
  #followUps: FollowUp[] = [];
  #day = 1;

  constructor(seed: number) {
    this.#draw = new Draw(seed);
  }

  drawn(): DemoCompany {
    this.#openings();
    for (this.#day = 1; this.#day <= DAYS; this.#day += 1) this.#drawDay();
    return {
      code: "demo",
      name: "恒安五金商贸有限公司",
      book: "001",
      organization: "100",
      zone: "Asia/Shanghai",
      firstPeriod: DEMO_MONTH,
      lastPeriod: DEMO_MONTH,
      items: this.#items.map(({ cost: _cost, ...item }) => item),
      warehouses: [
        { code: MAIN, name: "总仓" },
        { code: SHOP, name: "门市仓" },
      ],
      suppliers,
      customers,
      departments,
      documents: this.#documents,
      balances: this.#balances(),
    };
  }

  // ------------------------------------------------------------------------------------------- the days

  #drawDay(): void {
    const planned = this.#followUps.filter(({ day }) => day === this.#day);
    this.#followUps = this.#followUps.filter(({ day }) => day !== this.#day);
    const drawn = this.#draw.between(DOCUMENTS_PER_DAY_MIN, DOCUMENTS_PER_DAY_MAX);
    const makes = [...planned.map(({ make }) => make), ...Array.from({ length: drawn }, () => this.#anything())];
    const fixed = this.#fixedToday();
    const slots = makes.length + fixed.length;
    // From half past eight, evenly over nine hours: every document has a minute of its own.
    [...makes, ...fixed].forEach((make, at) => {
      const minute = 8 * 60 + 30 + Math.floor((at * 9 * 60) / slots);
      make(this.#time(Math.floor(minute / 60), minute % 60));
    });
    if (this.#day === COUNT_DAY) this.#count();
    // Both edges of the month in Shanghai: at the first, UTC still has the day before; the last falls a second short.
    if (this.#day === 31) this.#sell(this.#time(23, 59, 59));
  }

  #time(hour: number, minute: number, second = 0): string {
    return `${DEMO_MONTH}-${pad(this.#day)} ${pad(hour)}:${pad(minute)}:${pad(second)}`;
  }

  /** Documents that every seed has. */
  #fixedToday(): readonly ((at: string) => void)[] {
    switch (this.#day) {
      case 1:
        return [(at) => this.#assemble(at), (at) => this.#subcontract(at), (at) => this.#buy(at, {})];
      case 2:
        return [(at) => this.#move(at), (at) => this.#changeStatus(at), (at) => this.#scrap(at)];
      case 5:
        return [(at) => this.#invoiceFirst(at)];
      case 8:
        return [(at) => this.#assemble(at), (at) => this.#subcontract(at), (at) => this.#scrap(at)];
      case 15:
        return [(at) => this.#buy(at, { documentNumber: "20250315000000000017" }), (at) => this.#subcontract(at)];
      case 20:
        return [(at) => this.#scrap(at), (at) => this.#changeStatus(at), (at) => this.#assemble(at)];
      case 27:
      case 28:
        return this.#quietItems((this.#day - 27) * (QUIET_ITEMS / 2), QUIET_ITEMS / 2);
      default:
        return [];
    }
  }

  #anything(): (at: string) => void {
    const dice = this.#draw.below(100);
    if (dice < 30) return (at) => this.#buy(at, {});
    if (dice < 74) return (at) => this.#sell(at);
    if (dice < 84) return (at) => this.#move(at);
    if (dice < 90) return (at) => this.#assemble(at);
    if (dice < 94) return (at) => this.#subcontract(at);
    if (dice < 97) return (at) => this.#scrap(at);
    return (at) => this.#changeStatus(at);
  }

  #later(days: number, make: (at: string) => void): void {
    const day = this.#day + days;
    if (day <= DAYS) this.#followUps.push({ day, make });
  }

  // ------------------------------------------------------------------------------------------- stock

  #lotsOf(item: string, warehouse: string): Lot[] {
    const key = `${item}|${warehouse}`;
    const known = this.#lots.get(key);
    if (known !== undefined) return known;
    const made: Lot[] = [];
    this.#lots.set(key, made);
    return made;
  }

  #put(item: string, warehouse: string, batch: string, quantity: number): void {
    const lots = this.#lotsOf(item, warehouse);
    const same = lots.find((lot) => lot.batch === batch);
    if (same === undefined) lots.push({ batch, quantity });
    else same.quantity += quantity;
  }

  /** Takes from one lot, the oldest that has enough; undefined when none has. */
  #take(item: string, warehouse: string, quantity: number): string | undefined {
    const lot = this.#lotsOf(item, warehouse).find((one) => one.quantity >= quantity);
    if (lot === undefined) return undefined;
    lot.quantity -= quantity;
    return lot.batch;
  }

  #takeFrom(item: string, warehouse: string, batch: string, quantity: number): boolean {
    const lot = this.#lotsOf(item, warehouse).find((one) => one.batch === batch && one.quantity >= quantity);
    if (lot === undefined) return false;
    lot.quantity -= quantity;
    return true;
  }

  #balances(): readonly DemoBalance[] {
    return [...this.#lots].flatMap(([key, lots]) => {
      const [item = "", warehouse = ""] = key.split("|");
      return lots
        .filter((lot) => lot.quantity > 0)
        .map((lot) => ({ item, warehouse, batch: lot.batch, quantity: String(lot.quantity) }));
    });
  }

  // ------------------------------------------------------------------------------------------- documents

  #numberOf(form: DocumentForm): string {
    const next = (this.#counters.get(form) ?? 0) + 1;
    this.#counters.set(form, next);
    return `${prefixes[form]}2503-${String(next).padStart(4, "0")}`;
  }

  #add(
    form: DocumentForm,
    happenedAt: string,
    given: Partial<DemoDocument> & Pick<DemoDocument, "lines">,
  ): DemoDocument | undefined {
    if (given.lines.length === 0) return undefined;
    const document = documentWith({
      documentNumber: given.documentNumber ?? this.#numberOf(form),
      ...given,
      form,
      happenedAt,
    });
    this.#documents.push(document);
    return document;
  }

  #itemsOf(itemClass: DemoItem["itemClass"]): readonly Stocked[] {
    return this.#items.filter((item) => item.itemClass === itemClass && !item.code.startsWith("SP-19"));
  }

  #item(code: string): Stocked {
    const found = this.#byCode.get(code);
    if (found === undefined) throw new Error(`no item ${code}`);
    return found;
  }

  #openings(): void {
    for (const [warehouse, base] of [
      [MAIN, 400],
      [SHOP, 120],
    ] as const) {
      const lines = this.#items
        .filter((item) => warehouse === MAIN || !item.code.startsWith("SP-19"))
        .map((item): DemoLine => {
          const quantity = item.itemClass === "finished-goods" ? 12 : base + this.#draw.below(80);
          const batch = "B250201";
          this.#put(item.code, warehouse, batch, quantity);
          return {
            item: item.code,
            batch,
            unit: item.unit,
            quantity: String(quantity),
            amount: money(quantity * item.cost),
          };
        });
      this.#add("opening", `${DEMO_MONTH}-01 00:00:00`, { warehouse, department: "D01", cause: OPENING_CAUSE, lines });
    }
  }

  #buy(at: string, given: { readonly documentNumber?: string; readonly items?: readonly Stocked[] }): void {
    const pool = this.#draw.chance(70) ? this.#itemsOf("goods") : this.#itemsOf("raw-material");
    const warehouse = given.items !== undefined || this.#draw.chance(75) ? MAIN : SHOP;
    const invoiced = given.items === undefined && given.documentNumber === undefined && this.#draw.chance(12);
    const chosen = given.items ?? this.#draw.shuffled(pool).slice(0, this.#draw.between(1, 4));
    const lines = chosen.map((item): DemoLine => {
      const carton = item.conversions[0];
      const inCartons = carton !== undefined && this.#draw.chance(55);
      const quantity = inCartons ? this.#draw.between(2, 6) : this.#draw.between(20, 90);
      const pieces = inCartons ? quantity * Number(carton.factor) : quantity;
      const cents = pieces * (item.cost + this.#draw.between(-Math.floor(item.cost / 12), Math.floor(item.cost / 12)));
      const batch = `B2503${pad(this.#day)}`;
      this.#put(item.code, warehouse, batch, pieces);
      return {
        item: item.code,
        batch,
        unit: inCartons ? carton.unit : item.unit,
        quantity: String(quantity),
        amount: money(cents),
        ...(invoiced ? { taxAmount: money(taxOf(cents)) } : {}),
      };
    });
    const receipt = this.#add("purchase-receipt", at, {
      ...(given.documentNumber === undefined ? {} : { documentNumber: given.documentNumber }),
      warehouse,
      partner: this.#draw.one(suppliers).code,
      department: "D01",
      invoiced,
      lines,
    });
    if (receipt === undefined || invoiced || given.items !== undefined) return;
    const fate = this.#draw.below(100);
    if (fate < 45) this.#later(this.#draw.between(2, 9), (on) => this.#invoice(on, receipt, "full"));
    else if (fate < 60) this.#later(this.#draw.between(2, 9), (on) => this.#invoice(on, receipt, "part"));
    else if (fate < 75) this.#later(this.#draw.between(2, 9), (on) => this.#invoice(on, receipt, "other-price"));
    else if (fate < 85) this.#later(this.#draw.between(1, 3), (on) => this.#returnToSupplier(on, receipt));
  }

  #invoice(at: string, receipt: DemoDocument, how: "full" | "part" | "other-price"): void {
    const billed = how === "part" ? receipt.lines.slice(0, 1) : receipt.lines;
    const lines = billed.map((line): DemoLine => {
      const received = Number(line.quantity);
      const quantity = how === "part" ? Math.max(1, Math.floor(received / 2)) : received;
      const estimate = Math.round((Number(line.amount?.replace(".", "")) * quantity) / received);
      const cents =
        how === "other-price" ? estimate + Math.max(1, Math.round(estimate / this.#draw.between(20, 60))) : estimate;
      return {
        item: line.item,
        batch: line.batch,
        unit: line.unit,
        quantity: String(quantity),
        amount: money(cents),
        taxAmount: money(taxOf(cents)),
      };
    });
    const { warehouse, partner, documentNumber: originDocument } = receipt;
    this.#add("purchase-invoice", at, { warehouse, partner, department: "D01", invoiced: true, originDocument, lines });
  }

  /** The invoice comes days before the goods. */
  #invoiceFirst(at: string): void {
    const chosen = this.#draw.shuffled(this.#itemsOf("raw-material")).slice(0, 2);
    const partner = this.#draw.one(suppliers).code;
    const head = { warehouse: MAIN, partner, department: "D01" };
    const batch = `B2503${pad(this.#day + 4)}`;
    const priced = chosen.map((item) => {
      const quantity = this.#draw.between(10, 30);
      const cents = quantity * item.cost;
      return {
        tax: money(taxOf(cents)),
        line: { item: item.code, batch, unit: item.unit, quantity: String(quantity), amount: money(cents) },
      };
    });
    const lines = priced.map(({ line, tax }) => ({ ...line, taxAmount: tax }));
    const invoice = this.#add("purchase-invoice", at, { ...head, invoiced: true, lines });
    this.#later(4, (on) => {
      for (const { line } of priced) this.#put(line.item, MAIN, batch, Number(line.quantity));
      const originDocument = invoice?.documentNumber ?? "";
      this.#add("purchase-receipt", on, { ...head, originDocument, lines: priced.map(({ line }) => line) });
    });
  }

  #returnToSupplier(at: string, receipt: DemoDocument): void {
    const [line] = receipt.lines;
    if (line === undefined) return;
    const received = Number(line.quantity);
    const quantity = Math.max(1, Math.floor(received / 5));
    const factor = this.#factorOf(line);
    if (!this.#takeFrom(line.item, receipt.warehouse, line.batch, quantity * factor)) return;
    const cents = Math.round((Number(line.amount?.replace(".", "")) * quantity) / received);
    this.#add("purchase-return", at, {
      warehouse: receipt.warehouse,
      partner: receipt.partner,
      department: "D01",
      originDocument: receipt.documentNumber,
      lines: [
        { item: line.item, batch: line.batch, unit: line.unit, quantity: String(quantity), amount: money(cents) },
      ],
    });
  }

  #factorOf(line: DemoLine): number {
    const item = this.#item(line.item);
    return Number(item.conversions.find(({ unit }) => unit === line.unit)?.factor ?? "1");
  }

  #sell(at: string): void {
    const warehouse = this.#draw.chance(60) ? MAIN : SHOP;
    const pool = this.#draw.chance(85) ? this.#itemsOf("goods") : this.#itemsOf("finished-goods");
    const lines = this.#draw
      .shuffled(pool)
      .slice(0, this.#draw.between(1, 4))
      .flatMap((item): readonly DemoLine[] => {
        const carton = item.conversions[0];
        const inCartons = carton !== undefined && this.#draw.chance(40);
        const most = item.itemClass === "finished-goods" ? 2 : 18;
        const quantity = inCartons ? this.#draw.between(1, 2) : this.#draw.between(1, most);
        const pieces = inCartons ? quantity * Number(carton.factor) : quantity;
        const batch = this.#take(item.code, warehouse, pieces);
        if (batch === undefined) return [];
        const cents = Math.floor((pieces * item.cost * this.#draw.between(125, 160)) / 100);
        const unit = inCartons ? carton.unit : item.unit;
        return [
          {
            item: item.code,
            batch,
            unit,
            quantity: String(quantity),
            salesAmount: money(cents),
            taxAmount: money(taxOf(cents)),
          },
        ];
      });
    const partner = this.#draw.one(customers).code;
    const issue = this.#add("sales-issue", at, { warehouse, partner, department: "D03", lines });
    if (issue !== undefined && this.#draw.chance(8)) {
      this.#later(this.#draw.between(1, 4), (on) => this.#takeBack(on, issue));
    }
  }

  #takeBack(at: string, issue: DemoDocument): void {
    const [line] = issue.lines;
    if (line === undefined) return;
    const sold = Number(line.quantity);
    const quantity = Math.max(1, Math.floor(sold / 2));
    const cents = Math.round((Number(line.salesAmount?.replace(".", "")) * quantity) / sold);
    this.#put(line.item, issue.warehouse, line.batch, quantity * this.#factorOf(line));
    this.#add("sales-return", at, {
      warehouse: issue.warehouse,
      partner: issue.partner,
      department: "D03",
      originDocument: issue.documentNumber,
      lines: [
        {
          item: line.item,
          batch: line.batch,
          unit: line.unit,
          quantity: String(quantity),
          salesAmount: money(cents),
          taxAmount: money(taxOf(cents)),
        },
      ],
    });
  }

  #move(at: string): void {
    const [warehouse, counterWarehouse] = this.#draw.chance(70) ? [MAIN, SHOP] : [SHOP, MAIN];
    const lines = this.#draw
      .shuffled([...this.#itemsOf("goods"), ...this.#itemsOf("finished-goods")])
      .slice(0, this.#draw.between(1, 3))
      .flatMap((item): readonly DemoLine[] => {
        const quantity = item.itemClass === "finished-goods" ? 1 : this.#draw.between(5, 25);
        const batch = this.#take(item.code, warehouse, quantity);
        if (batch === undefined) return [];
        this.#put(item.code, counterWarehouse, batch, quantity);
        return [{ item: item.code, batch, unit: item.unit, quantity: String(quantity) }];
      });
    this.#add("transfer", at, { warehouse, counterWarehouse, department: "D01", lines });
  }

  /** Materials out of the main warehouse for one order; empty when there is not enough. */
  #materials(kinds: number, most: number): readonly DemoLine[] {
    return this.#draw
      .shuffled(this.#itemsOf("raw-material"))
      .slice(0, kinds)
      .flatMap((item): readonly DemoLine[] => {
        const quantity = this.#draw.between(2, most);
        const batch = this.#take(item.code, MAIN, quantity);
        return batch === undefined ? [] : [{ item: item.code, batch, unit: item.unit, quantity: String(quantity) }];
      });
  }

  #assemble(at: string): void {
    const lines = this.#materials(this.#draw.between(2, 4), 8);
    const documentNumber = this.#numberOf("production-issue");
    const order = `MO${documentNumber.slice(2)}`;
    const use = this.#draw.below(100);
    const cause = use < 80 ? "" : use < 90 ? "研发" : "制造费用";
    const issue = this.#add("production-issue", at, {
      documentNumber,
      warehouse: MAIN,
      department: "D02",
      order,
      cause,
      lines,
    });
    if (issue === undefined || cause !== "") return;
    this.#later(this.#draw.between(1, 3), (on) => this.#finish(on, "production-receipt", order, ""));
  }

  #finish(at: string, form: "production-receipt" | "subcontract-receipt", order: string, partner: string): void {
    const item = this.#draw.one(this.#itemsOf("finished-goods"));
    const quantity = this.#draw.between(1, 4);
    const batch = `B2503${pad(this.#day)}`;
    this.#put(item.code, MAIN, batch, quantity);
    this.#add(form, at, {
      warehouse: MAIN,
      department: "D02",
      order,
      partner,
      lines: [
        { item: item.code, batch, unit: item.unit, quantity: String(quantity), amount: money(quantity * item.cost) },
      ],
    });
    if (form !== "subcontract-receipt") return;
    const fee = quantity * this.#draw.between(1_500, 2_600);
    this.#add("subcontract-fee", at, {
      warehouse: MAIN,
      department: "D02",
      order,
      partner,
      invoiced: true,
      lines: [
        {
          item: item.code,
          batch,
          unit: item.unit,
          quantity: String(quantity),
          amount: money(fee),
          taxAmount: money(taxOf(fee)),
        },
      ],
    });
  }

  #subcontract(at: string): void {
    const order = `WW2503-${String((this.#counters.get("subcontract-issue") ?? 0) + 1).padStart(4, "0")}`;
    const lines = this.#materials(this.#draw.between(1, 3), 6);
    const issue = this.#add("subcontract-issue", at, {
      warehouse: MAIN,
      department: "D02",
      order,
      partner: SUBCONTRACTOR,
      lines,
    });
    if (issue === undefined) return;
    this.#later(this.#draw.between(2, 5), (on) => this.#finish(on, "subcontract-receipt", order, SUBCONTRACTOR));
  }

  #scrap(at: string): void {
    const item = this.#draw.one(this.#itemsOf("goods"));
    const quantity = this.#draw.between(1, 5);
    const batch = this.#take(item.code, MAIN, quantity);
    if (batch === undefined) return;
    const line = { item: item.code, batch, unit: item.unit, quantity: String(quantity) };
    // What was lost by mismanagement takes its input tax out with it: the keeper writes the tax down.
    const mismanaged = this.#draw.chance(20);
    const lines = mismanaged ? [{ ...line, taxAmount: money(taxOf(quantity * item.cost)) }] : [line];
    const cause = mismanaged ? "管理不善" : NORMAL_LOSS;
    this.#add("scrap", at, { warehouse: MAIN, department: "D01", cause, lines });
  }

  #changeStatus(at: string): void {
    const item = this.#draw.one(this.#itemsOf("goods"));
    const lot = this.#lotsOf(item.code, MAIN).find(({ quantity }) => quantity >= 3);
    if (lot === undefined) return;
    const lines = [{ item: item.code, batch: lot.batch, unit: item.unit, quantity: "3" }];
    this.#add("status-change", at, { warehouse: MAIN, department: "D01", cause: "送检", lines });
  }

  #quietItems(from: number, count: number): readonly ((at: string) => void)[] {
    const quiet = this.#items.filter(({ code }) => code.startsWith("SP-19")).slice(from, from + count);
    return quiet.map((item) => (at: string) => this.#buy(at, { items: [item] }));
  }

  // ------------------------------------------------------------------------------------------- the count

  #count(): void {
    const held = this.#items.flatMap((item) =>
      this.#lotsOf(item.code, SHOP)
        .filter((lot) => lot.quantity > 3)
        .map((lot) => ({ item, lot, book: lot.quantity })),
    );
    const off = new Set(this.#draw.shuffled(held).slice(0, 6));
    const gains: DemoLine[] = [];
    const losses: DemoLine[] = [];
    let turn = 0;
    const lines = held.map((entry): DemoLine => {
      const { item, lot, book } = entry;
      if (!off.has(entry)) {
        return {
          item: item.code,
          batch: lot.batch,
          unit: item.unit,
          quantity: String(book),
          bookQuantity: String(book),
        };
      }
      turn += 1;
      const change = this.#draw.between(1, 3);
      const gained = turn % 2 === 0;
      lot.quantity += gained ? change : -change;
      const line = { item: item.code, batch: lot.batch, unit: item.unit, quantity: String(change) };
      if (gained) gains.push({ ...line, amount: money(change * item.cost) });
      else losses.push(line);
      return { ...line, quantity: String(lot.quantity), bookQuantity: String(book) };
    });
    const sheet = this.#add("count-sheet", this.#time(20, 0), { warehouse: SHOP, department: "D01", lines });
    const rest = {
      warehouse: SHOP,
      department: "D01",
      originDocument: sheet?.documentNumber ?? "",
      cause: "计量差错",
    };
    this.#add("count-gain", this.#time(20, 30), { ...rest, lines: gains });
    this.#add("count-loss", this.#time(20, 30), { ...rest, lines: losses });
  }
}
