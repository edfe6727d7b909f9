/**
 * Entities and complex types: working subsets of the vendor's property lists (names: v2 metadata; columns, defaults and
 * read-only flags: v3 metadata; lengths: SDK help). `^` marks what cannot change after posting.
 */

import { type TypeDefinition, typeOf } from "./schema.ts";

const DIMENSIONS = (column: string, fixed = "") =>
  `CostingCode:s8${fixed}=${column} CostingCode2:s8${fixed}=OcrCode2 CostingCode3:s8${fixed}=OcrCode3 CostingCode4:s8${fixed}=OcrCode4 CostingCode5:s8${fixed}=OcrCode5`;
const RULES =
  "DistributionRule:s8^=OcrCode DistributionRule2:s8^=OcrCode2 DistributionRule3:s8^=OcrCode3 DistributionRule4:s8^=OcrCode4 DistributionRule5:s8^=OcrCode5";

const JOURNAL = `
  ReferenceDate:d^=RefDate Memo:s50 Reference:s100=Ref1 Reference2:s100=Ref2 TransactionCode:s4=TransCode ProjectCode:s20=Project
  TaxDate:d JdtNum:i!=TransId Indicator:s2 UseAutoStorno:b=AutoStorno StornoDate:d VatDate:d Series:i^ StampTax:b DueDate:d AutoVAT:b
  Number:i! FolioNumber:i! FolioPrefixString:s4 ReportEU:b Report347:b Printed:e.PrintStatusEnum!~psNo LocationCode:i
  OriginalJournal:e.TransTypesEnum!=TransType~ttJournalEntry Original:i!=CreatedBy BaseReference:s11!=BaseRef BlockDunningLetter:b
  AutomaticWT:b WTSum:n! WTSumSC:n! WTSumFC:n! DeferredTax:b Reference3:s100=Ref3 DocumentType:s10 BlanketAgreementNumber:i!
  AdjustTransaction:b IsCostCenterTransfer:b AttachmentEntry:i=AtcEntry Corisptivi:b SAPPassport:s
  JournalEntryLines:[JournalEntryLine] WithholdingTaxDataCollection:[WithholdingTaxData] ElectronicProtocols:[ElectronicProtocol]`;

const JOURNAL_LINE = `
  Line_ID:i AccountCode:s15^=Account Debit:n^ Credit:n^ FCDebit:n^ FCCredit:n^ FCCurrency:s3^ DueDate:d ShortName:s15^
  ContraAccount:s15=ContraAct LineMemo:s254 ReferenceDate1:d=RefDate ReferenceDate2:d=Ref2Date Reference1:s100=Ref1 Reference2:s100=Ref2
  ProjectCode:s20=Project ${DIMENSIONS("ProfitCode")} TaxDate:d BaseSum:n^ TaxGroup:s8^=VatGroup DebitSys:n^=SYSDeb CreditSys:n^=SYSCred
  VatDate:d VatLine:b SystemBaseAmount:n! VatAmount:n^ SystemVatAmount:n! GrossValue:n^ AdditionalReference:s27=Ref3Line CheckAbs:i!
  TaxCode:s8^ TaxPostAccount:e.BoTaxPostAccEnum LocationCode:i ControlAccount:s15^=Account WTLiable:b WTRow:b PaymentBlock:b BlockReason:i
  BPLID:i^=BPLId BPLName:s100! TotalTax:n! CostElementCode:s15 CashFlowAssignments:[CashFlowAssignment]`;

