package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/all"
	"github.com/postmux/postmux/sandbox"
)

// shotsEnv names a folder into which the test of the page writes pictures.
const shotsEnv = "POSTMUX_SHOTS"

// patience is the longest wait for one thing in the browser, on a machine with other work.
const patience = 40 * time.Second

// The page in headless Chromium. Each part has a sandbox and a tab of its own.
func TestPage(t *testing.T) {
	if raceEnabled {
		t.Skip("a browser finds no races: the control API's tests run under the detector")
	}
	if testing.Short() {
		t.Skip("the page is not tried in short mode")
	}
	name := chromium()
	if name == "" {
		t.Skip("no Chromium here: install the package chromium to try the page of the sandbox")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(name), chromedp.WindowSize(1440, 900))
	// For root, to whom Chromium refuses its own sandbox, chromedp adds --no-sandbox.
	ctx, cancel := chromedp.NewExecAllocator(t.Context(), options...)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, 4*time.Minute)
	defer cancel()
	ctx, cancel = chromedp.NewContext(ctx)
	defer cancel()
	if err := chromedp.Do(ctx); err != nil {
		t.Skipf("Chromium does not start here: %v", err)
	}
	for _, part := range []struct {
		name string
		run  func(*testing.T, *tab)
	}{
		{"nothing yet", seeNothing},
		{"mails of all providers", seeMails},
		{"a hostile mail", seeHostile},
		{"a thousand mails", seeMany},
		{"live", seeLive},
		{"by keyboard", seeByKeyboard},
		{"a file", seeFile},
		{"webhooks", seeWebhooks},
	} {
		t.Run(part.name, func(t *testing.T) {
			sb, cfg, err := startSandbox()
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, sb.Close()) })
			tabCtx, cancel := chromedp.NewContext(ctx)
			t.Cleanup(cancel)
			part.run(t, newTab(t, tabCtx, sb, cfg))
		})
	}
}

// chromium finds a browser; "" when there is none.
func chromium() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "headless-shell"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// tab is a tab of the browser with the page of a sandbox, and what it did.
type tab struct {
	t   *testing.T
	ctx context.Context
	sb  *sandbox.Server
	cfg provider.Config

	mu       sync.Mutex
	requests []string // URLs
	frames   []string // URLs of navigations
	dialogs  int
	thrown   []string // errors of the page's script

	texts, views int // whose contrast was looked at
	least        float64
}

func newTab(t *testing.T, ctx context.Context, sb *sandbox.Server, cfg provider.Config) *tab {
	b := &tab{t: t, ctx: ctx, sb: sb, cfg: cfg}
	require.NoError(t, chromedp.Listen(ctx, func(event any) {
		b.mu.Lock()
		defer b.mu.Unlock()
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			b.requests = append(b.requests, e.Request.URL)
		case *page.EventFrameNavigated:
			b.frames = append(b.frames, e.Frame.URL)
		case *page.EventJavascriptDialogOpening:
			b.dialogs++
			go func() {
				_, _ = chromedp.Call(ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: true})
			}()
		case *runtime.EventExceptionThrown:
			b.thrown = append(b.thrown, fmt.Sprintf("%+v", e.ExceptionDetails.Exception))
		}
	}))
	return b
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	require.NoError(b.t, chromedp.Do(ctx, actions...))
}

// open goes to the page, and to one of its mails, and waits for the list.
func (b *tab) open(fragment string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.sb.URL() + "/_postmux/" + fragment))
	b.until(`document.body.dataset.listed && document.querySelector("#live").dataset.state === "on"`)
}

// until waits for a condition of the page's script.
func (b *tab) until(condition string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	require.NoError(b.t, chromedp.Do(ctx, chromedp.Poll[chromedp.Void]("!!("+condition+")", chromedp.WithPollingInterval(20*time.Millisecond))), condition)
}

func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	require.NoError(b.t, err, expression)
	return v
}

// press presses keys as a keyboard does: the text of a key comes with it, so that a page
// which takes the key keeps the text from a field.
func (b *tab) press(keys ...string) {
	b.t.Helper()
	for _, k := range keys {
		if len([]rune(k)) > 1 || k < " " || k > "~" {
			b.do(chromedp.KeyEvent(k))
			continue
		}
		for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeKeyDown, input.DispatchKeyEventTypeKeyUp} {
			p := input.DispatchKeyEventParams{Type: kind, Key: k}
			if kind == input.DispatchKeyEventTypeKeyDown {
				p.Text = k
			}
			_, err := chromedp.Call(b.ctx, input.DispatchKeyEvent, p)
			require.NoError(b.t, err)
		}
	}
}

