// Package scrub takes credentials out of texts that came from outside: some vendors,
// and proxies before them, write back what they were sent.
package scrub

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"
)

// Redacted stands where a credential was.
const Redacted = "REDACTED"

const (
	// shortest is the length in bytes from which a secret is looked for.
	shortest = 4
	// partsFrom is the length from which a secret is looked for inside of words and in
	// encodings. A shorter one would be found in words that have nothing to do with it.
	partsFrom = 8
	// part is the length of a part of a secret that is taken out.
	part = 12
	// gram is the length of what is looked up in the filter.
	gram = 4
	// rounds is how many layers of escapes are looked under.
	rounds = 4
)

// Scrubber takes secrets out of texts: as they are and in other case, under escapes of
// URLs, JSON and HTML, in hex and base64, and in parts of 12 or more characters. A
// secret of 4 to 7 characters is found only as a whole word, a shorter one not at all.
//
// A nil Scrubber changes nothing. A Scrubber does not change and may be used by several
// goroutines.
type Scrubber struct {
	needles []needle
	// step is the distance of the places at which a text is looked at: each part of a
	// needle that counts has a gram at one of them.
	step int
	// filter has a bit for each gram of a needle.
	filter [1 << 8]uint64
	// hidden says for each ASCII character, and at its end for all others, whether an
	// escape of it may hide a part of a needle, or of another escape.
	hidden [utf8.RuneSelf + 1]bool
}

// needle is a folded form of a secret.
type needle struct {
	text string
	most int  // the length of a part that counts
	word bool // only as a whole word
}

// New returns a Scrubber for secrets. It is nil when none of them is long enough.
func New(secrets ...string) *Scrubber {
	s := &Scrubber{step: part}
	for _, secret := range secrets {
		switch {
		case len(secret) >= partsFrom:
			s.add(needle{text: secret, most: min(len(secret), part)})
			for _, form := range encodings(secret) {
				s.add(needle{text: form, most: min(len(form), part)})
			}
		case len(secret) >= shortest:
			s.add(needle{text: secret, most: len(secret), word: true})
		}
	}
	if len(s.needles) == 0 {
		return nil
	}
	words := slices.ContainsFunc(s.needles, func(n needle) bool { return n.word })
	for c := range byte(utf8.RuneSelf) {
		// What escapes are written with, and what may end a word.
		s.hidden[c] = strings.IndexByte("\\%&#;", c) >= 0 || inWord(c) || words
	}
	for _, n := range s.needles {
		for i := range len(n.text) {
			s.hidden[min(n.text[i], utf8.RuneSelf)] = true
		}
	}
	return s
}

// encodings are the secret in hex, and in base64 at each of the three places where it may
// begin in a group, without the characters that depend on what stands around it.
func encodings(secret string) []string {
	out := []string{hex.EncodeToString([]byte(secret))}
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			text := e.EncodeToString(append(make([]byte, before), secret...))
			bits := 8 * (before + len(secret))
			out = append(out, text[(8*before+5)/6:bits/6])
		}
	}
	return out
}

func (s *Scrubber) add(n needle) {
	folded := []byte(n.text)
	for i, c := range folded {
		folded[i] = fold(c)
	}
	n.text = string(folded)
	if slices.Contains(s.needles, n) {
		return
	}
	s.needles = append(s.needles, n)
	s.step = min(s.step, n.most-gram+1)
	for i := range len(n.text) - gram + 1 {
		h := hash(n.text, i)
		s.filter[h>>6] |= 1 << (h & 63)
	}
}

