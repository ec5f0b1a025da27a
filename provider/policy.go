package provider

import (
	"slices"
	"strings"

	"github.com/postmux/postmux/internal/text"
)

// Action is what a Policy does about a feature that a provider lacks.
type Action string

// The actions of a Policy.
const (
	ActionDrop    Action = "drop"    // leave the field out; the receipt has a note
	ActionEmulate Action = "emulate" // use other means; the receipt has a note
	ActionFanOut  Action = "fan_out" // one mail for each recipient, who no longer see each other
)

// Policy says what to do about features that a provider lacks, by the feature's
// name or a part of it before a dot: {"message.headers": "drop"}. Without an
// entry it is an error.
type Policy map[Feature]Action

// Features returns all features in the order of the capability matrix.
func Features() []Feature {
	out := make([]Feature, len(features))
	for i, f := range features {
		out[i] = f.name
	}
	return out
}

func (f Feature) info() featureInfo {
	if i := slices.IndexFunc(features, func(i featureInfo) bool { return i.name == f }); i >= 0 {
		return features[i]
	}
	return featureInfo{}
}

// Doc says in a few words what the feature is; empty for an unknown one.
func (f Feature) Doc() string { return f.info().doc }

// Can reports whether f is there without a policy: native or limited, or
// emulated in a way that changes nothing that was asked for.
func (c Capabilities) Can(f Feature) bool {
	switch c.Level(f) {
	case LevelNative, LevelLimited:
		return true
	case LevelEmulated:
		return f.emulation() == ""
	}
	return false
}

// emulation is the action with which a policy allows f to be emulated; empty
// when the emulation needs no policy.
func (f Feature) emulation() Action {
	for _, a := range f.info().actions {
		if a == ActionEmulate || a == ActionFanOut {
			return a
		}
	}
	return ""
}

// action is the policy's word about f, from f itself or the nearest parent.
func (p Policy) action(f Feature) Action {
	allowed := f.info().actions
	for name := f; name != ""; {
		if a, ok := p[name]; ok && slices.Contains(allowed, a) {
			return a
		}
		i := strings.LastIndexByte(string(name), '.')
		if i < 0 {
			break
		}
		name = name[:i]
	}
	return ""
}

// check returns a problem for each name or action that means nothing.
func (p Policy) check() []*Error {
	var out []*Error
	for name, action := range p {
		var allowed []string
		for _, f := range features {
			if f.name == name || strings.HasPrefix(string(f.name), string(name)+".") {
				for _, a := range f.actions {
					allowed = append(allowed, string(a))
				}
			}
		}
		slices.Sort(allowed)
		allowed = slices.Compact(allowed)
		switch {
		case len(allowed) == 0:
			out = append(out, configError("policy."+string(name), "no feature of this name can have a policy"))
		case !slices.Contains(allowed, string(action)):
			out = append(out, configError("policy."+string(name), "expected %s, got %q", strings.Join(allowed, " or "), text.Clip(string(action))))
		}
	}
	slices.SortFunc(out, func(a, b *Error) int { return strings.Compare(a.Field, b.Field) })
	return out
}
