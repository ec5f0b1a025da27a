// The vendor's client for Node, against a sandbox: what a program that sends mail and
// keeps contacts calls. usage: node brevo.mjs BASE_URL API_KEY
// One JSON object a line on stdout: {call, ok, detail}.
import { BrevoClient } from "@getbrevo/brevo";

const [baseUrl, apiKey] = process.argv.slice(2);
const client = new BrevoClient({ apiKey, baseUrl, maxRetries: 0 });

async function row(call, check, request) {
  const [area, method] = call.split(".");
  let ok = false, detail, answer;
  try {
    answer = await client[area][method](...(request === undefined ? [] : [request]));
    ok = check(answer) === true;
    detail = JSON.stringify(answer)?.slice(0, 300);
  } catch (err) {
    detail = String(err.message ?? err).slice(0, 600);
  }
  console.log(JSON.stringify({ call, ok, detail }));
  return answer ?? {};
}

const any = () => true;
const sender = { name: "Shop", email: "shop@example.com" };
await row("account.getAccount", (a) => a.email !== undefined && a.organization_id !== undefined);
await row("senders.getSenders", (a) => a.senders.length > 0, {});
const made = await row("senders.createSender", (a) => a.id > 0, { name: "Orders", email: "orders@example.com" });
await row("senders.updateSender", any, { senderId: made.id, name: "Orders and returns" });
await row("senders.deleteSender", any, { senderId: made.id });

const sent = await row("transactionalEmails.sendTransacEmail", (a) => a.messageId !== undefined, {
  sender, to: [{ email: "anna@example.com", name: "Anna" }], subject: "Order ready",
  htmlContent: "<p>Hello</p>", textContent: "Hello", tags: ["orders"],
});
const versions = "transactionalEmails.sendTransacEmail";
await row(versions, (a) => a.messageIds.length === 2, {
  sender, subject: "Order ready", htmlContent: "<p>Hello {{params.name}}</p>",
  cc: [{ email: "copy@example.com" }], bcc: [{ email: "log@example.com" }],
  messageVersions: [
    { to: [{ email: "anna@example.com" }], params: { name: "Anna" } },
    { to: [{ email: "pavel@example.com" }], params: { name: "Pavel" } },
  ],
});
const later = await row("transactionalEmails.sendTransacEmail", (a) => a.batchId !== undefined, {
  sender, to: [{ email: "anna@example.com" }], subject: "Later", htmlContent: "<p>Later</p>",
  scheduledAt: new Date(Date.now() + 3600_000).toISOString(),
});
await row("transactionalEmails.getScheduledEmailById", any, { identifier: later.batchId });
await row("transactionalEmails.deleteScheduledEmailById", any, { identifier: later.messageId });

const template = await row("transactionalEmails.createSmtpTemplate", (a) => a.id > 0, {
  sender, templateName: "Welcome", subject: "Welcome, {{params.name}}", htmlContent: "<p>Welcome, {{params.name}}</p>", isActive: true,
});
await row("transactionalEmails.getSmtpTemplates", (a) => a.templates.length === 2, {});
await row("transactionalEmails.getSmtpTemplate", (a) => a.name === "Welcome", { templateId: template.id });
await row("transactionalEmails.updateSmtpTemplate", any, { templateId: template.id, subject: "Hello, {{params.name}}" });
await row("transactionalEmails.sendTransacEmail", (a) => a.messageId !== undefined, {
  templateId: template.id, to: [{ email: "anna@example.com" }], params: { name: "Anna" },
});
await row("transactionalEmails.sendTestTemplate", any, { templateId: template.id, body: { emailTo: ["owner@example.com"] } });
await row("transactionalEmails.updateSmtpTemplate", any, { templateId: template.id, isActive: false });
await row("transactionalEmails.deleteSmtpTemplate", any, { templateId: template.id });

await row("transactionalEmails.getTransacEmailsList", (a) => a.transactionalEmails.length > 0, { email: "anna@example.com" });
await row("transactionalEmails.getEmailEventReport", (a) => a.events.length > 0, { messageId: sent.messageId });
await row("transactionalEmails.getAggregatedSmtpReport", (a) => a.requests !== undefined, {});
await row("transactionalEmails.getSmtpReport", (a) => a.reports !== undefined, {});
await row("transactionalEmails.getTransacBlockedContacts", (a) => a.contacts.length === 0, {});

const folder = await row("contacts.createFolder", (a) => a.id > 0, { name: "Shops" });
await row("contacts.getFolders", (a) => a.folders.length === 2, { limit: 10, offset: 0 });
const list = await row("contacts.createList", (a) => a.id > 0, { name: "Autumn", folderId: folder.id });
await row("contacts.getLists", (a) => a.lists.length === 2, {});
await row("contacts.updateList", any, { listId: list.id, name: "Winter" });
await row("contacts.getList", (a) => a.name === "Winter", { listId: list.id });
await row("contacts.createAttribute", any, { attributeCategory: "normal", attributeName: "CLUB", type: "text" });
await row("contacts.getAttributes", (a) => a.attributes.some((x) => x.name === "CLUB"));
await row("contacts.createContact", (a) => a.id > 0, {
  email: "anna@example.com", attributes: { FIRSTNAME: "Anna", CLUB: "gold", POINTS: 7 }, listIds: [list.id],
});
await row("contacts.createContact", any, { email: "anna@example.com", attributes: { LASTNAME: "Kim" }, updateEnabled: true });
await row("contacts.getContactInfo", (a) => a.attributes.CLUB === "gold" && a.attributes.LASTNAME === "Kim", { identifier: "anna@example.com" });
await row("contacts.updateContact", any, { identifier: "anna@example.com", attributes: { CITY: "Minsk" } });
await row("contacts.getContacts", (a) => a.count === 1, {});
await row("contacts.getContactsFromList", (a) => a.contacts.length === 1, { listId: list.id });
await row("contacts.createContact", (a) => a.id > 0, { email: "pavel@example.com" });
await row("contacts.addContactToList", (a) => a.contacts.success.length === 1, { listId: list.id, body: { emails: ["pavel@example.com"] } });
await row("contacts.removeContactFromList", (a) => a.contacts.success.length === 1, { listId: list.id, body: { emails: ["pavel@example.com"] } });
await row("contacts.updateContact", any, { identifier: "pavel@example.com", emailBlacklisted: true }); // unsubscribe
await row("contacts.getContactInfo", (a) => a.emailBlacklisted === true, { identifier: "pavel@example.com" });
await row("contacts.updateContact", any, { identifier: "pavel@example.com", smtpBlacklistSender: ["shop@example.com"] });
await row("transactionalEmails.getTransacBlockedContacts", (a) => a.contacts[0].email === "pavel@example.com", {});
await row("transactionalEmails.unblockOrResubscribeATransactionalContact", any, { email: "pavel@example.com" });
await row("contacts.getContactStats", any, { identifier: "anna@example.com" });
const job = await row("contacts.importContacts", (a) => a.processId > 0, {
  jsonBody: [{ email: "maria@example.com", attributes: { FIRSTNAME: "Maria" } }], listIds: [list.id], updateExistingContacts: true,
});
await row("process.getProcess", (a) => a.id === job.processId, { processId: job.processId });
await row("process.getProcesses", (a) => a.processes.length > 0, {});
await row("contacts.deleteContact", any, { identifier: "anna@example.com" });
await row("contacts.deleteList", any, { listId: list.id });
await row("contacts.deleteFolder", any, { folderId: folder.id });
await row("contacts.deleteAttribute", any, { attributeCategory: "normal", attributeName: "CLUB" });
