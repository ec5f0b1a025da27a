package route

import (
	"fmt"
	"maps"
	"slices"

	"github.com/postmux/postmux/provider"
)

// The checks of settings, as far as one setting tells.

func checkNames(v any) error {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return fmt.Errorf("expected a list of at least one account")
	}
	names := texts(v)
	for i, x := range list {
		switch name, ok := x.(string); {
		case !ok || name == "":
			return fmt.Errorf("[%d]: expected the name of an account", i)
		case slices.Index(names, name) < i:
			return fmt.Errorf("[%d]: %s stands twice", i, name)
		}
	}
	return nil
}

func checkWeights(v any) error {
	weights, ok := v.(map[string]any)
	if !ok || len(weights) == 0 {
		return fmt.Errorf("expected a weight for each member: {a: 3, b: 1}")
	}
	for _, name := range slices.Sorted(maps.Keys(weights)) {
		if _, ok := whole(weights[name]); !ok {
			return fmt.Errorf("%s: expected a whole number of 1 … %d", name, maxWeight)
		}
	}
	return nil
}

func checkRules(v any) error {
	list, ok := v.([]any)
	if !ok || len(list) == 0 {
		return fmt.Errorf("expected a list of rules: {recipient_domain: example.com, account: a} or {tag: news, account: a}")
	}
	for i, x := range list {
		if err := checkRule(x); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}
	return nil
}

func checkRule(v any) error {
	rule, ok := v.(map[string]any)
	if !ok {
		return fmt.Errorf("expected {recipient_domain: example.com, account: a} or {tag: news, account: a}")
	}
	text := make(map[string]string, len(rule))
	for _, key := range slices.Sorted(maps.Keys(rule)) {
		s, ok := rule[key].(string)
		switch {
		case key != "recipient_domain" && key != "tag" && key != "account":
			return fmt.Errorf("%s: unknown key; a rule knows: recipient_domain, tag, account", key)
		case !ok || s == "":
			return fmt.Errorf("%s: expected a text", key)
		}
		text[key] = s
	}
	switch {
	case text["account"] == "":
		return fmt.Errorf("account: missing")
	case (text["recipient_domain"] == "") == (text["tag"] == ""):
		return fmt.Errorf("expected either recipient_domain or tag")
	}
	return checkDomain(text["recipient_domain"])
}

// texts are the texts of a JSON list.
func texts(v any) []string {
	list, _ := v.([]any)
	out := make([]string, len(list))
	for i, x := range list {
		out[i], _ = x.(string)
	}
	return out
}

// whole is a JSON number as a weight.
func whole(v any) (int, bool) {
	n, ok := v.(float64)
	if i, isInt := v.(int); isInt {
		n, ok = float64(i), true
	}
	return int(n), ok && n >= 1 && n <= maxWeight && n == float64(int(n))
}

func configError(field, format string, args ...any) error {
	return &provider.Error{Kind: provider.ErrConfig, Outcome: provider.NotSent, Field: field, Message: fmt.Sprintf(format, args...)}
}
