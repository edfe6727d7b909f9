/** Receives one sentence per step that takes noticeable time. Say nothing by passing `silent`. */
export type Progress = (message: string) => void;

export const silent: Progress = () => undefined;
