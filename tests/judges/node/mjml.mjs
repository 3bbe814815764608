// MJML documents by name in, the errors of the strict reference compiler by name out.
import { text } from "node:stream/consumers";
import { createRequire } from "node:module";

const mjml2html = createRequire(`${process.env.JUDGES}/package.json`)("mjml");
const compile = mjml2html.default ?? mjml2html;
const found = {};
for (const [name, source] of Object.entries(JSON.parse(await text(process.stdin)))) {
  try {
    const result = await compile(source, { validationLevel: "strict" });
    found[name] = result.errors.map((error) => error.formattedMessage);
  } catch (error) {
    found[name] = [String(error.message ?? error).split("\n").slice(0, 4).join(" ")];
  }
}
console.log(JSON.stringify(found));
