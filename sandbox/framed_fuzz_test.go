package sandbox

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Whatever a parser makes of the HTML in the frame, nothing of it leads away.
func FuzzFramed(f *testing.F) {
	for _, text := range []string{
		`<!doctype html><html dir=rtl><body><a href="https://example.com">x</a>`,
		"<LINK rel=preconnect href\n=\n//x><a/href=//x><a title='>' HREF = //x>", `<<linklink href=href=x>`, `<a href href=x href="y">`,
		`<svg><a xlink:href="x"><set attributeName=href to=x></a></svg>`, `<!--<base href=x>--><textarea><iframe src=x></textarea>`,
		"<li\x00nk>", "<a hr\x00ef=x>", "\xff\xfe<\x00a\x00", `<style><link></style><script>"<base>"</script><plaintext><meta>`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for z := html.NewTokenizer(strings.NewReader(framed(text))); z.Next() != html.ErrorToken; {
			token := z.Token()
			if token.Type != html.StartTagToken && token.Type != html.SelfClosingTagToken {
				continue
			}
			if slices.Contains(loaded, token.Data) {
				t.Fatalf("%q has <%s>", text, token.Data)
			}
			for _, a := range token.Attr {
				if (slices.Contains(leads, a.Key) || strings.HasSuffix(a.Key, ":href")) && a.Val != "" {
					t.Fatalf("%q has %s=%q", text, a.Key, a.Val)
				}
			}
		}
	})
}
