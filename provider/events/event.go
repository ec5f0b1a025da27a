package events

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/provider"
)

// Kind is what an event reports. Kinds are added in time: a program needs a default branch.
type Kind string

// The kinds.
const (
	KindQueued    Kind = "queued"    // waits at the provider; also of mail that is then rejected
	KindDeferred  Kind = "deferred"  // a server did not take the mail yet; the provider tries again
	KindSent      Kind = "sent"      // handed to a mail server, and nothing is known of delivery
	KindDelivered Kind = "delivered" // the recipient's server took the mail
	// KindOpened: the mail was opened; Automated tells by whom, where the provider knows.
	KindOpened     Kind = "opened"
	KindClicked    Kind = "clicked"    // a link was followed
	KindBounced    Kind = "bounced"    // the recipient's server refused the mail; Bounce says whether for good
	KindRejected   Kind = "rejected"   // the provider did not send the mail; Reason says why
	KindFailed     Kind = "failed"     // the provider could not send the mail, for reasons of its own
	KindComplained Kind = "complained" // the recipient reported the mail as spam

	// The kinds below say nothing about the way of a mail.

	KindUnsubscribed Kind = "unsubscribed" // the person left a list, or all mail of Scope
	KindResubscribed Kind = "resubscribed" // the person came back
	KindListed       Kind = "listed"       // a contact came into Lists
	KindUnlisted     Kind = "unlisted"     // a contact was taken off Lists
	KindUnknown      Kind = "unknown"      // VendorEvent has no counterpart; Raw has the rest
)

// Bounce says whether a bounce is for good.
type Bounce string

// The classes of bounces.
const (
	BounceHard    Bounce = "hard"    // the address takes no mail
	BounceSoft    Bounce = "soft"    // the address may take mail later
	BounceUnclear Bounce = "unclear" // the provider does not say
)

// Source is the way by which an event came.
type Source string

// The sources.
const (
	SourceWebhook Source = "webhook" // pushed by the provider
	SourceLog     Source = "log"     // from the provider's log
	SourceStatus  Source = "status"  // from the change of a state, see Watch
)

// Basis says how well the time of an event is known.
type Basis string

// The bases.
const (
	AtExact    Basis = "exact"    // the provider tells the moment
	AtAssumed  Basis = "assumed"  // the zone or the clock is not documented; hours may be missing
	AtReceived Basis = "received" // the provider tells none: At is zero
	// AtSent: At is when the mail was sent, and no time is told of what became of it, which
	// may be days later.
	AtSent Basis = "sent"
)

// Reason is why a mail was rejected or bounced.
type Reason string

// The reasons.
const (
	ReasonInvalid      Reason = "invalid"      // the address is none
	ReasonSuppressed   Reason = "suppressed"   // the account sends the address no mail
	ReasonUnsubscribed Reason = "unsubscribed" // the person has left
	ReasonSpam         Reason = "spam"         // the content looks like spam
	ReasonPolicy       Reason = "policy"       // a rule of the receiving server; the address may be good
	ReasonMailboxFull  Reason = "mailbox_full" // of the recipient
	ReasonOther        Reason = "other"        // none of the above
)

// Flag is a fact that a provider may tell or not. In JSON it is true, false or absent.
type Flag uint8

// The values of a Flag.
const (
	Unknown Flag = 0                        // not told
	Yes     Flag = Flag(provider.ToggleOn)  // told, and so
	No      Flag = Flag(provider.ToggleOff) // told, and not so
)

// MarshalJSON writes true, false or null.
func (f Flag) MarshalJSON() ([]byte, error) { return provider.Toggle(f).MarshalJSON() }

// UnmarshalJSON reads true, false or null.
func (f *Flag) UnmarshalJSON(data []byte) error { return (*provider.Toggle)(f).UnmarshalJSON(data) }

