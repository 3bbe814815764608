// A message on standard input, what mailparser reads in it as JSON.
import { buffer } from "node:stream/consumers";
import { createRequire } from "node:module";

const { simpleParser } = createRequire(`${process.env.JUDGES}/package.json`)("mailparser");
const mail = await simpleParser(await buffer(process.stdin), {
  skipHtmlToText: true,
  skipTextToHtml: true,
  skipImageLinks: true,
});
const first = (list) => list?.value?.[0] ?? { name: "", address: "" };
const from = first(mail.from);
console.log(
  JSON.stringify({
    subject: mail.subject ?? "",
    name: from.name,
    address: from.address,
    to: first(mail.to).address,
    text: mail.text ?? "",
    html: mail.html || "",
  }),
);
