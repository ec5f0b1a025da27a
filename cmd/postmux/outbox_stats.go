package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/internal/settings"
	"github.com/postmux/postmux/outbox"
)

func newOutboxStats(a *app) *cobra.Command {
	var failOn []string
	cmd := &cobra.Command{
		Use:   "stats",
		Short: "Count the messages of the outbox, and check them",
		Long: `Count the messages of the outbox by state, and show how long the oldest one has been
due, which accounts are held and which workers show a sign of life.

--fail-on makes it a check for a monitor: unknown ends it with exit code 7 when there
is an unknown message; dead and refused with 5 when there is one; held with 6 when an
account is held, workers when none shows a sign of life, and oldest=10m when a message
has been due for longer. Of several the first of 7, 5, 6.`,
		Example: `  postmux outbox stats
  postmux outbox stats --fail-on unknown,dead,oldest=10m`,
		Args: terminal.WantArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.noAccount("it counts the messages of all accounts"); err != nil {
				return err
			}
			checks, err := parseChecks(failOn)
			if err != nil {
				return err
			}
			return a.withStore(cmd, func(s *outboxStore) error {
				stats, err := s.Stats(cmd.Context())
				if err != nil {
					return err
				}
				if a.json {
					a.out.Document(statsOf(stats))
				} else {
					a.printStats(stats)
				}
				return failing(stats, checks)
			})
		},
	}
	cmd.Flags().StringSliceVar(&failOn, "fail-on", nil, "end with an exit code of `CHECKS`: unknown, dead, refused, held, workers, oldest=LENGTH")
	return cmd
}

// statsCheck is one check of --fail-on.
type statsCheck struct {
	code int
	says func(*outbox.Stats) string // what is wrong; empty: nothing
}

func parseChecks(words []string) ([]statsCheck, error) {
	counted := map[string]int{"unknown": exit.Unknown, "dead": exit.Refused, "refused": exit.Refused}
	var out []statsCheck
	for _, word := range words {
		name, value, has := strings.Cut(word, "=")
		code := counted[name]
		switch {
		case code != 0 && !has:
			out = append(out, statsCheck{code, func(s *outbox.Stats) string {
				n := s.ByState[outbox.State(name)]
				if n == 0 {
					return ""
				}
				return terminal.Plural(int(n), "message is ", "messages are ") + name
			}})
		case name == "held" && !has:
			out = append(out, statsCheck{exit.Later, func(s *outbox.Stats) string {
				if len(s.Holds) == 0 {
					return ""
				}
				return terminal.Plural(len(s.Holds), "account is held", "accounts are held")
			}})
		case name == "workers" && !has:
			out = append(out, statsCheck{exit.Later, func(s *outbox.Stats) string {
				if aliveWorkers(s) > 0 {
					return ""
				}
				return "no worker shows a sign of life"
			}})
		case name == "oldest":
			most, err := settings.ParseDuration(value)
			if err != nil || most <= 0 {
				return nil, exit.UsageError("--fail-on", "expected oldest=LENGTH, like oldest=10m, got %q", word)
			}
			out = append(out, statsCheck{exit.Later, func(s *outbox.Stats) string {
				if s.OldestDue <= most {
					return ""
				}
				return "the oldest message has been due for " + lengthText(s.OldestDue)
			}})
		default:
			return nil, exit.UsageError("--fail-on", "expected unknown, dead, refused, held, workers or oldest=LENGTH, got %q", word)
		}
	}
	return out, nil
}

func aliveWorkers(s *outbox.Stats) int {
	n := 0
	for _, w := range s.Workers {
		if w.Alive {
			n++
		}
	}
	return n
}

// failing is the error of the checks that fail, with the first of the codes 7, 5 and 6.
func failing(s *outbox.Stats, checks []statsCheck) error {
	var says []string
	codes := make(map[int]bool)
	for _, c := range checks {
		if text := c.says(s); text != "" {
			says = append(says, text)
			codes[c.code] = true
		}
	}
	for _, code := range []int{exit.Unknown, exit.Refused, exit.Later} {
		if codes[code] {
			return &exit.Result{Err: fmt.Errorf("%s", strings.Join(says, "; ")), Code: code, Shown: true}
		}
	}
	return nil
}

// outboxStats is outbox.Stats as JSON, with lengths of time in seconds.
type outboxStats struct {
	ByState map[outbox.State]int64 `json:"by_state"`
	Oldest  float64                `json:"oldest_due_seconds"`
	Holds   []outbox.Hold          `json:"holds"`
	Workers []outbox.Worker        `json:"workers"`
}

func statsOf(s *outbox.Stats) outboxStats {
	return outboxStats{s.ByState, s.OldestDue.Round(time.Millisecond).Seconds(), append([]outbox.Hold{}, s.Holds...), append([]outbox.Worker{}, s.Workers...)}
}

func (a *app) printStats(s *outbox.Stats) {
	t := terminal.NewTable(a.out, "STATE", "MESSAGES")
	for _, state := range outbox.States() {
		t.Row(string(state), fmt.Sprint(s.ByState[state]))
	}
	t.End()
	rows := [][2]string{}
	if s.OldestDue > 0 {
		rows = append(rows, [2]string{"oldest due", "since " + lengthText(s.OldestDue)})
	}
	for _, h := range s.Holds {
		rows = append(rows, [2]string{"held", h.Account + ", " + holdText(&h)})
	}
	alive := aliveWorkers(s)
	rows = append(rows, [2]string{"workers", fmt.Sprintf("%d alive", alive)})
	if dead := len(s.Workers) - alive; dead > 0 {
		rows[len(rows)-1][1] += fmt.Sprintf(", %d dead", dead)
	}
	a.out.Text("\n")
	a.out.Pairs(rows)
}
