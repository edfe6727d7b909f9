/** ExecuteBillQuery and BillQuery: selecting, ordering and cutting rows of a form. */

import { formatDecimal } from "../shared/decimal.ts";
import { JsonNumber, type JsonOut } from "../shared/json.ts";
import { baseForm } from "./base-data.ts";
import { baseColumn, type FormContext, VOUCHER_FORM, voucherColumn, type VoucherRow } from "./forms.ts";
import { MSG, Refusal, type Voucher } from "./model.ts";
import {
  type Cell,
  type Column,
  type Condition,
  compileFilter,
  compileOrder,
  equalitiesOf,
  fieldsOf,
  lowerBoundOf,
  parseFilter,
  parseOrder,
} from "./query-language.ts";
import { fieldOf, integerOf, textOf } from "./wire-values.ts";

/** The vendor gives no more rows in one call, and does not say that it cut. */
export const ROWS_MAX = 2_000;

export type BillQuery = {
  formId: string;
  fieldKeys: readonly string[];
  filter: Condition;
  order: readonly { field: string; descending: boolean }[];
  startRow: number;
  /** rows to give in this call */
  limit: number;
};

export type QueryResult = { keys: readonly string[]; rows: JsonOut[][] };

/** @throws Refusal for what the request itself gets wrong */
export function readQuery(data: unknown, rowsMax = ROWS_MAX): BillQuery {
  const formId = textOf(fieldOf(data, "FormId")).trim();
  if (formId === "") throw new Refusal(MSG.noForm, "表单标识为空");
  const fieldKeys = textOf(fieldOf(data, "FieldKeys"))
    .split(",")
    .map((key) => key.trim())
    .filter((key) => key !== "");
  if (fieldKeys.length === 0) throw new Refusal(MSG.parameters, "查询字段FieldKeys不能为空");
  const startRow = Math.max(0, integerOf(fieldOf(data, "StartRow")) ?? 0);
  const top = Math.max(0, integerOf(fieldOf(data, "TopRowCount")) ?? 0);
  const asked = Math.max(0, integerOf(fieldOf(data, "Limit")) ?? 0);
  const limit = Math.min(asked === 0 ? rowsMax : asked, rowsMax);
  return {
    formId,
    fieldKeys,
    filter: parseFilter(filterText(fieldOf(data, "FilterString"))),
    order: parseOrder(textOf(fieldOf(data, "OrderString"))),
    startRow,
    // TopRowCount bounds the total over all pages.
    limit: top === 0 ? limit : Math.min(limit, Math.max(0, top - startRow)),
  };
}

export function runQuery(query: BillQuery, context: FormContext): QueryResult {
  if (query.formId.toUpperCase() === VOUCHER_FORM) return queryVouchers(query, context);
  const form = baseForm(query.formId);
  if (!form) throw new Refusal(MSG.fieldUnknown, "业务对象不存在");
  const columnOf = (key: string): Column<ReturnType<typeof context.base.list>[number]> => {
    return baseColumn(form.id, key, context);
  };
  return select(query, context.base.list(form.id), columnOf, query.order.length === 0);
}

function queryVouchers(query: BillQuery, context: FormContext): QueryResult {
  const columnOf = (key: string): Column<VoucherRow> => voucherColumn(key, context);
  const keys = [...query.fieldKeys, ...fieldsOf(query.filter), ...query.order.map(({ field }) => field)];
  // Any entry field, also in a condition, makes one row per entry: head fields then repeat.
  const perEntry = keys.some((key) => columnOf(key).entry);
  return select(query, voucherRows(candidates(query.filter, context), perEntry), columnOf, inNaturalOrder(query.order));
}

/** Vouchers are kept in the order of their ids and entries in theirs, so these orders need no sorting. */
function inNaturalOrder(order: BillQuery["order"]): boolean {
  const natural = [/^FVOUCHERID$/i, /^(FEntity_FEntryID|FEntryID|FEntity_FSeq|FSeq)$/i];
  return (
    order.length <= natural.length &&
    order.every(({ field, descending }, at) => !descending && natural[at]?.test(field) === true)
  );
}

