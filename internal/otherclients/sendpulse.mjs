// The vendor's client for Node, against a sandbox: each of its functions for mail once.
// usage: node sendpulse.mjs BASE_URL CLIENT_ID CLIENT_SECRET FOLDER
// One JSON object a line on stdout: {call, ok, detail}.
import { createRequire } from "node:module";
import http from "node:http";

const require = createRequire(import.meta.url);
const [base, id, secret, folder] = process.argv.slice(2);
const target = new URL(base);

// The client knows one host and https alone: its requests are led to the sandbox here.
require("https").request = (options, callback) =>
  http.request(
    { ...options, hostname: target.hostname, port: target.port, path: target.pathname + options.path },
    callback,
  );
const client = require("sendpulse-api");

const failed = (a) => a === undefined || a === null || a.is_error || a.error_code || a.error || a.result === false;

async function row(call, check, ...args) {
  const answer = await new Promise((resolve) => client[call](resolve, ...args));
  let ok = false;
  try {
    ok = !failed(answer) && check(answer) === true;
  } catch {
    // the answer has another shape
  }
  console.log(JSON.stringify({ call, ok, detail: JSON.stringify(answer)?.slice(0, 300) }));
  return answer;
}

await new Promise((resolve) => client.init(id, secret, folder, resolve)).then((token) =>
  console.log(JSON.stringify({ call: "init", ok: typeof token === "string", detail: "" })),
);
await row("getToken", (t) => typeof t === "string");

const done = (a) => a.result === true;
const list = await row("createAddressBook", (a) => a.id > 0, "Autumn");
await row("listAddressBooks", (a) => a.length === 2, 10, 0);
await row("editAddressBook", done, list.id, "Winter");
await row("getBookInfo", (a) => a[0].name === "Winter", list.id);
await row("addEmails", done, list.id, [
  { email: "anna@example.com", variables: { city: "Minsk" } },
  { email: "pavel@example.com" },
]);
await row("getEmailsFromBook", (a) => a.length === 2 && a[0].variables.city === "Minsk", list.id);
await row("getEmailInfo", (a) => a.email === "anna@example.com", list.id, "anna@example.com");
await row("updateEmailVariables", done, list.id, "anna@example.com", [{ name: "city", value: "Brest" }]);
await row("getEmailGlobalInfo", (a) => a.length === 1, "anna@example.com");
await row("emailStatByCampaigns", (a) => a.statistic !== undefined || a.sent !== undefined, "anna@example.com");
await row("campaignCost", (a) => a.cur !== undefined, list.id);
await row("removeEmails", done, list.id, ["pavel@example.com"]);

await row("listEmailTemplates", (a) => Array.isArray(a));
await row("getEmailTemplate", (a) => a.name !== undefined, 12);

const campaign = await row(
  "createCampaign", (a) => a.id > 0,
  "Shop", "shop@example.com", "News", "<p>Hello</p>", list.id, "First", "",
);
await row("listCampaigns", (a) => a.length > 0, 10, 0);
await row("getCampaignInfo", (a) => a.name !== undefined, campaign.id);
await row("campaignStatByCountries", () => true, campaign.id);
await row("campaignStatByReferrals", () => true, campaign.id);
await row("cancelCampaign", done, campaign.id);

await row("listSenders", (a) => a.length > 0);
await row("addSender", done, "Orders", "orders@example.com");
await row("getSenderActivationMail", done, "orders@example.com");
await row("activateSender", done, "orders@example.com", "a1b2c3");
await row("removeSender", done, "orders@example.com");

await row("addToBlackList", done, "spam@example.com", "asked by phone");
await row("getBlackList", (a) => a.includes("spam@example.com"));
await row("removeFromBlackList", done, "spam@example.com");
await row("getBalance", (a) => a.currency !== undefined);

const mail = await row("smtpSendMail", (a) => a.id !== undefined, {
  html: "<h1>Hello</h1>", text: "Hello", subject: "Order ready",
  from: { name: "Shop", email: "shop@example.com" },
  to: [{ name: "Anna", email: "anna@example.com" }],
});
await row("smtpListEmails", (a) => a.length === 1, 10, 0, "", "", "", "anna@example.com");
await row("smtpGetEmailInfoById", (a) => a.id === mail.id, mail.id);
await row("smtpUnsubscribeEmails", done, [{ email: "anna@example.com", comment: "asked" }]);
await row("smtpRemoveFromUnsubscribe", done, ["anna@example.com"]);
await row("smtpListIP", (a) => Array.isArray(a));
await row("smtpListAllowedDomains", (a) => Array.isArray(a));
await row("smtpAddDomain", done, "shop@example.com");
await row("smtpVerifyDomain", done, "shop@example.com");

await row("removeEmailFromAllBooks", done, "anna@example.com");
await row("removeAddressBook", done, list.id);
const answer = await new Promise((resolve) => client.sendRequest("smtp/emails/total", "GET", {}, resolve));
console.log(JSON.stringify({ call: "sendRequest", ok: answer.total === 1, detail: JSON.stringify(answer) }));