func (b *tab) text(selector string) string {
	b.t.Helper()
	return eval[string](b, fmt.Sprintf("document.querySelector(%q)?.textContent ?? ''", selector))
}

// shot writes a picture, where one is wanted.
func (b *tab) shot(name string) {
	b.t.Helper()
	dir := os.Getenv(shotsEnv)
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	require.NoError(b.t, err)
	require.NoError(b.t, os.MkdirAll(dir, 0o755))
	require.NoError(b.t, os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600))
}

// send sends m through an account of the sandbox.
func (b *tab) send(account string, m *provider.Message) {
	b.t.Helper()
	c, err := all.OpenAccount(b.t.Context(), b.cfg, account)
	require.NoError(b.t, err)
	_, err = c.Send(b.t.Context(), m)
	require.NoError(b.t, err)
}

func (b *tab) post(mail map[string]any) {
	b.t.Helper()
	postMail(b.t, b.sb, http.StatusCreated, mail)
}

// postMail sends a mail to Brevo's fake as it is.
func postMail(t *testing.T, sb *sandbox.Server, status int, mail map[string]any) {
	t.Helper()
	req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, sb.BaseURL("brevo")+"/smtp/email", bytes.NewReader(marshal(t, mail)))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("api-key", sandbox.Key("brevo"))
	w := httptest.NewRecorder()
	sb.ServeHTTP(w, req)
	require.Equal(t, status, w.Code, w.Body)
}

func brevoMail(subject, html string) map[string]any {
	return map[string]any{
		"sender": map[string]any{"email": "shop@example.com", "name": "Shop"}, "to": []any{map[string]any{"email": "anna@example.com", "name": "Anna"}},
		"subject": subject, "htmlContent": html,
	}
}

const persianHTML = `<div style="font:16px/1.9 sans-serif;padding:28px"><h2 style="margin:0 0 12px">سفارش شما آماده است</h2>
<p>سلام سارا، سفارش شمارهٔ <b>۱۲۳۴</b> آمادهٔ تحویل است. می‌توانید آن را از ساعت ۹ تا ۱۸ دریافت کنید.</p>
<p><img src="https://images.example.com/logo.png" alt="نشان فروشگاه" width="180" height="60"></p>
<p><a href="https://shop.example.com/orders/1234">پیگیری سفارش</a></p></div>`

const russianHTML = `<div dir="ltr" style="font:16px/1.7 sans-serif;padding:28px"><h2>Счёт № 5</h2><p>Здравствуйте, Иван! Счёт на <b>1 250 ₽</b> во вложении.</p>
<table cellpadding="8" style="border-collapse:collapse"><tr style="background:#eef2f8"><th align="left">Товар</th><th>Цена</th></tr>
<tr><td>Книга</td><td>750 ₽</td></tr><tr><td>Ручка</td><td>500 ₽</td></tr></table>
<p><a href="https://shop.example.com/pay/5">Оплатить</a></p></div>`

// fill sends a mail through every provider.
func (b *tab) fill() {
	b.t.Helper()
	b.send("smsby", &provider.Message{
		To: []provider.Address{{Email: "olga@example.com", Name: "Вольга"}}, Subject: "Ваш заказ отправлен", HTML: "<p>Посылка уже в пути.</p>",
	})
	b.send("pakatv3", &provider.Message{
		To: []provider.Address{{Email: "bounce@example.com", Name: "Ben"}}, Subject: "Confirm your address", HTML: "<p>Welcome! <a href='https://shop.example.com/confirm'>Confirm</a></p>",
		Text: "Welcome! Confirm at https://shop.example.com/confirm",
	})
	b.send("pakat", &provider.Message{
		To: []provider.Address{{Email: "reza@example.com", Name: "رضا"}}, Subject: "رسید پرداخت", HTML: "<p dir=rtl>پرداخت شما انجام شد.</p>", Text: "پرداخت شما انجام شد.",
	})
	b.send("sendpulse", &provider.Message{
		To: []provider.Address{{Email: "ivan@example.com", Name: "Иван Петров"}}, Subject: "Счёт № 5 за ноябрь", HTML: russianHTML, Text: "Счёт на 1 250 ₽ во вложении.",
		Attachments: []provider.Attachment{{Name: "Счёт № 5.pdf", ContentType: "application/pdf", Content: []byte("%PDF-1.4\n")}},
	})
	b.send("brevo", &provider.Message{
		To: []provider.Address{{Email: "sara@example.com", Name: "سارا احمدی"}}, Cc: []provider.Address{{Email: "accounts@example.com"}},
		Subject: "سفارش شما آماده است", HTML: persianHTML, Text: "سلام سارا، سفارش شمارهٔ ۱۲۳۴ آماده است.",
		Tags: []string{"order-ready"}, Headers: map[string]string{"X-Order": "1234"},
		Attachments: []provider.Attachment{{Name: "رسید.pdf", ContentType: "application/pdf", Content: []byte("%PDF-1.4\n")}},
	})
}

