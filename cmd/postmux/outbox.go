package main

import (
	"fmt"
	"os/user"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/outbox"
	"github.com/postmux/postmux/outbox/lite"
	"github.com/postmux/postmux/provider"
)

func newOutbox(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "outbox",
		Short: "Keep mail in a database until it is sent, once",
		Long: `Keep mail in a database until it is sent: a file of SQLite, or PostgreSQL for many
hosts. What "enqueue" took is on the disk, goes out once by one of the workers that
"run" starts, and ends in a state that "show" explains. A request whose outcome
nobody knows is never sent again by a program: "settle" asks the provider, "decide"
says what a person knows.

The configuration says where it is: outbox: {database: file:outbox.db}, or env:NAME
with the URL of a database of PostgreSQL. "migrate" makes the tables.`,
		Args: terminal.NoCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		newOutboxMigrate(a), newOutboxRun(a), newOutboxEnqueue(a), newOutboxList(a), newOutboxShow(a), newOutboxStats(a),
		newOutboxRetry(a), newOutboxCancel(a), newOutboxSettle(a), newOutboxDecide(a), newOutboxPurge(a),
		newOutboxHold(a), newOutboxRelease(a), newOutboxDoubt(a), newOutboxDemo(a),
	)
	return cmd
}

// outboxStore is the database of an outbox, and the configuration that names it.
type outboxStore struct {
	*outbox.Store
	settings outbox.Settings
	config   provider.Config
}

// openStore opens the database of the outbox; no request is made.
func (a *app) openStore() (*outboxStore, error) {
	cfg, err := a.loadConfig()
	if err != nil {
		return nil, err
	}
	s, err := outbox.ParseConfig(cfg.Outbox)
	if err != nil {
		return nil, a.inConfig(err)
	}
	place, err := s.Place()
	if err != nil {
		return nil, a.inConfig(err)
	}
	store, err := openPlace(place, s)
	if err != nil {
		return nil, a.inConfig(err)
	}
	return &outboxStore{store, s, cfg}, nil
}

func openPlace(place outbox.Place, s outbox.Settings) (*outbox.Store, error) {
	if place.File != "" {
		return lite.FromSettings(s)
	}
	config, err := pgx.ParseConfig(place.URL.Reveal())
	if err != nil {
		// The driver's words have parts of the URL.
		return nil, exit.ConfigError("outbox.database", "the URL of PostgreSQL cannot be read: expected postgres://USER@HOST/DATABASE")
	}
	db := stdlib.OpenDB(*config)
	// Senders wait for their intents, which go together: a few connections do.
	db.SetMaxOpenConns(16)
	db.SetConnMaxIdleTime(5 * time.Minute)
	return outbox.Postgres(db, s.Names())
}

func (s *outboxStore) close() { _ = s.DB().Close() }

// withStore runs do with the tables of the outbox, which have the right version.
func (a *app) withStore(cmd *cobra.Command, do func(*outboxStore) error) error {
	s, err := a.openStore()
	if err != nil {
		return err
	}
	defer s.close()
	if _, err := s.Check(cmd.Context()); err != nil {
		return a.inConfig(err)
	}
	return do(s)
}

// withBox runs do with the outbox, whose settings change may alter.
func (a *app) withBox(cmd *cobra.Command, change func(*outbox.Config), do func(*outbox.Box) error) error {
	s, err := a.openStore()
	if err != nil {
		return err
	}
	defer s.close()
	opts := []provider.Option{provider.WithUserAgent("postmux-cli/" + thisBuild().Version)}
	if a.debug {
		opts = append(opts, provider.WithHooks(debugHooks(a.errOut)))
	}
	cfg, err := s.settings.Config(s.Store, s.config, a.registry, opts...)
	if err != nil {
		return a.inConfig(err)
	}
	if a.account != "" {
		cfg.Default = a.account
	}
	if change != nil {
		change(&cfg)
	}
	b, err := outbox.Open(cmd.Context(), s.Store, cfg)
	if err != nil {
		return a.inConfig(err)
	}
	err = do(b)
	if closed := b.Close(); err == nil { // it looks whether what was stored is still there
		err = closed
	}
	return err
}

// tellDatabase warns of what a person should know of the database.
func tellDatabase(cmd *cobra.Command, warnings []outbox.Warning) {
	for _, w := range warnings {
		fmt.Fprintln(cmd.ErrOrStderr(), "warning: "+w.Why)
	}
}

// byFlag adds the flag for the person who does something.
func byFlag(cmd *cobra.Command, by *string, usage string) { cmd.Flags().StringVar(by, "by", "", usage) }

// wantBy refuses a command without the name of a person.
func wantBy(by string) error {
	if by == "" {
		return exit.UsageError("--by", "expected the name of the person who decides")
	}
	return nil
}

// loginName is the name of whoever runs the tool.
func loginName() string {
	u, err := user.Current()
	if err != nil || u.Username == "" {
		return "unknown"
	}
	return u.Username
}

// noAccount refuses --provider where it would have no effect.
func (a *app) noAccount(why string) error {
	if a.account != "" {
		return exit.UsageError("--provider", "leave it out: %s", why)
	}
	return nil
}

// outboxChange is what became of one message of a command over several.
type outboxChange struct {
	ID    string          `json:"id"`
	State outbox.State    `json:"state,omitempty"`
	Error *provider.Error `json:"error,omitempty"`
}

// changeEach does something to messages, one by one, and tells each; to is the state that
// follows.
func (a *app) changeEach(cmd *cobra.Command, ids []string, to outbox.State, do func(id string) error) error {
	var codes []int
	for i, id := range ids {
		err := do(id)
		if err != nil && (len(ids) == 1 || exit.IsInterrupt(err)) {
			return err
		}
		codes = append(codes, exit.Code(err))
		switch c := (outboxChange{ID: id, State: to}); {
		case a.json && err != nil:
			c.State, c.Error = "", exit.ProviderError(err)
			a.out.Line(terminal.Indexed(i, c))
		case a.json:
			a.out.Line(terminal.Indexed(i, c))
		case err != nil:
			cmd.PrintErrln("postmux: " + err.Error())
		default:
			a.out.Say(id + "  " + string(to))
		}
	}
	return exit.ManyError(codes, "messages")
}
