package main

import (
	"maps"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/input"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/contactrows"
)

func newContactUpsert(a *app) *cobra.Command {
	var f changeFlags
	var dry dryRun
	cmd := &cobra.Command{
		Use:   "upsert [FILE|-]",
		Short: "Create a contact or change it",
		Long: `Create a contact, or set the named fields of the one with this address and add
it to lists. What is not named stays as it is; an unsubscription, a bounce, a
complaint or a block is never undone. Who has left a list, or all of them, is not put
on it: the rest is stored, and "contacts resubscribe" is the command for that.

The change is given as JSON in FILE or on stdin (-), by flags, or both: a flag
is laid over the file.`,
		Example: `  postmux contacts upsert --email anna@example.com --first-name Анна --list newsletter
  postmux contacts upsert --email anna@example.com --field CITY=Минск --field AGE:=42 --clear phone`,
		Args: terminal.WantArgs("[FILE]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			change, err := f.change(cmd, args)
			if err != nil {
				return err
			}
			c, err := a.open(cmd, dry.options()...)
			if err != nil {
				return err
			}
			r, err := c.UpsertContact(cmd.Context(), change)
			if dry.on {
				return dry.show(a, err)
			}
			return a.showContactReceipt(r, err)
		},
	}
	f.register(cmd)
	dry.flag(cmd)
	return cmd
}

// changeFlags are a change of a contact as flags.
type changeFlags struct {
	email, status         string
	own                   []string // as OwnFields
	fields, clears, lists []string
}

func (f *changeFlags) register(cmd *cobra.Command) {
	s := cmd.Flags()
	s.StringVar(&f.email, "email", "", "`ADDRESS` of the contact")
	f.own = make([]string, len(contactrows.OwnFields))
	for i, own := range contactrows.OwnFields {
		s.StringVar(&f.own[i], own.Flag(), "", own.Usage)
	}
	s.StringArrayVar(&f.fields, "field", nil, "set a field: `NAME=VALUE` gives a text, NAME:=JSON any JSON value, repeatable")
	s.StringArrayVar(&f.clears, "clear", nil, "empty a field: "+strings.Join(contactrows.OwnNames(), ", ")+" or the `NAME` of a further field, repeatable")
	s.StringArrayVar(&f.lists, "list", nil, "add to the list `REF`: an alias, or id:ID, repeatable")
	s.StringVar(&f.status, "status", "", "store as `STATUS`: subscribed, unsubscribed, bounced, complained or blocked")
}

func (f *changeFlags) change(cmd *cobra.Command, args []string) (provider.ContactChange, error) {
	var c provider.ContactChange
	given := cmd.Flags().Changed
	if len(args) == 1 {
		data, err := input.ReadAll(cmd.InOrStdin(), "", args[0], input.ContactMost)
		if err != nil {
			return c, err
		}
		if c, err = provider.ParseContactChange(data); err != nil {
			return c, &exit.FileError{File: args[0], Err: err}
		}
	} else if !given("email") {
		return c, exit.UsageError("--email", "expected the address of the contact, or a FILE")
	}
	if given("email") {
		c.Email = f.email
	}
	if given("status") {
		c.Status = provider.MembershipStatus(f.status)
	}
	for i, own := range contactrows.OwnFields {
		if given(own.Flag()) {
			*own.In(&c) = provider.ChangeTo(f.own[i])
		}
	}
	if err := f.further(&c); err != nil {
		return c, err
	}
	for _, text := range f.lists {
		ref, err := parseRef("--list", text)
		if err != nil {
			return c, err
		}
		c.Lists = append(c.Lists, ref)
	}
	return c, nil
}

// further lays --field and --clear over c.
func (f *changeFlags) further(c *provider.ContactChange) error {
	values, err := parseValues("--field", f.fields)
	if err != nil {
		return err
	}
	if c.Fields == nil {
		c.Fields = make(map[string]any)
	}
	maps.Copy(c.Fields, values)
	for _, name := range f.clears {
		field := contactrows.OwnFieldIn(c, name)
		_, set := values[name]
		switch {
		case name == "":
			return exit.UsageError("--clear", "expected the name of a field")
		case field != nil && field.IsSet(), set:
			return exit.UsageError("--clear", "%s is set and cleared at once", name)
		case field != nil:
			*field = provider.ChangeToNone[string]()
		default:
			c.Fields[name] = nil
		}
	}
	return nil
}