// contrasts finds texts whose contrast with what is behind them is below 4.5.
const contrasts = `(() => {
	const parts = (c) => { const n = c.match(/[\d.]+/g).map(Number); return {rgb: n.slice(0, 3), a: n[3] ?? 1} }
	const light = ([r, g, b]) => { const f = (v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4 }
		return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b) }
	const behind = (n) => { for (; n; n = n.parentElement) { const c = parts(getComputedStyle(n).backgroundColor); if (c.a === 1) return c.rgb; if (c.a > 0) return null }
		return [255, 255, 255] }
	const low = []; let texts = 0, least = 99
	const see = (node, color, what) => {
		const ground = behind(node); texts++
		if (!ground) { low.push('half transparent: ' + what); return }
		const c = parts(color)
		const [hi, lo] = [light(c.rgb), light(ground)].sort((a, b) => b - a)
		const ratio = (hi + 0.05) / (lo + 0.05)
		least = Math.min(least, ratio)
		if (ratio < 4.5 || c.a < 1) low.push(ratio.toFixed(2) + ' ' + color + ' on ' + ground + ': ' + what.slice(0, 60))
	}
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
	while (walk.nextNode()) {
		const p = walk.currentNode.parentElement
		if (!walk.currentNode.data.trim() || !p.checkVisibility({visibilityProperty: true, opacityProperty: true})) continue
		see(p, getComputedStyle(p).color, walk.currentNode.data.trim())
	}
	for (const i of document.querySelectorAll('input')) see(i, getComputedStyle(i, '::placeholder').color, 'placeholder')
	return {low, texts, least}
})()`

type contrast struct {
	Low   []string
	Texts int
	Least float64
}

// contrastIn checks all visible texts.
func (b *tab) contrastIn(what string) {
	b.t.Helper()
	c := eval[contrast](b, contrasts)
	assert.Empty(b.t, c.Low, what)
	assert.NotZero(b.t, c.Texts, what)
	b.texts, b.views = b.texts+c.Texts, b.views+1
	if b.views == 1 || c.Least < b.least {
		b.least = c.Least
	}
}

func (b *tab) size(width, height int64, phone bool) {
	b.t.Helper()
	var options []chromedp.EmulateViewportOption
	if phone {
		options = append(options, chromedp.EmulateMobile, chromedp.EmulatePortrait)
	}
	b.do(chromedp.EmulateViewport(width, height, options...))
}

// fits checks that nothing makes the page wider than the window.
func (b *tab) fits(what string) {
	b.t.Helper()
	assert.LessOrEqual(b.t, eval[int](b, `document.documentElement.scrollWidth - innerWidth`), 0, what)
}

func seeNothing(t *testing.T, b *tab) {
	b.open("")
	assert.Contains(t, b.text("#mail"), "Waiting for mail")
	assert.Contains(t, b.text("#mail"), b.sb.BaseURL("sendpulse"))
	b.shot("empty")
	b.contrastIn("empty, light")
	b.size(390, 844, true)
	b.fits("empty, phone")
	assert.Contains(t, b.text("#mail"), "Waiting for mail")
	b.shot("empty-phone")
	assert.Empty(t, b.thrown)
}

