package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/configfile"
	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/examples"
	"github.com/postmux/postmux/internal/mailaddr"
	"github.com/postmux/postmux/internal/settings"
	"github.com/postmux/postmux/provider"
)

// firstConfig is where init writes when nothing else is said.
const firstConfig = "postmux.yaml"

type initFlags struct {
	keys    []string
	from    string
	baseURL string
	sandbox bool
}

func newInit(a *app) *cobra.Command {
	var f initFlags
	cmd := &cobra.Command{
		Use:   "init [PROVIDER]",
		Short: "Write a first configuration and check it",
		Long: `Write a configuration with one account to the file that --config or
$POSTMUX_CONFIG names, else to ./postmux.yaml, and check it. A file that is there already stays as it is. On a
terminal the tool asks for what the command line does not say.

The file holds no key, only where the key is: env:NAME is an environment variable,
file:PATH a file. By default the variable is called after the provider and the
setting, as BREVO_API_KEY.`,
		Example: `  postmux init brevo --from 'Shop <shop@example.com>'
  postmux init sendpulse --from shop@example.com --key client_id=env:SP_ID --key client_secret=file:/run/secrets/sp
  postmux init --sandbox`,
		Args: terminal.WantArgs("[PROVIDER]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.initConfig(cmd, args, f)
		},
	}
	flags := cmd.Flags()
	flags.StringArrayVar(&f.keys, "key", nil, "where a key is, `REFERENCE` or SETTING=REFERENCE: env:NAME or file:PATH; can be repeated")
	flags.StringVar(&f.from, "from", "", "sender of messages that name none, `ADDRESS`")
	flags.StringVar(&f.baseURL, "base-url", "", "`URL` instead of the provider's, as of a sandbox")
	flags.BoolVar(&f.sandbox, "sandbox", false, "write a configuration for \"postmux sandbox\", with an account for each provider")
	return cmd
}

func (a *app) initConfig(cmd *cobra.Command, args []string, f initFlags) error {
	if a.configFile == "" {
		a.configFile = cmp.Or(os.Getenv(configfile.Env), firstConfig)
	}
	if _, err := os.Lstat(a.configFile); !errors.Is(err, fs.ErrNotExist) {
		return exit.UsageError("--config", "%s is there already; it stays as it is", a.configFile)
	}
	if f.sandbox {
		if len(args)+len(f.keys) > 0 || f.from+f.baseURL != "" {
			return exit.UsageError("--sandbox", "expected no provider and no other flag beside it")
		}
		text, err := examples.Files.ReadFile(examples.Config)
		if err != nil {
			return err
		}
		if err := a.writeConfig(cmd, text); err != nil {
			return err
		}
		a.tellNext("postmux sandbox    # in another terminal", "postmux send --to anna@example.com --subject Hello --html '<p>Hello</p>'")
		return nil
	}
	ask := asker{in: bufio.NewReader(cmd.InOrStdin()), out: cmd.ErrOrStderr(), able: terminal.IsTerminal(cmd.InOrStdin())}
	account, err := a.firstAccount(ask, args, f)
	if err != nil {
		return err
	}
	if err := a.writeConfig(cmd, account.yaml()); err != nil {
		return err
	}
	if missing := account.missing(); missing != nil {
		cmd.PrintErrln("not checked yet: " + strings.Join(missing, ", ") + " not there")
		a.tellNext("postmux check", "postmux send --to you@example.com --subject Hello --html '<p>Hello</p>'")
		return nil
	}
	c, err := a.open(cmd)
	if err != nil {
		return err
	}
	if err := a.checkClients(cmd, []*provider.Client{c}); err != nil {
		return err
	}
	a.tellNext("postmux send --to you@example.com --subject Hello --html '<p>Hello</p>'", "postmux capabilities")
	return nil
}

// tellNext writes the commands that come next.
func (a *app) tellNext(commands ...string) {
	if a.configFile != firstConfig {
		for i, c := range commands {
			commands[i] = strings.Replace(c, "postmux ", "postmux --config "+a.configFile+" ", 1)
		}
	}
	a.errOut.Lines("next:\n  " + strings.Join(commands, "\n  "))
}

// writeConfig writes a new file that only its owner can read.
func (a *app) writeConfig(cmd *cobra.Command, text []byte) error {
	if _, err := configfile.Parse(firstConfig, text); err != nil {
		return err
	}
	file, err := os.OpenFile(a.configFile, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return exit.UsageError("--config", "cannot write the configuration: %v", err)
	}
	_, err = file.Write(text)
	if err := errors.Join(err, file.Close()); err != nil {
		_ = os.Remove(a.configFile)
		return exit.UsageError("--config", "cannot write the configuration: %v", err)
	}
	cmd.PrintErrln("wrote " + a.configFile)
	return nil
}

// firstAccount is what init writes.
type firstAccount struct {
	driver  provider.Driver
	keys    []keyReference
	from    provider.Address
	baseURL string
}

// keyReference says where the value of a setting is.
type keyReference struct{ setting, doc, reference string }

