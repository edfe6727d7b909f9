import {
  type SearchAttributePair,
  SearchAttributeType,
  TypedSearchAttributes,
  defineSearchAttributeKey,
} from "@temporalio/common";
import type { Procedure } from "../domain/procedures.ts";

const keyword = (name: string) => defineSearchAttributeKey(name, SearchAttributeType.KEYWORD);
const COMPANY = keyword("ZsCompany");
const SOURCE = keyword("ZsSource");
const LEDGER = keyword("ZsLedger");
const PERIOD = keyword("ZsPeriod");
const STATE = keyword("ZsState");

/** What a posting is at: people look for those that wait, or that a paused ledger stops. */
export type PostingState = "drafting" | "posting" | "waiting" | "paused";

/** What the procedures carry: a server without these starts none of them. */
export const USED_SEARCH_ATTRIBUTES: readonly string[] = [COMPANY, SOURCE, LEDGER, PERIOD, STATE].map(
  ({ name }) => name,
);

/** By what people find a procedure in Temporal's pages. */
export const searchAttributesOf = ({ company, source, ledger }: Procedure["about"]): TypedSearchAttributes =>
  new TypedSearchAttributes([
    { key: COMPANY, value: company },
    ...(source === undefined ? [] : [{ key: SOURCE, value: source }]),
    ...(ledger === undefined ? [] : [{ key: LEDGER, value: ledger }]),
  ]);

/**
 * What a procedure carries from its start. What it changes later is among it: a server that lacks an attribute then refuses
 * the start, and names it, instead of stopping the procedure at its first step for ever.
 */
export const startAttributesOf = ({ workflow, about }: Pick<Procedure, "workflow" | "about">): TypedSearchAttributes =>
  new TypedSearchAttributes([...searchAttributesOf(about).getAll(), ...changing[workflow]]);

export const stateAttributes = (state: PostingState): SearchAttributePair[] => [{ key: STATE, value: state }];
export const periodAttributes = (period: string): SearchAttributePair[] => [{ key: PERIOD, value: period }];

/** Until the plan of a reconciliation says which period it is about. */
const PLANNING = "planning";
const changing: Readonly<Record<Procedure["workflow"], SearchAttributePair[]>> = {
  sourceSync: [],
  ledgerPosting: stateAttributes("drafting"),
  reconciliation: periodAttributes(PLANNING),
};

/** What a procedure shows; undefined for one that began without, before this version or by hand: it then shows nothing. */
export const stateShown = (attributes: TypedSearchAttributes): string | undefined => attributes.get(STATE);
export const periodShown = (attributes: TypedSearchAttributes): string | undefined => attributes.get(PERIOD);
