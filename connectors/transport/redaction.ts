/** Values shorter than this occur in ordinary text by chance; replacing them would garble messages. */
const SECRET_LENGTH_MIN = 4;
const MESSAGE_LENGTH_MAX = 2_000;

/** Every spelling in which a secret may come back: plain, in JSON, in a URL, in base64. */
const spellingsOf = (secret: string): readonly string[] => [
  secret,
  JSON.stringify(secret).slice(1, -1),
  encodeURIComponent(secret),
  Buffer.from(secret, "utf8").toString("base64"),
];

/** Makes a function that removes secrets from text meant for people and shortens it. */
export const redactor = (secrets: Iterable<string>): ((text: string) => string) => {
  const spellings = [...secrets]
    .filter((secret) => secret.length >= SECRET_LENGTH_MIN)
    .flatMap(spellingsOf)
    // The longer first: a secret may be part of another one.
    .sort((a, b) => b.length - a.length);
  return (text) => {
    let clean = text;
    for (const spelling of spellings) clean = clean.replaceAll(spelling, "***");
    return clean.length > MESSAGE_LENGTH_MAX ? `${clean.slice(0, MESSAGE_LENGTH_MAX)}…` : clean;
  };
};
