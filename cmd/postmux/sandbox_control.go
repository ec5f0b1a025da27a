package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/examples"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

// control is the control API of a sandbox that runs at an address.
type control struct{ address string }

// flag adds the flag with the address.
func (c *control) flag(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.address, "at", examples.Address, "`ADDRESS` of the sandbox")
}

// check takes the address as people copy it, with http:// in front too.
func (c *control) check() error {
	c.address = strings.TrimSuffix(strings.TrimPrefix(c.address, "http://"), "/")
	if _, _, err := net.SplitHostPort(c.address); err != nil {
		return exit.UsageError("--at", "expected an address and a port like %s, got %q", examples.Address, c.address)
	}
	return nil
}

// maxControlAnswer is the largest answer that is read: a page of mails, or a mail of 64 MB.
const maxControlAnswer = 512 << 20

// do asks the control API and decodes the answer into out, if it is not nil.
func (c control) do(ctx context.Context, method, path string, query url.Values, in, out any) error {
	var body io.Reader
	if in != nil {
		data, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(data)
	}
	u := url.URL{Scheme: "http", Host: c.address, Path: "/_postmux/v1/" + path, RawQuery: query.Encode()}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return exit.UsageError("--at", "expected an address and a port like %s, got %q", examples.Address, c.address)
	}
	// No proxy and no connection that is kept: it is one request to a sandbox nearby.
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return &provider.Error{
			Kind: provider.ErrUnavailable, Op: "sandbox",
			Message: fmt.Sprintf("no sandbox answers at %s; \"postmux sandbox\" starts one", c.address), Err: err,
		}
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxControlAnswer))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return refusedByControl(c.address, resp.StatusCode, data)
	}
	if out == nil {
		out = &struct{}{}
	}
	if err := json.Unmarshal(data, out); err != nil {
		return notASandbox(c.address, resp.StatusCode)
	}
	return nil
}

func notASandbox(address string, status int) error {
	return &provider.Error{
		Kind: provider.ErrBadResponse, Op: "sandbox", Status: status,
		Message: "what answers at " + address + " is no sandbox",
	}
}

// refusedByControl is the error that the control API has answered with.
func refusedByControl(address string, status int, data []byte) error {
	var doc struct {
		Error struct{ Code, Message string }
	}
	if json.Unmarshal(data, &doc) != nil || doc.Error.Message == "" {
		return notASandbox(address, status)
	}
	kind := provider.ErrInvalid
	if status == http.StatusNotFound {
		kind = provider.ErrNotFound
	}
	return &provider.Error{
		Kind: kind, Op: "sandbox", Status: status, Code: doc.Error.Code, Message: doc.Error.Message,
	}
}

// seenMail is what the tool prints of a mail.
type seenMail struct {
	Number     int64
	Provider   string
	ID         string
	From       provider.Address
	To         []provider.Address
	Recipients int
	Subject    string
	Fate       string
	AcceptedAt time.Time `json:"accepted_at"`
	Text, HTML string
	Files      []struct{ Name string }
	Notes      []string
}

func newSandboxMails(a *app) *cobra.Command {
	var c control
	var only, to, subject, search string
	var wait time.Duration
	var limit int
	cmd := &cobra.Command{
		Use:   "mails [NUMBER]",
		Short: "Show the mails that a running sandbox has accepted",
		Long: `Show the mails that a running sandbox has accepted, newest first, or one by its
number. --wait waits for a mail that the filters find, shows it, and ends with code 5
when none came in time. With --json each mail is one line of JSON that begins with its
index, and has all of the mail when it is the only one that was asked for.`,
		Example: `  postmux sandbox mails --to anna@example.com
  postmux sandbox mails --wait 10s --subject "your order"`,
		Args:        terminal.WantArgs("[NUMBER]"),
		Annotations: stream(),
		RunE: func(cmd *cobra.Command, args []string) error {
			query := url.Values{}
			for name, value := range map[string]string{"provider": only, "to": to, "subject": subject, "q": search} {
				if value != "" {
					query.Set(name, value)
				}
			}
			switch {
			case len(args) == 1 && (len(query) > 0 || wait > 0):
				return exit.UsageError("NUMBER", "expected either a number or filters")
			case wait < 0 || wait > sandboxWait:
				return exit.UsageError("--wait", "expected at most %s, got %s", sandboxWait, wait)
			case limit < 1:
				return exit.UsageError("--limit", "expected 1 or more, got %d", limit)
			}
			if err := c.check(); err != nil {
				return err
			}
			if len(args) == 1 {
				if n, err := strconv.ParseInt(args[0], 10, 64); err != nil || n < 1 {
					return exit.UsageError("NUMBER", "expected the number of a mail, got %q", args[0])
				}
				return a.showSandboxMail(cmd.Context(), c, "mails/"+args[0], nil)
			}
			if wait > 0 {
				query.Set("timeout", strconv.FormatFloat(wait.Seconds(), 'f', -1, 64))
				return a.showSandboxMail(cmd.Context(), c, "wait", query)
			}
			return a.listSandboxMails(cmd.Context(), c, query, limit)
		},
	}
	f := cmd.Flags()
	f.StringVar(&only, "only", "", "only mails of this `PROVIDER`, such as brevo")
	f.StringVar(&to, "to", "", "only mails to this `ADDRESS`")
	f.StringVar(&subject, "subject", "", "only mails whose subject holds this `TEXT`")
	f.StringVar(&search, "search", "", "only mails that hold this `TEXT` anywhere")
	f.DurationVar(&wait, "wait", 0, "wait this `TIME`, such as 10s, for a mail")
	f.IntVar(&limit, "limit", 100, "show at most `N` mails")
	c.flag(cmd)
	must(cmd.RegisterFlagCompletionFunc("only", completeSandbox))
	return cmd
}

