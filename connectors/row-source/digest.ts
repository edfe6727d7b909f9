import { createHash } from "node:crypto";
import type { CountLine, Movement } from "../../domain/movement.ts";
import type { RecordProblem } from "../contract.ts";

/** Keep neighbours apart, so that no two records read alike. */
const FIELD = "\u001f";
const ROW = "\u001e";

/** What of a line makes it another line when it changes. The time of the change alone does not. */
const contentOf = (line: Movement): string =>
  [
    line.lineId,
    line.kind,
    line.documentNumber,
    line.happenedAt,
    line.happenedOn,
    line.item,
    line.warehouse,
    line.counterWarehouse,
    line.batch,
    line.unit,
    line.quantity,
    line.amount ?? "",
    line.taxAmount ?? "",
    line.salesAmount ?? "",
    line.currency,
    line.partner,
    line.department,
    line.order,
    line.cause,
    String(line.invoiced),
    line.originDocument,
  ].join(FIELD);
const contentOfCount = (line: CountLine): string =>
  [
    line.lineId,
    line.documentNumber,
    line.countedAt,
    line.countedOn,
    line.item,
    line.warehouse,
    line.batch,
    line.unit,
    line.bookQuantity,
    line.countedQuantity,
  ].join(FIELD);

/** Over what was understood. The order of lines says nothing, so that sorting a sheet is no change. */
export const digestOf = (
  movements: readonly Movement[],
  counts: readonly CountLine[],
  problems: readonly RecordProblem[],
): string => {
  const lines = [...movements.map(contentOf), ...counts.map(contentOfCount)].sort();
  const troubles = problems.map(({ code, lineId, field, value }) => [code, lineId, field, value].join(FIELD));
  return createHash("sha256")
    .update([...lines, ...troubles].join(ROW))
    .digest("hex");
};
