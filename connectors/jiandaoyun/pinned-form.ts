import { FormRows } from "./form-rows.ts";
import { type Pins, type WantedFields, lacksAKey, pinNames } from "./pins.ts";
import type { Condition } from "./settings.ts";
import { readText } from "./values.ts";
import type { VendorApi } from "./vendor-api.ts";
import type { Row } from "./wire.ts";

const TEXT_MAX = 2_000;

/** One form with the fields that we use of it. */
export class PinnedForm {
  readonly rows: FormRows;
  readonly name: string;
  readonly #wanted: WantedFields;
  #pins: Pins | undefined;

  constructor(api: VendorApi, appId: string, entryId: string, name: string, wanted: WantedFields) {
    this.rows = new FormRows(api, appId, entryId, name);
    this.name = name;
    this.#wanted = wanted;
  }

  /** What the fields are called now. @throws ZhangshiError FORM_FIELD_GONE */
  async look(deadlineAt?: Date): Promise<Pins> {
    this.#pins = pinNames(this.name, this.#wanted, await this.rows.fields(deadlineAt), this.#pins);
    return this.#pins;
  }

  async pins(deadlineAt?: Date): Promise<Pins> {
    return this.#pins ?? this.look(deadlineAt);
  }

  /** The names under which these rows carry their values. */
  async pinsFor(rows: readonly Row[]): Promise<Pins> {
    const pins = await this.pins();
    return rows.length > 0 && lacksAKey(pins, rows) ? this.look() : pins;
  }
}

/** A field of the head as text; "" where it is empty or no text. */
export const headText = (pins: Pins, row: Row, field: string): string => {
  const name = pins.head.get(field)?.name;
  if (name === undefined) return "";
  const read = readText(row[name], TEXT_MAX);
  return read.ok ? (read.value ?? "") : "";
};

export const meets = (pins: Pins, row: Row, { field, in: texts }: Condition): boolean =>
  texts.includes(headText(pins, row, field));
