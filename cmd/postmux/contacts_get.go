package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/contactrows"
)

func newContactGet(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "get EMAIL",
		Short: "Show one contact",
		Args:  terminal.WantArgs("EMAIL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.open(cmd)
			if err != nil {
				return err
			}
			contact, err := c.GetContact(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			if a.json {
				a.out.Document(contact)
				return nil
			}
			a.printContact(contact)
			return nil
		},
	}
}

func (a *app) printContact(c *provider.Contact) {
	rows := [][2]string{{"email", c.Email}}
	for _, f := range contactrows.OwnFields {
		rows = append(rows, [2]string{strings.ReplaceAll(f.Name, "_", " "), f.Of(c)})
	}
	for _, name := range slices.Sorted(maps.Keys(c.Fields)) {
		rows = append(rows, [2]string{"field " + name, fieldText(c.Fields[name])})
	}
	for _, m := range c.Memberships {
		rows = append(rows, [2]string{"list " + m.List, string(m.Status)})
	}
	for _, s := range c.Suppressed {
		rows = append(rows, [2]string{"suppressed", suppressionText(s)})
	}
	rows = append(rows, [2]string{"created", timeText(c.CreatedAt)}, [2]string{"modified", timeText(c.ModifiedAt)})
	a.out.Pairs(rows)
}

func fieldText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []string:
		return strings.Join(v, ", ")
	}
	data, err := terminal.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(data)
}

func suppressionText(s provider.Suppression) string {
	text := string(s.Channel) + " " + string(s.Scope)
	if s.Sender != "" {
		text += " from " + s.Sender
	}
	if s.Reason != "" {
		text += " (" + string(s.Reason) + ")"
	}
	return text
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}