func seeMails(t *testing.T, b *tab) {
	b.fill()
	b.open("")
	assert.Equal(t, 5, eval[int](b, `document.querySelectorAll("#list a").length`))
	assert.Equal(t, "سفارش شما آماده است", b.text("#list a .subject"), "the newest first")
	assert.Equal(t, "rtl", eval[string](b, `getComputedStyle(document.querySelector("#list a .subject")).direction`))
	b.shot("list")

	b.press("j")
	b.until(`document.querySelector("#mail h1")?.textContent === "سفارش شما آماده است"`)
	assert.Equal(t, "rtl", eval[string](b, `getComputedStyle(document.querySelector("#mail h1")).direction`))
	assert.Equal(t, "1 remote image blocked", b.text("#blocked"))
	assert.Contains(t, b.text(".notes"), "right to left", "the HTML does not say its direction")
	b.until(`document.querySelector("#panel-call pre")`)
	assert.Contains(t, b.text("#panel-call"), "POST /smtp/email")
	assert.Contains(t, b.text("#panel-call"), "REDACTED")
	assert.NotContains(t, b.text("#panel-call"), sandbox.Key("brevo"))
	assert.Contains(t, b.text("#panel-call"), "201")
	b.shot("desktop-right-to-left")
	b.contrastIn("mail, light")
	for _, key := range []string{"2", "3", "4", "5", "6"} {
		b.press(key)
		b.contrastIn("tab " + key + ", light")
	}
	assert.Contains(t, b.text("#panel-links"), "https://shop.example.com/orders/1234")
	b.shot("links")
	b.press("4")
	assert.Contains(t, b.text("#panel-details"), "X-Order")
	b.shot("details")
	b.press("1", "t", "t")
	assert.Equal(t, "dark", eval[string](b, `document.documentElement.dataset.theme`))
	b.shot("dark")
	b.contrastIn("mail, dark")
	for _, key := range []string{"2", "3", "4", "5", "6"} {
		b.press(key)
		b.contrastIn("tab " + key + ", dark")
	}
	b.press("?")
	b.contrastIn("keys, dark")
	b.shot("keys-dark")
	b.press(kb.Escape, "t", "?")
	b.contrastIn("keys, light")
	b.press(kb.Escape, "1")

	b.press("j")
	b.until(`document.querySelector("#mail h1")?.textContent === "Счёт № 5 за ноябрь"`)
	assert.Contains(t, b.text("#mail .people"), "Иван Петров")
	assert.Equal(t, "ltr", eval[string](b, `getComputedStyle(document.querySelector("#mail h1")).direction`))
	b.shot("desktop")
	b.press("j", "j")
	b.until(`document.querySelector("#mail h1")?.textContent === "Confirm your address"`)
	assert.Equal(t, "bounced", b.text("#mail .facts .chip"))
	b.contrastIn("bounced, light")

	b.size(390, 844, true)
	b.fits("mail, phone")
	assert.True(t, eval[bool](b, `!document.querySelector(".mails").checkVisibility() && document.querySelector(".back").checkVisibility()`))
	b.shot("phone-mail")
	b.do(chromedp.Click(chromedp.CSS(".back")))
	b.until(`document.body.dataset.view === "list"`)
	b.fits("list, phone")
	b.shot("phone-list")
	b.do(chromedp.Click(chromedp.CSS("#list li:first-child a")))
	b.until(`document.querySelector("#mail h1")?.textContent === "سفارش شما آماده است"`)
	b.fits("right to left, phone")
	assert.Greater(t, eval[float64](b, `document.querySelector(".stage iframe").getBoundingClientRect().height`), 300.0, "the mail has the height of the window")
	eval[bool](b, `new Promise((done) => document.querySelector(".stage iframe").addEventListener("load", () => done(true)) || setTimeout(() => done(true), 500))`)
	b.shot("phone-right-to-left")
	b.size(1000, 800, false)
	b.fits("narrow")
	b.press("7")
	assert.True(t, eval[bool](b, `document.querySelector("#panel-call").checkVisibility()`))
	b.contrastIn("call")
	t.Logf("contrast of %d texts in %d views of both themes: at least %.2f", b.texts, b.views, b.least)
	b.shot("narrow-call")
	assert.Empty(t, b.thrown)
	for _, url := range b.requests {
		assert.True(t, strings.HasPrefix(url, b.sb.URL()+"/_postmux/"), url)
	}
}

