package mailbody

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestOfText(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{name: "nothing"},
		{name: "lines", text: "a\r\nb\nc", want: "<div dir=\"auto\">a<br>\nb<br>\nc</div>"},
		{name: "markup", text: `<b>"x" & 'y'</b>`, want: `<div dir="auto">&lt;b&gt;&#34;x&#34; &amp; &#39;y&#39;&lt;/b&gt;</div>`},
		{name: "a URL stays text", text: "https://example.com", want: `<div dir="auto">https://example.com</div>`},
	} {
		t.Run(tc.name, func(t *testing.T) { assert.Equal(t, tc.want, OfText(tc.text)) })
	}
}

func TestWay(t *testing.T) {
	for _, tc := range []struct{ name, field, want string }{
		{name: "nothing"},
		{name: "a page", field: "<https://example.com/u?t=1>", want: "https://example.com/u?t=1"},
		{name: "a page after an address", field: "<mailto:leave@example.com>, <https://example.com/u>", want: "https://example.com/u"},
		{name: "the first address", field: "<mailto:a@example.com>,<mailto:b@example.com>", want: "mailto:a@example.com"},
		{name: "capitals", field: "< HTTPS://example.com/u >", want: "HTTPS://example.com/u"},
		{name: "with comments", field: "(by mail) <mailto:a@example.com?subject=leave> (or ask)", want: "mailto:a@example.com?subject=leave"},
		{name: "other schemes", field: "<javascript:alert(1)>, <ftp://example.com/u>"},
		{name: "no brackets", field: "https://example.com/u"},
		{name: "not closed", field: "<https://example.com/u"},
	} {
		t.Run(tc.name, func(t *testing.T) { assert.Equal(t, tc.want, Way(tc.field)) })
	}
}

func TestLink(t *testing.T) {
	const uri = `https://example.com/u?a=1&b="2"`
	const link = `<p dir="auto"><a href="https://example.com/u?a=1&amp;b=&#34;2&#34;">`
	for _, tc := range []struct {
		name, body, html, text string
		there                  bool
	}{
		{name: "English", body: "Hello", html: "Hello" + link + "Unsubscribe</a></p>", text: "Hello\n\nUnsubscribe: " + uri + "\n"},
		{name: "Persian", body: "سفارش شما ثبت شد", html: "سفارش شما ثبت شد" + link + "لغو اشتراک</a></p>", text: "سفارش شما ثبت شد\n\nلغو اشتراک: " + uri + "\n"},
		{name: "Russian", body: "Ваш заказ\r\n", html: "Ваш заказ\r\n" + link + "Отписаться</a></p>", text: "Ваш заказ\n\nОтписаться: " + uri + "\n"},
		{
			name: "inside the body", body: "<html><BODY>x</BODY></html>", html: "<html><BODY>x" + link + "Unsubscribe</a></p></BODY></html>",
			text: "<html><BODY>x</BODY></html>\n\nUnsubscribe: " + uri + "\n",
		},
		{name: "there already", body: "x " + uri, html: "x " + uri, text: "x " + uri, there: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			html, added := LinkHTML(tc.body, uri)
			assert.Equal(t, tc.html, html)
			assert.Equal(t, !tc.there, added)
			text, added := LinkText(tc.body, uri)
			assert.Equal(t, tc.text, text)
			assert.Equal(t, !tc.there, added)
		})
	}
	html, added := LinkHTML(`<a href="https://example.com/u?a=1&amp;b=&#34;2&#34;">leave</a>`, uri)
	assert.False(t, added, html)
}
