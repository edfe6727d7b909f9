import { decimal } from "../../domain/decimal.ts";
import { canHold, fitted, lengthOf, limitBroken } from "../../domain/limits.ts";
import type { VoucherDraft } from "../../domain/voucher.ts";
import { type ConformanceCase, must, mustEqual, say, unless } from "../case.ts";
import { arriveOne, creations, mustStand, plainDraft, send, stockDraft } from "../drafts.ts";
import type { Room } from "../office.ts";

/** Either it stands exactly, or it was held by name and nothing went out. */
const exactOrHeld = async (room: Room, draft: VoucherDraft): Promise<void> => {
  const wanted = limitBroken(draft, room.can);
  if (wanted === undefined) {
    const { erpId } = await arriveOne(room, draft);
    await mustStand(room, draft, erpId);
    return;
  }
  await mustBeHeld(room, draft, wanted);
};

const mustBeHeld = async (room: Room, draft: VoucherDraft, code: string): Promise<void> => {
  const before = await creations(room);
  const [outcome] = await send(room, [draft]);
  must(outcome?.kind === "held", `outcome ${outcome?.kind}`);
  mustEqual(outcome.code, code, "code");
  mustEqual(await creations(room), before, "requests that create");
};

const texts: readonly (readonly [id: string, zh: string, en: string, text: string])[] = [
  ["chinese", "中文摘要", "Chinese text", "暂估入库（原材料）：镕基、喆、㎡、①、【批次】"],
  ["quotes", "引号、反斜杠与百分号", "quotes, backslashes and percent signs", `'单' "双" \\ % _ [a] ; -- ''`],
  ["markup", "尖括号与 &", "angle brackets and ampersands", "<b>&amp; & < > ]]> <!-- </entry> &#65;"],
  ["emoji", "表情符号", "emoji", "入库 📦✅ 👨‍👩‍👧"],
  ["four-byte", "四字节汉字", "characters of four bytes", "𠮷野家 𣗋 𪚥"],
  ["spaces", "内部空格与全角空格", "inner and ideographic spaces", "a  b　c"],
];

/** Text and numbers arrive exactly, or are held by name before anything is sent. */
export const valueCases: readonly ConformanceCase[] = [
  ...texts.map(
    ([id, zh, en, text]): ConformanceCase => ({
      id: `text-${id}`,
      title: say(`摘要原样保存：${zh}`, `summaries arrive as they are: ${en}`),
      run: async (room) => {
        const kept = shortest(room, text);
        await exactOrHeld(room, plainDraft(room, id, { summary: kept }));
      },
    }),
  ),
  {
    id: "summary-longest",
    title: say("最长摘要完整保存，更长的可见地截断", "the longest summary is kept, a longer one is shortened visibly"),
    run: async (room) => {
      const { summaryMax, text } = room.can;
      const unit = text.measure === "gbk-bytes" ? 2 : 1;
      await exactOrHeld(room, plainDraft(room, "longest", { summary: "库".repeat(Math.floor(summaryMax / unit)) }));
      const long = plainDraft(room, "longer", { summary: `${"存".repeat(summaryMax)}尾` });
      const [line] = fitted(long, room.can).lines;
      must(line?.summary.endsWith("…") === true && lengthOf(line.summary, text) <= summaryMax, "shortened visibly");
      await exactOrHeld(room, long);
    },
  },
  {
    id: "summary-cut-whole",
    title: say("截断摘要不会切开四字节字符", "shortening cuts no character of four bytes in two"),
    unless: ({ text }) =>
      canHold("𠮷", text)
        ? undefined
        : say(
            `不能保存四字节字符（text.repertoire=${text.repertoire}）`,
            `keeps no characters of four bytes (text.repertoire: ${text.repertoire})`,
          ),
    run: async (room) => {
      await exactOrHeld(room, plainDraft(room, "cut even", { summary: "𠮷".repeat(room.can.summaryMax) }));
      await exactOrHeld(room, plainDraft(room, "cut odd", { summary: `a${"𠮷".repeat(room.can.summaryMax)}` }));
    },
  },
  {
    id: "amount-12-digits",
    title: say("十二位金额分毫不差，超出则按名搁置", "amounts of 12 digits are exact, or held by name"),
    run: async (room) => {
      for (const amount of ["9999999999.99", "123456789012.34", "999999999999.99"])
        await exactOrHeld(room, plainDraft(room, amount, { amount }));
    },
  },
  {
    id: "amount-largest",
    title: say("声明的最大位数可用，多一位则搁置", "the declared number of digits works, one more is held"),
    run: async (room) => {
      const digits = Math.min(room.can.amountDigits, LARGEST_DIGITS);
      await exactOrHeld(room, plainDraft(room, "largest", { amount: `${"9".repeat(digits)}.99` }));
      await mustBeHeld(
        room,
        plainDraft(room, "too large", { amount: `${"9".repeat(room.can.amountDigits + 1)}.99` }),
        "LIMIT_DIGITS",
      );
    },
  },
  {
    id: "amount-decimals",
    title: say("金额小数位超限：发送前按名搁置", "an amount with too many decimals is held before it is sent"),
    run: (room) =>
      mustBeHeld(
        room,
        plainDraft(room, "fine", { amount: `1.${"0".repeat(room.can.amountDecimals)}1` }),
        "LIMIT_DECIMALS",
      ),
  },
  {
    id: "quantity-6-decimals",
    title: say("六位小数数量分毫不差，超出则按名搁置", "quantities of six decimals are exact, or held by name"),
    unless: unless.quantities,
    run: async (room) => {
      for (const quantity of ["0.000001", "1234.567891", "10.5"]) {
        const draft = stockDraft(room, quantity, quantity, "88.88");
        must(draft !== undefined, "the bench has no stock account");
        await exactOrHeld(room, draft);
      }
    },
  },
  {
    id: "quantity-decimals",
    title: say("数量小数位超限：发送前按名搁置", "a quantity with too many decimals is held before it is sent"),
    unless: unless.quantities,
    run: async (room) => {
      const draft = stockDraft(room, "fine", `1.${"0".repeat(room.can.quantityDecimals)}1`, "1.00");
      must(draft !== undefined, "the bench has no stock account");
      await mustBeHeld(room, draft, "LIMIT_DECIMALS");
    },
  },
  {
    id: "too-many-lines",
    title: say("行数超限：发送前按名搁置", "too many lines are held before anything is sent"),
    run: (room) =>
      mustBeHeld(room, plainDraft(room, "long", { pairs: Math.floor(room.can.linesMax / 2) + 1 }), "LIMIT_LINES"),
  },
  {
    id: "limits-behind-our-back",
    title: say(
      "绕过检查直接发送超限凭证，也不会被误记",
      "what is beyond the limits and sent all the same is never falsely posted",
    ),
    unless: unless.online,
    run: async (room) => {
      const draft = plainDraft(room, "raw");
      const lines = draft.lines.map((line) => ({
        ...line,
        amount: decimal(`1.${"0".repeat(room.can.amountDecimals)}1`),
      }));
      const [outcome] = await room.target.post([{ ...draft, lines }], new Date(Date.now() + 20_000));
      must(outcome?.kind !== "posted", "posted, although the ERP keeps fewer decimals");
    },
  },
];

const LARGEST_DIGITS = 15;

/** As much of the text as the ledger's summary has room for, without cutting a character. */
const shortest = (room: Room, text: string): string => {
  let kept = "";
  for (const character of text) {
    if (lengthOf(kept + character, room.can.text) > room.can.summaryMax) break;
    kept += character;
  }
  return kept;
};
