import { SearchAttributeType, TypedSearchAttributes, defineSearchAttributeKey } from "@temporalio/common";
import type { Procedure } from "../domain/procedures.ts";

const keyword = (name: string) => defineSearchAttributeKey(name, SearchAttributeType.KEYWORD);
const COMPANY = keyword("ZsCompany");
const SOURCE = keyword("ZsSource");
const LEDGER = keyword("ZsLedger");

/** By what people find a procedure in Temporal's pages. */
export const searchAttributesOf = ({ company, source, ledger }: Procedure["about"]): TypedSearchAttributes =>
  new TypedSearchAttributes([
    { key: COMPANY, value: company },
    ...(source === undefined ? [] : [{ key: SOURCE, value: source }]),
    ...(ledger === undefined ? [] : [{ key: LEDGER, value: ledger }]),
  ]);
