/**
 * The elements of the message templates that U8 ships (folder EAI\\XML\\Template), in their order and spelling. Names only
 * differ in case where the templates do. Runs such as define1..16 stand for all their elements.
 */

const EXPAND = /^(.*?)(\d+)\.\.(\d+)$/;

function elements(text: string): readonly string[] {
  return text.split(/\s+/).flatMap((name) => {
    const run = EXPAND.exec(name);
    if (!run) return name === "" ? [] : [name];
    const [, stem = "", from = "1", to = "1"] = run;
    return Array.from({ length: Number(to) - Number(from) + 1 }, (_, index) => `${stem}${Number(from) + index}`);
  });
}

/** Templates storein.xml and storeout.xml, header. */
const RECORD_HEAD = elements(`
    id receiveflag vouchtype businesstype source businesscode warehousecode date code receivecode departmentcode
    personcode purchasetypecode saletypecode customercode vendorcode ordercode quantity arrivecode billcode
    consignmentcode arrivedate checkcode checkdate checkperson templatenumber serial handler memory maker chandler
    define1..16 auditdate taxrate exchname exchrate contact phone mobile address conphone conmobile deliverunit
    contactname officephone mobilephone psnophone psnmobilephone shipaddress addcode`);

/** The same, entry; storeout has no autoid. The last row is seen in exports of newer systems (U8EAIimpRU). */
const RECORD_ENTRY = elements(`
    id autoid barcode inventorycode free1..10 shouldquantity shouldnumber quantity cmassunitname assitantunit
    assitantunitname irate number price cost plancost planprice serial makedate validdate transitionid subbillcode
    subpurchaseid position itemclasscode itemclassname itemcode itemname define22..37 subconsignmentid
    delegateconsignmentid subproducingid subcheckid cRejectCode iRejectIds cCheckPersonCode dCheckDate cCheckCode
    iMassDate ioritaxcost ioricost iorimoney ioritaxprice iorisum taxrate taxprice isum massunit
    invname vmivencode batchproperty1..10 iexpiratdatecalcu dexpirationdate cexpirationdate cbmemo`);

const TRANS_HEAD = elements(`
    btransflag accounter idepcode odepcode irdcode ordcode iwhcode inwhaddress inwhphone inwhperson owhcode outwhaddress
    outwhphone outwhperson personcode pspcode tvcode mpocode id proorderid quantity vtid date memory auditperson
    auditdate maker define1..16 free1..10 ordertype transappcode version bomid csource itransflag`);
const TRANS_ENTRY = elements(`
    id barcode inventorycode free1..10 quantity cmassunitname assitantunit assitantunitname irate number actualcost
    actualprice plancost price define22..37 subconsignmentid bvencode invouchcode imassdate serial makedate validdate
    massunit tvcode salecost saleprice mpoids rdsid itemclasscode itemclassname itemcode itemname transappids sodid
    saletype inposcode outposcode vmivencode`);

const CHECK_HEAD = elements(`
    id csource btransflag auditperson depcode irdcode ordcode whcode personcode code positioncode batch vtid date
    accountdate memory maker property accountperiod define1..16 auditdate`);
const CHECK_ENTRY = elements(`
    id barcode code inventorycode free1..10 quantity cmassunit cmassunitname assitantunit assitantunitname number
    positioncode accountquantity accountnum adjustinquantity adjustinnum adjustoutquantity adjustoutnum reasonablewaste
    actualwaste planprice plancost price cost recordsid define22..37 subconsignmentid bvencode invouchcode iMassDate
    massunit serial makedate validdate rdsid itemclasscode itemclassname itemcode itemname checkreason sodid saletype`);

