package alike_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/postmux/postmux/internal/alike"
)

func TestMay(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	s := alike.Search{
		Recipient: "Anna@bücher.example", Sender: "shop@example.com", Subject: "Ihre Bestellung  Nr. 7",
		From: at.Add(500 * time.Millisecond), To: at.Add(time.Minute),
	}
	mail := alike.Mail{Recipient: "anna@xn--bcher-kva.example", Sender: "SHOP@example.com", Subject: "Ihre Bestellung\r\n Nr. 7", At: at}
	for name, tt := range map[string]struct {
		change func(*alike.Search, *alike.Mail)
		want   bool
	}{
		"the mail":            {func(*alike.Search, *alike.Mail) {}, true},
		"another recipient":   {func(_ *alike.Search, m *alike.Mail) { m.Recipient = "b@example.com" }, false},
		"another sender":      {func(_ *alike.Search, m *alike.Mail) { m.Sender = "b@example.com" }, false},
		"another subject":     {func(_ *alike.Search, m *alike.Mail) { m.Subject = "Ihre Bestellung Nr. 8" }, false},
		"nothing told":        {func(_ *alike.Search, m *alike.Mail) { *m = alike.Mail{} }, true},
		"subject of template": {func(s *alike.Search, _ *alike.Mail) { s.Subject = "" }, true},
		"subject filled in":   {func(s *alike.Search, _ *alike.Mail) { s.Subject = "Nr. {{ params.n }}" }, true},
		"decomposed letters":  {func(s *alike.Search, m *alike.Mail) { s.Subject, m.Subject = "é", "e\u0301" }, true},
		"before":              {func(_ *alike.Search, m *alike.Mail) { m.At = at.Add(-time.Second) }, false},
		"the last second":     {func(_ *alike.Search, m *alike.Mail) { m.At = at.Add(time.Minute) }, true},
		"after":               {func(_ *alike.Search, m *alike.Mail) { m.At = at.Add(61 * time.Second) }, false},
		"no times wanted":     {func(s *alike.Search, _ *alike.Mail) { s.From, s.To = time.Time{}, time.Time{} }, true},
	} {
		t.Run(name, func(t *testing.T) {
			s, m := s, mail
			tt.change(&s, &m)
			assert.Equal(t, tt.want, alike.May(s, m, alike.Exact))
		})
	}
	for hours, want := range map[int]bool{-13: false, -12: true, 14: true, 15: false} {
		local := alike.Mail{At: at.Add(time.Duration(hours) * time.Hour)}
		assert.Equal(t, want, alike.May(s, local, alike.AnyZone), hours)
	}
}
