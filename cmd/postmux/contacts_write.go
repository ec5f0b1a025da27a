package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/provider"
)

func newContactUpsert(a *app) *cobra.Command {
	var f changeFlags
	var dry dryRun
	cmd := &cobra.Command{
		Use:   "upsert [FILE|-]",
		Short: "Create a contact or change it",
		Long: `Create a contact, or set the named fields of the one with this address and add
it to lists. What is not named stays as it is; an unsubscription, a bounce, a
complaint or a block is never undone.

The change is given as JSON in FILE or on stdin (-), by flags, or both: a flag
is laid over the file.`,
		Example: `  postmux contacts upsert --email anna@example.com --first-name Анна --list newsletter
  postmux contacts upsert --email anna@example.com --field CITY=Минск --field AGE:=42 --clear phone`,
		Args: wantArgs("[FILE]"),
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

func (a *app) showContactReceipt(r *provider.ContactReceipt, err error) error {
	if err != nil && r == nil {
		return err
	}
	if err != nil {
		return &resultError{err: err, receipt: r}
	}
	if a.json {
		a.printJSON(r)
	} else {
		a.pairs([][2]string{{"account", accountText(r.Account, r.Provider)}, {"email", r.Email}, {"id", r.ID}, {"state", string(r.State)}, {"notes", noteTexts(r.Notes)}})
	}
	if r.State == provider.ContactUnknown {
		return &resultError{err: fmt.Errorf("%s does not tell what became of it", r.Provider), code: exitUnknown, shown: true}
	}
	return nil
}

func accountText(account, prov string) string {
	if account == prov {
		return account
	}
	return account + " (" + prov + ")"
}

func newContactDelete(a *app) *cobra.Command {
	var dry dryRun
	cmd := &cobra.Command{
		Use:   "delete EMAIL",
		Short: "Delete a contact from the account",
		Long: `Delete a contact from the account, with its history. Whoever does not want mail
any more should be unsubscribed instead: a deleted address can be imported anew.`,
		Args: wantArgs("EMAIL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := a.open(cmd, dry.options()...)
			if err != nil {
				return err
			}
			err = c.DeleteContact(cmd.Context(), args[0])
			if dry.on {
				return dry.show(a, err)
			}
			if err != nil {
				return err
			}
			return a.showContactReceipt(&provider.ContactReceipt{Provider: c.Provider(), Account: c.Account(), Email: args[0], State: provider.ContactDone}, nil)
		},
	}
	dry.flag(cmd)
	return cmd
}

func newContactUnsubscribe(a *app) *cobra.Command {
	var list, reason string
	var dry dryRun
	cmd := &cobra.Command{
		Use:   "unsubscribe EMAIL",
		Short: "Unsubscribe an address from one list, or from all mail",
		Args:  wantArgs("EMAIL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			u := provider.Unsubscription{Email: args[0], Reason: reason}
			if cmd.Flags().Changed("list") {
				ref, err := parseRef("--list", list)
				if err != nil {
					return err
				}
				u.List = ref
			}
			c, err := a.open(cmd, dry.options()...)
			if err != nil {
				return err
			}
			r, err := c.Unsubscribe(cmd.Context(), u)
			if dry.on {
				return dry.show(a, err)
			}
			return a.showContactReceipt(r, err)
		},
	}
	cmd.Flags().StringVar(&list, "list", "", "only from the list `REF`: an alias, or id:ID")
	cmd.Flags().StringVar(&reason, "reason", "", "`TEXT` why, where the provider keeps it")
	dry.flag(cmd)
	return cmd
}

// changeFlags are a change of a contact as flags.
type changeFlags struct {
	email, phone, externalID, firstName, lastName, status string
	fields, clears, lists                                 []string
}

func (f *changeFlags) register(cmd *cobra.Command) {
	s := cmd.Flags()
	s.StringVar(&f.email, "email", "", "`ADDRESS` of the contact")
	s.StringVar(&f.phone, "phone", "", "phone `NUMBER`")
	s.StringVar(&f.externalID, "external-id", "", "your own `ID` of the contact")
	s.StringVar(&f.firstName, "first-name", "", "first `NAME`")
	s.StringVar(&f.lastName, "last-name", "", "last `NAME`")
	s.StringArrayVar(&f.fields, "field", nil, "set a field: `NAME=VALUE` gives a text, NAME:=JSON any JSON value, repeatable")
	s.StringArrayVar(&f.clears, "clear", nil, "empty a field: phone, external_id, first_name, last_name or the `NAME` of a further field, repeatable")
	s.StringArrayVar(&f.lists, "list", nil, "add to the list `REF`: an alias, or id:ID, repeatable")
	s.StringVar(&f.status, "status", "", "store as `STATUS`: subscribed, unsubscribed or blocked")
}

func (f *changeFlags) change(cmd *cobra.Command, args []string) (provider.ContactChange, error) {
	var c provider.ContactChange
	given := cmd.Flags().Changed
	if len(args) == 1 {
		data, err := readInput(cmd, args[0])
		if err != nil {
			return c, err
		}
		if c, err = provider.ParseContactChange(data); err != nil {
			return c, &fileError{file: args[0], err: err}
		}
	} else if !given("email") {
		return c, usageErr("--email", "expected the address of the contact, or a FILE")
	}
	if given("email") {
		c.Email = f.email
	}
	if given("status") {
		c.Status = provider.MembershipStatus(f.status)
	}
	for _, x := range []struct {
		flag, text string
		field      *provider.Change[string]
	}{{"phone", f.phone, &c.Phone}, {"external-id", f.externalID, &c.ExternalID}, {"first-name", f.firstName, &c.FirstName}, {"last-name", f.lastName, &c.LastName}} {
		if given(x.flag) {
			*x.field = provider.Set(x.text)
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
	own := map[string]*provider.Change[string]{"phone": &c.Phone, "external_id": &c.ExternalID, "first_name": &c.FirstName, "last_name": &c.LastName}
	for _, name := range f.clears {
		field, isOwn := own[name]
		_, set := values[name]
		switch {
		case name == "":
			return usageErr("--clear", "expected the name of a field")
		case isOwn && field.IsSet(), set:
			return usageErr("--clear", "%s is set and cleared at once", name)
		case isOwn:
			*field = provider.Clear[string]()
		default:
			c.Fields[name] = nil
		}
	}
	return nil
}

// parseValues reads NAME=TEXT and NAME:=JSON.
func parseValues(flag string, texts []string) (map[string]any, error) {
	out := make(map[string]any, len(texts))
	for _, t := range texts {
		name, value, err := cutPair(flag, t)
		if err != nil {
			return nil, err
		}
		plain, isJSON := strings.CutSuffix(name, ":")
		if !isJSON {
			out[name] = value
			continue
		}
		dec := json.NewDecoder(strings.NewReader(value))
		dec.UseNumber()
		var v any
		if err := dec.Decode(&v); err != nil || dec.More() {
			return nil, usageErr(flag, "expected a JSON value behind %s:=, got %q", plain, value)
		}
		out[plain] = v
	}
	return out, nil
}