// Event is what became of a mail or of a subscription, in one form for all providers
// and for all ways by which it is learned. What a provider does not tell is empty.
// Events come more than once and in any order: ID tells repeats, Outweighs and At
// order them.
type Event struct {
	// ID is the same for the same event, by whichever way and however often it comes.
	// It is unique within an account: keep events by Account and ID. What can happen to
	// a mail once has the same ID in webhooks and in the log; opens and clicks have it
	// only where both tell the same second.
	ID       string `json:"id"`
	Kind     Kind   `json:"kind"`
	Provider string `json:"provider"`
	// Account is its name in the configuration; a parse function leaves it empty.
	Account     string         `json:"account"`
	VendorEvent string         `json:"vendor_event"` // the provider's word: "soft_bounce"
	Source      Source         `json:"source"`
	Scope       provider.Scope `json:"scope,omitempty"` // transactional, marketing; empty when not told
	At          time.Time      `json:"at,omitzero"`     // in UTC
	AtBasis     Basis          `json:"at_basis"`
	ReceivedAt  time.Time      `json:"received_at,omitzero"` // when this program got it
	Recipient   string         `json:"recipient,omitempty"`  // an international domain in letters
	// MessageID is that of the Receipt, or empty where nothing joins the two.
	MessageID  string   `json:"message_id,omitempty"`
	CampaignID string   `json:"campaign_id,omitempty"`
	Lists      []string `json:"lists,omitempty"` // ids
	Sender     string   `json:"sender,omitempty"`
	Subject    string   `json:"subject,omitempty"`
	Bounce     Bounce   `json:"bounce,omitempty"` // of bounced
	Reason     Reason   `json:"reason,omitempty"` // of rejected and bounced
	SMTPCode   int      `json:"smtp_code,omitempty"`
	SMTPStatus string   `json:"smtp_status,omitempty"` // of RFC 3463: "5.1.1"
	Diagnostic string   `json:"diagnostic,omitempty"`  // the words of a server or of a person
	// Automated is Yes for an open by a program that loads the mail for the person: it
	// proves delivery and no more.
	Automated Flag              `json:"automated,omitzero"`
	First     Flag              `json:"first,omitzero"` // of opens and clicks
	URL       string            `json:"url,omitempty"`  // of the link
	UserAgent string            `json:"user_agent,omitempty"`
	IP        string            `json:"ip,omitempty"` // of the reader, never of the sending server
	Tags      []string          `json:"tags,omitempty"`
	Metadata  map[string]string `json:"metadata,omitempty"`
	// Raw is the provider's record as it came. It holds whatever the provider tells of
	// a person.
	Raw json.RawMessage `json:"raw,omitempty"`
}

// idVersion begins each ID. It changes with the recipe, which is frozen.
const idVersion = "1"

// Identify sets the ID. natural are parts that tell the event from all others of the
// provider, where it has such; without them the ID is made of what the event says. It is
// for adapters.
func (e *Event) Identify(natural ...string) {
	var room [512]byte
	b := append(room[:0], idVersion...)
	b = part(b, e.Provider)
	if len(natural) > 0 {
		for _, n := range natural {
			b = part(b, n)
		}
		e.ID = digest(b)
		return
	}
	kind := string(e.Kind)
	if e.Automated == Yes {
		kind += " automated" // a person's open of the same second is another event
	}
	b = part(b, kind)
	b = part(b, string(e.Bounce))
	b = part(b, e.MessageID)
	b = part(b, e.CampaignID)
	b = part(b, mailaddr.Key(e.Recipient))
	lists := e.Lists
	if len(lists) > 1 {
		lists = slices.Sorted(slices.Values(lists))
	}
	b = part(b, strings.Join(lists, ","))
	b = part(b, e.URL)
	switch {
	case e.Kind != KindUnknown && e.MessageID != "" && e.once():
	case !e.At.IsZero():
		b = strconv.AppendInt(append(b, 0), e.At.Unix(), 10)
	}
	if e.Kind == KindUnknown || e.At.IsZero() && (e.MessageID == "" || !e.once()) {
		b = append(append(b, 0), e.Raw...)
	}
	e.ID = digest(b)
}

