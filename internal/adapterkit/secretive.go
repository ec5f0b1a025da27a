package adapterkit

// WebhookOperations are those whose bodies hold addresses of webhooks, with what secrets may be
// in them, and the secrets of headers: also of webhooks of other programs, and of those before
// a change of the account's secret.
var WebhookOperations = []string{"listWebhooks", "createWebhook", "getWebhook", "updateWebhook", "exportWebhookHistory"}
