package fastpath_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/internal/fastpath"
)

// BenchmarkPieces measures the work of each piece with it and without it. What the
// pieces save in whole calls is measured by "make ablation".
func BenchmarkPieces(b *testing.B) {
	html := strings.Repeat(`<tr><td class="item">سفارش شما</td><td>Заказ & счёт</td></tr>`, 500)
	mail := &checkedMail{Subject: new("سفارش شما"), HTMLContent: &html, To: []brevoapi.EmailAddress{{Email: "anna@example.com"}}}
	page := []byte(`[` + strings.Repeat(`{"email":"anna@example.com","id":1,"listIds":[4,12]},`, 999) + `{}]`)
	client := &http.Client{Transport: silent{}}
	var body []byte
	for _, row := range []struct {
		piece *fastpath.Piece
		work  func()
	}{
		{piece: fastpath.Words, work: func() { fastpath.Clean(html) }},
		{piece: fastpath.JSON, work: func() { body, _ = fastpath.AppendJSON(body[:0], mail) }},
		{piece: fastpath.Memory, work: func() {
			m := fastpath.Take()
			*m, _ = fastpath.AppendJSON(*m, mail)
			fastpath.GiveBack(m)
		}},
		{piece: fastpath.Pages, work: func() {
			r := fastpath.NewReader(page)
			r.Array(func() {
				r.Struct([]string{"email", "id", "listIds"}, func(name string) {
					switch name {
					case "email":
						r.Text()
					case "id":
						r.Int()
					default:
						r.Ints(nil)
					}
				})
			})
			if !r.Good() {
				_ = json.Unmarshal(page, new([]brevoapi.Contact))
			}
		}},
		{piece: fastpath.Direct, work: func() {
			req, _ := http.NewRequestWithContext(b.Context(), http.MethodGet, "https://api.example.com", nil)
			if resp, err := fastpath.Send(client, req); err == nil {
				_ = resp.Body.Close()
			}
		}},
	} {
		for _, off := range []bool{false, true} {
			b.Run(row.piece.Name+map[bool]string{false: "/on", true: "/off"}[off], func(b *testing.B) {
				row.piece.Turn(off)
				defer row.piece.Turn(false)
				b.ReportAllocs()
				for b.Loop() {
					row.work()
				}
			})
		}
	}
}

type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody, Request: r}, nil
}
