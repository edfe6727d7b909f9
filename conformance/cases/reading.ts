import { nextPeriod } from "../../domain/dates.ts";
import { ZERO, add, decimal, equal } from "../../domain/decimal.ts";
import { type ConformanceCase, must, mustEqual, say, unless } from "../case.ts";
import { arrive, arriveOne, dayOf, keyOf, listAll, plainDraft } from "../drafts.ts";
import type { Room } from "../office.ts";

/** A cut far below the vendor's own. */
const CUT_ROWS = 5;
const SOME = 8;

const post = (room: Room, count: number, pairs = 1) =>
  arrive(
    room,
    Array.from({ length: count }, (_, at) => plainDraft(room, `row ${at}`, { pairs })),
  );

/** Lists, balances, periods and master data. */
export const readingCases: readonly ConformanceCase[] = [
  {
    id: "list-period",
    title: say(
      "期间清单含手工凭证与我们的凭证，各一次",
      "the list of a period has ours and those of people, each once",
    ),
    unless: unless.seen,
    run: async (room) => {
      const { openPeriod } = room.facts;
      const posted = await post(room, 3);
      await room.office.write(dayOf(openPeriod), decimal("77.70"));
      await room.office.exportAgain();
      const listed = await listAll(room, openPeriod);
      mustEqual(listed.length, 4, "vouchers listed");
      for (const { key, erpId } of posted)
        mustEqual(
          listed.filter((one) => one.erpId === erpId).map((one) => key.startsWith(one.key)),
          [true],
          key,
        );
      const [byHand] = listed.filter((one) => one.key === "");
      mustEqual(
        byHand?.lines.map(({ side, amount }) => [side, decimal(amount)]),
        [
          ["debit", "77.7"],
          ["credit", "77.7"],
        ],
        "by hand",
      );
      mustEqual((await listAll(room, nextPeriod(openPeriod))).length, 0, "vouchers of the next period");
    },
  },
  {
    id: "paging",
    title: say("超过单次返回上限时逐页读全", "more than one answer holds is read page by page, to the end"),
    unless: unless.asked,
    run: async (room) => {
      const { of, max } = room.facts.page;
      const pairs = of === "lines" ? Math.min(Math.floor(room.can.linesMax / 2), Math.ceil(max / 4)) : 1;
      const count = of === "lines" ? Math.ceil((max + 1) / (pairs * 2)) + 1 : max + 2;
      const posted = await post(room, count, pairs);
      const listed = await listAll(room, room.facts.openPeriod);
      mustEqual(
        listed.map(({ erpId }) => erpId).toSorted(),
        posted.map(({ erpId }) => erpId).toSorted(),
        "vouchers listed",
      );
      must(
        listed.every(({ lines }) => lines.length === pairs * 2),
        "every voucher has all its lines",
      );
      const read = await room.target.readBack(
        room.facts.book,
        posted.map(({ erpId }) => erpId),
      );
      mustEqual(
        [read.size, [...read.values()].every(({ lines }) => lines.length === pairs * 2)],
        [count, true],
        "read back",
      );
    },
  },
  {
    id: "truncation",
    title: say(
      "结果被悄悄截断：读全或报错，绝不当作完整",
      "answers cut in silence are completed or reported, never taken for whole",
    ),
    unless: unless.asked,
    run: async (room) => {
      const posted = await post(room, SOME);
      const keys = posted.map(({ key }) => key);
      await room.office.cutAnswers(CUT_ROWS);
      const whole = async (read: () => Promise<number>): Promise<void> => {
        const size = await read().catch(() => SOME);
        mustEqual(size, SOME, "vouchers");
      };
      await whole(
        async () => (await listAll(room, room.facts.openPeriod)).filter(({ lines }) => lines.length === 2).length,
      );
      await whole(
        async () =>
          (
            await room.target.readBack(
              room.facts.book,
              posted.map(({ erpId }) => erpId),
            )
          ).size,
      );
      const { found, controlSeen } = await room.target.findByKeys(room.facts.book, keys, keys[0]);
      const lost = keys.filter((key) => found.get(key)?.kind === "absent");
      must(lost.length === 0 || !controlSeen, `${lost.length} vouchers that are there are called absent`);
    },
  },
  {
    id: "balances",
    title: say("科目余额与账上发生额一致", "account balances agree with the books"),
    unless: (can) =>
      can.readsBalances
        ? undefined
        : say("不能读余额（readsBalances=false）", "reads no balances (readsBalances: false)"),
    run: async (room) => {
      const { plainAccount, openPeriod, book } = room.facts;
      await post(room, 3, 2);
      let debit = ZERO;
      for (const { voided, lines } of await room.office.books())
        for (const line of lines)
          if (!voided && line.account === plainAccount && line.side === "debit") debit = add(debit, line.amount);
      const balance = (await room.target.balances(book, openPeriod)).find(
        ({ account, item }) => account === plainAccount && item === "",
      );
      must(balance !== undefined, `no balance of ${plainAccount}`);
      must(equal(balance.debit, debit), `debit ${balance.debit} instead of ${debit}`);
      must(equal(add(balance.opening, balance.debit), add(balance.closing, balance.credit)), "opening and closing");
    },
  },
  {
    id: "periods",
    title: say("期间的开启与结账状态可读", "open and closed periods are told apart"),
    unless: (can) => unless.asked(can) ?? unless.checked("period")(can),
    run: async (room) => {
      const { book, openPeriod, closedPeriod } = room.facts;
      const isOpen = async (): Promise<readonly (boolean | undefined)[]> => {
        const states = await room.target.periods(book);
        return [closedPeriod, openPeriod].map((period) => states.find((state) => state.period === period)?.open);
      };
      mustEqual(await isOpen(), [false, true], "before");
      await room.office.closePeriod(openPeriod);
      mustEqual(await isOpen(), [false, false], "closed");
      await room.office.openPeriod(openPeriod);
      mustEqual(await isOpen(), [false, true], "opened again");
    },
  },
  {
    id: "master-data",
    title: say("基础资料：有、无、已停用", "master data: known, unknown, forbidden"),
    unless: unless.asked,
    run: async (room) => {
      const { plainAccount } = room.facts;
      const [known] = await room.target.masterData("account", [plainAccount]);
      mustEqual([known?.code, known?.usable], [plainAccount, true], "an account that is there");
      const unknown = await room.target.masterData("account", ["9999.99"]);
      must(
        unknown.every(({ usable }) => !usable),
        "an account that is not there",
      );
      await room.office.forbid("account", plainAccount);
      const forbidden = await room.target.masterData("account", [plainAccount]);
      must(
        forbidden.every(({ usable }) => !usable),
        "an account that was forbidden",
      );
    },
  },
  {
    id: "read-back-unknown",
    title: say("回读不存在的内码：不在结果里", "read-back of an id that is gone leaves it out"),
    unless: unless.asked,
    run: async (room) => {
      const { erpId, key } = await arriveOne(room, plainDraft(room, "gone"));
      await room.office.remove(erpId);
      mustEqual((await room.target.readBack(room.facts.book, [erpId])).size, 0, "vouchers read back");
      mustEqual(
        (await room.target.findByKeys(room.facts.book, [key, keyOf(room, "x")], undefined)).found.get(key)?.kind,
        "absent",
        "look-up",
      );
    },
  },
];
