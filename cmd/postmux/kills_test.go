package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/sandbox"
)

var kills = flag.Int("kills", 8, "how often TestSettleAfterKills and TestKilled kill the tool, over all vendors")

// killer stands between the tool and a vendor. It kills the tool at a request of its
// choice, before or after the vendor gets it.
type killer struct {
	next   http.Handler
	served chan struct{} // if not nil, gets a word for each request that was answered

	mu      sync.Mutex
	process *os.Process
	left    int  // requests until it kills; negative for never
	after   bool // the vendor gets the request
}

func (k *killer) arm(p *os.Process, left int, after bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.process, k.left, k.after = p, left, after
}

// serve names the process to kill.
func (k *killer) serve(p *os.Process) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.process = p
}

func (k *killer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	k.mu.Lock()
	k.left--
	kill := k.left == 0 && k.process != nil
	process, after := k.process, k.after
	k.mu.Unlock()
	if !kill || after {
		r.Body = io.NopCloser(bytes.NewReader(body))
		recorded := httptest.NewRecorder()
		k.next.ServeHTTP(recorded, r)
		if !kill {
			for name, values := range recorded.Header() {
				w.Header()[name] = values
			}
			w.WriteHeader(recorded.Code)
			_, _ = w.Write(recorded.Body.Bytes())
			return
		}
	}
	_ = process.Kill()
	panic(http.ErrAbortHandler)
}

// The tool is killed again and again while it sends two mails that look alike to each
// recipient, and one more to another. However the runs go on, with --settle at the end,
// no mail is sent twice and none is called accepted that did not go out: neither under
// its own id nor under that of the mail that looks like it.
func TestSettleAfterKills(t *testing.T) {
	binary, err := os.Executable()
	require.NoError(t, err)
	vendors := []string{"brevo", "pakatv3", "pakat", "sendpulse"}
	if raceEnabled {
		vendors = vendors[:1] // it waits for its limits in real time, and the kills are the same
	}
	total := struct{ kills, mails, unknown, settled, left int }{}
	for _, vendor := range vendors {
		t.Run(vendor, func(t *testing.T) {
			random := rand.New(rand.NewPCG(1, uint64(len(vendor))))
			for wanted := total.kills + max(1, *kills/len(vendors)); total.kills < wanted; {
				sb := sandbox.New(t)
				base, err := url.Parse(sb.BaseURL(vendor))
				require.NoError(t, err)
				proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: base.Scheme, Host: base.Host})
				proxy.ErrorLog = log.New(io.Discard, "", 0) // of requests that a kill cuts off
				k := &killer{next: proxy}
				front := httptest.NewServer(k)
				defer front.Close()
				account := sb.Config().Providers[vendor].With("base_url", front.URL+base.Path).With("tries", 1)
				settings := map[string]any(account)
				if from, ok := settings["from"]; !ok || from == nil {
					settings["from"] = map[string]string{"email": "shop@example.com"}
				}
				data, err := json.Marshal(map[string]any{"providers": map[string]any{"main": settings}})
				require.NoError(t, err)
				cfg := file(t, "postmux.json", string(data))
				var lines []string
				const recipients = 10
				for i := range recipients * 3 {
					to, subject := fmt.Sprintf("u%d@example.com", i/3), "Your code"
					if i%3 == 2 {
						to = "single-" + to
					}
					lines = append(lines, fmt.Sprintf(`{"to":[{"email":%q,"name":"U"}],"subject":%q,"html":"<p>mail %d.</p>"}`, to, subject, i))
				}
				input := file(t, "in.jsonl", strings.Join(lines, "\n")+"\n")
				results := filepath.Join(t.TempDir(), "results.jsonl")
				run := func(left int, after bool, more ...string) int {
					cmd := exec.CommandContext(t.Context(), binary, append([]string{"--config", cfg, "batch", input, "--results", results}, more...)...)
					cmd.Env = append(os.Environ(), toolEnv+"=1")
					cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
					k.arm(nil, -1, false)
					require.NoError(t, cmd.Start())
					k.arm(cmd.Process, left, after)
					_ = cmd.Wait()
					return cmd.ProcessState.ExitCode()
				}
				more := []string{}
				for range 5 {
					code := run(1+random.IntN(8), random.IntN(2) == 0, more...)
					more = []string{"--resume"}
					if code == -1 {
						total.kills++
					}
				}
				code := run(-1, false, "--resume", "--settle")
				assert.Contains(t, []int{exit.Done, exit.Unknown}, code)

				sent := make(map[int][]string) // ids by the number in the body
				for _, m := range sb.Messages(vendor) {
					var n int
					_, err := fmt.Sscanf(m.HTML[strings.Index(m.HTML, "mail "):], "mail %d.", &n)
					require.NoError(t, err, m.HTML)
					sent[n] = append(sent[n], m.ID)
				}
				last := make(map[int]provider.State)
				ids := make(map[string]int)
				text, err := os.ReadFile(results)
				require.NoError(t, err)
				for line := range strings.Lines(string(text)) {
					var l struct {
						Index     *int           `json:"index"`
						State     provider.State `json:"state"`
						MessageID string         `json:"message_id"`
					}
					if json.Unmarshal([]byte(line), &l) != nil || l.Index == nil {
						continue
					}
					last[*l.Index] = l.State
					if l.State == provider.StateUnknown || l.State == provider.StateRefused || l.State == "not_tried" {
						continue
					}
					assert.Contains(t, sent[*l.Index], l.MessageID, "%s: mail %d is called %s under an id that is not its own", vendor, *l.Index, l.State)
					if other, taken := ids[l.MessageID]; taken {
						assert.Equal(t, other, *l.Index, "an id was given to two mails")
					}
					ids[l.MessageID] = *l.Index
				}
				for i := range lines {
					assert.LessOrEqual(t, len(sent[i]), 1, "%s: mail %d was sent twice", vendor, i)
					switch {
					case last[i] == provider.StateUnknown:
						total.left++
						if len(sent[i]) == 0 {
							total.unknown++
						}
					case len(sent[i]) == 1:
						total.settled++
					}
				}
				total.mails += len(lines)
			}
		})
	}
	t.Logf("%d kills, %d mails: %d known to be accepted, %d left unknown, of which %d never went out", total.kills, total.mails, total.settled, total.left, total.unknown)
	assert.Positive(t, total.kills)
}
