/** Groups by a text, in the order of first appearance. (Map.groupBy came with Node 21.) */
export const groupBy = <T>(values: readonly T[], textOf: (value: T) => string): ReadonlyMap<string, readonly T[]> => {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const text = textOf(value);
    const group = groups.get(text);
    if (group === undefined) groups.set(text, [value]);
    else group.push(value);
  }
  return groups;
};
