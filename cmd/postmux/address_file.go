package main

import (
	"context"
	"errors"
	"hash/maphash"
	"iter"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/internal/flow"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/contactrows"
)

// fileFlags are the flags of a verb that does the same with each address of a file.
type fileFlags struct {
	name string
	run  runFlags
	read readFlags
}

func (f *fileFlags) register(cmd *cobra.Command, need contactrows.Need) {
	cmd.Flags().StringVar(&f.name, "file", "", "the addresses are in `FILE`, of any form that \"contacts import\" reads; - is stdin")
	f.run.register(cmd, "run")
	f.read.register(cmd, need)
	f.run.dry.flag(cmd)
}

// fileHelp is what the help of such a verb says about files.
const fileHelp = `

With --file the addresses are those of a file of contacts, a line each or in a column
that is recognised or named by --map; its other columns are not needed. --report,
--results and --resume are those of "contacts import". With --json each address is one
line of JSON that begins with its index.`

// args checks the arguments: names without a file, and those that are no address with one.
func (f *fileFlags) args(without int, names ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if !cmd.Flags().Changed("file") {
			if f.run.report != "" || f.run.results != "" || f.run.resume {
				return exit.UsageError("--file", "expected with --report, --results and --resume")
			}
			return terminal.WantArgs(names...)(cmd, args)
		}
		if len(args) > without {
			return exit.UsageError("", "expected either addresses or --file, got both")
		}
		return terminal.WantArgs(names[:without]...)(cmd, args)
	}
}

// addressJob is what a verb does with addresses.
type addressJob struct {
	verb    string // for the question, as "delete"
	op      provider.Op
	list    string // that it is about
	ask     bool   // it destroys something, or lets mail through again
	need    contactrows.Need
	refuses func(contactrows.Row) string
	most    int // addresses of one call
	// call does it, and returns a result for each address.
	call func(ctx context.Context, c *provider.Client, emails []string) []provider.ImportResult
}

// single makes calls of one address each.
func single(call func(context.Context, *provider.Client, string) (*provider.ContactReceipt, error)) func(context.Context, *provider.Client, []string) []provider.ImportResult {
	return func(ctx context.Context, c *provider.Client, emails []string) []provider.ImportResult {
		r, err := call(ctx, c, emails[0])
		return []provider.ImportResult{{Email: emails[0], Receipt: r, Err: err}}
	}
}

// notStopped refuses rows of people who get no mail.
func notStopped(row contactrows.Row) string {
	if row.Change.Status.Terminal() {
		return "the row says that the person gets no mail (" + string(row.Change.Status) + ")"
	}
	return ""
}

// runAddresses does job with each address of the file of f.
func (a *app) runAddresses(cmd *cobra.Command, f *fileFlags, job addressJob) error {
	if err := f.run.check(); err != nil {
		return err
	}
	a.stream = true
	cmd.Annotations = stream()
	return a.runFile(cmd, f.name, &f.run, &f.read, rowJob{
		need: job.need, op: job.op, list: job.list, items: "addresses", stored: "done", refuses: job.refuses,
		decision: decision{verb: job.verb, dry: f.run.dry.on, ask: job.ask},
		do: func(c *provider.Client) rowFunc {
			return func(ctx context.Context, rows iter.Seq2[provider.ContactChange, error], each func(provider.ImportResult) error) (provider.ImportReport, error) {
				return eachAddress(ctx, c, rows, each, job)
			}
		},
	})
}

// addressCalls is how many calls run at a time.
const addressCalls = 4

// mostUnknown is after how many unknown outcomes in a row a run ends.
const mostUnknown = 5

// address is one of a file.
type address struct {
	index int
	email string
}

// eachAddress makes the calls of job, several at a time, and tells the results in order.
// It ends at an error that every further call would cause.
func eachAddress(
	ctx context.Context, c *provider.Client, rows iter.Seq2[provider.ContactChange, error], each func(provider.ImportResult) error, job addressJob,
) (provider.ImportReport, error) {
	var report provider.ImportReport
	seed := maphash.MakeSeed()
	var streak unknowns
	f := flow.Flow[address, provider.ImportResult]{
		Limits: flow.Limits{Items: job.most}, Calls: addressCalls,
		Place: func(_ context.Context, x address) (t flow.Traits, r provider.ImportResult, done bool) {
			key, err := provider.EmailKey(x.email)
			if err != nil {
				e := provider.Invalid("email", "%s", exit.ProviderError(err).Message)
				e.Provider, e.Account, e.Op = c.Provider(), c.Account(), job.op
				return t, provider.ImportResult{Index: x.index, Email: x.email, Err: e}, true
			}
			t.Alone, t.Held = job.most <= 1, len(x.email)
			t.Names[0] = max(maphash.String(seed, key), 1)
			return t, r, false
		},
		Call: func(ctx context.Context, items []address, _ func() error) []provider.ImportResult {
			emails := make([]string, len(items))
			for i, x := range items {
				emails[i] = x.email
			}
			var out []provider.ImportResult
			_ = flow.Patiently(ctx, func() error {
				out = job.call(ctx, c, emails)
				return out[0].Err
			}, keptBack)
			for i := range out {
				out[i].Index = items[i].index
			}
			return out
		},
		Ends: streak.ends,
		Skipped: func(x address, why error) provider.ImportResult {
			e := &provider.Error{Kind: provider.ErrCanceled, Outcome: provider.OutcomeNotSent, Provider: c.Provider(), Account: c.Account(), Op: job.op, Message: "not tried: " + why.Error(), Err: why}
			return provider.ImportResult{Index: x.index, Email: x.email, Err: e}
		},
	}
	items := func(yield func(address, error) bool) {
		n := 0
		for row, err := range rows {
			if !yield(address{n, row.Email}, err) {
				return
			}
			n++
		}
	}
	err := f.Run(ctx, items, func(r provider.ImportResult) error {
		report.Rows++
		switch {
		case exit.NotTried(r.Err):
			report.NotTried++
		case rowCode(r) == exit.Unknown:
			report.Unknown++
		case r.Err != nil && !isDryRun(r.Err):
			report.Refused++
		default:
			report.Stored++
		}
		return each(r)
	})
	return report, err
}

// keptBack reports whether a limit of the provider kept a call back, and for how long.
func keptBack(err error) (time.Duration, bool) {
	if !errors.Is(err, provider.ErrRateLimited) {
		return 0, false
	}
	return provider.RetryAfter(err), true
}

// unknowns counts unknown outcomes in a row. It is safe for concurrent use.
type unknowns struct {
	mu sync.Mutex
	n  int
}

// ends returns the error that every further call would cause too.
func (u *unknowns) ends(results []provider.ImportResult) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, r := range results {
		if r.Err == nil {
			u.n = 0
			continue
		}
		if rowCode(r) == exit.Unknown {
			if u.n++; u.n >= mostUnknown {
				return r.Err
			}
			continue
		}
		for _, kind := range []provider.Kind{
			provider.ErrConfig, provider.ErrUnsupported, provider.ErrUnauthorized, provider.ErrForbidden, provider.ErrNoCredit,
			provider.ErrRateLimited, provider.ErrUnavailable, provider.ErrCanceled, provider.ErrDryRun,
		} {
			if errors.Is(r.Err, kind) {
				return r.Err
			}
		}
	}
	return nil
}
