import { stringify } from "yaml";
import { standardRules } from "../mappings/load.ts";
import { NORMAL_LOSS } from "./company.ts";

/** The rule of the standard pack that takes every scrapped thing, whatever it was used for. */
const GENERAL_RULE = "scrap";

/**
 * The demo company's own copy of the standard rule pack, as a YAML file: its bookkeeper wants to see what is scrapped for any
 * other reason than normal loss before it is booked, so the general rule is narrowed.
 *
 * @throws Error when the standard pack has no such rule any more
 */
export function demoRulePackYaml(): string {
  const pack = standardRules("cas");
  if (!pack.rules.some(({ name }) => name === GENERAL_RULE))
    throw new Error(`the standard pack has no rule ${GENERAL_RULE}`);
  const rules = pack.rules.map((rule) =>
    rule.name === GENERAL_RULE ? { ...rule, when: { ...rule.when, cause: NORMAL_LOSS } } : rule,
  );
  return stringify({ ...pack, name: "demo", rules });
}