function* voucherRows(vouchers: Iterable<Voucher>, perEntry: boolean): Generator<VoucherRow> {
  for (const voucher of vouchers) {
    if (!perEntry || voucher.entries.length === 0) yield { voucher, entry: undefined, sequence: 0 };
    else for (const [at, entry] of voucher.entries.entries()) yield { voucher, entry, sequence: at + 1 };
  }
}

/** Uses an index where the condition allows one: id, custom field, number, or book with year and period. */
function* candidates(filter: Condition, { ledger, customField }: FormContext): Generator<Voucher> {
  for (const id of candidateIds(filter, ledger, customField)) {
    const voucher = ledger.vouchers.get(id);
    if (voucher) yield voucher;
  }
}

function candidateIds(
  filter: Condition,
  ledger: FormContext["ledger"],
  customField: string | undefined,
): Iterable<number> {
  const equal = equalitiesOf(filter);
  const ids = equal.get("FVOUCHERID");
  if (ids) return sorted(ids.map(Number));
  const external = customField === undefined ? undefined : equal.get(customField.toUpperCase());
  if (external) return sorted(external.flatMap((value) => [...ledger.byExternal(value)]));
  const numbers = equal.get("FVOUCHERGROUPNO") ?? equal.get("FBILLNO") ?? equal.get("FNUMBER");
  if (numbers) return sorted(numbers.flatMap((value) => [...ledger.byNumber(value)]));
  const [books, years, periods] = [equal.get("FACCOUNTBOOKID.FNUMBER"), equal.get("FYEAR"), equal.get("FPERIOD")];
  if (books && years && periods) {
    const triples = books.flatMap((book) => years.flatMap((year) => periods.map((period) => ({ book, year, period }))));
    return sorted(
      triples.flatMap(({ book, year, period }) => [...ledger.inPeriod(book, Number(year), Number(period))]),
    );
  }
  return ledger.idsAfter(lowerBoundOf(filter, "FVOUCHERID") ?? 0);
}

function sorted(ids: readonly number[]): number[] {
  return [...new Set(ids)].sort((left, right) => left - right);
}

function select<Row>(
  query: BillQuery,
  rows: Iterable<Row>,
  columnOf: (key: string) => Column<Row>,
  ordered: boolean,
): QueryResult {
  const columns = query.fieldKeys.map(columnOf);
  const holds = compileFilter(query.filter, columnOf);
  const compare = compileOrder(query.order, columnOf);
  const end = query.startRow + query.limit;
  let found: Row[] = [];
  for (const row of rows) {
    if (!holds(row)) continue;
    found.push(row);
    if (ordered && found.length >= end) break;
  }
  if (!ordered) found = found.sort(compare);
  const page = found.slice(query.startRow, end);
  return { keys: query.fieldKeys, rows: page.map((row) => columns.map((column) => outOf(column.read(row)))) };
}

/** Decimals leave with ten places as text written into the JSON, never through a float. */
export function outOf(cell: Cell): JsonOut {
  return typeof cell === "bigint" ? new JsonNumber(formatDecimal(cell)) : cell;
}

/** FilterString is SQL-like text, or a list of comparisons; an empty list asks for everything. */
function filterText(value: unknown): string {
  if (!Array.isArray(value)) return textOf(value);
  const parts = value.map((item: unknown, at) => {
    const compare = COMPARE_CODES[textOf(fieldOf(item, "Compare"))];
    if (compare === undefined) throw new Refusal(MSG.parameters, "过滤条件的比较符不正确");
    const text = textOf(fieldOf(item, "Value")).replaceAll("'", "''");
    const logic = textOf(fieldOf(item, "Logic")) === "1" ? " or " : " and ";
    const body = `${textOf(fieldOf(item, "Left"))}${textOf(fieldOf(item, "FieldName"))} ${compare} '${text}'${textOf(fieldOf(item, "Right"))}`;
    return at === value.length - 1 ? body : body + logic;
  });
  return parts.join("");
}

/** Only 67 is known from public requests; plain signs are taken as well. */
const COMPARE_CODES: Record<string, string> = {
  "67": "=",
  "=": "=",
  "<>": "<>",
  ">": ">",
  ">=": ">=",
  "<": "<",
  "<=": "<=",
};