export type StockTemplate = { head: readonly string[]; entry: readonly string[] };
export const STOCK_TEMPLATES: Readonly<Record<string, StockTemplate>> = {
  storein: { head: RECORD_HEAD, entry: RECORD_ENTRY },
  storeout: { head: RECORD_HEAD, entry: RECORD_ENTRY.filter((name) => name !== "autoid") },
  transvouch: { head: TRANS_HEAD, entry: TRANS_ENTRY },
  checkvouch: { head: CHECK_HEAD, entry: CHECK_ENTRY },
};

/** Template StoreQuantity.xml. */
export const STORE_QUANTITY = elements(`
    code now asked orderonroad arrivedgoods production moveonroad ordered consignment arrangedplan translation expect
    frozen disqualification useable safeline dispersion headline overtake deadline shortage`);

export type ArchiveTemplate = {
  /** what the vendor calls it, for messages */
  caption: string;
  elements: readonly string[];
  /** elements that hold the code and the name */
  code: string;
  name: string;
  /** widths of code and name in characters */
  codeLength: number;
  nameLength: number;
  required: readonly string[];
  /** fields stand in <header>, beside a <body>; otherwise directly in the entity */
  header: boolean;
};

function archive(
  caption: string,
  text: string,
  lengths: readonly [code: number, name: number],
  rest: Partial<ArchiveTemplate> = {},
): ArchiveTemplate {
  const [codeLength, nameLength] = lengths;
  return {
    caption,
    elements: elements(text),
    code: "code",
    name: "name",
    codeLength,
    nameLength,
    required: [],
    header: false,
    ...rest,
  };
}

/**
 * Element lists: the template of each name, and ccusmngtypecode, which 12.0 knows (banban-AI/U8EAI, whose author also found
 * the required fields).
 */