// hostileHTML is a mail that tries to act, with all it loads at evil.
func hostileHTML(evil string) string {
	parts := []string{
		`<html onload="alert(1)"><head><title>x</title><base href="EVIL/base/">`,
		`<meta http-equiv="refresh" content="0;url=EVIL/refresh"><meta http-equiv=refresh content="0;javascript:alert(2)">`,
		`<link rel=stylesheet href="EVIL/l1"><link rel=preconnect href="EVIL"><link rel=dns-prefetch href="EVIL"><link rel=prefetch href="EVIL/l2">`,
		`<link rel=preload as=image href="EVIL/l3"><link rel=modulepreload href="EVIL/l4"><link rel=icon href="EVIL/l5"><link rel=manifest href="EVIL/l6">`,
		`<LINK REL=prerender HREF="EVIL/l7"><script type=speculationrules>{"prefetch":[{"source":"list","urls":["EVIL/s1"]}]}</script>`,
		`<style>@import "EVIL/c1";@import url(EVIL/c2);body{background:url(EVIL/c3)}@font-face{font-family:x;src:url(EVIL/c4)}*{font-family:x,sans-serif}</style>`,
		`</head><body background="EVIL/b1" onload="alert(3)" onpageshow="alert(4)">`,
		`<a href="EVIL/link" target="_self" style="position:absolute;z-index:9;left:0;top:0;width:100%;height:120px;background:#ffd">click</a>`,
		`<a href="EVIL/top" target="_top" style="position:absolute;z-index:9;left:0;top:120px;width:100%;height:60px;background:#dff">click</a>`,
		`<a href="javascript:alert(5)" style="position:absolute;z-index:9;left:0;top:180px;width:100%;height:60px;background:#fdf" ping="EVIL/ping">click</a>`,
		`<form action="EVIL/form" target=_top style="position:absolute;z-index:9;left:0;top:240px"><input name=a autofocus onfocus="alert(6);this.form.submit()">`,
		`<button style="width:600px;height:60px">send</button></form>`,
		`<script>alert(7);fetch("EVIL/f");top.location="EVIL/t"</script><script src="EVIL/js"></script>`,
		`<img src="EVIL/i1"><img src=x onerror="alert(8)"><img srcset="EVIL/i2 1x, EVIL/i3 2x"><picture><source srcset="EVIL/i4"><img src="EVIL/i5" loading=eager></picture>`,
		`<input type=image src="EVIL/i6"><video src="EVIL/v1" poster="EVIL/v2" autoplay></video><audio src="EVIL/a1" autoplay></audio><video><track src="EVIL/v3" default></video>`,
		`<svg onload="alert(9)"><script>alert(10)</script><image href="EVIL/g1"/><use href="EVIL/g2#x"/><foreignObject><img src="EVIL/g3"></foreignObject>`,
		`<animate attributeName=href to="javascript:alert(11)"/><set onbegin="alert(12)" attributeName=x /><feImage href="EVIL/g4"/></svg>`,
		`<iframe src="EVIL/fr1"></iframe><iframe srcdoc="<script>alert(13)</script><img src='EVIL/fr2'>"></iframe><iframe src="javascript:alert(14)"></iframe>`,
		`<object data="EVIL/o1"></object><embed src="EVIL/o2"><applet code="EVIL/o3"></applet><frameset><frame src="EVIL/o4"></frameset>`,
		`<div style="background:url('EVIL/d1');list-style:url(EVIL/d2);cursor:url(EVIL/d3),auto;content:url(EVIL/d4)">x</div>`,
		`<details open ontoggle="alert(15)"><summary>x</summary></details><marquee onstart="alert(16)">x</marquee><body onhashchange="alert(17)">`,
		`<math><mtext><style><img src="EVIL/m1" onerror="alert(18)"></style></mtext></math><noscript><img src="EVIL/n1"></noscript>`,
		`<template shadowrootmode=open><img src="EVIL/t1"></template><table background="EVIL/t2"><tr><td background="EVIL/t3">x</table><bgsound src="EVIL/t4">`,
		`<portal src="EVIL/p1"></portal><fencedframe src="EVIL/p2"></fencedframe><isindex action="EVIL/p3"><p>` + strings.Repeat("long text ", 1<<19) + `</p>`,
		`<!--<link rel=preconnect href="EVIL">--><textarea><link rel=preconnect href="EVIL"></textarea></body></html>`,
	}
	return strings.ReplaceAll(strings.Join(parts, "\n"), "EVIL", evil)
}

