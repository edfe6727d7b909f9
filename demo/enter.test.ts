import { expect, test } from "vitest";
import { parseInstallation } from "../config/installation.ts";
import { createJiandaoyun } from "../connectors/jiandaoyun/connector.ts";
import { JiandaoyunSettings } from "../connectors/jiandaoyun/settings.ts";
import { startJiandaoyun } from "../simulators/jiandaoyun/server.ts";
import { startKingdeeCloud } from "../simulators/kingdee-cloud/server.ts";
import { demoCompany } from "./company.ts";
import { documentForms } from "./document.ts";
import { enterCompany } from "./enter.ts";
import { demoInstallationYaml } from "./installation.ts";
import { codeRowsOf } from "./kingdee-office.ts";
import { plantBefore } from "./planted/before.ts";

test("a second entry enters nothing, also when people deleted something in between; another seed is refused", async () => {
  await withSimulators(async (addresses, { dump }) => {
    const { company, ...book } = plantBefore(demoCompany(5), 5);
    const first = await enterCompany(company, addresses, 5, book);
    expect(first.records).toBe(company.documents.length + company.items.length + company.balances.length);
    const [document] = company.documents.filter(({ form }) => form === "purchase-receipt");
    if (document === undefined) throw new Error("no receipt");
    await first.office.remove(document);
    const before = dump();
    const second = await enterCompany(company, addresses, 5, book);
    expect(second.records).toBe(0);
    expect(second.office.appId).toBe(first.office.appId);
    expect(dump()).toBe(before);
    await expect(enterCompany(demoCompany(6), addresses, 6)).rejects.toThrow("seed 5");
  });
}, 60_000);

test("an entry that broke off is completed, not repeated", async () => {
  await withSimulators(async (addresses, { breakEntryLog, dump }) => {
    const company = demoCompany(7);
    const { records } = await enterCompany(company, addresses, 7);
    const before = dump();
    breakEntryLog();
    expect((await enterCompany(company, addresses, 7)).records).toBe(0);
    expect(dump()).toBe(before);
    expect(records).toBeGreaterThan(0);
  });
}, 60_000);

test("the ERP's book takes the month, not the month before, and lacks what is to be missing", async () => {
  await withSimulators(async (addresses, { closedThrough, item }) => {
    const { company, ...book } = plantBefore(demoCompany(2), 2);
    await enterCompany(company, addresses, 2, { ...book, missingItems: ["SP-1002"], forbiddenItems: ["SP-1003"] });
    expect(closedThrough("001")).toBe("2025-02");
    expect(item("SP-1002")).toBe("absent");
    expect(item("SP-1003")).toBe("B");
    expect(item("007")).toBe("A");
    expect(codeRowsOf(company, ["SP-1002"]).some(({ code }) => code === "SP-1002")).toBe(false);
  });
}, 60_000);

test("the installation is one that the product accepts, down to the fields of every form", async () => {
  await withSimulators(async (addresses) => {
    const company = demoCompany(1);
    const { office } = await enterCompany(company, addresses, 1);
    const yaml = demoInstallationYaml([{ company, office }], {
      jiandaoyun: addresses.jiandaoyun.baseUrl,
      kingdee: `${addresses.kingdeeOrigin}/k3cloud/`,
    });
    const installation = parseInstallation(yaml, "demo.yaml");
    expect(installation.ledgers.map(({ book }) => book)).toEqual(["001"]);
    expect(Object.keys(JiandaoyunSettings.parse(installation.sources[0]?.settings).forms)).toHaveLength(19);
    expect(yaml).not.toContain(addresses.jiandaoyun.apiKey);
  });
}, 60_000);

test("the product reads every line, item and balance of the month as entered, without a single problem", async () => {
  await withSimulators(async (addresses) => {
    const { company } = plantBefore(demoCompany(3), 3);
    const { office } = await enterCompany(company, addresses, 3);
    const { baseUrl, apiKey } = addresses.jiandaoyun;
    const yaml = demoInstallationYaml([{ company, office }], {
      jiandaoyun: baseUrl,
      kingdee: `${addresses.kingdeeOrigin}/k3cloud/`,
    });
    const source = createJiandaoyun(parseInstallation(yaml, "demo.yaml").sources[0]?.settings, {
      connection: "jdy",
      baseUrl,
      secrets: { apiKey },
      pacer: { permit: async () => undefined },
      now: () => new Date(),
      log: (message) => expect(message).toBe("nothing was left out"),
    });
    const lines = new Map<string, number>();
    for (const form of source.forms) {
      const { records, last } = await source.readPage(form, "", 1_000);
      expect(last).toBe(true);
      expect(records.flatMap(({ problems }) => problems)).toEqual([]);
      lines.set(
        form,
        records.reduce((sum, { movements, counts }) => sum + movements.length + counts.length, 0),
      );
    }
    for (const form of documentForms) {
      const entered = company.documents.filter((document) => document.form === form);
      expect(lines.get(form)).toBe(entered.reduce((sum, document) => sum + document.lines.length, 0));
    }
    expect(await countOf(source.items())).toBe(company.items.length);
    expect(await countOf(source.balances())).toBe(company.balances.length);
    await source.close();
  });
}, 60_000);

async function countOf(rows: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _row of rows) count += 1;
  return count;
}

interface Look {
  /** Every record except the entry log. */
  readonly dump: () => string;
  readonly breakEntryLog: () => void;
  readonly closedThrough: (book: string) => string | undefined;
  /** "A" usable, "B" forbidden. */
  readonly item: (number: string) => string;
}

async function withSimulators(
  run: (addresses: Parameters<typeof enterCompany>[1], look: Look) => Promise<void>,
): Promise<void> {
  const jiandaoyun = await startJiandaoyun({ seed: 1, switches: { rates: "off" } });
  const kingdee = await startKingdeeCloud({ seed: 1 });
  try {
    const tables = () => [...jiandaoyun.store.tables.values()];
    const look: Look = {
      dump: () =>
        JSON.stringify(
          tables()
            .filter(({ form }) => form.name !== "录入记录")
            .map(({ form, live }) => [form.name, [...live.values()]]),
        ),
      breakEntryLog: () => {
        for (const table of tables().filter(({ form }) => form.name === "录入记录")) {
          jiandaoyun.store.commit(
            [...table.live.values()].map(
              (record) => ({ kind: "removal", entryId: table.form.entryId, record, at: 0 }) as const,
            ),
          );
        }
      },
      closedThrough: (book) => kingdee.world.ledger.books.get(book)?.closedThrough,
      item: (number) => kingdee.world.base.find("BD_MATERIAL", number, "100")?.forbidStatus ?? "absent",
    };
    await run(
      {
        jiandaoyun: { baseUrl: jiandaoyun.baseUrl, apiKey: jiandaoyun.credentials.apiKey },
        kingdeeOrigin: kingdee.origin,
      },
      look,
    );
  } finally {
    await jiandaoyun.close();
    await kingdee.close();
  }
}
