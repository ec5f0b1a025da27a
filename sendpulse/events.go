package sendpulse

import "github.com/postmux/postmux/internal/mailevent"

// The vendor has two streams of webhooks, told apart by their addresses: names overlap.
// It has no event log; the state of a mail is read from the reply code of the
// recipient's server. Names are of the vendor's pages about webhooks and of the spec.

// bulkWords are those of mail to lists.
var bulkWords = mailevent.Words{
	{Payload: []string{"delivered"}, Register: []string{"delivered"}, What: mailevent.What{Kind: mailevent.Delivered}},
	{Payload: []string{"open"}, Register: []string{"open"}, What: mailevent.What{Kind: mailevent.Opened}},
	{Payload: []string{"redirect"}, Register: []string{"redirect"}, What: mailevent.What{Kind: mailevent.Clicked}},
	{Payload: []string{"unsubscribe"}, Register: []string{"unsubscribe"}, What: mailevent.What{Kind: mailevent.Unsubscribed}},
	{Payload: []string{"spam"}, Register: []string{"spam"}, What: mailevent.What{Kind: mailevent.Complained}},
	{
		Payload: []string{"soft_bounces"}, Register: []string{"soft_bounces"},
		What: mailevent.What{Kind: mailevent.Bounced, Class: mailevent.Soft},
	},
	{
		Payload: []string{"hard_bounces"}, Register: []string{"hard_bounces"},
		What: mailevent.What{Kind: mailevent.Bounced, Class: mailevent.Hard},
	},
	{Payload: []string{"new_emails", "new_email"}, Register: []string{"new_emails"}, What: mailevent.What{Kind: mailevent.Listed}},
	{Payload: []string{"delete"}, Register: []string{"delete"}, What: mailevent.What{Kind: mailevent.Unlisted}},
	{
		Payload: []string{"task_status_update"}, Register: []string{"task_status_update"},
		What: mailevent.What{Kind: mailevent.Campaign},
	},
}

// smtpWords are those of single mails. Such a webhook is made in the vendor's dashboard only.
var smtpWords = mailevent.Words{
	{Payload: []string{"delivered"}, What: mailevent.What{Kind: mailevent.Delivered}},
	{Payload: []string{"opened"}, What: mailevent.What{Kind: mailevent.Opened}},
	{Payload: []string{"clicked"}, What: mailevent.What{Kind: mailevent.Clicked}},
	{Payload: []string{"unsubscribed"}, What: mailevent.What{Kind: mailevent.Unsubscribed}},
	{Payload: []string{"resubscribed"}, What: mailevent.What{Kind: mailevent.Resubscribed}},
	{Payload: []string{"spam_by_user", "spam"}, What: mailevent.What{Kind: mailevent.Complained}},
	{Payload: []string{"soft_bounces", "soft_bounced"}, What: mailevent.What{Kind: mailevent.Bounced, Class: mailevent.Soft}},
	{Payload: []string{"hard_bounces", "hard_bounced"}, What: mailevent.What{Kind: mailevent.Bounced, Class: mailevent.Hard}},
	{Payload: []string{"undelivered"}, What: mailevent.What{Kind: mailevent.Bounced, Class: mailevent.Unclear}},
}

// codeWhat reads the reply code of the recipient's mail server; ok is false for a code
// that is none.
func codeWhat(code int64) (w mailevent.What, ok bool) {
	switch {
	case code == 0:
		return mailevent.What{Kind: mailevent.Queued}, true
	case code >= 200 && code <= 299:
		return mailevent.What{Kind: mailevent.Delivered}, true
	case code >= 400 && code <= 499:
		return mailevent.What{Kind: mailevent.Deferred}, true
	case code >= 500 && code <= 599:
		return mailevent.What{Kind: mailevent.Bounced, Class: mailevent.Unclear}, true
	}
	return mailevent.What{}, false
}