// A mail that tries everything: no request elsewhere, no dialog, no navigation.
func seeHostile(t *testing.T, b *tab) {
	var connections atomic.Int64
	evil := httptest.NewUnstartedServer(http.NotFoundHandler())
	evil.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			connections.Add(1)
		}
	}
	evil.Start()
	t.Cleanup(evil.Close)
	const markup = `"><img src=x onerror=alert(20)><script>alert(21)</script>`
	mail := brevoMail("Subject "+markup, hostileHTML(evil.URL))
	mail["sender"] = map[string]any{"email": "shop@example.com", "name": "From " + markup}
	mail["to"] = []any{map[string]any{"email": "anna@example.com", "name": "To " + markup}}
	mail["headers"] = map[string]any{"X-Markup": markup}
	mail["tags"] = []any{markup}
	mail["params"] = map[string]any{markup: markup}
	mail["textContent"] = markup
	mail["attachment"] = []any{map[string]any{"name": markup + ".html", "content": "PHNjcmlwdD5hbGVydCgyMik8L3NjcmlwdD4="}}
	b.post(mail)

	b.open("")
	b.press("j")
	b.until(`document.querySelector("#panel-call pre")`)
	b.until(`document.querySelector(".stage iframe")`)
	// The frame has come when its document has a size.
	b.until(`performance.getEntriesByType("resource").some((r) => r.name.endsWith("/html") && r.responseEnd > 0)`)
	assert.Contains(t, b.text("#mail h1"), markup)
	b.shot("hostile")
	type box struct{ X, Y float64 }
	frame := eval[box](b, `(() => { const r = document.querySelector(".stage iframe").getBoundingClientRect(); return {X: r.x, Y: r.y} })()`)
	for _, at := range []float64{60, 150, 210, 290} {
		b.do(chromedp.MouseClickXY(frame.X+100, frame.Y+at))
	}
	for _, key := range []string{"2", "3", "4", "5", "6"} {
		b.do(chromedp.Click(chromedp.CSS("#mail h1"))) // out of the frame
		b.press(key)
	}
	assert.Contains(t, b.text("#panel-links"), "not opened from here", "a javascript: link is a text")
	assert.False(t, eval[bool](b, `[...document.querySelectorAll("#panel-links a")].some((a) => !/^(https?|mailto|tel):/.test(a.href))`))
	// What the tries above would cause comes before the answer to this.
	eval[bool](b, `fetch("v1/clock").then(() => new Promise((done) => setTimeout(() => done(true), 300)))`)

	b.mu.Lock()
	dialogs, connected, requested := b.dialogs, connections.Load(), len(b.requests)
	b.mu.Unlock()
	// The same would be seen: a page that may act does so.
	b.do(chromedp.Navigate("data:text/html,<img src='" + evil.URL + "/control'><script>alert(23)</script>"))
	b.mu.Lock()
	defer b.mu.Unlock()
	assert.Positive(t, b.dialogs, "dialogs are counted")
	assert.Positive(t, connections.Load(), "connections are counted")
	b.requests, b.frames = b.requests[:requested], b.frames[:len(b.frames)-1]
	var elsewhere, led []string
	for _, url := range b.requests {
		if !strings.HasPrefix(url, b.sb.URL()+"/_postmux/") {
			elsewhere = append(elsewhere, url)
		}
	}
	for _, url := range b.frames {
		if url != "about:blank" && !strings.HasPrefix(url, b.sb.URL()+"/_postmux/") {
			led = append(led, url)
		}
	}
	assert.Empty(t, led)
	assert.Zero(t, connected, "connections to another origin")
	assert.Zero(t, dialogs)
	assert.Empty(t, b.thrown)
	t.Logf("a hostile mail of %d bytes: %d requests to other origins, %d connections, %d dialogs, %d navigations",
		len(hostileHTML(evil.URL)), len(elsewhere), connected, dialogs, len(led))
	assert.Empty(t, elsewhere)
}

func seeMany(t *testing.T, b *tab) {
	for i := range 1000 {
		b.post(brevoMail(fmt.Sprintf("Order %d is ready", i+1), "<p>Hello</p>"))
	}
	b.open("")
	assert.Equal(t, 1000, eval[int](b, `document.querySelectorAll("#list a").length`))
	t.Logf("1,000 mails listed after %.0f ms, counted from the navigation", eval[float64](b, `Number(document.body.dataset.listed)`))
	assert.Equal(t, "1,000 mails", b.text("#count"))
	b.shot("many")
	b.press("/")
	b.do(chromedp.KeyEvent("order 999"))
	b.until(`document.querySelectorAll("#list a").length === 1`)
	assert.Equal(t, "Order 999 is ready", b.text("#list .subject"))
	assert.Empty(t, b.thrown)
}

