/** The company that a simulator starts with when it is given no other. */

import type { CompanyBook } from "./account-set.ts";

export const DEMO_COMPANY: CompanyBook = {
  number: "001",
  name: "示例账套",
  items: [
    { number: "M-001", name: "示例物料一", unit: "Pcs" },
    { number: "M-002", name: "示例物料二", unit: "kg" },
    { number: "007", name: "示例物料三", unit: "Xiang" },
  ],
  warehouses: [
    { number: "CK01", name: "一号仓" },
    { number: "CK02", name: "二号仓" },
  ],
  suppliers: [{ number: "VEN001", name: "示例供应商" }],
  customers: [{ number: "CUST001", name: "示例客户" }],
  departments: [{ number: "BM001", name: "仓储部" }],
  employees: [{ number: "E001", name: "示例职员" }],
  checkTasks: [{ number: "PDRW001", name: "一号仓盘点", warehouse: "CK01" }],
};
