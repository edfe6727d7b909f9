/* What an adapter in this folder is made of. The suite itself also plays against real servers, and lies in conformance/. */
export type * from "../../conformance/office.ts";
