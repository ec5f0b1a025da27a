package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/configfile"
	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/examples"
	"github.com/postmux/postmux/internal/vendorurl"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

func newSandbox(a *app) *cobra.Command {
	var s served
	cmd := &cobra.Command{
		Use:   "sandbox",
		Short: "Run imitations of the providers on this machine",
		Long: `Run imitations of the providers until interrupted. A configuration with an
account for each is printed on stdout, a line for each request on stderr. The line
"listening on" is written when they answer and the configuration is complete. They
keep contacts and the newest mails in memory and send nothing anywhere but webhooks
on this machine: mail to bounce@, complain@, unsub@, open@ or click@ of any domain
has that fate, and "postmux events listen" hears of it. A folder of
examples in the project holds the same configuration.

The page at /_postmux/ shows the mails as they come, each beside the request that it
came in; /_postmux/v1 is a control API for tests in any language. "postmux sandbox
mails", "fault" and "reset" ask a sandbox that runs.

They take what the providers' servers are known, or thought, to take beyond their
descriptions, so that other programs can be tried too: a body with GET, null, digits
as text, fields that nobody names. What was taken, and what was refused, is a line of
its own on stderr, with --json a JSON object. --strict refuses it, as the sandbox of
the Go tests does.

Requests by another name than one of this machine, like localhost, are refused, but
those by a name of --allow-host. With such a name --listen takes any address. Whoever
reaches it can then read the mail in the sandbox: there is no password.`,
		Example: `  postmux sandbox > sandbox.yaml
  # in another terminal, once the first has written "listening on ..."
  postmux --config sandbox.yaml --provider sendpulse send message.json`,
		Args: terminal.NoCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.serveSandbox(cmd, s)
		},
	}
	cmd.Flags().StringVar(&s.listen, "listen", examples.Address, "`ADDRESS` to listen on, of loopback unless --allow-host is given; port 0 takes a free one")
	cmd.Flags().StringArrayVar(&s.hosts, "allow-host", nil, "answer requests by this `NAME` too; may be repeated")
	cmd.Flags().BoolVar(&s.strict, "strict", false, "refuse whatever the providers' descriptions do not allow")
	cmd.AddCommand(newSandboxMails(a), newSandboxFault(a), newSandboxReset(a), newSandboxTrigger(a), newSandboxWebhook(a))
	return cmd
}

// served is how a sandbox is served.
type served struct {
	listen string
	hosts  []string
	strict bool
}

// hostName is a name or an address as it stands in a Host header.
var hostName = regexp.MustCompile(`^[A-Za-z0-9._:-]+$`)

// check returns whether others than this machine are listened to.
func (s served) check() (beyond bool, err error) {
	for _, name := range s.hosts {
		if _, err := netip.ParseAddr(name); !hostName.MatchString(name) || strings.Contains(name, ":") && err != nil {
			return false, exit.UsageError("--allow-host", "expected a name without port and path, like sandbox.example, got %q", name)
		}
	}
	host, _, err := net.SplitHostPort(s.listen)
	switch {
	case err != nil:
		return false, exit.UsageError("--listen", "expected an address and a port like %s, got %q", examples.Address, s.listen)
	case vendorurl.LoopbackHost(host):
		return false, nil
	case len(s.hosts) == 0:
		return false, exit.UsageError(
			"--listen", "expected a loopback address like %s, got %q; name who may ask from elsewhere with --allow-host", examples.Address, s.listen,
		)
	}
	return true, nil
}

