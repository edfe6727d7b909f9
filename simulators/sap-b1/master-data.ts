/** Items, warehouses, accounts, partners and other master records: what is computed, and what may not go. */

import { type AccountSeed, parentCode } from "./charts.ts";
import { noReference, notFound, notSupported, ServiceError } from "./errors.ts";
import { ACCOUNTS, balancesOf, JOURNAL, PARTNERS } from "./ledger.ts";
import { amount, decimal, type Entry, given, list, type Row, text, yes } from "./model.ts";
import type { SetDefinition } from "./schema.ts";
import { stockOf, warehouseStock } from "./stock.ts";
import { fillRow } from "./values.ts";
import type { Context, World } from "./world.ts";

export function putAccount(context: Context, account: AccountSeed): void {
  const { world, origin } = context;
  const known = world.row(ACCOUNTS, account.code);
  const parent = account.parent ?? (known === undefined ? parentCode(account.code) : text(known, "FatherAccountKey"));
  const flag = (value: boolean | undefined, name: string): Row =>
    value === undefined ? {} : { [name]: value ? "tYES" : "tNO" };
  const row = {
    ...known,
    Code: account.code,
    FormatCode: account.code,
    FatherAccountKey: parent === "" ? null : parent,
    AccountLevel: parent === "" ? 1 : (Number(world.row(ACCOUNTS, parent)?.["AccountLevel"] ?? 1) || 1) + 1,
    Name: account.name ?? (text(known, "Name") || account.code),
    ...(account.type === undefined ? {} : { AccountType: account.type }),
    ...flag(account.control, "LockManualTransaction"),
    ...flag(account.blockManualPosting, "BlockManualPosting"),
    ...flag(account.projectRelevant, "ProjectRelevant"),
    ...flag(account.distributionRuleRelevant, "DistributionRuleRelevant"),
  };
  world.store.put(ACCOUNTS, account.code, fillRow(world.schema.type("ChartOfAccount"), row, world.schema), origin);
  makeTitle(context, parent);
}

/** An account with accounts below it is a title: nothing is posted to it. */
function makeTitle({ world, origin }: Context, code: string): void {
  const above = world.row(ACCOUNTS, code);
  if (above === undefined || above["ActiveAccount"] === "tNO") return;
  world.store.put(ACCOUNTS, code, { ...above, ActiveAccount: "tNO" }, origin);
}

const NAMES: Readonly<Record<string, (key: string) => string>> = {
  Items: (key) => `Item code '${key}' already exists`,
  BusinessPartners: (key) => `1320000140 - Business partner code '${key}' already assigned to a business partner`,
};

export function createMaster(context: Context, set: SetDefinition, input: Row): string {
  const { world, origin } = context;
  const keyName = set.keys[0] ?? "";
  const numbered = world.schema.type(set.type).properties.get(keyName)?.kind === "int";
  const key = numbered ? String(world.next(set.name, 1)) : text(input, keyName);
  if (key === "") throw new ServiceError(-5002, `Enter valid code  [${set.table}.${keyName}]`);
  if (world.row(set.name, key) !== undefined) {
    const message = NAMES[set.name]?.(key);
    throw message === undefined
      ? new ServiceError(-2035, "This entry already exists in the following tables (ODBC -2035)")
      : new ServiceError(-10, message);
  }
  const now = { CreateDate: world.today(), UpdateDate: world.today(), UpdateTime: world.timeOfDay() };
  const stamped = set.name === "Items" || set.name === PARTNERS ? { ...now, ...activeByDefault(input) } : {};
  const row = { ...stamped, ...input, [keyName]: numbered ? Number(key) : key };
  const filled = fillRow(world.schema.type(set.type), row, world.schema);
  checkMaster(world, set, filled);
  world.store.put(set.name, key, filled, origin);
  if (set.name === ACCOUNTS) {
    const parent = text(filled, "FatherAccountKey");
    if (parent !== "") makeTitle(context, parent);
    if (!given(input, "FormatCode")) world.store.put(ACCOUNTS, key, { ...filled, FormatCode: key }, origin);
  }
  return key;
}

