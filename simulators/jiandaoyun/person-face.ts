import { z } from "zod";
import { VendorError } from "./errors.ts";
import { type Action, type PersonContext, read } from "./person-context.ts";
import { alterForm, createApp, createForm, listApps, renameAlias, resetSerials } from "./person-forms.ts";
import {
  announce,
  bulkDelete,
  bulkRecover,
  bulkUpdate,
  createRecord,
  deleteRecord,
  importRecords,
  recoverRecord,
  updateRecord,
} from "./person-records.ts";
import {
  alterKey,
  alterPush,
  createKey,
  createPush,
  deleteKey,
  deletePush,
  pushLog,
  putDepartments,
  putMembers,
  testPush,
} from "./person-settings.ts";
import { renderInstance, takeStep } from "./workflow-api.ts";

/**
 * What a person can do in the vendor's own pages: draw forms, fill them in, import, set up pushes and keys, act on a
 * workflow. It is no part of the vendor's API. Single changes push; imports and bulk operations do not.
 */
export const PERSON_ACTIONS: Readonly<Record<string, Action>> = {
  apps: createApp,
  "apps/list": listApps,
  forms: createForm,
  "forms/alter": alterForm,
  "forms/alias": renameAlias,
  "forms/reset-serials": resetSerials,
  "records/create": createRecord,
  "records/update": updateRecord,
  "records/delete": deleteRecord,
  "records/recover": recoverRecord,
  "records/import": importRecords,
  "records/bulk-update": bulkUpdate,
  "records/bulk-delete": bulkDelete,
  "records/bulk-recover": bulkRecover,
  pushes: createPush,
  "pushes/alter": alterPush,
  "pushes/delete": deletePush,
  "pushes/test": testPush,
  "pushes/log": pushLog,
  keys: createKey,
  "keys/alter": alterKey,
  "keys/delete": deleteKey,
  members: putMembers,
  departments: putDepartments,
  "workflow/approve": workflowStep("approve"),
  "workflow/reject": workflowStep("reject"),
  "workflow/rollback": workflowStep("rollback"),
  "workflow/transfer": workflowStep("transfer"),
  "workflow/add-sign": workflowStep("add_sign"),
  "workflow/revoke": workflowStep("revoke"),
  "workflow/close": workflowStep("close"),
  "workflow/activate": workflowStep("activate"),
};

const StepRequest = z.record(z.string(), z.json());

function workflowStep(name: string): Action {
  return (body, context) => {
    const { table, instance } = takeStep(context.store, name, read(StepRequest, body));
    pushWorkflowStep(instance.id, context);
    return renderInstance(context.store, table, instance);
  };
}

/** A workflow step changes the record (`data_update`) and the workflow itself. */
export function pushWorkflowStep(instanceId: string, context: PersonContext): void {
  const { store, pushes } = context;
  const instance = store.instances.get(instanceId);
  const table = store.tables.get(instance?.entryId ?? "");
  if (instance === undefined || table === undefined) throw new VendorError(50019);
  const data = renderInstance(store, table, instance);
  const record = table.live.get(instanceId);
  if (record !== undefined) announce("data_update", table, record, context);
  pushes.raise(table.form.entryId, "flow_task_change", data, store.clock.now());
  if (instance.status !== 0) pushes.raise(table.form.entryId, "flow_state_change", data, store.clock.now());
}