const DOCUMENT = `
  DocEntry:i! DocNum:i^ DocType:e.BoDocumentTypes^~dDocument_Items HandWritten:b^ Printed:e.PrintStatusEnum!~psNo DocDate:d^ DocDueDate:d
  CardCode:s15^ CardName:s100 Address:s254 NumAtCard:s100 DocTotal:n AttachmentEntry:i=AtcEntry DocCurrency:s3^=DocCur DocRate:n^
  Reference1:s11=Ref1 Reference2:s11=Ref2 Comments:s254 JournalMemo:s50=JrnlMemo PaymentGroupCode:i=GroupNum SalesPersonCode:i=SlpCode
  Series:i^ TaxDate:d CreationDate:d!=CreateDate UpdateDate:d! UpdateTime:t! VatSum:n! VatDate:d DiscountPercent:n^=DiscPrcnt DocTotalFc:n!=DocTotalFC
  DocTotalSys:n!=DocTotalSy Rounding:b RoundingDiffAmount:n=RoundDif Project:s20 FinancialPeriod:i!=FinncPriod PeriodIndicator:s10!=PIndicator
  UserSign:i! TransNum:i!=TransId Confirmed:b~tYES Cancelled:b!=CANCELED CancelStatus:e.CancelStatusEnum!=CANCELED~csNo CancelDate:d
  DocumentStatus:e.BoStatus!=DocStatus~bost_Open AuthorizationStatus:e.DocumentAuthorizationStatusEnum!=WddStatus~dasWithout
  DocObjectCode:e.BoObjectTypes=ObjType BPL_IDAssignedToInvoice:i^=BPLId BPLName:s100! DataVersion:i!
  DocumentLines:[DocumentLine] DocumentReferences:[DocumentReference] Document_ApprovalRequests:[ApprovalRequest]
  DocumentAdditionalExpenses:[DocumentAdditionalExpense] DocumentInstallments:[DocumentInstallment] WithholdingTaxDataCollection:[WithholdingTaxData]`;

const DOCUMENT_LINE = `
  LineNum:i VisualOrder:i! ItemCode:s50^ ItemDescription:s200=Dscription Quantity:n^ Price:n^ PriceAfterVAT:n^=PriceAfVAT Currency:s3^ Rate:n^
  DiscountPercent:n^=DiscPrcnt SupplierCatNum:s50 WarehouseCode:s8^=WhsCode AccountCode:s15^=AcctCode ${DIMENSIONS("OcrCode", "^")}
  ProjectCode:s20^=Project TaxCode:s8^ VatGroup:s8^ COGSCostingCode:s8^ COGSAccountCode:s15^ GrossBuyPrice:n UnitPrice:n^=PriceBefDi LineTotal:n^
  TaxTotal:n!=VatSum RowTotalFC:n!=TotalFrgn BaseType:i^~-1 BaseEntry:i^ BaseLine:i^ LineStatus:e.BoStatus~bost_Open RemainingOpenQuantity:n!=OpenQty
  UoMCode:s20!=UomCode UoMEntry:i^=UomEntry InventoryQuantity:n!=InvQty FreeText:s100=FreeTxt StockInmPrice:n!=StckINMPr GrossPrice:n^
  WithoutInventoryMovement:b TransactionType:e.BoTransactionTypeEnum LocationCode:i SerialNumbers:[SerialNumber] BatchNumbers:[BatchNumber]
  DocumentLinesBinAllocations:[DocumentLinesBinAllocation]`;

const TRANSFER = `
  DocEntry:i! Series:i^ DocNum:i^ Printed:b! DocDate:d^ DueDate:d=DocDueDate CardCode:s15 CardName:s100 Address:s254
  Reference1:s11=Ref1 Reference2:s11=Ref2 Comments:s254 JournalMemo:s50=JrnlMemo PriceList:i SalesPersonCode:i FromWarehouse:s8^=Filler
  ToWarehouse:s8^=ToWhsCode CreationDate:d! UpdateDate:d! FinancialPeriod:i! TransNum:i!=TransId TaxDate:d BPLID:i^=BPLId AttachmentEntry:i=AtcEntry
  DocumentStatus:e.BoStatus!=DocStatus~bost_Open AuthorizationStatus:e.StockTransferAuthorizationStatusEnum!~sasWithout
  StockTransferLines:[StockTransferLine] StockTransfer_ApprovalRequests:[ApprovalRequest] DocumentReferences:[DocumentReference]`;

const TRANSFER_LINE = `
  LineNum:i DocEntry:i! ItemCode:s50^ ItemDescription:s200!=Dscription Quantity:n^ Price:n Currency:s3 Rate:n UnitPrice:n=PriceBefDi WarehouseCode:s8^=WhsCode
  FromWarehouseCode:s8^=FromWhsCod ProjectCode:s20^=Project ${RULES} UoMCode:s20! UoMEntry:i^ InventoryQuantity:n!
  BaseType:e.InvBaseDocTypeEnum~Default BaseEntry:i^ BaseLine:i^ SerialNumbers:[SerialNumber] BatchNumbers:[BatchNumber]
  StockTransferLinesBinAllocations:[StockTransferLinesBinAllocation]`;

