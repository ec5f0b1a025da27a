package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/route"
)

func newCheck(a *app) *cobra.Command {
	var every bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check the configuration, the credentials and the senders",
		Long: `Check the form of the whole configuration, and ask the provider whether the
credentials of the account work and what it may send. Nothing is sent. Of a route
the members are asked, and what one of them lacks and another has is told. --all resolves all secrets and asks all providers.`,
		Args: terminal.WantArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if every {
				if a.account != "" {
					return exit.UsageError("--all", "expected either --all or --provider, got both")
				}
				return a.checkAll(cmd)
			}
			c, err := a.open(cmd)
			if err != nil {
				return err
			}
			if members := leaves(c); members != nil {
				return a.checkClients(cmd, append([]*provider.Client{c}, members...))
			}
			h, err := c.Check(cmd.Context())
			if err != nil {
				return err
			}
			if a.json {
				a.out.Document(h)
				return nil
			}
			a.out.Pairs(healthRows(h))
			return nil
		},
	}
	cmd.Flags().BoolVar(&every, "all", false, "check all accounts and resolve all secrets")
	return cmd
}

// checked is one account of check --all.
type checked struct {
	Provider string           `json:"provider"`
	Account  string           `json:"account"`
	Health   *provider.Health `json:"health"`
	Error    *provider.Error  `json:"error"`
}

func (a *app) checkAll(cmd *cobra.Command) error {
	cfg, err := a.loadConfig()
	if err != nil {
		return err
	}
	for _, w := range a.registry.Warnings(cfg) {
		fmt.Fprintln(cmd.ErrOrStderr(), "warning: "+w)
	}
	if err := a.registry.Check(cfg); err != nil {
		return a.inConfig(err)
	}
	if err := a.registry.CheckSecrets(cfg); err != nil {
		return a.inConfig(err)
	}
	var results []checked
	var codes []int
	add := func(r checked, err error) {
		results = append(results, r)
		codes = append(codes, exit.Code(err))
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Providers)) {
		c, err := a.openAccount(cmd, cfg, name)
		if err != nil {
			add(checked{Provider: cfg.Providers[name].Provider(), Account: name, Error: exit.ProviderError(err)}, err)
			continue
		}
		add(checkClient(cmd.Context(), c))
		if err := cmd.Context().Err(); err != nil {
			return err
		}
	}
	return a.showChecks(results, codes)
}

// leaves returns the accounts behind a route, those of routes below it too; nil for an
// account that is none.
func leaves(c *provider.Client) []*provider.Client {
	var out []*provider.Client
	for _, m := range route.Members(c) {
		below := leaves(m)
		if below == nil {
			below = []*provider.Client{m}
		}
		for _, leaf := range below {
			if !slices.ContainsFunc(out, func(o *provider.Client) bool { return o.Account() == leaf.Account() }) {
				out = append(out, leaf)
			}
		}
	}
	return out
}

func (a *app) checkClients(cmd *cobra.Command, clients []*provider.Client) error {
	var results []checked
	var codes []int
	for _, c := range clients {
		r, err := checkClient(cmd.Context(), c)
		results, codes = append(results, r), append(codes, exit.Code(err))
		if err := cmd.Context().Err(); err != nil {
			return err
		}
	}
	return a.showChecks(results, codes)
}

// checkClient asks one account. There is nothing wrong with one that cannot be asked.
func checkClient(ctx context.Context, c *provider.Client) (checked, error) {
	r := checked{Provider: c.Provider(), Account: c.Account()}
	why := "the provider has no such call; only the form was checked"
	if leaves(c) != nil {
		why = "a route: its members are checked as accounts of their own"
	}
	h, err := c.Check(ctx)
	switch {
	case errors.Is(err, provider.ErrUnsupported):
		r.Health = &provider.Health{Provider: r.Provider, Account: r.Account, Notes: []provider.Note{{
			Field: "check", Action: provider.NoteWarning, Why: why,
		}}}
		r.Health.Notes = append(r.Health.Notes, gapNotes(c)...)
		return r, nil
	case err != nil:
		r.Error = exit.ProviderError(err)
		return r, err
	}
	r.Health = h
	return r, nil
}

// gapNotes says for each member of a route what it lacks and another member has.
func gapNotes(c *provider.Client) []provider.Note {
	var out []provider.Note
	lacks := map[string][]string{}
	for _, g := range route.Gaps(c, nil) {
		if _, ok := lacks[g.Account]; !ok {
			out = append(out, provider.Note{Field: "members", Action: provider.NoteWarning, Why: g.Account})
		}
		lacks[g.Account] = append(lacks[g.Account], strings.TrimPrefix(string(g.Feature), "message."))
	}
	for i, n := range out {
		out[i].Why = n.Why + " takes no mail that needs " + strings.Join(lacks[n.Why], ", ") + "; other members do"
	}
	return out
}

func (a *app) showChecks(results []checked, codes []int) error {
	if a.json {
		a.out.Document(map[string]any{"accounts": results})
	} else {
		a.printChecks(results)
	}
	return exit.ManyError(codes, "accounts")
}

// printChecks prints the accounts one after the other, with an empty line between.
func (a *app) printChecks(results []checked) {
	for i, r := range results {
		if i > 0 {
			a.out.Say("")
		}
		if r.Error != nil {
			a.out.Pairs([][2]string{
				{"account", accountText(r.Account, r.Provider)}, {"result", "failed"}, {"error", strings.TrimSpace(r.Error.Error())},
			})
			continue
		}
		a.out.Pairs(healthRows(r.Health))
	}
}

// healthRows is what is known of an account, a line each.
func healthRows(h *provider.Health) [][2]string {
	result := "ok"
	if len(h.Notes) > 0 {
		result = "see notes"
	}
	rows := [][2]string{{"account", accountText(h.Account, h.Provider)}, {"result", result}, {"login", h.Login}}
	for _, s := range h.Senders {
		text := s.Email
		if s.Name != "" {
			text = s.Name + " <" + s.Email + ">"
		}
		if !s.Verified {
			text += " (not verified)"
		}
		rows = append(rows, [2]string{"sender", text})
	}
	for _, q := range h.Quotas {
		rows = append(rows, [2]string{"quota", quotaText(q)})
	}
	for _, n := range h.Notes {
		rows = append(rows, [2]string{"note", terminal.NoteText(n)})
	}
	return rows
}

// quotaText says in words what is left: "subscribers: 488 contacts left, 12 used".
func quotaText(q provider.Quota) string {
	amount := func(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }
	var parts []string
	switch {
	case q.Unlimited:
		parts = append(parts, "no limit")
	case q.Left != nil:
		parts = append(parts, strings.TrimSpace(amount(*q.Left)+" "+q.Unit)+" left")
	}
	if q.Used != nil {
		parts = append(parts, amount(*q.Used)+" used")
	}
	return q.Name + ": " + strings.Join(parts, ", ")
}
