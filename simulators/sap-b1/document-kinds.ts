/** What each kind of document does to stock and books (perpetual inventory; rules inferred from general practice). */

export type DocumentKind = {
  readonly set: string;
  readonly header: string;
  readonly line: string;
  readonly objectCode: string;
  /** TransTypesEnum member of its journal entry */
  readonly transType: string;
  readonly stock: "in" | "out" | "none";
  /** names a business partner of this type */
  readonly partner: "cCustomer" | "cSupplier" | undefined;
  readonly isSale: boolean;
  /** born closed: nothing follows it */
  readonly closed: boolean;
  /** set by the object code that a base line's BaseType names */
  readonly bases: Readonly<Record<number, string>>;
};

const KINDS: readonly DocumentKind[] = [
  kind("InventoryGenEntries", "OIGN", "59", "ttGeneralReceiptToStock", "in", { closed: true }),
  kind("InventoryGenExits", "OIGE", "60", "ttGeneralReleaseFromStock", "out", { closed: true }),
  kind("PurchaseDeliveryNotes", "OPDN", "20", "ttPurchaseDeliveryNote", "in", {
    partner: "cSupplier",
    bases: { 22: "PurchaseOrders" },
  }),
  kind("PurchaseInvoices", "OPCH", "18", "ttAPInvoice", "in", {
    partner: "cSupplier",
    bases: { 20: "PurchaseDeliveryNotes", 22: "PurchaseOrders" },
  }),
  kind("DeliveryNotes", "ODLN", "15", "ttDelivery", "out", {
    partner: "cCustomer",
    isSale: true,
    bases: { 17: "Orders" },
  }),
  kind("Invoices", "OINV", "13", "ttARInvoice", "out", {
    partner: "cCustomer",
    isSale: true,
    bases: { 15: "DeliveryNotes", 17: "Orders" },
  }),
  kind("Orders", "ORDR", "17", "", "none", { partner: "cCustomer", isSale: true }),
  kind("PurchaseOrders", "OPOR", "22", "", "none", { partner: "cSupplier" }),
];

export const DOCUMENT_KINDS: ReadonlyMap<string, DocumentKind> = new Map(KINDS.map((one) => [one.set, one]));

function kind(
  set: string,
  header: string,
  objectCode: string,
  transType: string,
  stock: DocumentKind["stock"],
  rest: Partial<Pick<DocumentKind, "partner" | "isSale" | "closed" | "bases">> = {},
): DocumentKind {
  return {
    set,
    header,
    line: `${header.slice(1)}1`,
    objectCode,
    transType,
    stock,
    partner: rest.partner,
    isSale: rest.isSale ?? false,
    closed: rest.closed ?? false,
    bases: rest.bases ?? {},
  };
}