const COUNTING = `
  DocumentEntry:i!=DocEntry DocumentNumber:i!=DocNum Series:i^ CountDate:d CountTime:t=Time SingleCounterType:e.CounterTypeEnum=Taker1Type~ctUser
  SingleCounterID:i=Taker1Id DocumentStatus:e.CountingDocumentStatusEnum!=Status~cdsOpen Remarks:s254 Reference2:s11=Ref2 BranchID:i=BPLId
  FinancialPeriod:i! PeriodIndicator:s10! CountingType:e.CountingTypeEnum=CountType~ctSingleCounter YearEndDate:d AttachmentEntry:i=AtcEntry
  InventoryCountingLines:[InventoryCountingLine] TeamCounters:[TeamCounter] IndividualCounters:[IndividualCounter]`;

const COUNTING_LINE = `
  DocumentEntry:i!=DocEntry LineNumber:i=LineNum ItemCode:s50 ItemDescription:s200!=ItemDesc Freeze:b WarehouseCode:s8=WhsCode BinEntry:i InWarehouseQuantity:n!=InWhsQty
  Counted:b UoMCode:s20=UomCode BarCode:s254 UoMCountedQuantity:n=UomQty ItemsPerUnit:n CountedQuantity:n=CountQty Variance:n!=Difference
  VariancePercentage:n! VisualOrder:i! TargetEntry:i! TargetLine:i! TargetType:i! ProjectCode:s20=Project ${DIMENSIONS("OcrCode")}
  LineStatus:e.CountingLineStatusEnum!~clsOpen CounterType:e.CounterTypeEnum~ctUser CounterID:i MultipleCounterRole:e.MultipleCounterRoleEnum~mcrIndividualCounter
  Remarks:s254 InventoryCountingLineUoMs:[InventoryCountingLineUoM] InventoryCountingSerialNumbers:[InventoryCountingSerialNumber] InventoryCountingBatchNumbers:[InventoryCountingBatchNumber]`;

const POSTING = `
  DocumentEntry:i!=DocEntry DocumentNumber:i!=DocNum Series:i^ PostingDate:d^=DocDate CountDate:d^ CountTime:t^ Remarks:s254=Comments Reference2:s11=Ref2
  BranchID:i^=BPLId PriceSource:e.InventoryPostingPriceSourceEnum^=PriceSrc~ippsItemCost PriceList:i^ JournalRemark:s50=JrnlMemo FinancialPeriod:i!
  PeriodIndicator:s10! YearEndDate:d AttachmentEntry:i=AtcEntry InventoryPostingLines:[InventoryPostingLine]`;

const POSTING_LINE = `
  DocumentEntry:i!=DocEntry LineNumber:i=DocLineNum ItemCode:s50^ ItemDescription:s200! WarehouseCode:s8^=WhsCode BinEntry:i^ InWarehouseQuantity:n!=OnHandBef
  CountedQuantity:n^=CountQty Variance:n^=Quantity VariancePercentage:n! Price:n^ Currency:s3^ Total:n! ActualPrice:n! PostedValueLC:n! PostedValueSC:n!
  BaseEntry:i^ BaseLine:i^ BaseType:i^~1470000065 BaseReference:i! UoMCode:s20^ UoMCountedQuantity:n^=UomQty ItemsPerUnit:n^
  InventoryOffsetIncreaseAccount:s15^=IOffIncAcc InventoryOffsetDecreaseAccount:s15^=DOffDecAcc ProjectCode:s20^=Project ${DIMENSIONS("OcrCode", "^")}
  AllowBinNegativeQuantity:b Remarks:s254 InventoryPostingLineUoMs:[InventoryPostingLineUoM] InventoryPostingSerialNumbers:[InventoryPostingSerialNumber]
  InventoryPostingBatchNumbers:[InventoryPostingBatchNumber]`;

