/** The double-entry books: what a journal entry must be, what of it may change, and how it is reversed. */

import { roundDecimal } from "../shared/decimal.ts";
import { notUpdatable, noReference, place, ServiceError } from "./errors.ts";
import { amount, decimal, given, list, number, type Row, text, type Value, yes } from "./model.ts";
import { checkDates, JOURNAL_DATES } from "./periods.ts";
import { rateOn } from "./rates.ts";
import { fillRow } from "./values.ts";
import type { Context, World } from "./world.ts";

export const JOURNAL = "JournalEntries";
export const ACCOUNTS = "ChartOfAccounts";
export const PARTNERS = "BusinessPartners";

/** Where an entry comes from: a person or program, or a document that posts itself. */
export type Source = {
  /** TransTypesEnum member */
  readonly type: string;
  /** number of the document behind it; undefined: the entry stands for itself */
  readonly original?: number;
  readonly baseReference?: string;
  /** what the system posts at start may lie in a closed period */
  readonly checkPeriod?: boolean;
  /** the document has settled this already: its own dates, control accounts, demanded dimensions */
  readonly automatic?: boolean;
  readonly isSale?: boolean;
};

const BY_HAND: Source = { type: "ttJournalEntry" };
const SERIES = 17;
const DIMENSIONS = ["CostingCode", "CostingCode2", "CostingCode3", "CostingCode4", "CostingCode5"] as const;
const COLUMNS = ["ProfitCode", "OcrCode2", "OcrCode3", "OcrCode4", "OcrCode5"] as const;
const RELEVANT = [
  "DistributionRuleRelevant",
  "DistributionRule2Relevant",
  "DistributionRule3Relevant",
  "DistributionRule4Relevant",
  "DistributionRule5Relevant",
] as const;

/**
 * Posts a journal entry.
 *
 * @returns its JdtNum
 * @throws ServiceError with what the books refuse
 */
export function postJournal(context: Context, input: Row, source: Source = BY_HAND): number {
  const { world, origin } = context;
  const today = world.today();
  const posting = text(input, "ReferenceDate") || today;
  const due = text(input, "DueDate") || posting;
  const tax = text(input, "TaxDate") || posting;
  if (source.checkPeriod !== false) {
    checkDates(world, { posting, due, tax, table: "OJDT", columns: JOURNAL_DATES, isSale: source.isSale ?? false });
  }
  checkReference(world, "Projects", input, "ProjectCode", "OJDT.Project");
  const head: Row = { ...input, ReferenceDate: posting, DueDate: due, TaxDate: tax };
  const checked = list(input, "JournalEntryLines").map((line, index) => checkLine(world, line, index, head, source));
  if (checked.length === 0) throw new ServiceError(-5002, "Journal entry has no rows");
  checkBalance(checked);
  const lines = withContraAccounts(checked);
  const id = world.next("TransId", 1);
  const row = fillRow(
    world.schema.type("JournalEntry"),
    {
      ...head,
      VatDate: head["VatDate"] ?? tax,
      JdtNum: id,
      Number: world.next("JournalNumber", 1),
      Series: number(input, "Series") ?? SERIES,
      OriginalJournal: source.type,
      Original: source.original ?? id,
      BaseReference: source.baseReference ?? String(id),
      JournalEntryLines: lines,
    },
    world.schema,
  );
  world.store.put(JOURNAL, String(id), row, origin);
  return id;
}

function checkLine(world: World, line: Row, index: number, head: Row, source: Source): Row {
  const at = (column: string): string => place(`JDT1.${column}`, index + 1);
  const { account, shortName } = resolveAccount(world, line, at, source);
  const accountRow = world.row(ACCOUNTS, account);
  if (!source.automatic) {
    checkReference(world, "Projects", line, "ProjectCode", "JDT1.Project");
    demandDimensions(accountRow, line, at);
  }
  DIMENSIONS.forEach((name, dimension) => {
    checkReference(world, "ProfitCenters", line, name, `JDT1.${COLUMNS[dimension] ?? name}`);
  });
  const amounts = amountsOf(world, line, head, at);
  const own = (name: string, from: string): Value => (given(line, name) ? (line[name] ?? null) : (head[from] ?? null));
  return {
    ...line,
    ...amounts,
    Line_ID: index,
    AccountCode: account,
    ControlAccount: account,
    ShortName: shortName,
    DueDate: own("DueDate", "DueDate"),
    ReferenceDate1: own("ReferenceDate1", "ReferenceDate"),
    TaxDate: own("TaxDate", "TaxDate"),
    Reference1: own("Reference1", "Reference"),
    Reference2: own("Reference2", "Reference2"),
    AdditionalReference: text(line, "AdditionalReference") || text(head, "Reference3").slice(0, 27) || null,
    ProjectCode: own("ProjectCode", "ProjectCode"),
    LineMemo: own("LineMemo", "Memo"),
  };
}

