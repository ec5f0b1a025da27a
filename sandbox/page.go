package sandbox

import (
	"embed"
	"net/http"
)

// description is the OpenAPI document of the control API.
//
//go:embed control.yaml
var description []byte

//go:embed page
var pageFiles embed.FS

// pageAllowed is the policy of the page: its own script and styles, nothing inline and
// nothing from elsewhere. The frame of a mail is held by frame-src, so a link in it leads
// nowhere.
const pageAllowed = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types inert"

const javaScript = "text/javascript; charset=utf-8"

// pageRoutes adds the page, and the way to it.
func pageRoutes(mux *http.ServeMux) {
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, ownPaths, http.StatusFound)
	})
	for path, kind := range map[string]string{
		"index.html": "text/html; charset=utf-8", "app.js": javaScript, "theme.js": javaScript, "style.css": "text/css; charset=utf-8",
		"icon.svg": "image/svg+xml",
	} {
		data, err := pageFiles.ReadFile("page/" + path)
		if err != nil {
			panic("sandbox: " + err.Error()) // it is embedded
		}
		route := ownPaths + path
		if path == "index.html" {
			route = ownPaths + "{$}"
		}
		mux.HandleFunc("GET "+route, func(w http.ResponseWriter, _ *http.Request) {
			answerOwn(w, raw{kind: kind, data: data, csp: pageAllowed}, nil)
		})
	}
}