func seeLive(t *testing.T, b *tab) {
	b.open("")
	b.post(brevoMail("The first", "<p>Hello</p>"))
	b.until(`document.querySelectorAll("#list a").length === 1`)
	b.post(brevoMail("The second", "<p>Hello</p>"))
	b.until(`document.querySelector("#list .subject")?.textContent === "The second"`)
	assert.Equal(t, "2 mails", b.text("#count"))
	assert.Equal(t, "postmux sandbox", eval[string](b, "document.title"))
	assert.Contains(t, b.text("#filters"), "Brevo2")

	scheduled := brevoMail("Later", "<p>Hello</p>")
	scheduled["scheduledAt"] = time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	postMail(t, b.sb, http.StatusAccepted, scheduled)
	b.until(`document.querySelector("#list .chip")?.textContent === "scheduled"`)
	b.sb.Advance(2 * time.Hour)
	b.until(`document.querySelectorAll("#list a").length === 3 && !document.querySelector("#list .chip")`)

	b.do(chromedp.Click(chromedp.CSS("#delete-all")))
	b.until(`document.querySelector("#sure[open]")`)
	b.contrastIn("a question")
	b.shot("question")
	b.do(chromedp.Click(chromedp.CSS("#sure .danger")))
	b.until(`!document.querySelector("#list a") && document.querySelector("#count").textContent === "0 mails"`)
	assert.Empty(t, b.sb.Messages())

	// A refused request is told, also while the page is open.
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, b.sb.BaseURL("brevo")+"/account?colour=<b>red</b>", nil)
	b.sb.ServeHTTP(httptest.NewRecorder(), req)
	b.until(`!document.querySelector("#open-problems").hidden`)
	b.do(chromedp.Click(chromedp.CSS("#open-problems")))
	b.until(`document.querySelector("#problems[open] li")`)
	assert.Contains(t, b.text("#problem-list"), "colour")
	b.contrastIn("deviations")
	b.shot("deviations")
	assert.Len(t, b.sb.Violations(), 1)
	b.sb.Reset()
	assert.Empty(t, b.thrown)
}

func seeByKeyboard(t *testing.T, b *tab) {
	b.fill()
	b.open("")
	focused := func() string {
		return eval[string](b, `(() => { const e = document.activeElement; return e.id || e.dataset.filter || e.dataset.number && "mail" || e.className || e.localName })()`)
	}
	b.press("/")
	assert.Equal(t, "search", focused())
	b.do(chromedp.KeyEvent("иван"))
	b.until(`document.querySelectorAll("#list a").length === 1`)
	b.press(kb.ArrowDown)
	assert.Equal(t, "mail", focused())
	b.press(kb.Enter)
	b.until(`document.querySelector("#mail h1")?.textContent === "Счёт № 5 за ноябрь"`)
	for i, name := range []string{"preview", "text", "source", "details", "files", "links"} {
		b.press(fmt.Sprint(i + 1))
		assert.Equal(t, "tab-"+name, focused())
		assert.True(t, eval[bool](b, fmt.Sprintf(`document.querySelector("#panel-%s").checkVisibility()`, name)), name)
	}
	b.press(kb.ArrowRight)
	assert.Equal(t, "tab-preview", focused(), "around the end")
	b.press(kb.ArrowLeft)
	assert.Equal(t, "tab-links", focused())
	b.press(kb.Tab)
	assert.Equal(t, "panel-links", focused())
	b.press(kb.Escape)
	b.until(`document.querySelector("#mail .empty")`)
	assert.Equal(t, "mail", focused(), "back at the mail in the list")
	b.press("/", kb.Escape, kb.Escape)
	b.until(`document.querySelectorAll("#list a").length === 5`)
	b.press("f", "f")
	b.until(`document.querySelector("#filters [aria-pressed=true]").dataset.filter === "pakatv3" && document.querySelectorAll("#list a").length === 1`)
	b.press("f", "f", "f", "f")
	b.until(`document.querySelectorAll("#list a").length === 5`)
	b.press("j", "j", "k")
	b.until(`location.hash === "#/5"`)
	b.press(kb.Delete)
	b.until(`document.querySelectorAll("#list a").length === 4 && location.hash === "#/4"`)
	assert.Len(t, b.sb.Messages(), 4)
	b.press("?")
	b.until(`document.querySelector("#keys[open]")`)
	b.press("j", kb.Escape)
	b.until(`!document.querySelector("dialog[open]") && location.hash === "#/4"`)

	// Tab alone reaches all that acts.
	reached := map[string]bool{}
	b.do(chromedp.Evaluate[chromedp.Void](`document.activeElement.blur()`))
	b.press("1")
	b.do(chromedp.Evaluate[chromedp.Void](`document.querySelector(".skip").focus()`))
	for range 60 {
		b.press(kb.Tab)
		reached[focused()] = true
	}
	for _, name := range []string{"brand", "search", "theme", "open-keys", "sendpulse", "mail", "delete-all", "tab-preview", "panel-call"} {
		assert.True(t, reached[name], "%s is not reached, but %v", name, reached)
	}
	assert.Empty(t, b.thrown)
}

