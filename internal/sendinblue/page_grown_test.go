package sendinblue

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// grower writes random JSON that is nearly a page of contacts: mutation of bytes
// alone seldom gets as far as an attribute.
type grower struct {
	*rand.Rand
	strings.Builder
}

func (g *grower) one(of ...string) { g.WriteString(of[g.IntN(len(of))]) }

func (g *grower) gap() {
	if g.IntN(12) == 0 {
		g.one(" ", "\n", "\t\r ", "\x00", "\v", "\u00a0", "/**/", ",", "x")
	}
}

func (g *grower) list(open, end string, item func()) {
	g.WriteString(open)
	for i := range g.IntN(4) {
		if i > 0 {
			g.WriteString(",")
		}
		g.gap()
		item()
		g.gap()
	}
	g.WriteString(end)
}

func (g *grower) object(names []string, value func(name string)) {
	g.list("{", "}", func() {
		name := names[g.IntN(len(names))]
		g.WriteString(`"` + name + `"`)
		g.gap()
		g.WriteString(":")
		g.gap()
		value(name)
	})
}

func (g *grower) text() {
	g.WriteString(`"`)
	for range g.IntN(5) {
		g.one("a", "é", "۱", `\"`, `\\`, `\n`, `\/`, `\u0041`, `\u2028`, "\u2028", `\ud83d\ude00`, `\ud800`, `\udc00x`, "😀", "}", "]", "{", ",", ":", "\x7f", "989121234567", "@mailin-sms.com", "2025-03-01T10:00:00+03:30")
	}
	if g.IntN(40) == 0 {
		g.one("\n", "\xff", `\x`, `\u12`, "\xed\xa0\x80", "\x1f")
	}
	g.WriteString(`"`)
}

func (g *grower) scalar() {
	switch g.IntN(4) {
	case 0:
		g.text()
	case 1:
		g.one("null", "true", "false", "nul", "True", "-", "")
	default:
		g.one("0", "-0", "7", "-42", "12345678901234", "123456789012345", "1234567890123456", "12345678901234567890", "0.1", "1.50", "1e3", "1E+2", "1e-7", "1e21", "1e999", "-1e-999", "01", ".5", "1.", "+1", "0x1", "9223372036854775808", "-9223372036854775808", "1e5", "0e0", "100000000000000000000000000")
	}
}

func (g *grower) value(depth int) {
	switch {
	case depth > 0 && g.IntN(5) == 0:
		g.list("[", "]", func() { g.value(depth - 1) })
	case depth > 0 && g.IntN(5) == 0:
		g.object([]string{"a", "A", "b", `\u0061`, ""}, func(string) { g.value(depth - 1) })
	default:
		g.scalar()
	}
}

func (g *grower) time() {
	g.one(`"2025-03-01T10:00:00.000+03:30"`, `"2026-10-05T08:07:00+03:30"`, `"2025-02-30T10:00:00+03:30"`, `"2025-03-01T10:00:00.123456789-00:00"`, `"2025-03-01T24:00:00+03:30"`, `"2025-03-01T10:00:00+24:00"`,
		`"2025-03-01T10:00:00,5+03:30"`, `"2025-03-01T10:00:00-23:59"`, `"0000-01-01T00:00:00+03:30"`, `"9999-12-31T23:59:59-23:59"`, `"2025-03-01T1:00:00.00+03:30"`, `"2025-03-01 10:00:00+03:30"`, `"2025-03-01T10:00:00Z+03:30"`,
		`"2025-03-01T10:00:60+03:30"`, `"2025-03-01T10:00:00+3:30x"`, `"2025-03-01T10:00:00+03:60"`, `"2025-03-01T10:00:00.1234567890123+03:30"`, `"2025-03-01"`, `""`, "null")
}

func (g *grower) page() string {
	contact := func() {
		if g.IntN(30) == 0 {
			g.value(1)
			return
		}
		g.object([]string{
			"email", "email", "id", "emailBlacklisted", "smsBlacklisted", "createdAt", "modifiedAt", "listIds", "listUnsubscribed", "attributes", "attributes", "attributes",
			"extra", "Email", `\u0065mail`, "ATTRIBUTES", "li\u017ftIds", "x\u2028",
		}, func(name string) {
			switch {
			case g.IntN(20) == 0:
				g.value(2)
			case name == "email" || name == `\u0065mail`:
				g.text()
			case strings.HasSuffix(name, "listed"):
				g.one("true", "false", "null")
			case strings.HasSuffix(name, "At"):
				g.time()
			case name == "id":
				g.one("1", "-0", "null", "42", "1e2")
			case strings.HasPrefix(name, "list"):
				g.list("[", "]", func() { g.one("1", "4", "-0", "0", "null", "12", "4.0") })
			case name == "attributes":
				if g.IntN(8) == 0 {
					g.one("[]", "null", "[ ]", "{ }", "[1]")
					return
				}
				g.object([]string{"FIRSTNAME", "LASTNAME", "SMS", "CITY", "CITY", "X", "", "firstname", `C\u0049TY`}, func(string) { g.value(3) })
			default:
				g.value(2)
			}
		})
	}
	g.object([]string{"contacts", "contacts", "count", "more", "Count"}, func(name string) {
		switch name {
		case "contacts":
			g.list("[", "]", contact)
		case "count":
			g.one("0", "1042", "-1", "null", "1.0", "1e2", `"1"`)
		default:
			g.value(2)
		}
	})
	g.gap()
	return g.String()
}

// The one-pass reader agrees with the common way wherever it does not leave the
// answer to it.
func TestReadPageGrown(t *testing.T) {
	fast := 0
	for seed := range uint64(grownPages) {
		g := &grower{Rand: rand.New(rand.NewPCG(seed, 7))}
		if sameAsCommon(t, []byte(g.page())) != nil {
			fast++
		}
		if t.Failed() {
			t.Fatalf("seed %d: %s", seed, g.String())
		}
	}
	if fast < grownPages/20 {
		t.Errorf("only %d of %d pages were read the fast way: the rest proves nothing", fast, grownPages)
	}
}

const grownPages = 40_000
