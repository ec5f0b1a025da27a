package sendinblue

import (
	"slices"
	"strings"

	"github.com/postmux/postmux/internal/mailevent"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
)

// The streams of webhooks, which the vendors call types.
const (
	transactionalHooks = "transactional"
	marketingHooks     = "marketing"
)

// HookTypes are the streams of webhooks.
var HookTypes = []string{transactionalHooks, marketingHooks}

// offered reports whether a webhook of the stream can be registered for a name. "sent" is the
// same as "request", which both vendors have.
func offered(stream, name string) bool {
	switch name {
	case "sent", "contactUpdated", "contactDeleted", inbound:
		return false
	case "listAddition":
		return stream == marketingHooks
	case "spam", "opened", "click", "hardBounce", "softBounce", "unsubscribed", "delivered":
		return true
	}
	return stream == transactionalHooks
}

// HookNames are the names under which a webhook is registered: its own, or those of its
// kinds.
func HookNames(w events.Webhook) ([]string, error) {
	if !slices.Contains(HookTypes, w.Stream) {
		return nil, provider.Invalid("stream", "expected %s", strings.Join(HookTypes, " or "))
	}
	out := slices.Clone(w.VendorEvents)
	if len(out) > 0 {
		return out, nil
	}
	for _, kind := range w.Kinds {
		names := hookNames(w.Stream, func(of events.Kind) bool { return of == kind })
		if len(names) == 0 {
			return nil, provider.Invalid("kinds", "the provider pushes no event %q in the stream %s", kind, w.Stream)
		}
		out = append(out, names...)
	}
	return slices.Compact(out), nil
}

// hookNames are the names of the stream whose kinds are wanted.
func hookNames(stream string, wanted func(events.Kind) bool) []string {
	var out []string
	for _, word := range Words {
		for _, name := range word.Register {
			if wanted(word.Kind) && offered(stream, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

// HookStreams are the webhooks that can be registered, with all that stands for a kind.
func HookStreams() []events.Webhook {
	out := make([]events.Webhook, len(HookTypes))
	for i, stream := range HookTypes {
		out[i] = HookOf("", stream, "", hookNames(stream, func(kind events.Kind) bool { return kind != events.KindUnknown }))
	}
	return out
}

// HookOf is a registered webhook. typ is the vendor's word for the stream.
func HookOf(id, typ, address string, names []string) events.Webhook {
	w := events.Webhook{ID: id, Stream: typ, Address: provider.NewSecret(address)}
	if strings.HasPrefix(typ, "transac") {
		w.Stream = transactionalHooks
	}
	for _, name := range names {
		kind := events.KindUnknown
		if word := Words.Word(name); word != nil {
			kind, name = word.Kind, registered(word, name)
		}
		w.VendorEvents = append(w.VendorEvents, name)
		if !slices.Contains(w.Kinds, kind) {
			w.Kinds = append(w.Kinds, kind)
		}
	}
	return w
}

// registered is the name under which a word is registered: the vendor may list it under
// another one of its names.
func registered(word *mailevent.Word, name string) string {
	for _, own := range word.Register {
		if own != "sent" {
			return own
		}
	}
	return name
}
