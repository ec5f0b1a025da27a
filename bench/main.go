// Command bench measures this project's client beside other ways to send mail
// from Go, in one run on one machine, and writes the tables of
// docs/performance.md.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"testing"
	"time"
)

// settings say how much is measured.
type settings struct {
	rounds     int           // of every row, in turn
	benchTime  time.Duration // of a row without a network in a round
	cellTime   time.Duration // of a row with a network in a round
	mails      int           // personal mails
	contacts   int           // read
	importRows int
}

// shortest are settings with which everything runs and no figure means anything.
func shortest() settings {
	return settings{
		rounds: 1, benchTime: time.Millisecond, cellTime: 5 * time.Millisecond,
		mails: 2000, contacts: 20_000, importRows: 2000,
	}
}

// run is one run of the command.
type run struct {
	settings
	dir    string  // for the certificate
	server *server // started when first needed
	log    io.Writer
}

// sections in the order of the document. Each returns its tables.
var sections = []struct {
	name string
	do   func(r *run, ctx context.Context) (string, error)
}{
	{"machine", func(*run, context.Context) (string, error) { return machine(), nil }},
	{"client", (*run).clientWork},
	{"loopback", (*run).loopback},
	{"page", (*run).page},
	{"personal", (*run).personal},
	{"iterate", (*run).iterate},
	{"import", (*run).imports},
}

func main() {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		exit(child(os.Args[1], os.Args[2:]))
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	exit(command(ctx))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// child is this program as another process.
func child(name string, args []string) error {
	switch {
	case name == "serve" && len(args) == 1:
		return serve(args[0], os.Stdin, os.Stdout)
	case name == "iterate" && len(args) == 2:
		return iterateChild(args[0], args[1], os.Stdout)
	case (name == "import" || name == "import-phones") && len(args) == 2:
		return importChild(args[0], args[1], name == "import-phones", os.Stdout)
	}
	return fmt.Errorf("%s: no such command", name)
}

func command(ctx context.Context) error {
	testing.Init() // testing.Benchmark reads its flags
	r := &run{log: os.Stderr}
	names := make([]string, len(sections))
	for i, s := range sections {
		names[i] = s.name
	}
	chosen := flag.String("sections", strings.Join(names, ","), "what to measure")
	doc := flag.String("doc", "", "document whose sections are replaced; empty prints them")
	short := flag.Bool("short", false, "measure next to nothing and print it, only to see that all of it works")
	flag.IntVar(&r.rounds, "rounds", 5, "rounds; each measures every row once, in changing order")
	flag.DurationVar(&r.benchTime, "bench-time", 200*time.Millisecond, "time of a row without a network in a round")
	flag.DurationVar(&r.cellTime, "cell-time", 400*time.Millisecond, "time of a row with a network in a round")
	flag.IntVar(&r.mails, "mails", 10_000, "personal mails")
	flag.IntVar(&r.contacts, "contacts", 1_000_000, "contacts to iterate")
	flag.IntVar(&r.importRows, "import-rows", 1_000_000, "contacts to import")
	flag.Parse()
	if *short {
		*doc = ""
		r.settings = shortest()
	}
	for name := range strings.SplitSeq(*chosen, ",") {
		if !slices.Contains(names, name) {
			return fmt.Errorf("no section %q; there are %s", name, strings.Join(names, ", "))
		}
	}
	return r.all(ctx, strings.Split(*chosen, ","), *doc)
}

func (r *run) all(ctx context.Context, chosen []string, doc string) error {
	if err := flag.Set("test.benchtime", r.benchTime.String()); err != nil {
		return err
	}
	var err error
	if r.dir, err = os.MkdirTemp("", "bench"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(r.dir) }()
	if err := trust(r.dir); err != nil {
		return err
	}
	defer func() {
		if r.server != nil {
			r.server.close()
		}
	}()
	for _, s := range sections {
		if !slices.Contains(chosen, s.name) {
			continue
		}
		start := time.Now()
		text, err := s.do(r, ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		fmt.Fprintf(r.log, "%s: %.0f s\n", s.name, time.Since(start).Seconds())
		if err := publish(doc, s.name, text); err != nil {
			return err
		}
	}
	return nil
}

// publish prints a section or puts it into the document.
func publish(doc, section, text string) error {
	if doc == "" {
		fmt.Fprintf(os.Stdout, "\n## %s\n\n%s\n", section, text)
		return nil
	}
	old, err := os.ReadFile(doc)
	if err != nil {
		return err
	}
	changed, err := replace(string(old), section, text)
	if err != nil {
		return err
	}
	return os.WriteFile(doc, []byte(changed), 0o644)
}

// at returns the server, which is started when first needed.
func (r *run) at(ctx context.Context) (*server, error) {
	if r.server == nil {
		s, err := startServer(ctx, r.dir)
		if err != nil {
			return nil, err
		}
		r.server = s
	}
	return r.server, nil
}

// inTurn calls do for every row in every round: forwards, then backwards, so
// that what the machine does meanwhile hits all rows alike.
func inTurn(rounds, rows int, do func(row int) error) error {
	for round := range rounds {
		for i := range rows {
			row := i
			if round%2 == 1 {
				row = rows - 1 - i
			}
			if err := do(row); err != nil {
				return err
			}
		}
	}
	return nil
}
