package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/api"
	"github.com/postmux/postmux/internal/version"
	"github.com/postmux/postmux/provider"
)

// app is what the commands share.
type app struct {
	registry   provider.Registry
	out        *output
	configFile string
	account    string
	json       bool
	debug      bool
	started    bool // a command has begun; errors before that are of usage
	stream     bool // JSON is one document a line, an error too
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
		Args: noCommand,
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
	must(root.RegisterFlagCompletionFunc("provider", a.completeAccount))
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return usageErr("", "%s; try --help", err.Error())
	})
	root.AddCommand(
		newDemo(a), newSend(a), newBatch(a), newStatus(a), newCancel(a), newContacts(a), newLists(a), newSuppressions(a),
		newCapabilities(a), newCheck(a), newSettings(a), newSandbox(a), newVersion(a), newExitCodes(),
	)
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

// completeAccount offers the accounts of the configuration, silently.
func (a *app) completeAccount(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	cfg, err := a.loadConfig()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return slices.Sorted(maps.Keys(cfg.Providers)), cobra.ShellCompDirectiveNoFileComp
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
	opts = append(opts, provider.WithUserAgent("postmux-cli/"+version.Version))
	if a.debug {
		opts = append(opts, provider.WithHooks(debugHooks(cmd.ErrOrStderr())))
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
		if _, err := fmt.Fprintln(a.out, text); err == nil {
			return
		}
	}
	cmd.PrintErrln(text)
}

// debugHooks print each request and its answer.
func debugHooks(w io.Writer) provider.Hooks {
	out := &syncWriter{w: w}
	return provider.Hooks{OnTry: func(_ context.Context, e provider.TryEvent) {
		var b strings.Builder
		var req provider.WireRequest
		var answer provider.WireResponse
		if e.Describe != nil {
			req, answer = e.Describe()
		}
		if req.URL == "" {
			req.Method, req.URL = e.Method, e.Route
		}
		again := ""
		if e.Try > 1 {
			again = fmt.Sprintf(" (try %d)", e.Try)
		}
		fmt.Fprintf(&b, "--> %s %s%s\n", req.Method, printable(req.URL), again)
		debugHeaders(&b, req.Headers)
		debugBody(&b, req)
		switch {
		case e.Status != 0:
			fmt.Fprintf(&b, "<-- %d in %d ms\n", e.Status, e.Took.Milliseconds())
		case e.Err != nil:
			fmt.Fprintf(&b, "<-- no answer in %d ms: %s\n", e.Took.Milliseconds(), printable(e.Err.Error()))
		default:
			fmt.Fprintf(&b, "<-- no answer in %d ms\n", e.Took.Milliseconds())
		}
		debugHeaders(&b, answer.Headers)
		if answer.Body != "" {
			fmt.Fprintf(&b, "    %s\n", printable(answer.Body))
		}
		_, _ = io.WriteString(out, b.String())
	}}
}

func debugHeaders(b *strings.Builder, headers map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		fmt.Fprintf(b, "    %s: %s\n", name, printable(headers[name]))
	}
}

func debugBody(b *strings.Builder, r provider.WireRequest) {
	if len(r.JSON) > 0 {
		fmt.Fprintf(b, "    %s\n", printable(string(r.JSON)))
	}
	for _, f := range append(slices.Clone(r.Form), r.Parts...) {
		if f.FileName != "" || f.Bytes > 0 {
			fmt.Fprintf(b, "    %s = file %s, %s, %d bytes\n", f.Name, printable(f.FileName), f.ContentType, f.Bytes)
			continue
		}
		fmt.Fprintf(b, "    %s = %s\n", f.Name, printable(f.Value))
	}
}

// dryRun collects the requests that would go out. The operation ends in an
// error of kind dry_run, which show turns into the output.
type dryRun struct {
	on       bool
	requests []provider.WireRequest
}

func (d *dryRun) flag(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&d.on, "dry-run", false, "show the request that would go out, credentials redacted, and send nothing")
}

func (d *dryRun) options() []provider.Option {
	if !d.on {
		return nil
	}
	return []provider.Option{provider.WithDryRun(func(r provider.WireRequest) { d.requests = append(d.requests, r) })}
}

// show prints the requests when err is the end of a dry run. Otherwise err is
// an error that the dry run has found.
func (d *dryRun) show(a *app, err error) error {
	if err != nil && !isDryRun(err) {
		return err
	}
	if d.requests == nil {
		d.requests = []provider.WireRequest{}
	}
	a.out.document(d.requests)
	return nil
}