export const ARCHIVE_TEMPLATES: Readonly<Record<string, ArchiveTemplate>> = {
  inventory: archive(
    "存货",
    `
    code name InvAddCode specs sort_code main_supplier main_measure assist_measure switch_item inv_position
    sale_flag purchase_flag selfmake_flag prod_consu_flag in_making_flag tax_serv_flag suit_flag exchange_rate
    tax_rate unit_weight unit_volume pro_sale_price ref_cost ref_sale_price bottom_sale_price new_cost
    advance_period ecnomic_batch safe_stock top_stock bottom_stock backlog ABC_type qlty_guarantee_flag
    batch_flag entrust_flag backlog_flag start_date end_date discount_flag top_source_price quality retailprice
    price1 price2 price3 CreatePerson ModifyPerson ModifyDate subscribe_point avgquantity pricetype bfixunit
    outline inline overdate warndays expense_rate btrack bserial bbarcode barcode auth_class unitgroup_type
    unitgroup_code puunit_code saunit_code stunit_code caunit_code unitgroup_name puunit_name saunit_name
    stunit_name caunit_name puunit_ichangrate saunit_ichangrate stunit_ichangrate caunit_ichangrate
    check_frequency frequency check_day lastcheck_date wastage solitude enterprise address file brand
    checkout_no licence specialties defwarehouse salerate advanceDate currencyName ProduceAddress produceNation
    RegisterNo EnterNo PackingType EnglishName PropertyCheck PreparationType Commodity RecipeBatch NotPatentName
    cAssComunitCode ROPMethod SubscribePoint BatchRule AssureProvideDays VagQuantity TestStyle DTMethod DTRate
    DTNum DTUnit DTStyle QTMethod iPlanPolicy iROPMethod iBatchRule fBatchIncrement iAssureProvideDays
    iTestStyle iDTMethod fDTRate fDTNum cDTUnit iDTStyle iQTMethod bPlanInv bProxyForeign bATOModel bCheckItem
    bPTOModel bequipment cProductUnit fOrderUpLimit cMassUnit fRetailPrice cInvDepCode iAlterAdvance
    fAlterBaseNum cPlanMethod bMPS bROP bRePlan cSRPolicy bBillUnite iSupplyDay fSupplyMulti fMinSupply
    bCutMantissa cInvPersonCode iInvTfId cEngineerFigNo bInTotalCost iSupplyType iDTLevel cDTAQL bOutInvDT
    bPeriodDT cDTPeriod iBigMonth iBigDay iSmallMonth iSmallDay bBackInvDT iEndDTStyle bDTWarnInv fBackTaxRate
    cEnglishName cCIQCode cWGroupCode cWUnit fGrossW cVGroupCode cVUnit fLength fWidth fHeight cpurpersoncode
    cshopunit bimportmedicine bfirstbusimedicine bforeexpland cinvplancode fconvertrate dreplacedate binvmodel
    bkccutmantissa iimptaxrate iexptaxrate bexpsale idrawbatch bcheckbsatp cinvprojectcode itestrule crulecode
    bbommain bbomsub bproductbill icheckatp iinvatpid iplantfday ioverlapday fmaxsupply bpiece bsrvitem
    bsrvfittings fminsplit bspecialorder btracksalebill fbuyexcess isurenesstype idatetype idatesum
    idynamicsurenesstype ibestrowsum ipercentumsum bPUQuota bInvROHS fPrjMatLimit bPrjMat bInvAsset bSrvProduct
    iAcceptDelayDays cInvMnemCode iPlanCheckDay iMaterialsCycle idrawtype bSCkeyProjections iSupplyPeriodType
    iTimeBucketId iAvailabilityDate free_item1..10 self_define1..16 bConfigFree1..10 bcheckfree1..10`,
    [60, 255],
    { header: true, required: ["sort_code", "unitgroup_code", "main_measure"] },
  ),
  warehouse: archive(
    "仓库",
    `
    code name depart_code address phone person valuestyle whmanage ration memo barcode bmrp brop iwhproperty
    bcontrolserial bincost binavailcalcu bproxywh isaconmode iexconmode istconmode bbondedwh bwhasset fwhquota
    dWhEndDate bshop`,
    [10, 20],
    { required: ["valuestyle", "barcode"] },
  ),
  customer: archive(
    "客户",
    `
    code name abbrname sort_code domain_code industry address postcode tax_reg_code bank_open bank_acc_number
    seed_date legal_man email contact phone fax bp mobile spec_operator discount_rate credit_rank credit_amount
    credit_deadline pay_condition devliver_site deliver_mode head_corp_code deli_warehouse super_dept ar_rest
    last_tr_date last_tr_amount last_rec_date last_rec_amount end_date tr_frequency pricegrade CreatePerson
    ModifyPerson ModifyDate auth_class InvoiceCompany Credit CreditByHead CreditDate LicenceDate LicenceSDate
    LicenceEDate LicenceADays BusinessDate BusinessSDate BusinessEDate BusinessADays Proxy ProxySDate ProxyEDate
    ProxyADays Memo bLimitSale cCusCountryCode cCusEnName cCusEnAddr1 cCusEnAddr2 cCusEnAddr3 cCusEnAddr4
    cCusPortCode cPrimaryVen fCommisionRate fInsueRate bHomeBranch cBranchAddr cBranchPhone cBranchPerson
    cCusTradeCCode CustomerKCode bCusState ccusbankcode cRelVendor ccusexch_name bshop Crm_Contact_cMobilePhone
    Crm_Contact_cOfficePhone bcusdomestic bcusoverseas ccuscreditcompany ccussaprotocol ccusexprotocol
    ccusotherprotocol fcusdiscountrate ccussscode ccuscmprotocol dcuscreatedatetime cCusMnemCode
    fAdvancePaymentRatio bServiceAttribute bOnGPinStore bRequestSign self_define1..16
    ccusmngtypecode`,
    [20, 98],
    { required: ["abbrname", "sort_code", "seed_date"] },
  ),
  vendor: archive(
    "供应商",
    `
    code name abbrname sort_code domain_code industry address postcode tax_reg_code bank_open bank_acc_number
    seed_date legal_man phone fax email contact bp mobile spec_operator discount_rate credit_rank credit_amount
    credit_deadline pay_condition receive_site receive_mode head_corp_code rec_warehouse super_dept ap_rest
    last_tr_date last_tr_money last_pay_date last_pay_amount end_date tr_frequency tax_in_price_flag
    CreatePerson ModifyPerson ModifyDate auth_class barcode RegistFund EmployeeNum GradeABC Memo LicenceDate
    LicenceSDate LicenceEDate LicenceADays BusinessDate BusinessSDate BusinessEDate BusinessADays ProxyDate
    ProxySDate ProxyEDate ProxyADays PassGMP bvencargo bproxyforeign bvenservice cVenTradeCCode cvenbankcode
    cRelCustomer cvenexch_name ivengsptype ivengspauth cvengspauthno cvenbusinessno cvenlicenceno bvenoverseas
    bvenaccperiodmng cvenpuomprotocol cvenotherprotocol cvencountrycode cvenenname cvenenaddr1 cvenenaddr2
    cvenenaddr3 cvenenaddr4 cvenportcode cvenprimaryven fvencommisionrate fveninsuerate bvenhomebranch
    cvenbranchaddr cvenbranchphone cvenbranchperson cvensscode comwhcode self_define1..16`,
    [20, 98],
    { required: ["abbrname", "sort_code", "seed_date"] },
  ),
  code: archive(
    "科目",
    `
    code id type type_ename analysis_type analysis_type_ename name ename grade prop acclist_style
    acclist_style_ename ac_assist fc_name measure_unit person_acc cust_acc supplier_acc dept_acc item_acc
    item_category date_acc bank_acc sum_flag end_item_flag exchange_flag cash_acc_flag bank_acc_flag
    bacc_enable_flag bacc_balance_way bacc_begin bacc_end period_pl acc_seal_flag ctrled_acc other_use_flag
    itemtype proj_balance cashitem self_define1..16`,
    [15, 40],
    { required: ["grade", "prop"] },
  ),
  dsign: archive(
    "凭证类别",
    `
    i_id type order_code type_name other_use_flag`,
    [2, 14],
    { code: "type", name: "type_name" },
  ),
  department: archive(
    "部门",
    `
    code endflag name rank manager prop phone address remark creditline creditgrade creditdate ddepbegindate
    ddependdate vauthorizedoc vauthorizeunit cdepfax cdeppostcode cdepemail cdeptype`,
    [12, 255],
    { required: ["endflag", "rank"] },
  ),
  person: archive(
    "人员",
    `
    code name dept_code prop creditline creditdate creditgrade`,
    [20, 40],
    { required: ["dept_code"] },
  ),
  receivesendtype: archive(
    "收发类别",
    `
    code name sort rsflag end_flag oppsubject_code bRetail`,
    [5, 12],
    { required: ["rsflag", "end_flag"] },
  ),
  unit: archive(
    "计量单位",
    `
    code name group_code barcode main_flag changerate portion SerialNum censingular cenplural cunitrefinvcode`,
    [35, 20],
    { required: ["group_code"] },
  ),
  unitgroup: archive(
    "计量单位组",
    `
    code name type cgrprelinvcode`,
    [10, 20],
  ),
  inventoryclass: archive(
    "存货分类",
    `
    code name rank end_rank_flag econo_sort_code barcode`,
    [12, 20],
  ),
  customerclass: archive(
    "客户分类",
    `
    code name rank end_rank_flag`,
    [12, 20],
  ),
  vendorclass: archive(
    "供应商分类",
    `
    code name rank end_rank_flag`,
    [12, 20],
  ),
  currency: archive(
    "币种",
    `
    id code name caltype precision error otherused`,
    [8, 8],
  ),
  position: archive(
    "货位",
    `
    code name grade end_flag warehouse_code maxcubage maxweight remark barcode`,
    [20, 20],
  ),
};
