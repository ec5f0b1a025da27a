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
		m := mailOf(size)
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
			c := open(b, provider.AccountSettings{}, provider.WithHTTPClient(hc))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Send(b.Context(), m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// tells answers every request with the same body.
type tells []byte

func (t tells) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewReader(t)), ContentLength: -1, Request: r,
	}, nil
}

// pageOf is an answer with n contacts.
func pageOf(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"contacts":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"email":"customer%d@example.com","id":%d,"emailBlacklisted":%t,"smsBlacklisted":false,"createdAt":"2025-03-01T10:%02d:00.000+03:30",`+
			`"modifiedAt":"2026-10-05T08:%02d:00.000+03:30","listIds":[4,12],"listUnsubscribed":null,`+
			`"attributes":{"FIRSTNAME":"سارا","LASTNAME":"Customer %d","SMS":"98912%07d","CITY":"Tehran","ORDERS":%d,"VIP":true}}`, i, i+1, i%50 == 0, i%60, i%60, i, i, i%40)
	}
	fmt.Fprintf(&b, `],"count":%d}`, n)
	return b.Bytes()
}

// stockPage is the page in the types that the stock generator makes.
type stockPage struct {
	Contacts []struct {
		Attributes       map[string]any `json:"attributes"`
		CreatedAt        string         `json:"createdAt"`
		Email            *string        `json:"email,omitempty"`
		EmailBlacklisted bool           `json:"emailBlacklisted"`
		ID               int64          `json:"id"`
		ListIDs          []int64        `json:"listIds"`
		ListUnsubscribed *[]int64       `json:"listUnsubscribed,omitempty"`
		ModifiedAt       string         `json:"modifiedAt"`
		SMSBlacklisted   bool           `json:"smsBlacklisted"`
	} `json:"contacts"`
	Count int64 `json:"count"`
}

func BenchmarkContactsPage(b *testing.B) {
	hc := &http.Client{Transport: tells(pageOf(1000))}
	b.Run("stock-types", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			resp, err := hc.Get("https://api.brevo.com/v3/contacts")
			if err != nil {
				b.Fatal(err)
			}
			data, err := io.ReadAll(resp.Body)
			_ = resp.Body.Close()
			var page stockPage
			if err != nil || json.Unmarshal(data, &page) != nil || len(page.Contacts) != 1000 {
				b.Fatal(err)
			}
		}
	})
	b.Run("postmux", func(b *testing.B) {
		c := open(b, provider.AccountSettings{}, provider.WithHTTPClient(hc))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := c.ListContacts(b.Context(), provider.ContactQuery{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}
