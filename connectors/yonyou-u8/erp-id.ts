import { Period } from "../../domain/dates.ts";
import { PostingKey } from "../../domain/posting-key.ts";

/**
 * What names a voucher in U8: year, period, 凭证类别字 and 凭证号. 凭证整理 renumbers, and no interface shows an id that lasts;
 * so a voucher of ours is named by its external number as well, and that one finds it wherever it went.
 */
export interface VoucherName {
  readonly period: Period;
  /** 凭证类别字 as U8 has it. */
  readonly sign: string;
  readonly number: string;
  /** Our key, or "". */
  readonly key: string;
}

const SEPARATOR = ":";

export const erpIdOf = ({ period, sign, number, key }: VoucherName): string =>
  [period, sign, number, ...(key === "" ? [] : [key])].join(SEPARATOR);

/** undefined where the text is no id of this connector's. */
export const voucherNameIn = (erpId: string): VoucherName | undefined => {
  const [period, sign, number, key = "", ...rest] = erpId.split(SEPARATOR);
  const of = Period.safeParse(period);
  if (!of.success || sign === undefined || number === undefined || !/^\d{1,6}$/.test(number) || rest.length > 0)
    return undefined;
  return { period: of.data, sign, number, key };
};

/** U8's own modules fill the external number as well ("GL0000000000012"): only what looks like a key is one. */
export const keyIn = (externalNumber: string): string => {
  const parsed = PostingKey.safeParse(externalNumber.trim().toLowerCase());
  return parsed.success ? parsed.data : "";
};
