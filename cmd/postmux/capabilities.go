package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
)

func newCapabilities(a *app) *cobra.Command {
	var markdown, diff bool
	cmd := &cobra.Command{
		Use:   "capabilities [--diff A B]",
		Short: "What each provider can do",
		Long: `Show what each provider can do, feature by feature; no configuration is needed.
--provider shows one, by the name of an account or of a provider, with its
limits. --diff shows where two differ.

Levels: native; limited (within a limit); emulated (by other means, with a note on
the receipt); account_wide (a setting of the account, not of a message); none.`,
		ValidArgsFunction: a.completeProvider,
		Example:           `  postmux capabilities --diff brevo smsby`,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case diff && len(args) != 2:
				return exit.UsageError("--diff", "expected two names of accounts or providers, got %d", len(args))
			case !diff && len(args) > 0:
				return exit.UsageError("", "expected no argument, got %q; --provider shows one, --diff A B compares", args[0])
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if diff {
				return a.diffCapabilities(cmd, args[0], args[1])
			}
			if a.account != "" {
				one, err := a.capabilitiesOf(cmd, a.account)
				if err != nil {
					return err
				}
				a.printCapabilities(one)
				return nil
			}
			m := newMatrix(a.registry)
			switch {
			case markdown:
				a.printMarkdown(m)
			case a.json:
				a.out.Document(map[string]any{"features": m.rows()})
			default:
				a.printMatrix(m)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&markdown, "markdown", false, "write the matrix as Markdown")
	cmd.Flags().BoolVar(&diff, "diff", false, "show where A and B differ")
	cmd.MarkFlagsMutuallyExclusive("markdown", "diff")
	return cmd
}

// named are the capabilities of an account or a driver.
type named struct {
	name, provider string
	caps           provider.Capabilities
}

// capabilitiesOf takes the name of an account, when there is a configuration
// that has it, or of a provider.
func (a *app) capabilitiesOf(cmd *cobra.Command, name string) (named, error) {
	_, isDriver := a.registry.Driver(name)
	cfg, err := a.loadConfig()
	if err != nil && (!isDriver || a.configFile != "") {
		return named{}, err
	}
	if _, isAccount := cfg.Providers[name]; isAccount || !isDriver {
		c, err := a.openAccount(cmd, cfg, name)
		if err != nil {
			return named{}, err
		}
		return named{name, c.Provider(), c.Capabilities()}, nil
	}
	caps, ok := driverCapabilities(a.registry, name)
	if !ok {
		return named{}, exit.UsageError("", "%s has no capabilities of its own, only those of its members", name)
	}
	return named{name, name, caps}, nil
}

func (a *app) printCapabilities(n named) {
	type cell struct {
		Feature provider.Feature `json:"feature"`
		Doc     string           `json:"doc"`
		provider.Support
	}
	var cells []cell
	for _, f := range provider.Features() {
		s := n.caps[f]
		s.Level = n.caps.Level(f)
		cells = append(cells, cell{f, f.Doc(), s})
	}
	if a.json {
		a.out.Document(map[string]any{"provider": n.provider, "account": n.name, "features": cells})
		return
	}
	t := terminal.NewTable(a.out, "FEATURE", "LEVEL", "WHAT IT IS: LIMIT AND NOTE")
	for _, c := range cells {
		text := c.Doc
		if more := supportText(c.Support); more != "" {
			text += ": " + more
		}
		t.Row(string(c.Feature), levelText(c.Level), text)
	}
	t.Flush()
}

// supportText is the limit and the note of a cell.
func supportText(s provider.Support) string {
	var parts []string
	for _, p := range []string{s.Limit, s.Note} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	switch s.Basis {
	case "guess":
		parts = append(parts, "a guess, not documented")
	case "unproved":
		parts = append(parts, "unproved")
	}
	return strings.Join(parts, "; ")
}

func levelText(l provider.Level) string {
	if l == provider.LevelNone {
		return "-"
	}
	return string(l)
}

func (a *app) diffCapabilities(cmd *cobra.Command, left, right string) error {
	x, err := a.capabilitiesOf(cmd, left)
	if err != nil {
		return err
	}
	y, err := a.capabilitiesOf(cmd, right)
	if err != nil {
		return err
	}
	type difference struct {
		Feature provider.Feature `json:"feature"`
		A       provider.Support `json:"a"`
		B       provider.Support `json:"b"`
	}
	out := []difference{}
	for _, f := range provider.Features() {
		s, r := x.caps[f], y.caps[f]
		s.Level, r.Level = x.caps.Level(f), y.caps.Level(f)
		if s.Level != r.Level || s.Limit != r.Limit {
			out = append(out, difference{f, s, r})
		}
	}
	if a.json {
		a.out.Document(map[string]any{"a": left, "b": right, "features": out})
		return nil
	}
	if len(out) == 0 {
		a.out.Say("no difference")
		return nil
	}
	t := terminal.NewTable(a.out, "FEATURE", left, right)
	for _, d := range out {
		t.Row(string(d.Feature), cellText(d.A), cellText(d.B))
	}
	t.Flush()
	return nil
}

func cellText(s provider.Support) string {
	if s.Limit == "" {
		return levelText(s.Level)
	}
	return levelText(s.Level) + " (" + s.Limit + ")"
}

// driverCapabilities are those of an account without settings. Routes have none:
// theirs are those of their members.
func driverCapabilities(r provider.Registry, name string) (provider.Capabilities, bool) {
	d, _ := r.Driver(name)
	caps := d.Capabilities(nil)
	return caps, caps != nil
}

// matrix are the capabilities of all drivers.
type matrix []named

func newMatrix(r provider.Registry) matrix {
	var m matrix
	for _, d := range r {
		if caps := d.Capabilities(nil); caps != nil {
			m = append(m, named{d.Name(), d.Name(), caps})
		}
	}
	slices.SortFunc(m, func(a, b named) int { return strings.Compare(a.name, b.name) })
	return m
}

// matrixRow is one feature at all providers.
type matrixRow struct {
	Feature   provider.Feature            `json:"feature"`
	Doc       string                      `json:"doc"`
	Providers map[string]provider.Support `json:"providers"`
}

func (m matrix) rows() []matrixRow {
	var out []matrixRow
	for _, f := range provider.Features() {
		row := matrixRow{Feature: f, Doc: f.Doc(), Providers: make(map[string]provider.Support, len(m))}
		for _, n := range m {
			s := n.caps[f]
			s.Level = n.caps.Level(f)
			row.Providers[n.name] = s
		}
		out = append(out, row)
	}
	return out
}

// judged is the month in which the oldest cell of a table was held against its sources.
func judged(caps provider.Capabilities) string {
	oldest := ""
	for _, s := range caps {
		if s.Judged != "" && (oldest == "" || s.Judged < oldest) {
			oldest = s.Judged
		}
	}
	return oldest
}

func (a *app) printMatrix(m matrix) {
	head := []string{"FEATURE"}
	for _, n := range m {
		head = append(head, n.name)
	}
	t := terminal.NewTable(a.out, head...)
	for _, r := range m.rows() {
		cells := []string{string(r.Feature)}
		for _, n := range m {
			level := levelText(r.Providers[n.name].Level)
			if level == string(provider.LevelAccountWide) {
				level = "account" // so that the matrix fits 80 columns
			}
			cells = append(cells, level)
		}
		t.Row(cells...)
	}
	t.Flush()
	a.out.Text(`
limited: within a limit. emulated: by other means, with a note on the receipt.
account: a setting of the account (account_wide). -: not there.
"postmux --provider NAME capabilities" has the limits and notes of one.
`)
}

const markdownHead = `# Capabilities

What each provider can do through postmux, feature by feature. ` + "`postmux capabilities --markdown`" + `
writes this page from what the adapters declare, and the conformance suite proves it.

| level | means |
|---|---|
| **native** | the provider has the feature |
| **limited** | the provider has it within a limit, which stands in the notes below |
| **emulated** | postmux does it by other means, and the receipt has a note |
| **account_wide** | it is a setting of the account; a message that asks for it is refused |
| – | the provider does not have it; a message that needs it is refused before any request |
| **unproved** | other programs, or the age of the provider's API, suggest that the provider can do it, and no document says so. It is used only with the setting ` + "`unproved`" + `, and it never meets ` + "`require`" + ` |
| ? | a guess: the vendor's documents do not state it |

What **checked** means: every cell is checked on the sandbox, which imitates the vendors from their
documents. The suite makes the call, or sees that a missing feature is refused. No cell has been
checked with a live account. So a cell is as right as the documents, and a guess is only a guess.

`

// printMarkdown writes docs/capabilities.md.
func (a *app) printMarkdown(m matrix) {
	var b strings.Builder
	b.WriteString(markdownHead)
	b.WriteString("| feature | what it is |")
	for _, n := range m {
		b.WriteString(" " + n.name + " |")
	}
	b.WriteString("\n|---|---|" + strings.Repeat("---|", len(m)) + "\n")
	for _, r := range m.rows() {
		fmt.Fprintf(&b, "| `%s` | %s |", r.Feature, r.Doc)
		for _, n := range m {
			s := r.Providers[n.name]
			text := string(s.Level)
			if s.Level == provider.LevelNone {
				text = "–"
			}
			switch s.Basis {
			case "guess":
				text += " ?"
			case "unproved":
				text += " unproved"
			}
			b.WriteString(" " + text + " |")
		}
		b.WriteString("\n")
	}
	for _, n := range m {
		fmt.Fprintf(&b, "\n## %s: limits and notes\n\n", n.name)
		if month := judged(n.caps); month != "" {
			fmt.Fprintf(&b, "Judged in %s from the sources in `api/%s/SOURCES.md`.\n\n", month, n.name)
		}
		none := true
		for _, f := range provider.Features() {
			s := n.caps[f]
			if s.Limit == "" && s.Note == "" {
				continue
			}
			none = false
			parts := slices.DeleteFunc([]string{s.Limit, s.Note}, func(p string) bool { return p == "" })
			begin := "* "
			for _, line := range wrap(fmt.Sprintf("`%s` (%s): %s", f, n.caps.Level(f), strings.Join(parts, "; ")), 98) {
				b.WriteString(begin + line + "\n")
				begin = "  "
			}
		}
		if none {
			b.WriteString("None.\n")
		}
	}
	a.out.Text(b.String())
}
