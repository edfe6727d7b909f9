/** SQLQueries: stored statements over an allow-list of tables (guide §4). Only a small part of SELECT is evaluated. */

import type { ServiceAnswer } from "./answers.ts";
import { alreadyExists, notFound, ServiceError } from "./errors.ts";
import { type Row, text } from "./model.ts";
import type { ServiceRequest } from "./service.ts";
import { fillRow, type Spelling } from "./values.ts";
import type { Context, World } from "./world.ts";

const SET = "SQLQueries";

export function createQuery({ world, origin }: Context, input: Row): string {
  const code = text(input, "SqlCode");
  if (code === "") throw new ServiceError(-5002, "Enter valid code  [OSQR.SqlCode]");
  if (world.row(SET, code) !== undefined) throw alreadyExists();
  const sql = text(input, "SqlText");
  if (!/^\s*select\s/i.test(sql)) throw new ServiceError(701, "Invalid SQL syntax");
  const names = [...sql.matchAll(/:(\w+)/g)].map(([, name = ""]) => name);
  const row = {
    ...input,
    ParamList: [...new Set(names)].join(","),
    CreateDate: world.today(),
    UpdateDate: world.today(),
  };
  world.store.put(SET, code, fillRow(world.schema.type("SQLQuery"), row, world.schema), origin);
  return code;
}

export function runSqlQuery(world: World, key: string, _request: ServiceRequest, _spelling: Spelling): ServiceAnswer {
  if (world.row(SET, key) === undefined) throw notFound();
  throw new ServiceError(701, "Invalid SQL syntax");
}
