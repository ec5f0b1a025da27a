package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/input"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
)

func newSend(a *app) *cobra.Command {
	var m messageFlags
	var dry dryRun
	cmd := &cobra.Command{
		Use:   "send [FILE|-]",
		Short: "Send a message",
		Long: `Send a message given as JSON in FILE or on stdin (-), by flags, or both: a flag
replaces the field of the file.

An address is user@example.com or "Name <user@example.com>"; flags for several
are repeated, or hold addresses with commas between. Accepted does not mean
delivered: "postmux status" looks it up where the provider has a look-up. No send
looks at who has unsubscribed: "contacts get" and "suppressions" tell that.`,
		Example: `  postmux send message.json
  postmux send --to "Иванова, Анна <anna@example.com>" --subject Привет --text Привет
  postmux --provider backup send message.json --dry-run`,
		Args: terminal.WantArgs("[FILE]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			msg, err := m.message(cmd, args)
			if err != nil {
				return err
			}
			c, err := a.open(cmd, dry.options()...)
			if err != nil {
				return err
			}
			r, err := c.Send(cmd.Context(), msg)
			if dry.on {
				if r != nil {
					for _, n := range r.Notes {
						fmt.Fprintf(cmd.ErrOrStderr(), "note: %s %s: %s\n", n.Field, n.Action, n.Why)
					}
				}
				return dry.show(a, err)
			}
			return a.showReceipt(cmd.Context(), c, r, err)
		},
	}
	m.register(cmd)
	dry.flag(cmd)
	return cmd
}

// messageFlags are the fields of a message as flags.
type messageFlags struct {
	from                    string
	to, cc, bcc, replyTo    []string
	subject, text, html     string
	textFile, htmlFile      string
	attach, tags, headers   []string
	template                string
	variables, metadata     []string
	sendAt, key             string
	trackOpens, trackClicks bool

	own *pflag.FlagSet // the flags of the message itself
}

func (m *messageFlags) register(cmd *cobra.Command) {
	f := pflag.NewFlagSet("message", pflag.ContinueOnError)
	m.own = f
	f.StringVar(&m.from, "from", "", "`ADDRESS` of the sender")
	f.StringArrayVar(&m.to, "to", nil, "recipient `ADDRESS`, repeatable")
	f.StringArrayVar(&m.cc, "cc", nil, "visible copy to `ADDRESS`, repeatable")
	f.StringArrayVar(&m.bcc, "bcc", nil, "hidden copy to `ADDRESS`, repeatable")
	f.StringArrayVar(&m.replyTo, "reply-to", nil, "`ADDRESS` for answers, repeatable")
	f.StringVar(&m.subject, "subject", "", "`TEXT` of the subject line")
	f.StringVar(&m.text, "text", "", "plain `TEXT` of the body")
	f.StringVar(&m.html, "html", "", "body in `HTML`")
	f.StringVar(&m.textFile, "text-file", "", "text body from `FILE`")
	f.StringVar(&m.htmlFile, "html-file", "", "HTML body from `FILE`")
	f.StringArrayVar(&m.attach, "attach", nil, "attach `FILE`, repeatable")
	f.StringVar(&m.template, "template", "", "template `REF` at the provider: an alias, or id:ID")
	f.StringArrayVar(&m.variables, "var", nil, "`NAME=VALUE` for the template, repeatable; NAME:=JSON gives any JSON value")
	f.StringArrayVar(&m.tags, "tag", nil, "`LABEL` for statistics, repeatable")
	f.StringArrayVar(&m.headers, "header", nil, "own header field `\"NAME: VALUE\"`, repeatable")
	f.StringArrayVar(&m.metadata, "metadata", nil, "`NAME=VALUE` that comes back in events, repeatable")
	f.StringVar(&m.sendAt, "send-at", "", "`TIME` to send at, like +2h, \"2026-12-25 09:00\" (of this machine's zone) or 2026-12-25T09:00:00+03:30")
	f.BoolVar(&m.trackOpens, "track-opens", false, "track opens; --track-opens=false switches it off, absent leaves it to the account")
	f.BoolVar(&m.trackClicks, "track-clicks", false, "track clicks; --track-clicks=false switches it off, absent leaves it to the account")
	f.StringVar(&m.key, "idempotency-key", "", "`KEY` under which a repeat sends nothing, where the provider has such keys")
	cmd.Flags().AddFlagSet(f)
	cmd.MarkFlagsMutuallyExclusive("text", "text-file")
	cmd.MarkFlagsMutuallyExclusive("html", "html-file")
	group(cmd, "People", "from", "to", "cc", "bcc", "reply-to")
	group(cmd, "Content", "subject", "text", "html", "text-file", "html-file", "attach", "template", "var")
	group(cmd, "Delivery", "send-at", "header", "tag", "metadata", "track-opens", "track-clicks", "idempotency-key")
}

