package sendinblue

import "github.com/postmux/postmux/internal/mailevent"

// Words are what the dialect calls the events of a mail: in the payloads of webhooks, in
// the log of transactional mail, and when a webhook is registered. Payload names are of
// captures that others have published and of the vendor's pages, log and registration
// names of the specs.
var Words = mailevent.Words{
	{
		Payload: []string{"request"}, Log: []string{"requests", "sent"}, Register: []string{"sent", "request"},
		What: mailevent.What{Kind: mailevent.Queued},
	},
	{
		Payload: []string{"delivered"}, Log: []string{"delivered"}, Register: []string{"delivered"},
		What: mailevent.What{Kind: mailevent.Delivered},
	},
	{
		Payload: []string{"deferred"}, Log: []string{"deferred"}, Register: []string{"deferred"},
		What: mailevent.What{Kind: mailevent.Deferred},
	},
	{
		Payload: []string{"soft_bounce", "soft_bounced"}, Log: []string{"softBounces"}, Register: []string{"softBounce"},
		What: mailevent.What{Kind: mailevent.Bounced, Class: mailevent.Soft},
	},
	{
		Payload: []string{"hard_bounce", "hard_bounced"}, Log: []string{"hardBounces"}, Register: []string{"hardBounce"},
		What: mailevent.What{Kind: mailevent.Bounced, Class: mailevent.Hard},
	},
	{Log: []string{"bounces"}, What: mailevent.What{Kind: mailevent.Bounced, Class: mailevent.Unclear}},
	{
		Payload: []string{"blocked"}, Log: []string{"blocked"}, Register: []string{"blocked"},
		What: mailevent.What{Kind: mailevent.Rejected},
	},
	{
		Payload: []string{"invalid_email", "invalid"}, Log: []string{"invalid"}, Register: []string{"invalid"},
		What: mailevent.What{Kind: mailevent.Rejected},
	},
	{Payload: []string{"error"}, Log: []string{"error"}, What: mailevent.What{Kind: mailevent.Failed}},
	{
		Payload: []string{"complaint", "spam"}, Log: []string{"spam"}, Register: []string{"spam"},
		What: mailevent.What{Kind: mailevent.Complained},
	},
	{
		Payload: []string{"opened", "unique_opened"}, Log: []string{"opened", "uniqueOpened"},
		Register: []string{"opened", "uniqueOpened"}, What: mailevent.What{Kind: mailevent.Opened},
	},
	{
		Payload: []string{"proxy_open", "unique_proxy_open"}, Log: []string{"loadedByProxy"},
		What: mailevent.What{Kind: mailevent.Opened, Machine: true},
	},
	{
		Payload: []string{"click"}, Log: []string{"clicks"}, Register: []string{"click"},
		What: mailevent.What{Kind: mailevent.Clicked},
	},
	{
		Payload: []string{"unsubscribed", "unsubscribe"}, Log: []string{"unsubscribed"}, Register: []string{"unsubscribed"},
		What: mailevent.What{Kind: mailevent.Unsubscribed},
	},
	{
		Payload: []string{"list_addition"}, Register: []string{"listAddition"},
		What: mailevent.What{Kind: mailevent.Listed},
	},
	{
		Payload: []string{"contact_updated"}, Register: []string{"contactUpdated"},
		What: mailevent.What{Kind: mailevent.Changed},
	},
	{
		Payload: []string{"contact_deleted"}, Register: []string{"contactDeleted"},
		What: mailevent.What{Kind: mailevent.Deleted},
	},
	{Register: []string{"inboundEmailProcessed"}, What: mailevent.What{Kind: mailevent.Received}},
}
