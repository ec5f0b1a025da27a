package outbox

import (
	"fmt"
	"strings"
	"time"
)

// mutations are faults that the tests of this package must find: each replaces a part of a
// statement of a Store. What the statements do is where the promises of the ledger are.
var mutations = map[string]func(s *Store){
	// Who asks which ids have changed, without the attempt, takes an old claim for the new one.
	"no attempt": func(s *Store) {
		s.mutate(applyTexts[intent], 2, "and m.attempt = r_attempt", "", "set state = 'sending'", "set state = 'sending', attempt = r_attempt")
		s.mutate(applyTexts[result], 2, "m.attempt = r_attempt and {unindexed m.worker}", "{unindexed m.worker}")
	},
	// The message of a dead worker goes out again although its request may have left.
	"sweep to queued": func(s *Store) {
		s.mutate(sweepSending, 2, "set state = 'unknown'", "set state = 'queued'", "unclear = true", "unclear = false",
			"run_at = {now} + {2}", "run_at = {now} + 0 * {2}")
	},
	// The intent is not on disk when the request leaves.
	"intent after send": func(s *Store) {
		s.mutate(applyTexts[intent], 2, "set state = 'sending'", "set state = 'leased'")
	},
	// That some try may have sent it is forgotten.
	"not sticky": func(s *Store) {
		s.mutate(sweepKeyed, 0, "unclear = true", "unclear = false")
		s.mutate(applyTexts[result], 2, "unclear = r_unclear", "unclear = false")
	},
	// Each process goes by its own clock.
	"host clocks": func(s *Store) {
		d := *s.d
		if d.now != "" {
			d.now = fmt.Sprintf("(%s + %d)", d.now, time.Until(s.clock()).Round(time.Second).Microseconds())
		}
		s.d = &d
	},
}

// mutate makes a mutation; an empty name is none.
func mutate(s *Store, name string) {
	if name != "" {
		mutations[name](s)
	}
}

// mutate replaces parts of a statement that has so many parameters.
func (s *Store) mutate(text string, args int, pairs ...string) {
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			panic(fmt.Sprintf("the mutation of %q changes nothing: %s", pairs[i], text))
		}
	}
	changed := strings.NewReplacer(pairs...).Replace(text)
	s.texts.Store(text, s.render(changed, args))
}
