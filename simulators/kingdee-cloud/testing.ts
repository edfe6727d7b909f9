/** A small caller for the tests of this simulator: session log-in, JSON bodies, answers as plain values. */

import { z } from "zod";
import type { KingdeeCloud } from "./server.ts";

export const FORM_SERVICE = "Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.";
export const AUTH_SERVICE = "Kingdee.BOS.WebApi.ServicesStub.AuthService.";

export const Status = z.object({
  Result: z.object({
    ResponseStatus: z.object({
      IsSuccess: z.boolean(),
      MsgCode: z.number(),
      Errors: z.array(z.object({ FieldName: z.string().nullable(), Message: z.string(), DIndex: z.number() })),
      SuccessEntitys: z.array(z.object({ Id: z.number(), Number: z.string(), DIndex: z.number() })),
    }),
    NeedReturnData: z.array(z.record(z.string(), z.unknown())).optional(),
  }),
});
export const Rows = z.array(z.array(z.unknown()));

export type Client = {
  /** the raw answer */
  post(
    service: string,
    body: unknown,
    headers?: Record<string, string>,
  ): Promise<{ status: number; text: string; headers: Headers }>;
  /** a write on GL_VOUCHER (or another form), its ResponseStatus flattened */
  write(method: string, data: unknown, formId?: string): Promise<WriteAnswer>;
  query(data: Record<string, unknown>): Promise<unknown[][]>;
  person(act: string, body?: unknown): Promise<Record<string, unknown>>;
};

export type WriteAnswer = {
  ok: boolean;
  msgCode: number;
  messages: string[];
  ids: number[];
  numbers: string[];
  returned: Record<string, unknown>[];
};

export async function send(
  simulator: KingdeeCloud,
  service: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; text: string; headers: Headers }> {
  const response = await fetch(`${simulator.baseUrl}${service}.common.kdsvc`, {
    method: "POST",
    body: typeof body === "string" ? body : JSON.stringify(body),
    headers,
  });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

export async function logIn(simulator: KingdeeCloud, as: "maker" | "auditor" = "maker"): Promise<Client> {
  const { credentials } = simulator;
  const user = as === "maker" ? credentials.userName : credentials.auditorUserName;
  const password = as === "maker" ? credentials.password : credentials.auditorPassword;
  const login = await send(simulator, `${AUTH_SERVICE}ValidateUser`, {
    parameters: [credentials.acctId, user, password, 2052],
  });
  const cookie = (login.headers.getSetCookie().at(0) ?? "").split(";").at(0) ?? "";
  const post: Client["post"] = (service, body, headers) =>
    send(simulator, service, body, { Cookie: cookie, ...headers });
  return {
    post,
    write: async (method, data, formId = "GL_VOUCHER") => {
      const { text } = await post(FORM_SERVICE + method, { formid: formId, data });
      const { ResponseStatus, NeedReturnData } = Status.parse(JSON.parse(text)).Result;
      return {
        ok: ResponseStatus.IsSuccess,
        msgCode: ResponseStatus.MsgCode,
        messages: ResponseStatus.Errors.map(({ Message }) => Message),
        ids: ResponseStatus.SuccessEntitys.map(({ Id }) => Id),
        numbers: ResponseStatus.SuccessEntitys.map(({ Number: number }) => number),
        returned: NeedReturnData ?? [],
      };
    },
    query: async (data) => {
      const { text } = await post(`${FORM_SERVICE}ExecuteBillQuery`, { data: { FormId: "GL_VOUCHER", ...data } });
      return Rows.parse(JSON.parse(text));
    },
    person: async (act, body) => {
      const request = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
      const response = await fetch(`${simulator.origin}/_person/${act}`, request);
      return z.record(z.string(), z.unknown()).parse(await response.json());
    },
  };
}

/** A receipt of goods without invoice: 1405 against 2202.02. */
export function receipt(
  key: string,
  change: Record<string, unknown> = {},
  amount: number | string = "128.50",
): Record<string, unknown> {
  return {
    FVOUCHERID: 0,
    FAccountBookID: { FNumber: "001" },
    FDate: "2025-01-31",
    FVOUCHERGROUPID: { FNumber: "PRE001" },
    FVOUCHERGROUPNO: "",
    F_ZS_ExtNo: key,
    FEntity: [
      {
        FEXPLANATION: `暂估入库 ${key}`,
        FACCOUNTID: { FNumber: "1405" },
        FDetailID: { FDETAILID__FFLEX8: { FNumber: "M-001" } },
        FUnitId: { FNUMBER: "Pcs" },
        FQty: 10,
        FDEBIT: amount,
        FCREDIT: 0,
      },
      {
        FEXPLANATION: `暂估入库 ${key}`,
        FACCOUNTID: { FNumber: "2202.02" },
        FDetailID: { FDETAILID__FFLEX4: { FNumber: "VEN001" } },
        FDEBIT: 0,
        FCREDIT: amount,
      },
    ],
    ...change,
  };
}
