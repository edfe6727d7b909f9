import { ZhangshiError } from "../../domain/errors.ts";
import type { Exchange, VendorHttp, VendorRequest } from "../transport/vendor-http.ts";
import { replyIn, itemsOf, textOfItems } from "./eai-replies.ts";
import { gbkXml, xmlText } from "./encoding.ts";
import { problemIn } from "./errors.ts";
import type { YonyouU8Settings } from "./settings.ts";
import { type XmlElement, childrenOf, writeXml } from "./xml.ts";

/** After a refused registration code nobody asks again for so long. */
const REFUSED_PAUSE_MS = 5 * 60_000;
const SHOWN = 500;

/** A condition of a query: a column of the database, not an element of the template (EAI knowledge base, reference §2.6.5). */
export interface Condition {
  readonly column: string;
  readonly operation: "=" | "<>" | ">" | ">=" | "<" | "<=";
  readonly value: string;
  /** How the next condition is joined. */
  readonly join?: "and" | "or";
}

export interface EaiIdentity {
  /** 系统编码 of 外部系统注册: it selects the 账套, and whoever knows it may read and write there. */
  readonly sender: string;
  /** Only where IIS asks for a log-in of its own. */
  readonly iis: { readonly user: string; readonly password: string } | undefined;
}

/** EAI over HTTP: one address, one XML document each way. */
export class EaiChannel {
  readonly #http: VendorHttp;
  readonly #identity: EaiIdentity;
  readonly #settings: YonyouU8Settings;
  readonly #now: () => Date;
  #refusal: { readonly until: number; readonly message: string } | undefined;
  /** True once the server took the registration code. */
  #accepted = false;
  /** "Date" of the last answer. */
  #dateHeader = "";

  constructor(http: VendorHttp, identity: EaiIdentity, settings: YonyouU8Settings, now: () => Date) {
    this.#http = http;
    this.#identity = identity;
    this.#settings = settings;
    this.#now = now;
  }

  get sender(): string {
    return this.#identity.sender;
  }

  get dateHeader(): string {
    return this.#dateHeader;
  }

  /**
   * Sent once. A registration code that the server has not taken yet is tried on a question first: that way a wrong one never
   * looks like a voucher that was sent.
   */
  async write(
    document: string,
    deadlineAt: Date,
  ): Promise<Exchange | { readonly kind: "not-logged-in"; readonly message: string }> {
    if (!this.#accepted) {
      const refusal = await this.refusal();
      if (refusal !== undefined) return { kind: "not-logged-in", message: refusal };
    }
    return this.#noted(await this.#http.write(this.#request("add", document), deadlineAt));
  }

