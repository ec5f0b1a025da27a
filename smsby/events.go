package smsby

import (
	"github.com/postmux/postmux/internal/mailevent"
	"github.com/postmux/postmux/provider/events"
)

// stateWords are the states of a mail. The vendor has no webhooks for mail. DELIVERED,
// UNDELIVERED and OPEN are documented; that a click has a word that begins so is
// inferred; NEW and SENT are of the same vendor's API about SMS.
var stateWords = mailevent.Words{
	{Log: []string{"NEW", "SENT"}, What: mailevent.What{Kind: events.KindQueued}},
	{Log: []string{"DELIVERED"}, What: mailevent.What{Kind: events.KindDelivered}},
	{Log: []string{"OPEN"}, What: mailevent.What{Kind: events.KindOpened}},
	{Log: []string{"CLICK*"}, What: mailevent.What{Kind: events.KindClicked}},
	{Log: []string{"UNDELIVERED"}, What: mailevent.What{Kind: events.KindBounced, Class: events.BounceUnclear}},
}