// sandboxWait is the longest wait that the control API takes.
const sandboxWait = 5 * time.Minute

// completeSandbox offers the imitated providers.
func completeSandbox(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return sandbox.Providers(), cobra.ShellCompDirectiveNoFileComp
}

func (a *app) listSandboxMails(ctx context.Context, c control, query url.Values, limit int) error {
	const mostPage = 1000
	t := terminal.NewTable(a.out, "NUMBER", "TIME", "PROVIDER", "TO", "SUBJECT", "FATE")
	for i := 0; i < limit; {
		query.Set("limit", strconv.Itoa(min(limit-i, mostPage)))
		var page struct {
			Mails []json.RawMessage
			Next  *int64
		}
		if err := c.do(ctx, http.MethodGet, "mails", query, nil, &page); err != nil {
			t.Flush()
			return err
		}
		for _, raw := range page.Mails {
			if a.json {
				a.out.Line(terminal.Indexed(i, raw))
			} else {
				var m seenMail
				if err := json.Unmarshal(raw, &m); err != nil {
					return notASandbox(c.address, http.StatusOK)
				}
				t.Row(strconv.FormatInt(m.Number, 10), m.AcceptedAt.Local().Format(time.TimeOnly), m.Provider, m.recipients(), m.Subject, m.Fate)
			}
			i++
		}
		if page.Next == nil {
			break
		}
		query.Set("before", strconv.FormatInt(*page.Next, 10))
	}
	if !a.json {
		t.End()
	}
	return nil
}

// recipients names the first recipient, and how many there are beside.
func (m seenMail) recipients() string {
	if len(m.To) == 0 {
		return ""
	}
	if m.Recipients > 1 {
		return fmt.Sprintf("%s and %d more", m.To[0].Email, m.Recipients-1)
	}
	return m.To[0].Email
}

func (a *app) showSandboxMail(ctx context.Context, c control, path string, query url.Values) error {
	var raw json.RawMessage
	if err := c.do(ctx, http.MethodGet, path, query, nil, &raw); err != nil {
		return err
	}
	if a.json {
		a.out.Line(terminal.Indexed(0, raw))
		return nil
	}
	var m seenMail
	if err := json.Unmarshal(raw, &m); err != nil {
		return notASandbox(c.address, http.StatusOK)
	}
	var files []string
	for _, f := range m.Files {
		files = append(files, f.Name)
	}
	number := strconv.FormatInt(m.Number, 10)
	a.out.Pairs([][2]string{
		{"number", number},
		{"provider", m.Provider},
		{"id", m.ID},
		{"from", addressTexts([]provider.Address{m.From})},
		{"to", m.recipients()},
		{"subject", m.Subject},
		{"files", strings.Join(files, ", ")},
		{"fate", m.Fate},
		{"notes", strings.Join(m.Notes, " ")},
		{"page", "http://" + c.address + "/_postmux/#/" + number},
	})
	if body := m.Text; body != "" || m.HTML != "" {
		if body == "" {
			body = m.HTML
		}
		a.out.Say("")
		for line := range strings.SplitSeq(strings.TrimRight(body, "\r\n"), "\n") {
			a.out.Say("  " + strings.TrimRight(line, "\r")) // indented: no line of a mail is one of ours
		}
	}
	return nil
}

// plantedFault is a fault as the control API takes and shows it.
type plantedFault struct {
	Provider  string            `json:"provider"`
	Operation string            `json:"operation"`
	Status    int               `json:"status"`
	Headers   map[string]string `json:"headers"`
	Body      string            `json:"body"`
	After     bool              `json:"after"`
	Drop      bool              `json:"drop"`
	Delay     float64           `json:"delay_seconds"`
	Times     int               `json:"times"`
}