  /** Asks for nothing, to see whether the server knows us. @returns its words where it does not */
  async refusal(): Promise<string | undefined> {
    try {
      const [sign = ""] = Object.values(this.#settings.words);
      await this.query("dsign", [{ column: "csign", operation: "=", value: sign }]);
    } catch (error) {
      if (!(error instanceof ZhangshiError)) throw error;
      if (error.code === "LOGIN_REFUSED") return error.details["message"] ?? error.message;
    }
    return undefined;
  }

  /**
   * Entities under conditions. @param entity  the roottag, which is the name of each entity as well
   * @throws ZhangshiError LOGIN_REFUSED, NOT_REACHABLE, PERMISSION_DENIED, READ_FAILED
   */
  async query(entity: string, conditions: readonly Condition[]): Promise<readonly XmlElement[]> {
    const document = writeXml(
      {
        ufinterface: {
          "@sender": this.#identity.sender,
          "@receiver": "u8",
          "@roottag": entity,
          "@docid": "",
          "@proc": "Query",
          "@codeexchanged": this.#settings.eai.codeExchanged,
          "@exportneedexch": this.#settings.eai.codeExchanged,
          [entity]: {
            "@importfile": "",
            "@exportfile": "",
            "@code": this.#identity.sender,
            "@bincrementout": "n",
            field: conditions.map(({ column, operation, value, join }, index) => ({
              "@display": column,
              "@name": column,
              "@operation": operation,
              "@value": value,
              "@logic": index === conditions.length - 1 ? "" : (join ?? "and"),
            })),
          },
        },
      },
      this.#settings.eai.encoding,
    );
    const root = await this.#read("query", entity, document);
    if ((root.attributes["roottag"] ?? "").toLowerCase() !== entity.toLowerCase()) throw this.#failure(entity, root);
    // Only entities of the template may stand here; anything else is no answer to this question.
    const strange = root.children.find(({ name }) => name !== entity);
    if (strange !== undefined) throw this.#failure(entity, root);
    return root.children;
  }

  /** Rows of a SELECT; columns that are NULL are missing (EAI knowledge base, reference §2.9). Literals are quoted by the caller. */
  async sql(statement: string): Promise<readonly Readonly<Record<string, string>>[]> {
    const document = writeXml(
      {
        ufinterface: {
          "@sender": this.#identity.sender,
          "@receiver": "u8",
          "@roottag": "SQLEXE",
          "@proc": "row",
          "@codeexchanged": "n",
          sql: { "@value": statement },
        },
      },
      this.#settings.eai.encoding,
    );
    const root = await this.#read("sql", "SQLEXE", document);
    const [set] = childrenOf(root, "NewDataSet");
    if ((root.attributes["roottag"] ?? "").toUpperCase() !== "SQLEXE" || set === undefined)
      throw this.#failure("SQLEXE", root);
    return childrenOf(set, "row").map(({ children }) =>
      Object.fromEntries(children.map(({ name, text }) => [name.toLowerCase(), text])),
    );
  }

  async #read(lane: string, asked: string, document: string): Promise<XmlElement> {
    const now = this.#now().getTime();
    if (this.#refusal !== undefined && now < this.#refusal.until)
      throw new ZhangshiError("LOGIN_REFUSED", { asked, message: this.#refusal.message });
    const answer = this.#noted(await this.#http.read(this.#request(lane, document)));
    if (answer.kind === "not-sent") throw new ZhangshiError(answer.code, { asked, message: answer.message });
    if (answer.kind !== "answered") throw new ZhangshiError("READ_FAILED", { asked, message: answer.message });
    if (answer.status === 401) throw this.#refused(asked, "HTTP 401");
    const failed = (message: string): ZhangshiError =>
      new ZhangshiError("READ_FAILED", { asked, message: this.#http.redact(message) });
    if (answer.status !== 200) throw failed(`HTTP ${answer.status} ${answer.text.slice(0, SHOWN)}`);
    const reply = replyIn(answer.text);
    if (reply.kind === "none") throw failed(reply.message);
    const items = itemsOf(reply.root) ?? [];
    const failures = items.filter(({ succeed }) => succeed.trim() !== "0");
    if (failures.length > 0) {
      const message = textOfItems(failures);
      const { code } = problemIn(message);
      if (code === "LOGIN_REFUSED") throw this.#refused(asked, message);
      throw new ZhangshiError(code === "PERMISSION_DENIED" ? code : "READ_FAILED", {
        asked,
        message: this.#http.redact(message),
      });
    }
    this.#accepted = true;
    return reply.root;
  }

  #refused(asked: string, message: string): ZhangshiError {
    this.#accepted = false;
    this.#refusal = { until: this.#now().getTime() + REFUSED_PAUSE_MS, message: this.#http.redact(message) };
    return new ZhangshiError("LOGIN_REFUSED", { asked, message: this.#refusal.message });
  }

  #failure(asked: string, root: XmlElement): ZhangshiError {
    const message = `a reply of kind ${root.attributes["roottag"] ?? ""} with ${root.children[0]?.name ?? "nothing"}`;
    return new ZhangshiError("READ_FAILED", { asked, message });
  }

  #request(lane: string, document: string): VendorRequest {
    const { path, contentType, encoding } = this.#settings.eai;
    const { iis } = this.#identity;
    const basic =
      iis === undefined
        ? {}
        : { Authorization: `Basic ${Buffer.from(`${iis.user}:${iis.password}`).toString("base64")}` };
    return {
      lane,
      path,
      body: encoding === "utf-8" ? document : gbkXml(document),
      headers: () => ({ "Content-Type": contentType, ...basic }),
      answer: "text",
      decode: xmlText,
    };
  }

  #noted(answer: Exchange): Exchange {
    if (answer.kind === "answered") this.#dateHeader = answer.headers["date"] ?? "";
    return answer;
  }
}