func (a *app) serveSandbox(cmd *cobra.Command, s served) error {
	beyond, err := s.check()
	if err != nil {
		return err
	}
	options := []sandbox.Option{sandbox.AllowHosts(s.hosts...), sandbox.Push()}
	if !s.strict {
		options = append(options, sandbox.Lenient())
	}
	sb, err := sandbox.Start("127.0.0.1:0", options...)
	if err != nil {
		return err
	}
	defer func() { _ = sb.Close() }()
	// The fakes are served once more, at the address wanted, to see the requests go by.
	var lc net.ListenConfig
	front, err := lc.Listen(cmd.Context(), "tcp", s.listen)
	if err != nil {
		return exit.UsageError("--listen", "cannot listen: %v%s; port 0 takes a free one", err, whoListens(cmd.Context(), s.listen))
	}
	address := reachable(front.Addr().String())
	if beyond {
		cmd.PrintErrln("warning: whoever reaches " + front.Addr().String() + " can read and change what is in the sandbox")
	}
	text, err := sandboxConfig(address)
	if err != nil {
		return err
	}
	if a.json {
		data, err := configfile.YAMLToJSON(text)
		if err != nil {
			return err
		}
		a.out.Document(json.RawMessage(data))
	} else {
		a.out.Text(string(text))
	}
	if a.out.Failed() != nil {
		_ = front.Close()
		return nil // finish tells it
	}
	cmd.PrintErrln("listening on " + address + ", mails at http://" + address + "/_postmux/, interrupt to stop")
	return serveUntil(cmd.Context(), front, logRequests(sb, a.errOut, a.json))
}

// serveUntil serves until the context ends, which is how it is meant to end.
func serveUntil(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// reachable is the address by which this machine reaches what listens on address.
func reachable(address string) string {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !at.Addr().IsUnspecified() {
		return address
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), at.Port()).String()
}

// whoListens says that a taken address is that of a sandbox.
func whoListens(ctx context.Context, address string) string {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := (control{address}).do(ctx, http.MethodGet, "sandbox", nil, nil, nil); err != nil {
		return ""
	}
	return "; a sandbox answers there already"
}

// logRequests writes a line for each request to a provider: the path, but no key and no
// content. A line for each violation follows.
func logRequests(next *sandbox.Server, lines *terminal.Talk, asJSON bool) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" || strings.HasPrefix(r.URL.Path, "/_postmux") {
			next.ServeHTTP(rw, r)
			return
		}
		start := time.Now()
		rec := &statusRecorder{ResponseWriter: rw}
		defer func() {
			status := "dropped"
			if rec.status != 0 {
				status = fmt.Sprint(rec.status)
			}
			fmt.Fprintf(lines, "%s %-7s %s %s %d ms\n", start.Format(time.TimeOnly), status, r.Method, r.URL.EscapedPath(), time.Since(start).Milliseconds())
			for _, v := range next.Violations() {
				text := "         " + v.String()
				if data, err := terminal.Marshal(v); asJSON && err == nil {
					text = strings.TrimSpace(string(data))
				}
				fmt.Fprintln(lines, text)
			}
		}()
		next.ServeHTTP(rec, r)
	})
}

type statusRecorder struct {
	http.ResponseWriter
	status int
}

func (r *statusRecorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *statusRecorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(p)
}

func (r *statusRecorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// sandboxConfig is the configuration of the examples for a sandbox at address.
func sandboxConfig(address string) ([]byte, error) {
	text, err := examples.Files.ReadFile(examples.Config)
	if err != nil {
		return nil, err
	}
	return bytes.ReplaceAll(text, []byte("http://"+examples.Address+"/"), []byte("http://"+address+"/")), nil
}

// startSandbox starts the sandbox on a free port, with the configuration of the
// examples for it.
func startSandbox() (*sandbox.Server, provider.Config, error) {
	sb, err := sandbox.Start("127.0.0.1:0")
	if err != nil {
		return nil, provider.Config{}, err
	}
	base, err := url.Parse(sb.BaseURL(sandbox.Providers()[0]))
	if err == nil {
		var text []byte
		if text, err = sandboxConfig(base.Host); err == nil {
			var cfg provider.Config
			if cfg, err = configfile.Parse(examples.Config, text); err == nil {
				return sb, cfg, nil
			}
		}
	}
	_ = sb.Close()
	return nil, provider.Config{}, err
}