// fold makes c equal in both cases.
func fold(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

type text interface{ string | []byte }

// hash is the place in the filter of the gram at t[i:]. It does without fold: all that
// matters is that both cases have the same place.
func hash[T text](t T, i int) uint32 {
	_ = t[i+3]
	g := uint32(t[i]) | uint32(t[i+1])<<8 | uint32(t[i+2])<<16 | uint32(t[i+3])<<24
	return (g | 0x20202020) * 2654435761 >> 18
}

// Text returns t with REDACTED in place of each secret. It returns t itself, and
// allocates only for escapes in t, when there is none.
func (s *Scrubber) Text(t string) string {
	if !found(s, t) {
		return t
	}
	var spans []span
	view, at := []byte(t), make([]int, len(t)+1)
	for i := range at {
		at[i] = i
	}
	for range rounds {
		scan(s, view, func(from, to int) bool {
			spans = append(spans, span{at[from], at[to]})
			return true
		})
		var changed bool
		if view, at, changed = unescaped(view, at); !changed {
			break
		}
	}
	return without(t, spans)
}

// JSON is Text for a body. In JSON the texts and the names of members are scrubbed, and
// not the syntax, so that it can still be decoded; numbers stay as they are. It returns
// body itself when it holds no secret.
func (s *Scrubber) JSON(body []byte) []byte {
	if !found(s, body) {
		return body
	}
	var v any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if json.Valid(body) && d.Decode(&v) == nil {
		var out bytes.Buffer
		e := json.NewEncoder(&out)
		e.SetEscapeHTML(false)
		if e.Encode(s.value(v)) == nil {
			return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
		}
	}
	return []byte(s.Text(string(body)))
}

// value scrubs a decoded value of JSON.
func (s *Scrubber) value(v any) any {
	switch v := v.(type) {
	case string:
		return s.Text(v)
	case []any:
		for i := range v {
			v[i] = s.value(v[i])
		}
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, member := range v {
			out[s.name(name)] = s.value(member)
		}
		return out
	}
	return v
}

// name scrubs the name of a member. A short secret may be a usual name, without which the
// value would be lost.
func (s *Scrubber) name(name string) string {
	if len(name) < partsFrom {
		return name
	}
	return s.Text(name)
}

// found reports whether t holds a secret.
func found[T text](s *Scrubber, t T) bool {
	if s == nil || len(t) < shortest {
		return false
	}
	if holds(s, t) {
		return true
	}
	if !escaped(t) || !hides(s, t) {
		return false
	}
	view, _, _ := unescaped(t, nil)
	for range rounds - 2 {
		if holds(s, view) {
			return true
		}
		if !hides(s, view) {
			return false
		}
		view, _, _ = unescaped(view, nil)
	}
	return holds(s, view)
}

// hides reports whether an escape in t may hide a part of a needle. A page with names in
// Persian or Cyrillic is full of escapes that do not, and is not copied for them.
func hides[T text](s *Scrubber, t T) bool {
	for i := 0; i < len(t); {
		at, r, n := nextEscape(t, i)
		if n > 0 && s.hidden[min(r, utf8.RuneSelf)] {
			return true
		}
		i = at + n
	}
	return false
}

// escaped reports whether t may hold an escape. Nearly no answer to a send does.
func escaped[T text](t T) bool {
	for _, c := range []byte(`\%&`) {
		switch t := any(t).(type) {
		case string:
			if strings.IndexByte(t, c) >= 0 {
				return true
			}
		case []byte:
			if bytes.IndexByte(t, c) >= 0 {
				return true
			}
		}
	}
	return false
}

func holds[T text](s *Scrubber, t T) bool {
	hit := false
	scan(s, t, func(int, int) bool {
		hit = true
		return false
	})
	return hit
}

// scan calls yield with each place in t that holds a part of a needle, until it returns
// false. Places may overlap.
func scan[T text](s *Scrubber, t T, yield func(from, to int) bool) {
	for i := 0; i+gram <= len(t); i += s.step {
		if !known(s, t, i) || !runs(s, t, i) {
			continue
		}
		for _, n := range s.needles {
			for k := range len(n.text) - gram + 1 {
				from, to, ok := around(n, t, i, k)
				if ok && !yield(from, to) {
					return
				}
			}
		}
	}
}

// known reports whether the gram at t[i:] may be one of a needle.
func known[T text](s *Scrubber, t T, i int) bool {
	h := hash(t, i)
	return s.filter[h>>6]&(1<<(h&63)) != 0
}

// runs reports whether t[i] is in a run of known grams that is as long as that of the
// shortest part. It spares most looks at the needles.
func runs[T text](s *Scrubber, t T, i int) bool {
	n := 1
	for j := i - 1; j >= 0 && n < s.step && known(s, t, j); j-- {
		n++
	}
	for j := i + 1; j+gram <= len(t) && n < s.step && known(s, t, j); j++ {
		n++
	}
	return n >= s.step
}

// around returns the largest part of the needle that t has where its k-th byte stands at
// t[i], and whether it counts.
func around[T text](n needle, t T, i, k int) (from, to int, ok bool) {
	if fold(t[i]) != n.text[k] {
		return 0, 0, false
	}
	from, to = i, i
	for j := k; j > 0 && from > 0 && fold(t[from-1]) == n.text[j-1]; j-- {
		from--
	}
	for j := k; j < len(n.text) && to < len(t) && fold(t[to]) == n.text[j]; j++ {
		to++
	}
	if n.word && (from > 0 && inWord(t[from-1]) || to < len(t) && inWord(t[to])) {
		return 0, 0, false
	}
	return from, to, to-from >= n.most
}

func inWord(c byte) bool {
	return c >= 0x80 || c == '_' || c == '-' || '0' <= c && c <= '9' || 'a' <= fold(c) && fold(c) <= 'z'
}

// span is a place in a text.
type span struct{ from, to int }

// without returns t with REDACTED in place of spans; those that touch become one.
func without(t string, spans []span) string {
	slices.SortFunc(spans, func(a, b span) int { return a.from - b.from })
	var b strings.Builder
	done := 0
	for i := 0; i < len(spans); {
		from, to := spans[i].from, spans[i].to
		for i++; i < len(spans) && spans[i].from <= to; i++ {
			to = max(to, spans[i].to)
		}
		b.WriteString(t[done:from])
		b.WriteString(Redacted)
		done = to
	}
	b.WriteString(t[done:])
	return b.String()
}