/** A G/L line names its account, a partner's line his code; the control account comes from the partner. */
function resolveAccount(
  world: World,
  line: Row,
  at: (column: string) => string,
  source: Source,
): { account: string; shortName: string } {
  const named = text(line, "AccountCode") || text(line, "ControlAccount");
  const short = text(line, "ShortName");
  const partner = short === "" || short === named ? undefined : world.row(PARTNERS, short);
  if (short !== "" && short !== named && partner === undefined && world.row(ACCOUNTS, short) === undefined) {
    throw new ServiceError(-5002, `Invalid BP code ${at("ShortName").trim()} , '${short}'`);
  }
  if (partner !== undefined && yes(partner, "Frozen")) {
    throw new ServiceError(-10, `10001071 - Customer ${short} is inactive`);
  }
  const account = named || (partner === undefined ? short : text(partner, "DebitorAccount"));
  const row = world.row(ACCOUNTS, account);
  if (row === undefined) throw new ServiceError(-5002, `Enter valid code${at("Account")}`);
  // Own wording: the vendor's texts for these four are not published.
  if (!yes(row, "ActiveAccount"))
    throw new ServiceError(-5002, `Account ${account} is a title account${at("Account")}`);
  if (yes(row, "FrozenFor")) throw new ServiceError(-10, `Account ${account} is inactive${at("Account")}`);
  if (!source.automatic && yes(row, "BlockManualPosting")) {
    throw new ServiceError(-5002, `Manual posting is blocked for account ${account}${at("Account")}`);
  }
  if (partner === undefined && !source.automatic && yes(row, "LockManualTransaction")) {
    throw new ServiceError(-5002, `Control account ${account} needs a business partner${at("ShortName")}`);
  }
  if (partner !== undefined && !yes(row, "LockManualTransaction")) {
    throw new ServiceError(-5002, `Account ${account} is not a control account${at("Account")}`);
  }
  return { account, shortName: partner === undefined ? account : short };
}

function demandDimensions(account: Row | undefined, line: Row, at: (column: string) => string): void {
  if (yes(account, "ProjectRelevant") && !given(line, "ProjectCode")) {
    throw new ServiceError(-5002, `Specify project${at("Project")}`);
  }
  RELEVANT.forEach((flag, index) => {
    const name = DIMENSIONS[index] ?? "CostingCode";
    if (yes(account, flag) && !given(line, name)) {
      throw new ServiceError(-5002, `Specify distribution rule${at(COLUMNS[index] ?? name)}`);
    }
  });
}

function amountsOf(world: World, line: Row, head: Row, at: (column: string) => string): Row {
  const { totalsAccuracy } = world.settings;
  const currency = text(line, "FCCurrency");
  const foreign = currency !== "" && currency !== world.localCurrency;
  const [fcDebit, fcCredit] = [amount(line, "FCDebit"), amount(line, "FCCredit")];
  let [debit, credit] = [amount(line, "Debit"), amount(line, "Credit")];
  if (foreign && world.row("Currencies", currency) === undefined) throw noReference("JDT1.FCCurrency");
  if (foreign && debit === 0n && credit === 0n && (fcDebit !== 0n || fcCredit !== 0n)) {
    const rate = rateOn(world, currency, text(head, "ReferenceDate"));
    [debit, credit] = [rate.convert(fcDebit), rate.convert(fcCredit)];
  }
  if (debit !== 0n && credit !== 0n) {
    throw new ServiceError(-5002, `A row is either debit or credit${at("Debit")}`);
  }
  const local = (value: bigint): string => decimal(roundDecimal(value, totalsAccuracy));
  const sums = { Debit: local(debit), Credit: local(credit) };
  return {
    ...sums,
    DebitSys: given(line, "DebitSys") ? text(line, "DebitSys") : sums.Debit,
    CreditSys: given(line, "CreditSys") ? text(line, "CreditSys") : sums.Credit,
    FCDebit: foreign ? decimal(fcDebit) : "0",
    FCCredit: foreign ? decimal(fcCredit) : "0",
    FCCurrency: foreign ? currency : null,
  };
}

function checkBalance(lines: readonly Row[]): void {
  const difference = (of: readonly Row[], debit: string, credit: string): bigint =>
    of.reduce((sum, line) => sum + amount(line, debit) - amount(line, credit), 0n);
  const currencies = new Set(lines.map((line) => text(line, "FCCurrency")));
  const oneCurrency = currencies.size === 1 && !currencies.has("");
  const unbalanced =
    difference(lines, "Debit", "Credit") !== 0n || (oneCurrency && difference(lines, "FCDebit", "FCCredit") !== 0n);
  if (unbalanced) throw new ServiceError(-5002, "Unbalanced Transaction");
}

/** The first account on the other side; a line without amount counts as debit. */
function withContraAccounts(lines: readonly Row[]): Row[] {
  const isCredit = (line: Row): boolean => amount(line, "Credit") !== 0n;
  return lines.map((line) => {
    const other = lines.find((candidate) => isCredit(candidate) !== isCredit(line));
    return { ...line, ContraAccount: text(line, "ContraAccount") || text(other, "ShortName") || null };
  });
}

