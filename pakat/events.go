package pakat

import "github.com/postmux/postmux/internal/mailevent"

// stateWords are the states of a single mail, as the document lists them. Webhooks of
// the vendor are about opens and clicks of campaigns only.
var stateWords = mailevent.Words{
	{Log: []string{"unsent"}, What: mailevent.What{Kind: mailevent.Queued}},
	{Log: []string{"sent"}, What: mailevent.What{Kind: mailevent.Sent}},
	{Log: []string{"failed"}, What: mailevent.What{Kind: mailevent.Failed}},
	{Payload: []string{"open"}, What: mailevent.What{Kind: mailevent.Opened}},
	{Payload: []string{"click"}, What: mailevent.What{Kind: mailevent.Clicked}},
}
