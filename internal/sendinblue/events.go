package sendinblue

import (
	"github.com/postmux/postmux/internal/mailevent"
	"github.com/postmux/postmux/provider/events"
)

// Words are what the dialect calls the events of a mail: in the payloads of webhooks, in
// the log of transactional mail, and when a webhook is registered. Payload names are of
// captures that others have published and of the vendor's pages, log and registration
// names of the specs.
var Words = mailevent.Words{
	{
		Payload: []string{"request"}, Log: []string{"requests", "sent"}, Register: []string{"sent", "request"},
		What: mailevent.What{Kind: events.KindQueued},
	},
	{
		Payload: []string{"delivered"}, Log: []string{"delivered"}, Register: []string{"delivered"},
		What: mailevent.What{Kind: events.KindDelivered},
	},
	{
		Payload: []string{"deferred"}, Log: []string{"deferred"}, Register: []string{"deferred"},
		What: mailevent.What{Kind: events.KindDeferred},
	},
	{
		Payload: []string{"soft_bounce", "soft_bounced"}, Log: []string{"softBounces"}, Register: []string{"softBounce"},
		What: mailevent.What{Kind: events.KindBounced, Class: events.BounceSoft},
	},
	{
		Payload: []string{"hard_bounce", "hard_bounced"}, Log: []string{"hardBounces"}, Register: []string{"hardBounce"},
		What: mailevent.What{Kind: events.KindBounced, Class: events.BounceHard},
	},
	{Log: []string{"bounces"}, What: mailevent.What{Kind: events.KindBounced, Class: events.BounceUnclear}},
	{
		Payload: []string{"blocked"}, Log: []string{"blocked"}, Register: []string{"blocked"},
		What: mailevent.What{Kind: events.KindRejected}, Reason: events.ReasonSuppressed,
	},
	{
		Payload: []string{"invalid_email", "invalid"}, Log: []string{"invalid"}, Register: []string{"invalid"},
		What: mailevent.What{Kind: events.KindRejected}, Reason: events.ReasonInvalid,
	},
	{Payload: []string{"error"}, Log: []string{"error"}, What: mailevent.What{Kind: events.KindFailed}},
	{
		Payload: []string{"complaint", "spam"}, Log: []string{"spam"}, Register: []string{"spam"},
		What: mailevent.What{Kind: events.KindComplained},
	},
	// The first open of a person sends the name with "unique" alone. In the log the word is
	// the same for all.
	{
		Payload: []string{"unique_opened"}, Register: []string{"uniqueOpened"},
		What: mailevent.What{Kind: events.KindOpened}, First: events.Yes,
	},
	{
		Payload: []string{"opened"}, Log: []string{"opened"}, Register: []string{"opened"},
		What: mailevent.What{Kind: events.KindOpened}, First: events.No,
	},
	{
		Payload: []string{"unique_proxy_open"},
		What:    mailevent.What{Kind: events.KindOpened, Machine: true}, First: events.Yes,
	},
	{
		Payload: []string{"proxy_open"}, Log: []string{"loadedByProxy"},
		What: mailevent.What{Kind: events.KindOpened, Machine: true}, First: events.No,
	},
	{
		Payload: []string{"click"}, Log: []string{"clicks"}, Register: []string{"click"},
		What: mailevent.What{Kind: events.KindClicked},
	},
	{
		Payload: []string{"unsubscribed", "unsubscribe"}, Log: []string{"unsubscribed"}, Register: []string{"unsubscribed"},
		What: mailevent.What{Kind: events.KindUnsubscribed},
	},
	{
		Payload: []string{"list_addition"}, Register: []string{"listAddition"},
		What: mailevent.What{Kind: events.KindListed},
	},
	{
		Payload: []string{"contact_updated"}, Register: []string{"contactUpdated"},
		What: mailevent.What{Kind: events.KindUnknown},
	},
	{
		Payload: []string{"contact_deleted"}, Register: []string{"contactDeleted"},
		What: mailevent.What{Kind: events.KindUnknown},
	},
	{Register: []string{"inboundEmailProcessed"}, What: mailevent.What{Kind: events.KindUnknown}},
}