/** A record that is neither active nor inactive by date is active. */
const activeByDefault = (input: Row): Row => (yes(input, "Frozen") ? {} : { Valid: "tYES" });

export function checkMaster(world: World, set: SetDefinition, row: Row): void {
  if (set.name === PARTNERS) {
    const account = text(row, "DebitorAccount");
    if (account !== "" && world.row(ACCOUNTS, account) === undefined) throw noReference("OCRD.DebPayAcct");
  }
  if (set.name === ACCOUNTS) {
    const parent = text(row, "FatherAccountKey");
    if (parent !== "" && world.row(ACCOUNTS, parent) === undefined) throw noReference("OACT.FatherNum");
  }
}

/** What was used in a transaction stays (text: the simulator's choice). */
export function removeMaster({ world }: Context, set: SetDefinition, key: string): void {
  if (world.row(set.name, key) === undefined) throw notFound();
  if (isUsed(world, set.name, key)) {
    throw new ServiceError(-10, `You cannot remove '${key}'; it is linked to transactions`);
  }
  if (set.name === "Users" || set.name === "Currencies") throw notSupported();
  world.store.remove(set.name, key);
}

function isUsed(world: World, set: string, key: string): boolean {
  switch (set) {
    case "Items":
      return [...warehouseStock(world)].some(({ item }) => item === key);
    case "Warehouses":
      return [...warehouseStock(world)].some(({ warehouse }) => warehouse === key);
    case ACCOUNTS:
      return (
        world.store.table(ACCOUNTS).keysWith("FatherAccountKey", key).length > 0 || inJournal(world, "AccountCode", key)
      );
    case PARTNERS:
      return inJournal(world, "ShortName", key);
    default:
      return false;
  }
}

function inJournal(world: World, property: string, value: string): boolean {
  for (const [, { row }] of world.store.rows(JOURNAL)) {
    if (list(row, "JournalEntryLines").some((line) => line[property] === value)) return true;
  }
  return false;
}

/** @returns the record with what the vendor computes when it is read: stock, balances, DataVersion */
export function presented(world: World, set: SetDefinition, entry: Entry): Row {
  const { row, meta } = entry;
  const version = set.etag ? { DataVersion: meta.version } : {};
  switch (set.name) {
    case "Items":
      return { ...row, ...version, ...itemStock(world, row) };
    case ACCOUNTS: {
      const balance = decimal(balancesOf(world).accounts.get(text(row, "Code")) ?? 0n);
      return { ...row, Balance: balance, Balance_syscurr: balance };
    }
    case PARTNERS:
      return {
        ...row,
        ...version,
        CurrentAccountBalance: decimal(balancesOf(world).partners.get(text(row, "CardCode")) ?? 0n),
      };
    default:
      return set.etag ? { ...row, ...version } : row;
  }
}

/** One row per warehouse of the company, whether the item was ever there or not. */
function itemStock(world: World, item: Row): Row {
  const code = text(item, "ItemCode");
  const own = new Map(list(item, "ItemWarehouseInfoCollection").map((info) => [text(info, "WarehouseCode"), info]));
  let [quantity, value] = [0n, 0n];
  const type = world.schema.type("ItemWarehouseInfo");
  const collection = [...world.store.rows("Warehouses")].map(([warehouse]) => {
    const stock = stockOf(world, code, warehouse);
    quantity += stock.quantity;
    value += stock.value;
    const info = {
      ...own.get(warehouse),
      ItemCode: code,
      WarehouseCode: warehouse,
      InStock: decimal(stock.quantity),
      StandardAveragePrice: decimal(stock.price),
    };
    return fillRow(type, info, world.schema);
  });
  const average = quantity > 0n ? decimal((value * 10n ** 10n) / quantity) : decimal(amount(item, "AvgStdPrice"));
  return {
    QuantityOnStock: decimal(quantity),
    MovingAveragePrice: average,
    AvgStdPrice: average,
    ItemWarehouseInfoCollection: collection,
  };
}
