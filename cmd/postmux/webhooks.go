package main

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/events"
)

func newWebhooks(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "webhooks",
		Short: "Register where events are sent to",
		Long: `Register where the provider sends events to. The secret is the account's setting
webhook_secret, the address its setting webhook_url; neither is printed.`,
		Args: terminal.NoCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newWebhooksList(a), newWebhooksCreate(a), newWebhooksDelete(a), newWebhooksSync(a))
	return cmd
}

// shownWebhook is a webhook in JSON: its address without the secret.
type shownWebhook struct {
	events.Webhook
	URL string `json:"url"`
}

func (a *app) showWebhooks(list []events.Webhook) {
	if a.json {
		for i, w := range list {
			a.out.Line(terminal.Indexed(i, shownWebhook{w, w.Place()}))
		}
		return
	}
	t := terminal.NewTable(a.out, "ID", "STREAM", "URL", "EVENTS")
	for _, w := range list {
		t.Row(w.ID, w.Stream, w.Place(), strings.Join(w.VendorEvents, " "))
	}
	t.End()
}

func newWebhooksList(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the webhooks of the account",
		Long: `List the webhooks of the account, also those of other programs. What may be a secret in
an address is not shown.`,
		Args:        terminal.WantArgs(),
		Annotations: stream(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.open(cmd)
			if err != nil {
				return err
			}
			list, err := events.ListWebhooks(cmd.Context(), c)
			if err != nil {
				return err
			}
			a.showWebhooks(list)
			return nil
		},
	}
}

func newWebhooksCreate(a *app) *cobra.Command {
	var kinds []string
	var part string
	var dry dryRun
	cmd := &cobra.Command{
		Use:   "create --kinds KINDS",
		Short: "Register a webhook for some kinds of events",
		Long: `Register a webhook for some kinds of events, at the account's webhook_url. "webhooks
sync" registers all of them and can be called again; this cannot: after an unknown
outcome list the webhooks.`,
		Example:     `  postmux webhooks create --kinds bounced,complained`,
		Args:        terminal.WantArgs(),
		Annotations: stream(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, r, base, err := a.receiverOf(cmd, dry.options()...)
			if err != nil {
				return err
			}
			w := events.Webhook{Stream: part, Address: r.AddressOf(base, c.Account(), part)}
			if r.Bearer {
				w.Secret = r.Secrets[0]
			}
			for _, kind := range kinds {
				w.Kinds = append(w.Kinds, events.Kind(kind))
			}
			made, err := events.CreateWebhook(cmd.Context(), c, w)
			if dry.on {
				return dry.show(a, err)
			}
			if err != nil {
				return err
			}
			a.showWebhooks(made)
			return nil
		},
	}
	cmd.Flags().StringSliceVar(&kinds, "kinds", nil, "`KINDS` of events, such as bounced,complained")
	cmd.Flags().StringVar(&part, "stream", "transactional", "`STREAM`: transactional or marketing; bulk at sendpulse")
	dry.flag(cmd)
	return cmd
}

func newWebhooksDelete(a *app) *cobra.Command {
	var dry dryRun
	cmd := &cobra.Command{
		Use:   "delete ID",
		Short: "Remove a webhook",
		Long:  `Remove a webhook by the id that "webhooks list" shows.`,
		Args:  terminal.WantArgs("ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.open(cmd, dry.options()...)
			if err != nil {
				return err
			}
			err = events.DeleteWebhook(cmd.Context(), c, args[0])
			if dry.on {
				return dry.show(a, err)
			}
			if err != nil {
				return err
			}
			if a.json {
				a.out.Document(map[string]any{"provider": c.Provider(), "account": c.Account(), "id": args[0], "state": provider.ContactDone})
			} else {
				a.out.Pairs([][2]string{{"account", accountText(c.Account(), c.Provider())}, {"webhook", args[0]}, {"state", string(provider.ContactDone)}})
			}
			return nil
		},
	}
	dry.flag(cmd)
	return cmd
}

func newWebhooksSync(a *app) *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "sync",
		Short: "Register all events of the account",
		Long: `Compare the webhooks of the account with those that it should have, all events that
the provider pushes, at the account's webhook_url with its webhook_secret, and show the
difference. --yes makes what is missing, then deletes what is wrong, such as those with
an old secret. Webhooks of other addresses are left alone. The second time there is
nothing to do.`,
		Args: terminal.WantArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, r, base, err := a.receiverOf(cmd)
			if err != nil {
				return err
			}
			plan, err := events.PlanWebhooks(cmd.Context(), c, r, base)
			if err != nil {
				return err
			}
			a.showPlan(plan)
			switch {
			case plan.Nothing():
				cmd.PrintErrln("nothing to do")
				return nil
			case !yes:
				cmd.PrintErrln("nothing was changed; --yes does it")
				return nil
			}
			if err := plan.Run(cmd.Context(), c); err != nil {
				return err
			}
			cmd.PrintErrln("done")
			return nil
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do it")
	return cmd
}

func (a *app) showPlan(plan events.WebhookPlan) {
	parts := []struct {
		word string
		list []events.Webhook
	}{{"create", plan.Create}, {"delete", plan.Delete}, {"keep", plan.Keep}, {"other", plan.Other}, {"by hand", plan.ByHand}}
	if a.json {
		out := map[string][]shownWebhook{}
		for _, p := range parts {
			word := strings.ReplaceAll(p.word, " ", "_")
			out[word] = []shownWebhook{}
			for _, w := range p.list {
				out[word] = append(out[word], shownWebhook{w, w.Place()})
			}
		}
		a.out.Document(out)
		return
	}
	t := terminal.NewTable(a.out, "", "ID", "STREAM", "URL", "EVENTS")
	for _, p := range parts {
		for _, w := range p.list {
			t.Row(p.word, w.ID, w.Stream, w.Place(), strings.Join(w.VendorEvents, " "))
		}
	}
	t.End()
}

// receiverOf opens the account, with what its webhooks need.
func (a *app) receiverOf(cmd *cobra.Command, opts ...provider.Option) (c *provider.Client, r events.Receiver, base string, err error) {
	if c, err = a.open(cmd, opts...); err != nil {
		return nil, r, "", err
	}
	cfg, err := a.loadConfig()
	if err != nil {
		return nil, r, "", err
	}
	made, err := a.registry.Receivers(cfg)
	if err != nil {
		return nil, r, "", a.inConfig(err)
	}
	r, ok := made[c.Account()].(events.Receiver)
	switch {
	case !ok:
		return nil, r, "", exit.UsageError("--provider", "%s calls no webhooks", c.Provider())
	case len(r.Secrets) == 0:
		return nil, r, "", a.inConfig(exit.ConfigError("providers."+c.Account()+".webhook_secret", "missing: the secret that the webhooks of the account bring"))
	case r.URL == "":
		return nil, r, "", a.inConfig(exit.ConfigError("providers."+c.Account()+".webhook_url", "missing: the address under which webhooks come in"))
	}
	return c, r, r.URL, nil
}