const REVALUATION = `
  DocEntry:i! DocNum:i! DocDate:d^ TaxDate:d^ Series:i^ RevalType:s1^~P DataSource:s1! Comments:s254 JournalMemo:s50=JrnlMemo Reference1:s11=Ref1
  Reference2:s11=Ref2 RevaluationIncomeAccount:s15^ RevaluationExpenseAccount:s15^ TransNum:i!=TransId InflationRevaluation:b
  MaterialRevaluationLines:[MaterialRevaluationLine]`;

const REVALUATION_LINE = `
  LineNum:i DocEntry:i! ItemCode:s50^ ItemDescription:s200! WarehouseCode:s8^=WhsCode Quantity:n^ Price:n^ ActualPrice:n! OnHand:n! DebitCredit:n^=LineTotal
  RevaluationIncrementAccount:s15^ RevaluationDecrementAccount:s15^ RevalAmountToStock:n! Project:s20^ ${RULES}
  FIFOLayers:[FIFOLayer] SNBLinesCollection:[SNBLines]`;

const ITEM = `
  ItemCode:s50^ ItemName:s200 ForeignName:s200=FrgnName ItemsGroupCode:i=ItmsGrpCod~100 ItemType:e.ItemTypeEnum~itItems InventoryItem:b=InvntItem~tYES SalesItem:b=SellItem~tYES
  PurchaseItem:b=PrchseItem~tYES ManageBatchNumbers:b=ManBtchNum ManageSerialNumbers:b=ManSerNum SRIAndBatchManageMethod:e.BoManageMethod~bomm_OnEveryTransaction Valid:b=validFor ValidFrom:d ValidTo:d
  Frozen:b=frozenFor FrozenFrom:d FrozenTo:d QuantityOnStock:n!=OnHand QuantityOrderedFromVendors:n!=OnOrder QuantityOrderedByCustomers:n!=IsCommited
  MovingAveragePrice:n!=AvgPrice AvgStdPrice:n=AvgPrice CostAccountingMethod:e.BoInventorySystem=EvalSystem~bis_MovingAverage ManageStockByWarehouse:b=ByWh~tYES
  DefaultWarehouse:s8=DfltWH InventoryUOM:s100=InvntryUom InventoryUoMEntry:i UoMGroupEntry:i~-1 BarCode:s254=CodeBars MinInventory:n MaxInventory:n GLMethod:e.BoGLMethods~glm_WH
  PurchaseUnit:s100=BuyUnitMsr SalesUnit:s100=SalUnitMsr VatLiable:b~tYES SalesVATGroup:s8=VatGourpSa PurchaseVATGroup:s8=VatGroupPu User_Text:s=UserText Properties1:b
  CreateDate:d! UpdateDate:d! UpdateTime:t! DataVersion:i! AttachmentEntry:i=AtcEntry
  ItemPrices:[ItemPrice] ItemWarehouseInfoCollection:[ItemWarehouseInfo] ItemBarCodeCollection:[ItemBarCode]`;

const ITEM_WAREHOUSE = `
  MinimalStock:n=MinStock MaximalStock:n=MaxStock MinimalOrder:n=MinOrder StandardAveragePrice:n=AvgPrice Locked:b InventoryAccount:s15=BalInvntAc CostAccount:s15=SaleCostAc
  RevenuesAccount:s15=RevenuesAc IncreasingAccount:s15=IncreasAc DecreasingAccount:s15=DecreasAc TransferAccount:s15=TransferAc VarienceAccount:s15=VarianceAc
  WarehouseCode:s8=WhsCode InStock:n!=OnHand Committed:n!=IsCommited Ordered:n!=OnOrder CountedQuantity:n=Counted WasCounted:b! UserSignature:i Counted:n! DefaultBin:i ItemCode:s50!`;

