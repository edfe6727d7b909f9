/** Enum members and the database values behind them; filters and bodies take both (guide §3.5.1, §3.7.3; v3 metadata). */

const lines = `
BoYesNoEnum tNO=N tYES=Y
BoStatus bost_Open=O bost_Close=C bost_Paid=P bost_Delivered=D
CancelStatusEnum csYes=Y csNo=N csCancellation=C
DocumentAuthorizationStatusEnum dasWithout=- dasPending=W dasApproved=Y dasRejected=N dasGenerated=P dasGeneratedbyAuthorizer=A dasCancelled=C
BoDocumentTypes dDocument_Items=I dDocument_Service=S
TransTypesEnum ttAllTransactions=-1 ttOpeningBalance=-2 ttClosingBalance=-3 ttARInvoice=13 ttARCredItnote=14 ttDelivery=15 ttReturn=16 ttAPInvoice=18 ttAPCreditNote=19 ttPurchaseDeliveryNote=20 ttPurchaseReturn=21 ttReceipt=24 ttJournalEntry=30 ttVendorPayment=46 ttGeneralReceiptToStock=59 ttGeneralReleaseFromStock=60 ttTransferBetweenWarehouses=67 ttLandedCosts=69 ttInventoryValuation=162 ttProductionOrder=202 ttInventoryPosting=10000071 ttInventoryOpeningBalance=310000001
PrintStatusEnum psNo=N psYes=Y psAmended=A
BoCardTypes cCustomer=C cSupplier=S cLid=L
ItemTypeEnum itItems=I itLabor=L itTravel=T itFixedAssets=F
BoInventorySystem bis_MovingAverage=A bis_Standard=S bis_FIFO=F bis_SNB=B
BoGLMethods glm_WH=W glm_ItemClass=C glm_ItemLevel=L
BoAccountTypes at_Revenues=I at_Expenses=E at_Other=N
InventoryPostingPriceSourceEnum ippsByPriceList=1 ippsLastEvaluatedPrice=2 ippsItemCost=3
CountingTypeEnum ctSingleCounter=1 ctMultipleCounters=2
CounterTypeEnum ctUser=12 ctEmployee=171
CountingDocumentStatusEnum cdsOpen=O cdsClosed=C
CountingLineStatusEnum clsOpen=O clsClosed=C
MultipleCounterRoleEnum mcrTeamCounter=T mcrIndividualCounter=I
InvBaseDocTypeEnum Default=-1 Empty=0 PurchaseDeliveryNotes=20 InventoryGeneralEntry=59 WarehouseTransfers=67 InventoryTransferRequest=1250000001
BinActionTypeEnum batToWarehouse=1 batFromWarehouse=2
BoFieldTypes db_Alpha=A db_Memo=M db_Numeric=N db_Date=D db_Float=B
BoFldSubTypes st_None=0 st_Address=? st_Phone=# st_Time=T st_Rate=R st_Sum=S st_Price=P st_Quantity=Q st_Percentage=% st_Measurement=M st_Link=L st_Image=I st_Checkbox=C
BoUTBTableType bott_NoObject=0 bott_MasterData=1 bott_MasterDataLines=2 bott_Document=3 bott_DocumentLines=4 bott_NoObjectAutoIncrement=5
PeriodStatusEnum ltUnlocked=N ltUnlockedExceptSales=S ltPeriodClosing=C ltLocked=Y
BoSubPeriodTypeEnum spt_Year=Y spt_Quarters=Q spt_Months=M spt_Days=D
BatchDetailServiceStatusEnum bdsStatus_Released=0 bdsStatus_NotAccessible=1 bdsStatus_Locked=2
BoVatCategoryEnum bovcInputTax=I bovcOutputTax=O
BoObjectTypes oInvoices=13 oDeliveryNotes=15 oOrders=17 oPurchaseInvoices=18 oPurchaseDeliveryNotes=20 oPurchaseOrders=22 oInventoryGenEntry=59 oInventoryGenExit=60 oStockTransfer=67 oDrafts=112
BoManageMethod bomm_OnEveryTransaction=A bomm_OnReleaseOnly=R
StockTransferAuthorizationStatusEnum sasWithout=- sasPending=W sasApproved=Y sasRejected=N sasGenerated=P sasGeneratedbyAuthorizer=A sasCancelled=C
BoTaxPostAccEnum tpa_Default=N tpa_SalesTaxAccount=R tpa_PurchaseTaxAccount=P
BoTransactionTypeEnum botrntComplete=C botrntReject=R
BoAddressType bo_ShipTo=S bo_BillTo=B
`;

export type EnumDefinition = {
  /** member to stored value, in the vendor's order */
  readonly members: ReadonlyMap<string, string>;
  readonly byStored: ReadonlyMap<string, string>;
};

export const ENUMS: ReadonlyMap<string, EnumDefinition> = new Map(
  lines
    .trim()
    .split("\n")
    .map((line) => {
      const [name = "", ...pairs] = line.split(" ");
      const entries = pairs.map((pair): [string, string] => {
        const at = pair.indexOf("=");
        return [pair.slice(0, at), pair.slice(at + 1)];
      });
      return [
        name,
        { members: new Map(entries), byStored: new Map(entries.map(([member, stored]) => [stored, member])) },
      ];
    }),
);

/** @returns the member for a member's name or a stored value; undefined when it is neither */
export function enumMember(name: string, text: string): string | undefined {
  const definition = ENUMS.get(name);
  if (definition === undefined) return undefined;
  return definition.members.has(text) ? text : definition.byStored.get(text);
}
