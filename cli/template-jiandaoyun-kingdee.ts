/** What `zhangshi init` writes: a warehouse in 简道云, books in 金蝶云星空. Every value to be replaced is marked ←. */
export const template = `# 账实的配置：简道云（仓库）→ 金蝶云星空（账簿）。Zhangshi's configuration: Jiandaoyun (warehouse) → Kingdee 云星空 (books).
# 标 ← 的值需要改成贵公司的。改完运行： Replace the values marked ←, then run:
#   zhangshi apply --dry-run      校验并显示计划  validates and shows the plan
#   zhangshi apply                保存为新版本    stores it as a new version
#   zhangshi check warehouse      逐步检查连接    checks a connection step by step
#   zhangshi check erp
# 本文件不含密钥，只写密钥在哪里： env:变量名 或 file:路径。 No secret belongs here, only its place: env:NAME or file:PATH.

connections:
  - name: warehouse
    vendor: jiandaoyun
    baseUrl: https://api.jiandaoyun.com
    secrets:
      # 简道云 → 开放平台 → 密钥管理。 Open platform → API keys.
      apiKey: env:JIANDAOYUN_API_KEY
      # 只有使用数据推送时才需要（表单 → 扩展功能 → 数据推送）。 Only where data pushes are used.
      # webhookSecret: env:JIANDAOYUN_WEBHOOK_SECRET

  - name: erp
    vendor: kingdee-cloud
    # 星空地址，以 /k3cloud/ 结尾。 Ends in /k3cloud/.                                             ←
    baseUrl: https://erp.example.com/k3cloud/
    settings:
      # signed：第三方系统登录授权（推荐）；session：用户名加密码。 signed: header signature (recommended); session: user and password.
      authentication: signed
      # 凭证单据头上的自定义文本字段（至少 26 位），由管理员在 BOS 中新增。 Custom text field on the voucher head, 26 characters or more. ←
      keyField: F_ZS_ExtNo
      # 账簿编码 → 组织编码。 Account book → organisation.                                          ←
      books: { "001": "100" }
    secrets:
      # 星空 → 系统管理 → 第三方系统登录授权。 System administration → authorised third-party systems.
      acctId: env:KINGDEE_ACCT_ID
      userName: env:KINGDEE_USER
      appId: env:KINGDEE_APP_ID
      appSecret: env:KINGDEE_APP_SECRET
      # 审核人与制单人必须不同时。 Where the auditor must be another person than the maker.
      # auditorUserName: env:KINGDEE_AUDITOR_USER
      # auditorPassword: env:KINGDEE_AUDITOR_PASSWORD

companies:
  - code: main
    name: 示例公司 # ←
    zone: Asia/Shanghai
    # CAS：企业会计准则；SME：小企业会计准则。 Which of the two accounting standards.                ←
    standard: CAS
    # 小规模纳税人：采购进项税额计入成本。 A small-scale taxpayer's purchase VAT is cost.
    # vat: small-scale

sources:
  - code: warehouse
    company: main
    connection: warehouse
    settings:
      # 应用与表单的编号在浏览器地址里，24 位。 Ids of application and form: 24 characters, in the browser's address. ←
      appId: "000000000000000000000001"
      forms:
        # 名称由您定；每张单据表单一段。 One section per form; the names are yours.
        purchase-receipt:
          entryId: "000000000000000000000002" # ←
          carries: movements
          constants: { kind: purchase-receipt }
          # 我们的名称 → 表单字段别名。 Our name → alias of the form's field.                      ←
          fields:
            documentNumber: document_number
            happenedAt: happened_at
            warehouse: warehouse
            partner: supplier
            invoiced: invoiced
          lines:
            subform: lines
            fields: { item: item, batch: batch, unit: unit, quantity: quantity, amount: amount, taxAmount: tax_amount }
        sales-issue:
          entryId: "000000000000000000000003" # ←
          carries: movements
          constants: { kind: sales-issue }
          fields: { documentNumber: document_number, happenedAt: happened_at, warehouse: warehouse, partner: customer }
          lines:
            subform: lines
            fields: { item: item, batch: batch, unit: unit, quantity: quantity, salesAmount: sales_amount, taxAmount: tax_amount }
        # 一张表单有多种业务时：字段 kind 说明业务类型，kinds 把表单里的词对应到异动类型。
        # One form for several kinds: the field kind says which; kinds translates the form's own words. 全部类型 All kinds:
        # opening purchase-receipt purchase-invoice purchase-return sales-issue sales-return transfer production-issue
        # production-receipt subcontract-issue subcontract-receipt subcontract-fee count-gain count-loss scrap
        # status-change provision
        other-movements:
          entryId: "000000000000000000000005" # ←
          carries: movements
          kinds: { 期初: opening, 调拨: transfer, 采购退货: purchase-return, 盘盈: count-gain, 盘亏: count-loss, 报废: scrap }
          fields:
            kind: document_type
            documentNumber: document_number
            happenedAt: happened_at
            warehouse: warehouse
            counterWarehouse: counter_warehouse
            partner: partner
            department: department
            cause: cause
          lines:
            subform: lines
            fields: { item: item, batch: batch, unit: unit, quantity: quantity, amount: amount, taxAmount: tax_amount }
        # 商品主数据：计量单位与换算。 Item master: units.
        items:
          entryId: "000000000000000000000004" # ←
          carries: items
          fields: { item: item_code, name: item_name, itemClass: item_class, unit: unit }

ledgers:
  - code: main
    company: main
    connection: erp
    # 星空的账簿编码与凭证字。 The account book's code in the ERP, and the voucher word.             ←
    book: "001"
    word: 记
    currency: CNY
    # 凭证在 ERP 中走到哪一步：saved、submitted、audited。 How far a voucher goes in the ERP.
    targetStage: audited
    # 暂估方式：month-start-reversal 月初回冲；reverse-on-invoice 单到回冲；difference-on-invoice 单到补差。
    # ERP 里不要再设自动回冲。 Exactly one side reverses estimates: switch it off in the ERP.
    estimateStyle: reverse-on-invoice
    # 期间已结账时：hold 挂起；next-open 记入下一期间并标“补记”；ask 由主管决定。 When the period is closed.
    closedPeriod: hold
    # 凭证合并：document 每单一张；day 每日；period 每期间。 One voucher per document, day or period.
    grouping: document
    # 自己的记账规则与科目表（本文件旁的 YAML），缺省按会计准则自带；apply 时检查并随版本保存，之后改动文件须再次 apply。
    # Own rule pack and chart, files beside this one; without them those of the standard. apply checks and keeps them.
    # rulePack: rules.yaml
    # chart: accounts.yaml
    # 移动加权平均的范围：company 全公司；warehouse 每仓库；或分组 {groups: {东部: [CK01, CK02]}}。 Scope of the moving average.
    averagingScope: company
    # 无金额的产成品、委外入库何时取得订单成本：on-receipt 入库时（默认）；at-period-end 月末；by-document 只按单据金额。
    # When a product without an amount gets its share of its order's cost.
    # productValue: on-receipt
    # identity：两边编码相同；table：用对照表，见 zhangshi codes export。 identity: same codes on both sides; table: translated.
    codeTables:
      item: identity
      unit: table
      warehouse: identity
      supplier: identity
      customer: identity
      department: identity
      order: identity
      batch: identity
      word: identity
    # true：凭证先经人工批准再过账。 true: a person approves vouchers before they are sent.
    approval: false
`;