const WAREHOUSE = `
  WarehouseCode:s8^=WhsCode WarehouseName:s100=WhsName Inactive:b BusinessPlaceID:i=BPLid EnableBinLocations:b=BinActivat DefaultBin:i=DftBinAbs DropShip:b Nettable:b~tYES
  Location:i Street:s100 City:s100 Country:s3 StockAccount:s15=BalInvntAc CostOfGoodsSold:s15=SaleCostAc RevenuesAccount:s15=RevenuesAc TransfersAcc:s15=TransferAc
  IncreasingAcc:s15=IncreasAc DecreasingAccount:s15=DecreasAc IncreaseGLAccount:s15=IncresGlAc DecreaseGLAccount:s15=DecresGlAc VarianceAccount:s15=VarianceAc
  PriceDifferencesAccount:s15=PriceDifAc NegativeInventoryAdjustmentAccount:s15=NegStckAct ExpenseAccount:s15=ExpensesAc`;

const ACCOUNT = `
  Code:s15^=AcctCode Name:s100=AcctName Balance:n!=CurrTotal CashAccount:b=Finanse BudgetAccount:b ActiveAccount:b=Postable~tYES PrimaryAccount:b AccountLevel:i!=Levels
  DataExportCode:s8 FatherAccountKey:s15=FatherNum ExternalCode:s12=AccntntCod RateConversion:b TaxLiableAccount:b AcctCurrency:s3=ActCurr~## Balance_syscurr:n!=SysTotal
  Balance_FrgnCurr:n!=FcTotal Protected:b AccountType:e.BoAccountTypes=ActType~at_Other LockManualTransaction:b=LocManTran BlockManualPosting:b=BlocManPos
  ProjectRelevant:b=PrjRelvnt DistributionRuleRelevant:b=Dim1Relvnt DistributionRule2Relevant:b=Dim2Relvnt DistributionRule3Relevant:b=Dim3Relvnt
  DistributionRule4Relevant:b=Dim4Relvnt DistributionRule5Relevant:b=Dim5Relvnt ValidFor:b ValidFrom:d ValidTo:d FrozenFor:b FrozenFrom:d FrozenTo:d FormatCode:s210 ForeignName:s100=FrgnName
  Details:s254 Category:i ProjectCode:s20=Project`;

const PARTNER = `
  CardCode:s15^ CardName:s100 CardType:e.BoCardTypes~cCustomer GroupCode:i~100 Address:s254 Phone1:s20 EmailAddress:s100=E_Mail FederalTaxID:s32=LicTradNum Currency:s3~##
  CurrentAccountBalance:n!=Balance OpenOrdersBalance:n!=OrdersBal OpenDeliveryNotesBalance:n!=DNotesBal DebitorAccount:s15=DebPayAcct Valid:b=validFor ValidFrom:d ValidTo:d Frozen:b=frozenFor FrozenFrom:d FrozenTo:d
  PayTermsGrpCode:i=GroupNum~-1 VatGroup:s8=ECVatGroup Notes:s100 FreeText:s=Free_Text CreateDate:d! UpdateDate:d! UpdateTime:t! DataVersion:i! AttachmentEntry:i=AtcEntry
  BPAddresses:[BPAddress] ContactEmployees:[ContactEmployee]`;

const SERIALS = `
  ManufacturerSerialNumber:s36=MnfSerial InternalSerialNumber:s36=DistNumber ExpiryDate:d ManufactureDate:d ReceptionDate:d WarrantyStart:d WarrantyEnd:d Location:s100 Notes:s
  BatchID:s36=LotNumber SystemSerialNumber:i BaseLineNumber:i Quantity:n TrackingNote:i ItemCode:s50!`;
const BATCHES = `
  BatchNumber:s36=DistNumber ManufacturerSerialNumber:s36=MnfSerial InternalSerialNumber:s36=LotNumber ExpiryDate:d ManufacturingDate:d AddmisionDate:d Location:s100 Notes:s
  Quantity:n BaseLineNumber:i TrackingNote:i ItemCode:s50! SystemSerialNumber:i!`;
const BINS = "BinAbsEntry:i Quantity:n AllowNegativeQuantity:b SerialAndBatchNumbersBaseLine:i~-1 BaseLineNumber:i";

const INVENTORY_SERIAL =
  "InternalSerialNumber:s36 ManufacturerSerialNumber:s36 Quantity:n BaseLineNumber:i ExpiryDate:d";
const INVENTORY_BATCH =
  "BatchNumber:s36 Quantity:n BaseLineNumber:i ManufacturerSerialNumber:s36 InternalSerialNumber:s36 ExpiryDate:d";
