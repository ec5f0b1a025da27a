package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/api"
	"github.com/postmux/postmux/cmd/postmux/internal/configfile"
	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider"
)

// app is what the commands share.
type app struct {
	registry   provider.Registry
	out        *terminal.Output
	errOut     *terminal.Talk // stderr
	configFile string
	account    string
	json       bool
	debug      bool
	started    bool   // a command has begun; errors before that are of usage
	nothing    string // what the command has not done when it stopped locally
	talks      bool   // there is a person to ask
	stream     bool   // JSON is one document a line, an error too
}

func newRoot(a *app) *cobra.Command {
	var showVersion bool
	root := &cobra.Command{
		Use:   "postmux",
		Short: "Send mail and keep contacts at any of several providers",
		Long: `postmux sends mail and keeps contacts. The provider is chosen by the configuration; a
swap changes no command.

Providers: ` + providerNames() + `.

"postmux demo" shows all of them on this machine, without an account.`,
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			if err := cmd.ValidateFlagGroups(); err != nil {
				return err
			}
			a.started = true
			return nil
		},
		Args: terminal.NoCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if showVersion {
				a.printVersion()
				return nil
			}
			return cmd.Help()
		},
	}
	root.Flags().BoolVar(&showVersion, "version", false, "print the version")
	f := root.PersistentFlags()
	f.StringVar(&a.configFile, "config", "", "configuration `FILE`, YAML or JSON (default $POSTMUX_CONFIG, ./postmux.yaml, or postmux/postmux.yaml in the user's configuration folder)")
	f.StringVar(&a.account, "provider", "", "`ACCOUNT` of the configuration to use (default the configuration's default)")
	f.BoolVar(&a.json, "json", false, "write JSON on stdout")
	f.BoolVar(&a.debug, "debug", false, "write each request and answer on stderr, credentials redacted")
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return exit.UsageError("", "%s; try --help", err.Error())
	})
	root.AddCommand(
		newInit(a), newDemo(a), newSend(a), newBatch(a), newMailing(a), newStatus(a), newCancel(a), newContacts(a), newLists(a), newSuppressions(a),
		newEvents(a), newWebhooks(a), newOutbox(a),
		newCapabilities(a), newCheck(a), newSettings(a), newSandbox(a), newVersion(a), newMan(), newExitCodes(),
	)
	cobra.AddTemplateFunc("flagPages", flagPages)
	root.SetUsageTemplate(usage)
	wrapHelp(root)
	a.completions(root)
	return root
}

// providerNames are the names of the providers as people write them.
func providerNames() string {
	var names []string
	for _, v := range api.Vendors() {
		if v.Driver != "" {
			names = append(names, v.Name)
		}
	}
	return strings.Join(names, ", ")
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// open opens the account that the command line or the configuration names.
func (a *app) open(cmd *cobra.Command, opts ...provider.Option) (*provider.Client, error) {
	cfg, err := a.loadConfig()
	if err != nil {
		return nil, err
	}
	for _, w := range a.registry.Warnings(cfg) {
		fmt.Fprintln(cmd.ErrOrStderr(), "warning: "+w)
	}
	return a.openAccount(cmd, cfg, a.account, opts...)
}

func (a *app) openAccount(cmd *cobra.Command, cfg provider.Config, account string, opts ...provider.Option) (*provider.Client, error) {
	opts = append(opts, provider.WithUserAgent("postmux-cli/"+thisBuild().Version))
	if a.debug {
		opts = append(opts, provider.WithHooks(debugHooks(a.errOut)))
	}
	if account == "" {
		c, err := a.registry.Open(cmd.Context(), cfg, opts...)
		return c, a.inConfig(err)
	}
	c, err := a.registry.OpenAccount(cmd.Context(), cfg, account, opts...)
	return c, a.inConfig(err)
}

// tellSummary writes what a command over many items comes to: on stdout, unless
// that is JSON or gone.
func (a *app) tellSummary(cmd *cobra.Command, text string) {
	if !a.json {
		if a.out.Say(text); a.out.Failed() == nil {
			return
		}
	}
	cmd.PrintErrln(text)
}

// streams marks the commands whose JSON is one document a line.
const streams = "streams"

// stream is the annotation of such a command.
func stream() map[string]string { return map[string]string{streams: "yes"} }

// inConfig adds the name of the file to an error of the configuration.
func (a *app) inConfig(err error) error {
	var e *provider.Error
	if a.configFile == "" || !errors.As(err, &e) || e.Kind != provider.ErrConfig {
		return err
	}
	return &exit.FileError{File: a.configFile, Err: err}
}

// loadConfig finds, reads and parses the configuration.
func (a *app) loadConfig() (provider.Config, error) {
	if a.configFile == "" {
		a.configFile = os.Getenv(configfile.Env)
	}
	if a.configFile == "" {
		file, err := configfile.Find()
		if err != nil {
			return provider.Config{}, err
		}
		a.configFile = file
	}
	data, err := configfile.Read(a.configFile)
	if err != nil {
		return provider.Config{}, exit.ConfigError("", "cannot read the configuration: %v", err)
	}
	cfg, err := configfile.Parse(a.configFile, data)
	return cfg, a.inConfig(err)
}
