package main

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/provider/events"
)

// listenAddress is where events listen listens, and where the accounts of the examples
// expect it.
const listenAddress = "127.0.0.1:8099"

func newEventsListen(a *app) *cobra.Command {
	o := &eventOutput{}
	var address, kept string
	cmd := &cobra.Command{
		Use:   "listen",
		Short: "Receive webhooks",
		Long: `Receive the webhooks of all accounts that have a webhook_secret, until interrupted.
It prints "listening on" when it is ready. Account main gets its webhooks at /main, an
account at SendPulse at /NAME/bulk and /NAME/smtp. "postmux webhooks sync"
registers them.

A provider reaches this machine only through an address of its own, such as that of a
reverse proxy, which is webhook_url. There is no tunnel. "postmux sandbox" calls it
directly.

When an event cannot be written to the file, or the program of --forward-to does not
take it, the answer is 429, so that the provider sends it again. No API key is needed.

--journal keeps each body as it came, before it is read; "postmux events replay" reads
it again, also what a later version reads better. Bodies hold addresses.`,
		Example: `  postmux events listen --out events.jsonl
  postmux events listen --forward-to http://127.0.0.1:9000/events --kinds bounced,complained`,
		Args:        terminal.WantArgs(),
		Annotations: stream(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			sink, err := o.sink(a, cmd)
			if err != nil {
				return err
			}
			return a.listen(cmd, address, kept, sink)
		},
	}
	cmd.Flags().StringVar(&address, "listen", listenAddress, "`ADDRESS` to listen on; port 0 takes a free one")
	cmd.Flags().StringVar(&kept, "journal", "", "append the bodies to `FILE`, as they came")
	o.flags(cmd)
	return cmd
}

func (a *app) listen(cmd *cobra.Command, address, kept string, sink events.Sink) error {
	cfg, err := a.loadConfig()
	if err != nil {
		return err
	}
	accounts, err := events.FromConfig(a.registry, cfg)
	if err != nil {
		return a.inConfig(err)
	}
	opts := []events.Option{accounts}
	if kept != "" {
		opts = append(opts, events.WithJournal(func(account, stream string, body []byte) error {
			return appendLines(cmd.Context(), kept, []keptBody{keptBodyOf(cfg, account, stream, body)})
		}))
	}
	h, err := events.Handler(sink, append(opts, events.WithObserver(func(d events.Delivery) {
		line := fmt.Sprintf("%s %d %s: %s", time.Now().Format(time.TimeOnly), d.Status, d.Account, terminal.Plural(d.Events, "event", "events"))
		if d.Err != nil {
			line += ", " + strings.TrimPrefix(d.Err.Error(), "events: ")
		}
		fmt.Fprintln(a.errOut, line)
	}))...)
	if err != nil {
		return exit.ConfigError("providers", "no account has a webhook_secret")
	}
	var lc net.ListenConfig
	l, err := lc.Listen(cmd.Context(), "tcp", address)
	if err != nil {
		return exit.UsageError("--listen", "cannot listen: %v; port 0 takes a free one", err)
	}
	cmd.PrintErrln("listening on " + l.Addr().String() + " for " + strings.Join(events.Accounts(h), ", ") + ", interrupt to stop")
	return serveUntil(cmd.Context(), l, http.MaxBytesHandler(h, 32<<20))
}
