/** A table described column by column: what each one reads from whatever a row stands for. */

import { foldText } from "./model.ts";
import { type Cell, text } from "./sql-cells.ts";
import type { Hints, Table } from "./sql-engine.ts";

export type Columns<Source> = Readonly<Record<string, (source: Source) => Cell>>;

/** @param idOf  what the rows belong to: the voucher or the document */
export function tableOf<Source>(
  columns: Columns<Source>,
  sources: (hints: Hints) => Iterable<Source>,
  idOf: (source: Source) => number = () => 0,
): Table {
  const readers = new Map(Object.entries(columns).map(([name, read]) => [foldText(name), read]));
  return {
    columns: Object.keys(columns),
    *rows(hints) {
      for (const source of sources(hints)) {
        yield { source: idOf(source), cell: (name) => readers.get(name)?.(source) ?? null };
      }
    },
  };
}

/** A run of columns with numbers at their end, such as cDefine22 to cDefine37. */
export function numbered<Source>(
  name: string,
  from: number,
  to: number,
  read: (source: Source, number: number) => string | undefined,
): Columns<Source> {
  const numbers = Array.from({ length: to - from + 1 }, (_, index) => from + index);
  return Object.fromEntries(
    numbers.map((number) => [`${name}${number}`, (source: Source) => text(read(source, number))]),
  );
}