export function checkReference(world: World, set: string, row: Row, name: string, column: string): void {
  const code = text(row, name);
  if (code !== "" && world.row(set, code) === undefined) throw noReference(column);
}

/** A changed entry keeps its amounts and accounts (checked by its caller); new dates must lie in the period's windows. */
export function checkChangedJournal(world: World, before: Row, after: Row): void {
  if (list(before, "JournalEntryLines").length !== list(after, "JournalEntryLines").length) throw notUpdatable();
  checkReference(world, "Projects", after, "ProjectCode", "OJDT.Project");
  if (before["DueDate"] === after["DueDate"] && before["TaxDate"] === after["TaxDate"]) return;
  checkDates(world, {
    posting: text(after, "ReferenceDate"),
    due: text(after, "DueDate"),
    tax: text(after, "TaxDate"),
    table: "OJDT",
    columns: JOURNAL_DATES,
    isSale: false,
  });
}

/**
 * Cancel: posts the opposite entry and leaves the original as it is (effect inferred; the date is the original's, or its
 * StornoDate).
 *
 * @returns JdtNum of the reversing entry
 */
export function reverseJournal(context: Context, id: number): number {
  const { world, origin } = context;
  const original = world.row(JOURNAL, String(id));
  if (original === undefined) throw new ServiceError(-2028, "No matching records found (ODBC -2028)", 404);
  if (text(original, "OriginalJournal") !== "ttJournalEntry") {
    throw new ServiceError(-5006, "The requested action is not supported for this object.");
  }
  if (world.row(REVERSALS, String(id)) !== undefined) {
    throw new ServiceError(-5002, "Journal entry has already been reversed");
  }
  if (isReversal(world, id)) throw new ServiceError(-5002, "A reversing journal entry cannot be reversed");
  const reversing = postJournal(context, oppositeOf(world, original), { type: "ttJournalEntry", automatic: true });
  world.store.put(REVERSALS, String(id), { Original: id, Reversal: reversing }, origin);
  return reversing;
}

/** Original to reversing entry: the database's StornoToTr, which Service Layer does not show. */
export const REVERSALS = "StornoToTr";

export function isReversal(world: World, id: number): boolean {
  return world.store.table(REVERSALS).keysWith("Reversal", id).length > 0;
}

function oppositeOf(world: World, original: Row): Row {
  const date = text(original, "StornoDate") || text(original, "ReferenceDate");
  const kept = world.settings.reversalCopiesUserFields;
  const head = Object.entries(original).filter(([name]) => kept || !name.startsWith("U_"));
  const memo = `${text(original, "Memo")} (Reversal)`.trim();
  return {
    ...Object.fromEntries(head),
    ReferenceDate: date,
    DueDate: date,
    TaxDate: date,
    Memo: memo.slice(0, world.settings.memoLength),
    StornoDate: null,
    JournalEntryLines: list(original, "JournalEntryLines").map((line) => ({
      ...line,
      Debit: line["Credit"],
      Credit: line["Debit"],
      DebitSys: line["CreditSys"],
      CreditSys: line["DebitSys"],
      FCDebit: line["FCCredit"],
      FCCredit: line["FCDebit"],
      ContraAccount: null,
      DueDate: null,
      TaxDate: null,
      ReferenceDate1: null,
    })),
  };
}

export type Balances = {
  /** debit minus credit by account, children included in their parents */
  readonly accounts: ReadonlyMap<string, bigint>;
  readonly partners: ReadonlyMap<string, bigint>;
};

const balancesAt = new WeakMap<World, { sequence: number; balances: Balances }>();

/** @returns balances of all entries, computed once per commit */
export function balancesOf(world: World): Balances {
  const known = balancesAt.get(world);
  if (known !== undefined && known.sequence === world.store.sequence) return known.balances;
  const [accounts, partners] = [new Map<string, bigint>(), new Map<string, bigint>()];
  for (const [, { row }] of world.store.rows(JOURNAL)) {
    for (const line of list(row, "JournalEntryLines")) {
      const value = amount(line, "Debit") - amount(line, "Credit");
      for (const code of accountAndParents(world, text(line, "AccountCode"))) {
        accounts.set(code, (accounts.get(code) ?? 0n) + value);
      }
      const short = text(line, "ShortName");
      if (short !== text(line, "AccountCode")) partners.set(short, (partners.get(short) ?? 0n) + value);
    }
  }
  const balances = { accounts, partners };
  balancesAt.set(world, { sequence: world.store.sequence, balances });
  return balances;
}

const LEVELS_MAX = 10;

function accountAndParents(world: World, code: string): string[] {
  const codes: string[] = [];
  for (let at = code; at !== "" && codes.length < LEVELS_MAX; at = text(world.row(ACCOUNTS, at), "FatherAccountKey")) {
    codes.push(at);
  }
  return codes;
}