// part appends a part to what an ID is made of.
func part(b []byte, s string) []byte { return append(append(b, 0), s...) }

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	var out [len(idVersion) + 1 + 32]byte
	copy(out[:], idVersion+"-")
	hex.Encode(out[len(idVersion)+1:], sum[:16])
	return string(out[:])
}

// once reports whether the event can happen only once for a mail and a recipient, so that
// its time tells nothing.
func (e *Event) once() bool {
	switch e.Kind {
	case KindQueued, KindSent, KindDelivered, KindRejected, KindFailed, KindComplained, KindUnsubscribed:
		return true
	case KindBounced:
		return e.Bounce == BounceHard
	}
	return false
}

// order is the weight of what is known of a mail, the least first. A soft bounce is below
// sent, because the provider tries again and may succeed.
var order = []struct {
	kind      Kind
	bounce    Bounce
	automated bool
	state     provider.State
}{
	{kind: KindQueued, state: provider.StateQueued},
	{kind: KindDeferred, state: provider.StateDeferred},
	{kind: KindBounced, bounce: BounceSoft, state: provider.StateBounced},
	{kind: KindSent, state: provider.StateAccepted},
	{kind: KindDelivered, state: provider.StateDelivered},
	{kind: KindOpened, automated: true, state: provider.StateDelivered},
	{kind: KindOpened, state: provider.StateOpened},
	{kind: KindClicked, state: provider.StateClicked},
	{kind: KindFailed, state: provider.StateFailed},
	{kind: KindRejected, state: provider.StateRejected},
	{kind: KindBounced, bounce: BounceUnclear, state: provider.StateBounced},
	{kind: KindBounced, bounce: BounceHard, state: provider.StateBounced},
	{kind: KindComplained, state: provider.StateComplained},
}

// weight is the place of e in order, from 1; 0 for what says nothing of a mail's way.
func (e *Event) weight() int {
	for i, row := range order {
		if row.kind == e.Kind && (row.bounce == e.Bounce || row.kind == KindBounced && row.bounce == BounceUnclear && e.Bounce == "") &&
			row.automated == (e.Kind == KindOpened && e.Automated == Yes) {
			return i + 1
		}
	}
	return 0
}

// State is the state of a mail of which no more is known than e; ok is false for an event
// that says nothing of a mail's way. An automated open is StateDelivered.
func (e *Event) State() (s provider.State, ok bool) {
	if i := e.weight(); i > 0 {
		return order[i-1].state, true
	}
	return provider.StateUnknown, false
}

// Outweighs reports whether e and not other decides the state of a mail that both are
// about. The order in which they came does not matter: whoever keeps the event that
// outweighs the others has the state of the mail.
func (e *Event) Outweighs(other *Event) bool { return e.weight() > other.weight() }

// Suppression is the kind of mail that the address should not get any more because of e;
// ok is false when e is no reason. Soft bounces, deferrals and what the provider itself
// suppresses are none. A doubtful bounce is none either: it would stop mail to an address
// that works.
func (e *Event) Suppression() (s provider.Suppression, ok bool) {
	s = provider.Suppression{
		Email: e.Recipient, Channel: provider.ChannelEmail, Scope: provider.ScopeAll, At: e.At,
	}
	switch {
	case e.Recipient == "":
		return provider.Suppression{}, false
	case e.Kind == KindBounced && e.Bounce == BounceHard:
		s.Reason = provider.Reason(provider.StatusBounced)
	case e.Kind == KindComplained:
		s.Reason = provider.Reason(provider.StatusComplained)
	case e.Kind == KindRejected && e.Reason == ReasonInvalid:
		s.Reason = provider.Reason(ReasonInvalid)
	case e.Kind == KindUnsubscribed:
		s.Reason = provider.Reason(provider.StatusUnsubscribed)
		if e.Scope != "" {
			s.Scope = e.Scope
		}
	default:
		return provider.Suppression{}, false
	}
	return s, true
}
