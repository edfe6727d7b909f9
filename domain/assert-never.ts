/** Closes a `switch` over a union: the compiler names the case that was forgotten. */
export const assertNever = (value: never): never => {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
};
