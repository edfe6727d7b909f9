import { dimensionKinds } from "../../domain/voucher.ts";
import type { SapB1Settings } from "./settings.ts";

/** One user field or user table that the connector needs, as the body that creates it (reference §8.1). */
export interface SetUp {
  /** Where the body goes: `POST UserTablesMD` or `POST UserFieldsMD`. */
  readonly set: "UserTablesMD" | "UserFieldsMD";
  /** Table of the field, or the table itself. */
  readonly table: string;
  /** Without `U_`; "" for a table. */
  readonly field: string;
  readonly body: Readonly<Record<string, unknown>>;
}

const KEY_LENGTH = 32;
const CODE_LENGTH = 50;

const field = (table: string, name: string, description: string, type: Readonly<Record<string, unknown>>): SetUp => ({
  set: "UserFieldsMD",
  table,
  field: name.slice("U_".length),
  body: {
    TableName: table,
    Name: name.slice("U_".length),
    Description: description,
    ...type,
    Mandatory: "tNO",
  },
});

const text = (size: number): Readonly<Record<string, unknown>> => ({ Type: "db_Alpha", Size: size, EditSize: size });

/** Everything to create in B1 before the first voucher: tables first, each thing once. */
export const setUpsFor = (settings: SapB1Settings): readonly SetUp[] => {
  const { keyField, claimTable, quantityField, unitField, dimensions } = settings;
  const onLines = new Map<string, SetUp>();
  for (const kind of dimensionKinds) {
    const name = dimensions[kind];
    if (name?.startsWith("U_") === true) onLines.set(name, field("JDT1", name, `Zhangshi ${kind}`, text(CODE_LENGTH)));
  }
  if (quantityField !== null)
    onLines.set(
      quantityField,
      field("JDT1", quantityField, "Zhangshi quantity", { Type: "db_Float", SubType: "st_Quantity" }),
    );
  if (unitField !== null) onLines.set(unitField, field("JDT1", unitField, "Zhangshi unit", text(CODE_LENGTH)));
  return [
    {
      set: "UserTablesMD",
      table: claimTable,
      field: "",
      body: { TableName: claimTable, TableDescription: "Zhangshi posting keys", TableType: "bott_NoObject" },
    },
    field("OJDT", keyField, "Zhangshi posting key", text(KEY_LENGTH)),
    ...onLines.values(),
  ];
};
