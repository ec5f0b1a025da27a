package events

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/postmux/postmux/internal/vendorurl"
	"github.com/postmux/postmux/provider"
)

// forwardTime bounds one request of Forward.
const forwardTime = 8 * time.Second // below that of the handler

// Forward is a Sink that posts each event to a program, signed as Standard Webhooks 1.0: the
// body is {"type": KIND, "timestamp": …, "data": Event}, and the headers webhook-id, -timestamp
// and -signature let the program check where it is from and that it is new. The type is the
// kind, "bounced". An event counts as taken when the program answers 2xx; with any other
// answer the sink fails and the provider sends all of them again, so that a repeat has the
// same webhook-id. Redirects are not followed. The address is https, or on loopback. secret is
// "whsec_" and base64 of 24 bytes or more, or any text of 16 characters or more, whose bytes
// are the key. hc may be nil.
func Forward(address string, secret provider.Secret, hc *http.Client) (Sink, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, errors.New("events: expected the URL of a program")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !vendorurl.LoopbackHost(u.Hostname())) {
		return nil, errors.New("events: expected https: http is allowed only on loopback")
	}
	signing, err := signingKey(secret)
	if err != nil {
		return nil, err
	}
	client := http.Client{}
	if hc != nil {
		client = *hc
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	f := &forward{client: &client, address: address, key: signing, taken: map[string]bool{}}
	return f.sink, nil
}

// forward posts events. It remembers what was taken, so that a list of which a part was not
// taken in time gets through by repeats.
type forward struct {
	client  *http.Client
	address string
	key     []byte

	mu     sync.Mutex
	taken  map[string]bool
	before map[string]bool // the generation that is forgotten next
}

const (
	forwardCalls = 8      // at the same time
	forwardKept  = 50_000 // events of a generation
)

func (f *forward) sink(ctx context.Context, list []Event) error {
	var calls sync.WaitGroup
	slots := make(chan struct{}, forwardCalls)
	errs := make([]error, len(list))
	for i := range list {
		if f.known(&list[i]) {
			continue
		}
		slots <- struct{}{}
		calls.Go(func() {
			defer func() { <-slots }()
			if errs[i] = f.post(ctx, &list[i]); errs[i] == nil {
				f.note(&list[i])
			}
		})
	}
	calls.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// webhookID is the id of the message for an event. It has no full stop, which divides what
// is signed.
func webhookID(e *Event) string { return strings.ReplaceAll(e.Account, ".", "_") + "_" + e.ID }

func (f *forward) known(e *Event) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.taken[webhookID(e)] || f.before[webhookID(e)]
}

func (f *forward) note(e *Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.taken) >= forwardKept {
		f.before, f.taken = f.taken, map[string]bool{}
	}
	f.taken[webhookID(e)] = true
}

func signingKey(secret provider.Secret) ([]byte, error) {
	text := secret.Reveal()
	if encoded, ok := strings.CutPrefix(text, "whsec_"); ok {
		signing, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || len(signing) < 24 {
			return nil, errors.New("events: expected whsec_ and the base64 of 24 bytes or more as the secret")
		}
		return signing, nil
	}
	if len(text) < leastSecret {
		return nil, errors.New("events: a secret has 16 characters or more")
	}
	return []byte(text), nil
}

func (f *forward) post(ctx context.Context, e *Event) error {
	now := time.Now().UTC()
	at := e.At
	if at.IsZero() {
		at = e.ReceivedAt
	}
	body, err := json.Marshal(struct {
		Type      Kind      `json:"type"`
		Timestamp time.Time `json:"timestamp"`
		Data      *Event    `json:"data"`
	}{e.Kind, at, e})
	if err != nil {
		return fmt.Errorf("events: event %s cannot be written: %w", e.ID, err)
	}
	ctx, cancel := context.WithTimeout(ctx, forwardTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.address, bytes.NewReader(body))
	if err != nil {
		return errors.New("events: expected the URL of a program")
	}
	id := webhookID(e)
	stamp := strconv.FormatInt(now.Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Webhook-Id", id)
	req.Header.Set("Webhook-Timestamp", stamp)
	req.Header.Set("Webhook-Signature", "v1,"+signature(f.key, id, stamp, body))
	resp, err := f.client.Do(req)
	if err != nil {
		var inner *url.Error
		if errors.As(err, &inner) { // without the address, which may hold a secret
			err = inner.Err
		}
		return fmt.Errorf("events: event %s was not taken: %w", id, err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 1<<20))
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("events: event %s was not taken: the program answered %d", id, resp.StatusCode)
	}
	return nil
}

func signature(signing []byte, id, stamp string, body []byte) string {
	mac := hmac.New(sha256.New, signing)
	fmt.Fprintf(mac, "%s.%s.", id, stamp)
	mac.Write(body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
