package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/contactfile"
	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/phonecountry"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/contactrows"
)

// readFlags say how a file of contacts is to be read; what is not given is recognised.
type readFlags struct {
	maps                                 []string
	ignoreUnknown                        bool
	lists                                []string
	status, encoding, delimiter, country string
	yes                                  bool
}

// register adds the flags that serve for what is needed of each row.
func (f *readFlags) register(cmd *cobra.Command, need contactrows.Need) {
	s := cmd.Flags()
	s.StringArrayVar(&f.maps, "map", nil, "what a column becomes: `'NAME=TARGET'`, like 'E-mail=email' or City=field.CITY; - leaves it out; repeatable")
	s.StringVar(&f.encoding, "encoding", "", "encoding `NAME` of the file: utf-8, utf-16, windows-1251, windows-1252, windows-1256 or koi8-r (default recognised)")
	s.StringVar(&f.delimiter, "delimiter", "", "delimiter `NAME` between the cells: comma, semicolon, tab, bar, or the character (default recognised)")
	s.BoolVar(&f.yes, "yes", false, "ask nothing; what is only guessed still needs its flag")
	if need != contactrows.NeedAddress {
		s.StringVar(&f.status, "status", "", "standing `STATUS` of rows that state none: subscribed, unsubscribed, bounced, complained or blocked; it lifts no stop")
	}
	if need == contactrows.NeedAll {
		s.BoolVar(&f.ignoreUnknown, "ignore-unknown", false, "leave out columns whose names are not known")
		s.StringArrayVar(&f.lists, "list", nil, "add each row to the list `REF`: an alias, or id:ID, repeatable")
		s.StringVar(&f.country, "country", "", "`COUNTRY` of phone numbers without a country code: BY, RU, IR, DE …")
	}
}

// options are those of the reader.
func (f *readFlags) options(a *app, need contactrows.Need) (contactrows.Options, error) {
	o := contactrows.Options{
		Encoding: f.encoding, IgnoreUnknown: f.ignoreUnknown, Status: provider.MembershipStatus(f.status), Need: need,
		Map: make(map[string]string, len(f.maps)), ListID: a.listID,
	}
	for _, text := range f.maps {
		i := strings.LastIndexByte(text, '=')
		if i < 0 || strings.TrimSpace(text[:i]) == "" {
			return o, exit.UsageError("--map", "expected NAME=TARGET, got %q", text)
		}
		name := strings.TrimSpace(text[:i])
		if _, twice := o.Map[name]; twice {
			return o, exit.UsageError("--map", "the column %q is given twice", name)
		}
		o.Map[name] = strings.TrimSpace(text[i+1:])
	}
	for _, text := range f.lists {
		ref, err := parseRef("--list", text)
		if err != nil {
			return o, err
		}
		o.Lists = append(o.Lists, ref)
	}
	if f.delimiter != "" {
		var ok bool
		if o.Delimiter, ok = delimiterNamed(f.delimiter); !ok {
			return o, exit.UsageError("--delimiter", "expected comma, semicolon, tab, bar or one character, got %q", f.delimiter)
		}
	}
	if f.country != "" {
		if o.Phone = phonecountry.Of(strings.ToUpper(f.country)); o.Phone == nil {
			return o, exit.UsageError("--country", "expected two letters of a country, like BY, RU, IR or DE, got %q", f.country)
		}
	}
	return o, nil
}

func delimiterNamed(name string) (rune, bool) {
	for _, d := range ",;\t|" {
		if name == contactrows.DelimiterName(d) || name == string(d) {
			return d, true
		}
	}
	if name == `\t` {
		return '\t', true
	}
	d := []rune(name)
	return d[0], len(d) == 1 && d[0] != '"' && d[0] != '\n' && d[0] != '\r'
}

// listID is the id of a list at the account of this command.
func (a *app) listID(ref provider.Ref) (string, bool) {
	cfg, err := a.loadConfig()
	if err != nil {
		return "", false // whoever opens the account says it
	}
	account := a.account
	if account == "" {
		account = cfg.Default
	}
	if account == "" && len(cfg.Providers) == 1 {
		for account = range cfg.Providers {
			break
		}
	}
	id, ok := cfg.Aliases.Lists[ref.Alias][account]
	return id, ok
}

// decision is what is to be done with a file, for the question about it.
type decision struct {
	verb string // what is done with its rows, as "import 3 rows into"
	dry  bool   // nothing is done, and nothing asked
	ask  bool   // a person is asked where there is one, else --yes is needed
}

// agree tells how a file is read, and asks whether it is right: on a terminal a person,
// elsewhere nobody, and then what is only guessed is an error that names its flag.
func (a *app) agree(cmd *cobra.Command, c *provider.Client, in *contactfile.Input, f *readFlags, d decision) error {
	able := a.talks && in.Name() != "-" && !f.yes && !d.dry
	if a.talks && in.Name() != "-" || d.dry {
		for line := range strings.Lines(preview(c, in)) {
			cmd.PrintErrln(strings.TrimSuffix(line, "\n"))
		}
	} else if text := recognised(in); text != "" {
		cmd.PrintErrln(text)
	}
	open := in.Layout.Questions()
	for _, q := range open {
		if !q.Guessed || !able {
			return uncertain(in, open)
		}
	}
	switch {
	case !able && d.ask && !f.yes && !d.dry:
		return exit.UsageError("--yes", "%s needs it where nobody can be asked", d.verb)
	case !able:
		return nil
	}
	rows := "the rows"
	if n := in.Total(); n >= 0 {
		rows = terminal.Plural(n, "row", "rows")
	}
	question := fmt.Sprintf("%s %s at %s?", d.verb, rows, accountText(c.Account(), c.Provider()))
	if len(open) > 0 {
		question = "Is the guess right, and " + question
	}
	return ask(cmd, strings.ToUpper(question[:1])+question[1:])
}

// uncertain is the error of a file about which something must be said.
func uncertain(in *contactfile.Input, open []contactrows.Question) error {
	lines := make([]string, len(open))
	for i, q := range open {
		lines[i] = q.Text + ": --" + q.Setting
		switch {
		case q.Value != "":
			lines[i] += " " + shellWord(q.Value)
		case q.Setting == "map":
			lines[i] += " NAME=email"
		}
		if strings.HasSuffix(q.Text, "is not known") {
			lines[i] += ", or --ignore-unknown"
		}
	}
	if len(lines) == 1 {
		return &exit.FileError{File: in.Name(), Err: exit.UsageError("", "%s", lines[0])}
	}
	return &exit.FileError{File: in.Name(), Err: exit.UsageError("", "say what is not certain:\n  %s", strings.Join(lines, "\n  "))}
}

// shellWord is a text as one word of a command line.
func shellWord(text string) string {
	if strings.ContainsAny(text, " '\"$`\\&|;<>()*?[]#~!\t") {
		return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
	}
	return text
}
