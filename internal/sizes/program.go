package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// helloProgram makes one call by net/http and encoding/json.
const helloProgram = `package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
)

func main() {
	resp, err := http.Get(os.Args[1])
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	var out map[string]any
	fmt.Println(json.NewDecoder(resp.Body).Decode(&out), out)
}
`

// program makes one call through rest.Plain; with a package, by its client.
func (m *measurer) program(pkg, call string) string {
	imports, lines := "", `	var out map[string]any
	_, err := rest.Plain(os.Args[1], nil).Do(ctx, &rest.Call{Operation: "get", Method: "GET", Route: "/"}, &out)`
	if pkg != "" {
		imports = fmt.Sprintf("\t%q\n", m.module+"/gen/"+pkg)
		lines = fmt.Sprintf("\tout, err := %s.NewClient(rest.Plain(os.Args[1], nil)).%s", pkg, call)
	}
	return fmt.Sprintf(`package main

import (
	"context"
	"fmt"
	"os"

%s	%q
)

func main() {
	ctx := context.Background()
%s
	fmt.Println(err, out)
}
`, imports, m.module+"/gen/rest", lines)
}

// cpuName is the model of the processor where the system tells it.
func cpuName() string {
	data, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(data)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "processor not told"
}

// growth is a number of bytes with its sign.
func growth(n int64) string {
	if n < 0 {
		return "−" + thousands(-n)
	}
	return "+" + thousands(n)
}

// thousands writes n with commas.
func thousands(n int64) string {
	if n < 0 {
		return "-" + thousands(-n)
	}
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