// firstAccount gathers the account from the command line, and asks for the rest.
func (a *app) firstAccount(ask asker, args []string, f initFlags) (*firstAccount, error) {
	name := strings.Join(args, "")
	if name == "" {
		var err error
		name, err = ask.text("PROVIDER", "provider, one of "+strings.Join(vendorNames(a), ", "), "")
		if err != nil {
			return nil, err
		}
	}
	driver, ok := a.registry.Driver(name)
	if !ok || isRoute(driver) {
		return nil, exit.UsageError("PROVIDER", "expected one of %s, got %q", strings.Join(vendorNames(a), ", "), name)
	}
	out := &firstAccount{driver: driver, baseURL: f.baseURL}
	var err error
	if out.keys, err = keysOf(driver, f.keys); err != nil {
		return nil, err
	}
	if len(f.keys) == 0 && ask.able {
		for i, k := range out.keys {
			if out.keys[i].reference, err = ask.text("--key", k.setting+" ("+k.doc+"), env:NAME or file:PATH", k.reference); err != nil {
				return nil, err
			}
		}
	}
	for _, k := range out.keys {
		if settings.Literal(k.reference) {
			return nil, exit.UsageError("--key", "%s: expected env:NAME or file:PATH, got something else; a key itself belongs neither in the file nor on the command line", k.setting)
		}
	}
	if f.from == "" {
		if f.from, err = ask.text("--from", "sender, like Shop <shop@example.com>", ""); err != nil {
			return nil, err
		}
	}
	out.from, err = parseAddress("--from", f.from)
	return out, err
}

// vendorNames are the providers that are no routes.
func vendorNames(a *app) []string {
	return slices.DeleteFunc(a.registry.Names(), func(name string) bool {
		d, ok := a.registry.Driver(name)
		return ok && isRoute(d)
	})
}

// keysOf are the settings without which an account of d cannot be opened, with the
// references that given has for them.
func keysOf(d provider.Driver, given []string) ([]keyReference, error) {
	var out []keyReference
	for _, f := range settings.Fields(reflect.TypeOf(d.Config())) {
		if f.Required(settings.Send) || slices.Contains(pairOf[d.Name()], f.Name) {
			name := strings.ToUpper(d.Name() + "_" + f.Name)
			out = append(out, keyReference{setting: f.Name, doc: f.Doc, reference: "env:" + name})
		}
	}
	for _, text := range given {
		setting, reference, named := strings.Cut(text, "=")
		if !named {
			setting, reference = out[0].setting, text
		}
		i := slices.IndexFunc(out, func(k keyReference) bool { return k.setting == setting })
		if i < 0 || !named && len(out) > 1 {
			var names []string
			for _, k := range out {
				names = append(names, k.setting+"=REFERENCE")
			}
			return nil, exit.UsageError("--key", "expected %s", strings.Join(names, " and "))
		}
		out[i].reference = reference
	}
	return out, nil
}

// pairOf are settings that an account needs together although neither is required,
// because another one can stand for both.
var pairOf = map[string][]string{"sendpulse": {"client_id", "client_secret"}}

// missing are the environment variables and files of the keys that are not there.
func (f *firstAccount) missing() []string {
	var out []string
	for _, k := range f.keys {
		if name, ok := strings.CutPrefix(k.reference, "env:"); ok && os.Getenv(name) == "" {
			out = append(out, name)
		}
		if path, ok := strings.CutPrefix(k.reference, "file:"); ok {
			if _, err := os.Stat(path); err != nil {
				out = append(out, path)
			}
		}
	}
	return out
}

// yaml is the configuration, with a comment on what can be added.
func (f *firstAccount) yaml() []byte {
	var b strings.Builder
	b.WriteString("# Configuration of postmux. It holds no key, only where the keys are. \"postmux check\" tells\n")
	b.WriteString("# whether the account works, \"postmux settings " + f.driver.Name() + "\" what else can be set.\n\n")
	b.WriteString("default: main\n\nproviders:\n  main:\n")
	line := func(name, value string) { fmt.Fprintf(&b, "    %s: %s\n", name, quoted(value)) }
	line("provider", f.driver.Name())
	if f.baseURL != "" {
		line("base_url", f.baseURL)
	}
	for _, k := range f.keys {
		line(k.setting, k.reference)
	}
	b.WriteString("    from: {email: " + quoted(f.from.Email))
	if f.from.Name != "" {
		b.WriteString(", name: " + quoted(f.from.Name))
	}
	b.WriteString(`}

    # What changes who gets a mail, or when, is an error where the provider cannot
    # express it. A policy says otherwise, by feature:
    # policy:
    #   message.cc: drop
    # For a system that must not mail customers:
    # redirect_to: dev@example.com

# Ids of lists and templates differ from account to account; programs use these names.
# aliases:
#   lists: {newsletter: {main: "4"}}
#   templates: {welcome: {main: "12"}}
`)
	return []byte(b.String())
}

// quoted is text as a YAML scalar: JSON's texts are one.
func quoted(text string) string {
	if strings.Trim(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./@:-") == "" && mailaddr.ASCII(text) && !strings.HasSuffix(text, ":") {
		return text
	}
	data, _ := terminal.Marshal(text)
	return strings.TrimSpace(string(data))
}

// asker asks a person at a terminal.
type asker struct {
	in   *bufio.Reader
	out  io.Writer
	able bool
}

// text asks for one line. Nobody to ask, and no answer, is an error that names the flag.
func (q *asker) text(flag, question, usual string) (string, error) {
	if !q.able {
		return "", exit.UsageError(flag, "missing: %s", question)
	}
	if usual != "" {
		question += " [" + usual + "]"
	}
	fmt.Fprint(q.out, question+": ")
	line, err := q.in.ReadString('\n')
	line = strings.TrimSpace(line)
	switch {
	case line != "":
		return line, nil
	case usual != "" && err == nil:
		return usual, nil
	}
	return "", exit.UsageError(flag, "expected an answer: %s", question)
}