// message is the message of the file with the flags laid over it.
func (m *messageFlags) message(cmd *cobra.Command, args []string) (*provider.Message, error) {
	msg := new(provider.Message)
	if len(args) == 1 {
		data, err := input.ReadAll(cmd.InOrStdin(), "", args[0], input.MessageMost)
		if err != nil {
			return nil, err
		}
		if msg, err = provider.ParseMessage(data); err != nil {
			return nil, &exit.FileError{File: args[0], Err: err}
		}
	} else if !m.given() {
		return nil, exit.UsageError("", "expected a message: a FILE, - for stdin, or flags like --to and --subject")
	}
	for _, lay := range []func(*cobra.Command, *provider.Message) error{m.people, m.content, m.extras} {
		if err := lay(cmd, msg); err != nil {
			return nil, err
		}
	}
	return msg, nil
}

// given reports whether a flag of the message itself was given.
func (m *messageFlags) given() bool {
	given := false
	m.own.VisitAll(func(f *pflag.Flag) { given = given || f.Changed })
	return given
}

func (m *messageFlags) people(cmd *cobra.Command, msg *provider.Message) error {
	if cmd.Flags().Changed("from") {
		from, err := parseAddress("--from", m.from)
		if err != nil {
			return err
		}
		msg.From = from
	}
	for _, f := range []struct {
		name  string
		texts []string
		field *[]provider.Address
	}{{"to", m.to, &msg.To}, {"cc", m.cc, &msg.Cc}, {"bcc", m.bcc, &msg.Bcc}, {"reply-to", m.replyTo, &msg.ReplyTo}} {
		if !cmd.Flags().Changed(f.name) {
			continue
		}
		list, err := parseAddresses("--"+f.name, f.texts)
		if err != nil {
			return err
		}
		*f.field = list
	}
	return nil
}

func (m *messageFlags) content(cmd *cobra.Command, msg *provider.Message) error {
	given := cmd.Flags().Changed
	for _, f := range []struct {
		name, file, value string
		field             *string
	}{{"subject", "", m.subject, &msg.Subject}, {"text", m.textFile, m.text, &msg.Text}, {"html", m.htmlFile, m.html, &msg.HTML}} {
		if given(f.name) {
			*f.field = f.value
		}
		if f.file != "" {
			data, err := input.ReadAll(cmd.InOrStdin(), "--"+f.name+"-file", f.file, input.MessageMost)
			if err != nil {
				return err
			}
			*f.field = string(data)
		}
	}
	if given("template") {
		ref, err := parseRef("--template", m.template)
		if err != nil {
			return err
		}
		msg.Template = ref
	}
	if given("var") {
		values, err := parseValues("--var", m.variables)
		if err != nil {
			return err
		}
		msg.Variables = values
	}
	if given("attach") {
		msg.Attachments = nil
		for _, name := range m.attach {
			if err := msg.AttachFile(name); err != nil {
				e, _ := errors.AsType[*provider.Error](err)
				return exit.UsageError("--attach", "%s", e.Message)
			}
		}
	}
	return nil
}

func (m *messageFlags) extras(cmd *cobra.Command, msg *provider.Message) error {
	given := cmd.Flags().Changed
	if given("tag") {
		msg.Tags = m.tags
	}
	for _, f := range []struct {
		name  string
		texts []string
		field *map[string]string
		cut   func(flag, text string) (name, value string, err error)
	}{{"header", m.headers, &msg.Headers, cutHeader}, {"metadata", m.metadata, &msg.Metadata, cutPair}} {
		if !given(f.name) {
			continue
		}
		*f.field = make(map[string]string, len(f.texts))
		for _, t := range f.texts {
			name, value, err := f.cut("--"+f.name, t)
			if err != nil {
				return err
			}
			(*f.field)[name] = value
		}
	}
	if given("send-at") {
		at, err := parseTime("--send-at", m.sendAt, time.Local, time.Now())
		if err != nil {
			return err
		}
		msg.SendAt = at
	}
	for _, f := range []struct {
		name  string
		on    bool
		field *provider.Toggle
	}{{"track-opens", m.trackOpens, &msg.TrackOpens}, {"track-clicks", m.trackClicks, &msg.TrackClicks}} {
		if !given(f.name) {
			continue
		}
		*f.field = provider.ToggleOff
		if f.on {
			*f.field = provider.ToggleOn
		}
	}
	if given("idempotency-key") {
		msg.IdempotencyKey = m.key
	}
	return nil
}
