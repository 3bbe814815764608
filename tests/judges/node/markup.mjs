// HTML documents by name in, what html-validate says of each out. The switches are in markup.json,
// each with its reason.
import { readFileSync } from "node:fs";
import { text } from "node:stream/consumers";
import { createRequire } from "node:module";

const { HtmlValidate } = createRequire(`${process.env.JUDGES}/package.json`)("html-validate");
const given = JSON.parse(readFileSync(new URL("markup.json", import.meta.url)));
const off = Object.fromEntries(Object.keys(given.off).map((rule) => [rule, "off"]));
const judge = new HtmlValidate({
  root: true,
  extends: given.extends,
  elements: ["html5"],
  rules: { ...off, ...given.rules },
});
const found = {};
for (const [name, source] of Object.entries(JSON.parse(await text(process.stdin)))) {
  const report = await judge.validateString(source);
  found[name] = report.results.flatMap((result) =>
    result.messages.map((m) => `${m.ruleId}: ${m.message} (line ${m.line}, ${m.selector ?? ""})`),
  );
}
console.log(JSON.stringify(found));
