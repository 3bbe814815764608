// HTML documents by name in; out, by name, each feature that a mail program does not support at all
// and how many of the programs asked do not (Can I email's data, which the package carries).
import { text } from "node:stream/consumers";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const place = createRequire(`${process.env.JUDGES}/package.json`).resolve("caniemail");
const { caniemail, rawData } = await import(pathToFileURL(place));
const clients = ["gmail.*", "outlook.*", "apple-mail.*", "yahoo.*", "samsung-email.*"];
const found = {};
for (const [name, html] of Object.entries(JSON.parse(await text(process.stdin)))) {
  const { issues } = caniemail({ clients, html });
  const missing = {};
  for (const [client, list] of issues.errors)
    for (const { title } of list) (missing[title] ??= new Set()).add(client);
  found[name] = Object.fromEntries(Object.entries(missing).map(([k, v]) => [k, [...v]]));
}
console.log(JSON.stringify({ found, date: rawData.last_update_date }));
