import { z } from "zod";
import { type ApiContext, type Body, type Interface, read } from "./api-context.ts";
import { VendorError } from "./errors.ts";
import { memberShape } from "./records.ts";
import type { Store } from "./store.ts";

/**
 * Members and departments, reading only: what a connector needs to turn names into usernames.
 *
 * Source: Jiandaoyun reference §8.
 */
const departments = { operation: "contacts", rate: 10, effect: "read", handle: listDepartments } as const;

export const CONTACT_INTERFACES: readonly Interface[] = [
  { path: "v5/corp/user/get", operation: "contacts", rate: 30, effect: "read", handle: getUser },
  { path: "v5/corp/department/user/list", operation: "contacts", rate: 10, effect: "read", handle: listUsers },
  { path: "v5/corp/department/list", ...departments },
  { path: "v6/corp/department/list", ...departments },
  { path: "v5/corp/role/list", operation: "contacts", rate: 30, effect: "read", handle: () => ({ roles: [] }) },
];

const UserRequest = z.object({ username: z.string() });

function getUser(body: Body, { store }: ApiContext): unknown {
  const member = store.members.get(read(UserRequest, body).username);
  if (member === undefined) throw new VendorError(1010);
  return { user: memberShape(member, "api") };
}

const DepartmentRequest = z.object({ dept_no: z.int(), has_child: z.boolean().optional() });

function listUsers(body: Body, { store }: ApiContext): unknown {
  const wanted = new Set(departmentsBelow(body, store).map((department) => department.dept_no));
  const members = [...store.members.values()].filter(({ departments: own }) =>
    own.some((number) => wanted.has(number)),
  );
  return { users: members.map((member) => memberShape(member, "api")) };
}

function listDepartments(body: Body, { store }: ApiContext): unknown {
  const rows = departmentsBelow(body, store);
  return { departments: rows.map((department, seq) => ({ ...department, type: 0, status: 1, seq })) };
}

function departmentsBelow(body: Body, store: Store): { dept_no: number; name: string; parent_no: number }[] {
  const { dept_no: number, has_child: deep } = read(DepartmentRequest, body);
  const top = store.departments.get(number);
  if (top === undefined) throw new VendorError(6002);
  if (deep !== true) return [top];
  const found = [top];
  // Departments are at most a tree of this company's size: each is visited once.
  for (const parent of found) {
    for (const child of store.departments.values()) {
      if (child.parent_no === parent.dept_no && !found.includes(child)) found.push(child);
    }
  }
  return found;
}
