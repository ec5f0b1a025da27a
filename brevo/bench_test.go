package brevo_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/provider"
)

// instant answers without a network, so that only client work is measured.
type instant struct{}

var answer = []byte(`{"messageId":"<202611220312.12345678901@smtp-relay.mailin.fr>"}`)

func (instant) RoundTrip(r *http.Request) (*http.Response, error) {
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return nil, err
	}
	_ = r.Body.Close()
	return &http.Response{
		StatusCode: http.StatusCreated, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewReader(answer)), ContentLength: int64(len(answer)), Request: r,
	}, nil
}

func htmlOf(size int) string {
	const row = `<tr><td class="item">سفارش شما</td><td>Заказ & счёт</td></tr>`
	return "<table>" + strings.Repeat(row, size/len(row)) + "</table>"
}

// handWritten is what a careful program without a library does: structs, one
// request, status checked, answer decoded.
func handWritten(ctx context.Context, hc *http.Client, key string, m *provider.Message) (string, error) {
	type address struct {
		Email string `json:"email"`
		Name  string `json:"name,omitempty"`
	}
	body := struct {
		Sender      address        `json:"sender"`
		To          []address      `json:"to"`
		Subject     string         `json:"subject"`
		HTMLContent string         `json:"htmlContent"`
		Params      map[string]any `json:"params,omitempty"`
		Tags        []string       `json:"tags,omitempty"`
	}{address{m.From.Email, m.From.Name}, []address{{m.To[0].Email, m.To[0].Name}}, m.Subject, m.HTML, m.Variables, m.Tags}
	data, err := json.Marshal(body)
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://api.brevo.com/v3/smtp/email", bytes.NewReader(data))
	if err != nil {
		return "", err
	}
	req.Header.Set("api-key", key)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	resp, err := hc.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusCreated {
		return "", fmt.Errorf("status %d", resp.StatusCode)
	}
	var out struct {
		MessageID string `json:"messageId"`
	}
	return out.MessageID, json.Unmarshal(answer, &out)
}

func BenchmarkSend(b *testing.B) {
	for _, size := range []int{2 << 10, 50 << 10} {
		m := &provider.Message{
			From: provider.Address{Email: "shop@example.com", Name: "Shop"}, To: []provider.Address{{Email: "anna@example.com", Name: "Anna"}},
			Subject: "سفارش شما", HTML: htmlOf(size), Variables: map[string]any{"order": "1042", "sum": 12.5, "city": "Tehran"}, Tags: []string{"order"},
		}
		hc := &http.Client{Transport: instant{}}
		b.Run(fmt.Sprintf("hand-written/%dkB", size>>10), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := handWritten(b.Context(), hc, "key", m); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("postmux/%dkB", size>>10), func(b *testing.B) {
			c, err := brevo.New(brevo.Config{APIKey: provider.NewSecret("key"), Common: provider.Common{RateLimits: map[string]string{"send": "1000000/s"}}}, provider.WithHTTPClient(hc))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Send(b.Context(), m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