func seeFile(t *testing.T, b *tab) {
	mail := brevoMail("A file", "<p>Hello</p>")
	mail["attachment"] = []any{map[string]any{"name": "../../گزارش\u202efdp.html", "content": "PGI+aGk8L2I+"}}
	b.post(mail)
	dir := t.TempDir()
	name, saved := "", make(chan string, 1)
	require.NoError(t, chromedp.ListenBrowser(b.ctx, func(event any) {
		switch e := event.(type) {
		case *browser.EventDownloadWillBegin:
			name = e.SuggestedFilename
		case *browser.EventDownloadProgress:
			if e.State == browser.DownloadProgressStateCompleted {
				saved <- name
			}
		}
	}))
	b.open("#/1")
	b.until(`document.querySelector("#panel-call pre")`)
	events := true
	_, err := chromedp.CallBrowser(b.ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{
		Behavior: browser.SetDownloadBehaviorBehaviorAllowAndName, DownloadPath: dir, EventsEnabled: &events,
	})
	require.NoError(t, err)
	b.press("5")
	b.contrastIn("files")
	assert.Contains(t, b.text("#panel-files"), "گزارش_fdp.html", "as it is saved")
	assert.Contains(t, b.text("#panel-files"), `../../گزارش\u202efdp.html`, "as it was sent")
	assert.Contains(t, b.text("#panel-call"), `\u202e`)
	b.shot("files")
	b.do(chromedp.Click(chromedp.CSS("#panel-files a")))
	select {
	case name := <-saved:
		assert.Equal(t, "گزارش_fdp.html", name)
	case <-time.After(patience):
		require.NoError(t, errors.New("the file was not saved"))
	}
	assert.Empty(t, b.thrown)
}

// Webhooks, and what came of their calls: taken, to come again, dropped for good.
func seeWebhooks(t *testing.T, b *tab) {
	const secret = "secret-of-the-webhooks"
	status := http.StatusOK
	program := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	t.Cleanup(program.Close)
	deliver := func() {
		_, err := b.sb.DeliverEvents(t.Context())
		require.NoError(t, err)
	}
	b.open("")
	assert.True(t, eval[bool](b, `document.querySelector("#open-hooks").hidden`), "there is none")
	require.NoError(t, b.sb.AddWebhook("brevo", "", program.URL+"/brevo"))
	require.NoError(t, b.sb.AddWebhook("sendpulse", "smtp", program.URL+"/sendpulse/smtp/"+secret))
	b.until(`document.querySelector("#hook-count").textContent === "2"`)
	b.press("w")
	b.until(`document.querySelector("#hooks[open] #hook-list li:nth-child(2)")`)
	assert.Contains(t, b.text("#call-list"), "None yet")
	assert.NotContains(t, b.text("#hooks"), secret)

	// While it is open, calls appear.
	require.NoError(t, b.sb.Trigger("brevo", "opened", "anna@example.com"))
	deliver()
	b.until(`document.querySelector("#call-list .chip")?.textContent === "taken"`)
	status = http.StatusTooManyRequests
	require.NoError(t, b.sb.Trigger("brevo", "bounced", "bounce@example.com"))
	deliver()
	b.until(`document.querySelector("#call-list .chip")?.textContent === "comes again"`)
	assert.Contains(t, b.text("#hook-list"), "1 event waiting")
	b.sb.Advance(11 * time.Minute)
	status = http.StatusBadGateway
	deliver()
	b.until(`document.querySelector("#call-list .chip")?.textContent === "dropped"`)
	first := b.text("#call-list li")
	for _, part := range []string{"answered 502", "try 2", "bounced bounce@example.com"} {
		assert.Contains(t, first, part)
	}
	status = http.StatusOK
	require.NoError(t, b.sb.Trigger("sendpulse", "clicked", `"<b>&‮"@example.com`))
	deliver()
	b.until(`document.querySelectorAll("#call-list li").length === 4`)
	b.contrastIn("webhooks")
	b.shot("webhooks")
	b.size(390, 844, true)
	b.shot("phone-webhooks")
	b.fits("webhooks, phone")
	b.size(1440, 900, false)
	b.press(kb.Escape)
	b.until(`!document.querySelector("#hooks[open]")`)
	b.sb.Reset()
	b.until(`document.querySelector("#open-hooks").hidden`)
	assert.Empty(t, b.thrown)
}