func newSandboxFault(a *app) *cobra.Command {
	var c control
	var f plantedFault
	var headers []string
	var delay time.Duration
	var clean bool
	cmd := &cobra.Command{
		Use:   "fault [PROVIDER]",
		Short: "Make the next requests to a running sandbox fail",
		Long: `Make the next requests to a provider of a running sandbox fail. Faults are used in
the order in which they came. Without a provider those that are still to come are
shown; --clear forgets those of the provider, or all.

The answer has the status 503 unless --status says another. --after carries the request
out first: the mail is accepted, and the program gets the failure. --drop closes the
connection in place of an answer. --delay alone carries the request out and lets its
own answer wait.`,
		Example: `  postmux sandbox fault brevo --operation sendEmail --status 429 --header Retry-After=7
  postmux sandbox fault sendpulse --after --drop
  postmux sandbox fault smsby --delay 40s`,
		Args:              terminal.WantArgs("[PROVIDER]"),
		Annotations:       stream(),
		ValidArgsFunction: completeSandbox,
		RunE: func(cmd *cobra.Command, args []string) error {
			set := 0
			for _, name := range []string{"operation", "status", "header", "body", "after", "drop", "delay", "times"} {
				if cmd.Flags().Changed(name) {
					set++
				}
			}
			switch {
			case clean && set > 0:
				return exit.UsageError("--clear", "expected no other flag beside it")
			case len(args) == 0 && set > 0:
				return exit.UsageError("PROVIDER", "missing; try --help")
			case delay < 0:
				return exit.UsageError("--delay", "expected 0 or more, got %s", delay)
			}
			f.Headers = map[string]string{}
			for _, text := range headers {
				name, value, err := cutPair("--header", text)
				if err != nil {
					return err
				}
				f.Headers[name] = value
			}
			if err := c.check(); err != nil {
				return err
			}
			query := url.Values{}
			if len(args) == 1 {
				f.Provider = args[0]
				query.Set("provider", f.Provider)
			}
			if clean {
				return c.do(cmd.Context(), http.MethodDelete, "faults", query, nil, nil)
			}
			if f.Provider == "" {
				var doc struct{ Faults []plantedFault }
				if err := c.do(cmd.Context(), http.MethodGet, "faults", nil, nil, &doc); err != nil {
					return err
				}
				a.showFaults(doc.Faults)
				return nil
			}
			f.Delay = delay.Seconds()
			var planted plantedFault
			if err := c.do(cmd.Context(), http.MethodPost, "faults", nil, f, &planted); err != nil {
				return err
			}
			a.showFaults([]plantedFault{planted})
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.Operation, "operation", "", "operationId of the `OPERATION` to fail, such as sendEmail (default any but the one that gets a token)")
	flags.IntVar(&f.Status, "status", 0, "`STATUS` of the answer (default 503)")
	flags.StringArrayVar(&headers, "header", nil, "a header of the answer, `NAME=VALUE`; may be repeated")
	flags.StringVar(&f.Body, "body", "", "body of the answer, any `TEXT`")
	flags.BoolVar(&f.After, "after", false, "carry the request out first")
	flags.BoolVar(&f.Drop, "drop", false, "close the connection in place of an answer")
	flags.DurationVar(&delay, "delay", 0, "hold the answer back for this `TIME`, such as 40s, by the clock of the sandbox")
	flags.IntVar(&f.Times, "times", 1, "number of requests that fail")
	flags.BoolVar(&clean, "clear", false, "forget the faults that are still to come")
	c.flag(cmd)
	return cmd
}

func (a *app) showFaults(faults []plantedFault) {
	t := terminal.NewTable(a.out, "PROVIDER", "OPERATION", "ANSWER", "DELAY", "TIMES")
	for i, f := range faults {
		if a.json {
			a.out.Line(terminal.Indexed(i, f))
			continue
		}
		what := strconv.Itoa(f.Status)
		switch {
		case f.Drop:
			what = "none"
		case f.Status == 0:
			what = "its own"
		}
		if f.After {
			what += ", after it is carried out"
		}
		operation := f.Operation
		if operation == "" {
			operation = "any"
		}
		delay := ""
		if f.Delay > 0 {
			delay = time.Duration(f.Delay * float64(time.Second)).String()
		}
		t.Row(f.Provider, operation, what, delay, strconv.Itoa(f.Times))
	}
	if !a.json {
		t.End()
	}
}

func newSandboxReset(a *app) *cobra.Command {
	var c control
	cmd := &cobra.Command{
		Use:   "reset",
		Short: "Take a running sandbox back to its beginning",
		Long: `Remove all mails, faults and violations from a running sandbox, and give it back its
first contacts and lists and the real time. It does not ask: nothing in a sandbox is of
the world.`,
		Args: terminal.WantArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := c.check(); err != nil {
				return err
			}
			if err := c.do(cmd.Context(), http.MethodPost, "reset", nil, nil, nil); err != nil {
				return err
			}
			if a.json {
				a.out.Document(map[string]any{"reset": true})
			} else {
				a.out.Say("the sandbox at " + c.address + " is as at its beginning")
			}
			return nil
		},
	}
	c.flag(cmd)
	return cmd
}