const LINE_UOM =
  "LineNumber:i ChildNumber:i! UoMCountedQuantity:n ItemsPerUnit:n CountedQuantity:n UoMCode:s20 BarCode:s254";
const TYPES: readonly (readonly [name: string, notation: string])[] = [
  ["JournalEntry", JOURNAL],
  ["JournalEntryLine", JOURNAL_LINE],
  [
    "CashFlowAssignment",
    "CashFlowAssignmentsID:i CashFlowLineItemID:i Credit:n PaymentMeans:s10 CheckNumber:s20 AmountLC:n AmountFC:n JDTLineId:i",
  ],
  ["WithholdingTaxData", "WTCode:s4 WTAmount:n WTAmountFC:n TaxableAmount:n LineNum:i!"],
  ["ElectronicProtocol", "ProtocolCode:s20 GenerationType:s10"],
  ["Document", DOCUMENT],
  ["DocumentLine", DOCUMENT_LINE],
  [
    "DocumentReference",
    "DocEntry:i! LineNumber:i! RefDocEntr:i RefDocNum:i ExtDocNum:s20 RefObjType:s20 IssueDate:d Remark:s100",
  ],
  ["ApprovalRequest", "ApprovalTemplatesID:i Remarks:s254"],
  ["DocumentAdditionalExpense", "ExpenseCode:i LineTotal:n LineNum:i!"],
  ["DocumentInstallment", "DueDate:d Percentage:n Total:n InstallmentId:i!"],
  ["SerialNumber", SERIALS],
  ["BatchNumber", BATCHES],
  ["DocumentLinesBinAllocation", BINS],
  ["StockTransferLinesBinAllocation", `${BINS} BinActionType:e.BinActionTypeEnum~batToWarehouse`],
  ["StockTransfer", TRANSFER],
  ["StockTransferLine", TRANSFER_LINE],
  ["InventoryCounting", COUNTING],
  ["InventoryCountingLine", COUNTING_LINE],
  ["InventoryPosting", POSTING],
  ["InventoryPostingLine", POSTING_LINE],
  ["InventoryCountingLineUoM", LINE_UOM],
  ["InventoryPostingLineUoM", LINE_UOM],
  ["InventoryCountingSerialNumber", INVENTORY_SERIAL],
  ["InventoryPostingSerialNumber", INVENTORY_SERIAL],
  ["InventoryCountingBatchNumber", INVENTORY_BATCH],
  ["InventoryPostingBatchNumber", INVENTORY_BATCH],
  ["TeamCounter", "CounterType:e.CounterTypeEnum~ctUser CounterID:i"],
  ["IndividualCounter", "CounterType:e.CounterTypeEnum~ctUser CounterID:i"],
  ["MaterialRevaluation", REVALUATION],
  ["MaterialRevaluationLine", REVALUATION_LINE],
  ["FIFOLayer", "LineNum:i Price:n TransactionSequenceNum:i"],
  ["SNBLines", "NewCost:n DebitCredit:n SnbAbsEntry:i"],
  ["Item", ITEM],
  ["ItemWarehouseInfo", ITEM_WAREHOUSE],
  ["ItemPrice", "PriceList:i Price:n Currency:s3 Factor:n"],
  ["ItemBarCode", "AbsEntry:i! UoMEntry:i Barcode:s254 FreeText:s100"],
  ["Warehouse", WAREHOUSE],
  ["ChartOfAccount", ACCOUNT],
  ["BusinessPartner", PARTNER],
  ["BPAddress", "AddressName:s50 Street:s100 City:s100 Country:s3 AddressType:e.BoAddressType BPCode:s15! RowNum:i!"],
  ["ContactEmployee", "CardCode:s15! Name:s50 Phone1:s20 E_Mail:s100 InternalCode:i!"],
  [
    "BatchNumberDetail",
    "DocEntry:i! ItemCode:s50! ItemDescription:s200! Status:e.BatchDetailServiceStatusEnum~bdsStatus_Released Batch:s36!=DistNumber BatchAttribute1:s36=MnfSerial BatchAttribute2:s36=LotNumber AdmissionDate:d ManufacturingDate:d ExpirationDate:d Details:s SystemNumber:i!=SysNumber",
  ],
  [
    "SerialNumberDetail",
    "DocEntry:i! ItemCode:s50! ItemDescription:s200! MfrSerialNo:s36=MnfSerial SerialNumber:s36!=DistNumber LotNumber:s36 AdmissionDate:d ManufacturingDate:d ExpirationDate:d Details:s SystemNumber:i!=SysNumber",
  ],
  ["Project", "Code:s20^=PrjCode Name:s100=PrjName ValidFrom:d ValidTo:d Active:b~tYES"],
  [
    "ProfitCenter",
    "CenterCode:s8^=PrcCode CenterName:s30=PrcName GroupCode:s8 InWhichDimension:i=DimCode~1 CostCenterType:s8 EffectiveFrom:d=ValidFrom EffectiveTo:d=ValidTo Active:b~tYES",
  ],
  ["Currency", "Code:s3^=CurrCode Name:s20=CurrName DocumentsCode:s3 InternationalDescription:s20"],
  ["UnitOfMeasurement", "AbsEntry:i!=UomEntry Code:s20=UomCode Name:s100=UomName"],
  [
    "VatGroup",
    "Code:s8^ Name:s100 Category:e.BoVatCategoryEnum~bovcInputTax TaxAccount:s15=Account Inactive:b VatGroups_Lines:[VatGroups_Line]",
  ],
  ["VatGroups_Line", "Effectivefrom:d Rate:n DatevCode:s10"],
  [
    "UserTablesMD",
    "TableName:s19^ TableDescription:s30=Descr TableType:e.BoUTBTableType^=ObjectType~bott_NoObject Archivable:b ArchiveDateField:s50",
  ],
  [
    "UserFieldMD",
    "Name:s50^=AliasID Type:e.BoFieldTypes^=TypeID~db_Alpha Size:i=SizeID Description:s80=Descr SubType:e.BoFldSubTypes^=EditType~st_None LinkedTable:s20 LinkedUDO:s20 LinkedSystemObject:s20 DefaultValue:s254=Dflt TableName:s20^=TableID FieldID:i! EditSize:i Mandatory:b=NotNull ValidValuesMD:[ValidValueMD]",
  ],
  ["ValidValueMD", "Value:s254 Description:s254"],
  ["UserKeysMD", "TableName:s20^ KeyIndex:i! KeyName:s10^ Unique:b^ UserKeysMD_Elements:[UserKeysMD_Element]"],
  ["UserKeysMD_Element", "SubKeyIndex:i! ColumnAlias:s50"],
  ["SQLQuery", "SqlCode:s50^ SqlName:s100 SqlText:s ParamList:s! CreateDate:d! UpdateDate:d!"],
  ["UserLanguage", "Code:i! LanguageShortName:s10! LanguageFullName:s30!"],
  ["User", "InternalKey:i! UserCode:s25 UserName:s155 Superuser:b Locked:b"],
  ["BusinessPlace", "BPLID:i!=BPLId BPLName:s100 Disabled:b MainBPL:b"],
  [
    "FinancePeriod",
    "AbsoluteEntry:i!=AbsEntry PeriodCode:s20!=Code PeriodName:s20=Name PeriodIndicator:s10!=Indicator SubNum:i! PostingDateFrom:d=F_RefDate PostingDateTo:d=T_RefDate ValueDateFrom:d=F_DueDate ValueDateTo:d=T_DueDate TaxDateFrom:d=F_TaxDate TaxDateTo:d=T_TaxDate Locked:b PeriodStatus:e.PeriodStatusEnum=PeriodStat~ltUnlocked ActiveforFeed:b AdditionalSubPeriods:b",
  ],
  [
    "PeriodCategory",
    "AbsoluteEntry:i! BeginningofFinancialYear:d FinancialYear:i SubPeriodType:e.BoSubPeriodTypeEnum~spt_Months NumberOfPeriods:i PeriodCategory:s10 PeriodName:s20",
  ],
];

export const STANDARD_TYPES: ReadonlyMap<string, TypeDefinition> = new Map(
  TYPES.map(([name, notation]) => [name, typeOf(name, notation)]),
);
