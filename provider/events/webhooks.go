package events

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// Webhook is a webhook that is registered at a provider, or is to be.
type Webhook struct {
	ID     string `json:"id,omitempty"`
	Stream string `json:"stream"` // "transactional", "marketing"; "bulk" at SendPulse
	// Address is the URL. It may hold the secret, so it prints REDACTED; Place is what can
	// be shown of it.
	Address provider.Secret `json:"-"`
	// Kinds are what it is told; KindUnknown stands for words that are no kind.
	Kinds []Kind `json:"kinds"`
	// VendorEvents are the provider's words for what it is told. CreateWebhook goes by them
	// where they are given, else by Kinds.
	VendorEvents []string `json:"vendor_events"`
	// Secret is that of the header, where the provider has one. Of a webhook that was listed
	// it is what the provider shows.
	Secret provider.Secret `json:"-"`
}

// Place is the address without what may be a secret in it: its last part of 16 characters
// or more, user and password, and the query.
func (w Webhook) Place() string {
	address := w.Address.Reveal()
	address, _, _ = strings.Cut(address, "?")
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return "REDACTED"
	}
	host, path, _ := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		host = "REDACTED@" + host[at+1:]
	}
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if len(part) >= leastSecret {
			parts[i] = "REDACTED"
		}
	}
	return strings.TrimSuffix(scheme+"://"+host+"/"+strings.Join(parts, "/"), "/")
}

// Format writes a Webhook without its secrets for every verb.
func (w Webhook) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, strings.TrimSpace(w.ID+" "+w.Stream+" "+w.Place()))
}

// Registrar is what an adapter has whose provider registers webhooks by calls
// (feature.EventsWebhookRegister).
type Registrar interface {
	// ListWebhooks returns all webhooks of the account, also those of other programs.
	ListWebhooks(ctx context.Context) ([]Webhook, error)
	// CreateWebhook registers one; a provider with a webhook for each kind of event makes
	// several. A kind that the provider cannot push is an error that names it. It is not
	// repeatable: after ErrOutcomeUnknown look for the address first.
	CreateWebhook(ctx context.Context, w Webhook) ([]Webhook, error)
	// DeleteWebhook removes one.
	DeleteWebhook(ctx context.Context, id string) error
	// WebhookStreams are the streams that can be registered, with all kinds and words of each
	// that stand for a kind.
	WebhookStreams() []Webhook
}

// registrar calls f with the adapter of c.
func registrar(ctx context.Context, c *provider.Client, op provider.Op, f func(context.Context, Registrar) error) error {
	return c.Call(ctx, op, []provider.Feature{feature.EventsWebhookRegister}, func(ctx context.Context, a provider.Adapter) error {
		r, ok := a.(Registrar)
		if !ok {
			return provider.Unsupported(feature.EventsWebhookRegister, "the account has no webhooks; on a route ask its members")
		}
		return f(ctx, r)
	})
}

// ListWebhooks returns all webhooks of an account, those of other programs too.
func ListWebhooks(ctx context.Context, c *provider.Client) (list []Webhook, err error) {
	err = registrar(ctx, c, "webhooks.list", func(ctx context.Context, r Registrar) (err error) {
		list, err = r.ListWebhooks(ctx)
		return err
	})
	return list, err
}

// CreateWebhook registers a webhook. Some providers make several of it, one for each kind.
// After ErrOutcomeUnknown list the webhooks and look for the address, and do not repeat.
func CreateWebhook(ctx context.Context, c *provider.Client, w Webhook) (made []Webhook, err error) {
	err = registrar(ctx, c, "webhooks.create", func(ctx context.Context, r Registrar) (err error) {
		if w.Address.IsZero() {
			return provider.Invalid("url", "expected the address of the handler")
		}
		if len(w.Kinds)+len(w.VendorEvents) == 0 {
			return provider.Invalid("kinds", "expected at least one kind of event")
		}
		made, err = r.CreateWebhook(ctx, w)
		return err
	})
	return made, err
}

// DeleteWebhook removes a webhook by its id.
func DeleteWebhook(ctx context.Context, c *provider.Client, id string) error {
	return registrar(ctx, c, "webhooks.delete", func(ctx context.Context, r Registrar) error {
		if id == "" {
			return provider.Invalid("id", "expected the id of the webhook")
		}
		return r.DeleteWebhook(ctx, id)
	})
}

