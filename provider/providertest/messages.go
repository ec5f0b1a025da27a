package providertest

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// parentOf returns the feature that a probe of f uses as well; empty when there is
// none. Where the parent is missing too, the error names the parent.
func parentOf(f provider.Feature) provider.Feature {
	switch f {
	case feature.MessageVariables:
		return feature.MessageTemplate
	case feature.MessageAttachmentsURL, feature.MessageTextOnly:
		return "" // a file by URL needs no attached file; text alone needs no HTML
	}
	i := strings.LastIndexByte(string(f), '.')
	if parent := f[:i]; parent.Doc() != "" {
		return parent
	}
	return ""
}

// policyFor returns the policy that lets f through at a provider without it, and
// nil when no policy may.
func (v *vendor) policyFor(t *testing.T, f provider.Feature) provider.Policy {
	t.Helper()
	for _, action := range []provider.Action{provider.ActionEmulate, provider.ActionFanOut, provider.ActionDrop, "send_now"} {
		p := provider.Policy{f: action}
		if _, err := (provider.Registry{v.h.Driver}).Open(t.Context(), v.config(withPolicy(p))); err == nil {
			return p
		}
	}
	return nil
}

// byDefault are the features that a message does without where the provider lacks them,
// unless the policy says error.
var byDefault = []provider.Feature{
	feature.MessageText, feature.MessageTextOnly, feature.MessageAttachmentsContentType,
	feature.MessageHeadersListUnsubscribe, feature.MessageTags, feature.MessageRecipients,
}

func (h Harness) messageFeatures(t *testing.T) {
	caps := h.capabilities()
	for _, f := range provider.Features() {
		if !strings.HasPrefix(string(f), "message.") || slices.Contains(ofSentMail, f) {
			continue
		}
		p := probeOf(t, f)
		_, listed := caps[f]
		assert.True(t, listed, "%s: the capability table has no cell; add one", f)
		t.Run(string(f), func(t *testing.T) {
			if parent := parentOf(f); parent != "" && caps.Level(f) == provider.LevelNone && caps.Level(parent) == provider.LevelNone {
				h.missingMessage(t, parent, p, nil)
				return
			}
			level := caps.Level(f)
			if level == provider.LevelNative || level == provider.LevelLimited {
				h.nativeMessage(t, f, p)
				return
			}
			var refuses provider.Policy
			if slices.Contains(byDefault, f) {
				h.allowedMessage(t, p, nil, level == provider.LevelEmulated)
				refuses = provider.Policy{f: "error"}
			}
			h.missingMessage(t, f, p, refuses)
			policy := h.start(t).policyFor(t, f)
			if emulates := policy[f] == provider.ActionEmulate || policy[f] == provider.ActionFanOut; policy != nil && emulates == (level == provider.LevelEmulated) {
				h.allowedMessage(t, p, policy, emulates)
			}
		})
	}
}

// capabilities returns those of the account that the suite opens.
func (h Harness) capabilities() provider.Capabilities { return h.Driver.Capabilities(h.Settings) }

func (h Harness) nativeMessage(t *testing.T, f provider.Feature, p probe) {
	v := h.start(t)
	m := h.baseline()
	p.change(h, m)
	r, err := v.open(t, nil).Send(t.Context(), m)
	require.NoError(t, err)
	assert.NotEmpty(t, r.Recipients)
	assert.True(t, p.found(h, v.seen()), "not on the wire: %+v", v.sends())
	for _, n := range r.Notes {
		assert.False(t, n.Field == p.field && n.Action == "dropped", "%s is dropped: %s", f, n.Why)
	}
}

// seen returns a function that reports whether a request that sent mail had a text
// on the wire.
func (v *vendor) seen() func(string) bool {
	return func(needle string) bool {
		for _, r := range v.sends() {
			if onWire(r, needle) {
				return true
			}
		}
		return false
	}
}

func (h Harness) missingMessage(t *testing.T, f provider.Feature, p probe, policy provider.Policy) {
	v := h.start(t)
	m := h.baseline()
	p.change(h, m)
	before := m.Clone()
	r, err := v.open(t, withPolicy(policy)).Send(t.Context(), m)
	assert.Nil(t, r, "nothing left, so there is no receipt")
	v.unsupported(t, f, err)
	assert.Equal(t, before, m, "the caller's message was changed")
}

// allowedMessage sends the mail under a policy that allows it: an emulated feature
// arrives, a dropped one does not, and a note names either.
func (h Harness) allowedMessage(t *testing.T, p probe, policy provider.Policy, arrives bool) {
	v := h.start(t)
	m := h.baseline()
	p.change(h, m)
	r, err := v.open(t, withPolicy(policy)).Send(t.Context(), m)
	require.NoError(t, err)
	assert.Equal(t, arrives, p.found(h, v.seen()))
	var told bool
	for _, n := range r.Notes {
		told = told || n.Field == p.field && n.Why != ""
	}
	assert.True(t, told, "no note about %s in %+v", p.field, r.Notes)
}