// WebhookPlan is what SyncWebhooks does, or would do.
type WebhookPlan struct {
	Create []Webhook `json:"create"`
	Delete []Webhook `json:"delete"`
	Keep   []Webhook `json:"keep"`
	Other  []Webhook `json:"other"` // of other addresses: they are left alone
	// ByHand are addresses that a person must enter at the provider.
	ByHand []Webhook `json:"by_hand"`
}

// Nothing reports whether the webhooks are as they should be.
func (p WebhookPlan) Nothing() bool { return len(p.Create) == 0 && len(p.Delete) == 0 }

// PlanWebhooks compares the webhooks of an account with those that a handler wants which is
// reached at base: all kinds of all streams of the provider, under base/ACCOUNT. Webhooks
// elsewhere are left alone. The receiver is that of the account; its first secret is used.
func PlanWebhooks(ctx context.Context, c *provider.Client, r Receiver, base string) (WebhookPlan, error) {
	var plan WebhookPlan
	if why := r.problem(); why != "" {
		return plan, provider.Invalid("webhook_secret", "%s", why)
	}
	if base == "" {
		return plan, provider.Invalid("webhook_url", "expected the address of the handler")
	}
	prefix := strings.TrimSuffix(base, "/") + "/" + c.Account()
	address := func(stream string) provider.Secret { return r.AddressOf(base, c.Account(), stream) }
	listed, err := ListWebhooks(ctx, c)
	if err != nil {
		return plan, err
	}
	var wanted []Webhook
	err = registrar(ctx, c, "webhooks.list", func(_ context.Context, reg Registrar) error {
		for _, w := range reg.WebhookStreams() {
			w.Address = address(w.Stream)
			if r.Bearer {
				w.Secret = r.Secrets[0]
			}
			wanted = append(wanted, w)
		}
		return nil
	})
	if err != nil {
		return plan, err
	}
	for _, stream := range r.streams() { // those that are made by hand
		if stream != "" && !slices.ContainsFunc(wanted, func(w Webhook) bool { return w.Stream == stream }) {
			plan.ByHand = append(plan.ByHand, Webhook{Stream: stream, Address: address(stream)})
		}
	}
	have := map[string][]Webhook{} // by stream, those under the prefix
	for _, w := range listed {
		own := w.Address.Reveal()
		if own != prefix && !strings.HasPrefix(own, prefix+"/") {
			plan.Other = append(plan.Other, w)
			continue
		}
		have[w.Stream] = append(have[w.Stream], w)
	}
	for _, want := range wanted {
		var words []string
		for _, w := range have[want.Stream] {
			good := same(w.Address, want.Address) && (want.Secret.IsZero() || same(w.Secret, want.Secret)) &&
				!slices.ContainsFunc(w.VendorEvents, func(word string) bool { return slices.Contains(words, word) })
			if !good {
				plan.Delete = append(plan.Delete, w)
				continue
			}
			plan.Keep = append(plan.Keep, w)
			words = append(words, w.VendorEvents...)
		}
		delete(have, want.Stream)
		missing := want
		missing.VendorEvents = slices.DeleteFunc(slices.Clone(want.VendorEvents), func(word string) bool { return slices.Contains(words, word) })
		if len(missing.VendorEvents) > 0 {
			plan.Create = append(plan.Create, missing)
		}
	}
	for _, rest := range have {
		plan.Delete = append(plan.Delete, rest...)
	}
	slices.SortFunc(plan.Delete, func(a, b Webhook) int { return cmp.Compare(a.ID, b.ID) })
	return plan, nil
}

// same compares two secrets by their sums.
func same(a, b provider.Secret) bool {
	x, y := sha256.Sum256([]byte(a.Reveal())), sha256.Sum256([]byte(b.Reveal()))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// Run makes what is missing and then deletes what is wrong, in this order, so that no event
// is missed meanwhile. It ends with the first error; the rest is planned anew by PlanWebhooks.
func (p WebhookPlan) Run(ctx context.Context, c *provider.Client) error {
	for _, w := range p.Create {
		if _, err := CreateWebhook(ctx, c, w); err != nil {
			return err
		}
	}
	for _, w := range p.Delete {
		if err := DeleteWebhook(ctx, c, w.ID); err != nil {
			return err
		}
	}
	return nil
}
