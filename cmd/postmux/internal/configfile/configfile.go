// Package configfile finds the configuration of the tool and reads it from YAML or JSON.
package configfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/postmux/postmux/cmd/postmux/internal/exit"
	"github.com/postmux/postmux/internal/bounded"
	"github.com/postmux/postmux/internal/exact"
	"github.com/postmux/postmux/internal/text"
	"github.com/postmux/postmux/provider"
)

// Env is the environment variable that names the configuration file.
const Env = "POSTMUX_CONFIG"

// Find returns the first of the places where a configuration may be that has a file, readable or not.
func Find() (string, error) {
	places := []string{"postmux.yaml"}
	if dir, err := os.UserConfigDir(); err == nil {
		places = append(places, filepath.Join(dir, "postmux", "postmux.yaml"))
	}
	for _, p := range places {
		// A file that is there and cannot be read is an error, not a reason to go on.
		if _, err := os.Stat(p); !errors.Is(err, fs.ErrNotExist) {
			return p, nil
		}
	}
	return "", exit.ConfigError("", `found no configuration: looked at $%s (not set), ./%s; --config FILE names one, "postmux init" writes one`,
		Env, strings.Join(places, " and "))
}

// Most is the size of a configuration at most; a YAML document takes ten times its size in
// memory.
const Most = 4 << 20

// Read reads the configuration file.
func Read(file string) ([]byte, error) { return bounded.ReadFile(file, Most) }

// Parse reads YAML or, from a file called .json, JSON. YAML becomes JSON
// first, so there is one strict parser.
func Parse(file string, data []byte) (provider.Config, error) {
	if strings.EqualFold(filepath.Ext(file), ".json") {
		return provider.ParseConfig(data)
	}
	converted, err := YAMLToJSON(data)
	if err != nil {
		return provider.Config{}, err
	}
	return provider.ParseConfig(converted)
}

// Anchors may expand to this much. A configuration is far from it.
const (
	maxNodes = 100_000
	maxDepth = 100
)

// YAMLToJSON converts one YAML document. Text stays text: quoted words, dates and
// words like "on" are never turned into something else. Keys must be text. Keys
// that stand twice are kept: ParseConfig refuses them.
func YAMLToJSON(data []byte) ([]byte, error) {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, exit.ConfigError("", "the file is empty")
	} else if err != nil {
		why := strings.TrimPrefix(err.Error(), "yaml: ")
		if strings.Contains(why, "unknown anchor") { // whose name may be a key
			why = "it refers to an anchor that it does not have; a value that begins with * stands in quotes"
		}
		return nil, exit.ConfigError("", "not valid YAML: %s", why)
	}
	if err := dec.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, exit.ConfigError("", "expected one YAML document, found more behind it")
	}
	w := yamlWriter{}
	if err := w.node(&doc, ""); err != nil {
		return nil, err
	}
	return w.Bytes(), nil
}

type yamlWriter struct {
	bytes.Buffer
	nodes, depth int
}

func (w *yamlWriter) node(n *yaml.Node, path string) error {
	w.nodes++
	w.depth++
	defer func() { w.depth-- }()
	if w.nodes > maxNodes || w.depth > maxDepth || w.Len() > 2*Most {
		return exit.ConfigError("", "line %d: too much in one file, or an anchor that contains itself", n.Line)
	}
	switch n.Kind {
	case yaml.DocumentNode:
		return w.node(n.Content[0], path)
	case yaml.AliasNode:
		return w.node(n.Alias, path)
	case yaml.MappingNode:
		return w.mapping(n, path)
	case yaml.SequenceNode:
		w.WriteByte('[')
		for i, item := range n.Content {
			if i > 0 {
				w.WriteByte(',')
			}
			if err := w.node(item, fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
		w.WriteByte(']')
		return nil
	}
	return w.scalar(n, path)
}

func (w *yamlWriter) mapping(n *yaml.Node, path string) error {
	if n.ShortTag() != "!!map" {
		return unsupportedTag(path, n)
	}
	w.WriteByte('{')
	for i := 0; i < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		switch {
		case key.Kind == yaml.ScalarNode && key.ShortTag() == "!!merge":
			return exit.ConfigError(path, "line %d: merge keys (<<) are not supported", key.Line)
		case key.Kind != yaml.ScalarNode:
			return exit.ConfigError(path, "line %d: expected a text as key", key.Line)
		case key.ShortTag() != "!!str" && key.ShortTag() != "!!timestamp":
			name := text.NoKey(key.Value)
			return exit.ConfigError(path, "line %d: the key %s is not a text; write it in quotes: %q", key.Line, name, name)
		}
		if i > 0 {
			w.WriteByte(',')
		}
		w.text(key.Value)
		w.WriteByte(':')
		at := key.Value
		if path != "" {
			at = path + "." + at
		}
		if err := w.node(value, at); err != nil {
			return err
		}
	}
	w.WriteByte('}')
	return nil
}

func (w *yamlWriter) scalar(n *yaml.Node, path string) error {
	bad := func() error {
		// The value may be a key, so it is not told.
		return exit.ConfigError(path, "line %d: not a value that JSON has (%s): write it in quotes", n.Line, strings.TrimPrefix(n.ShortTag(), "!!"))
	}
	switch n.ShortTag() {
	case "!!str", "!!timestamp":
		w.text(n.Value)
		return nil
	case "!!null":
		w.WriteString("null")
		return nil
	case "!!bool":
		var b bool
		if err := n.Decode(&b); err != nil {
			return bad()
		}
		fmt.Fprint(w, b)
		return nil
	case "!!int":
		if exact.IsNumber(n.Value) { // as JSON has it, with all digits
			w.WriteString(n.Value)
			return nil
		}
		var i int64
		if err := n.Decode(&i); err != nil {
			return bad()
		}
		fmt.Fprint(w, i)
		return nil
	case "!!float":
		var f float64
		if err := n.Decode(&f); err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return bad()
		}
		if exact.IsNumber(n.Value) {
			w.WriteString(n.Value)
			return nil
		}
		data, _ := json.Marshal(f) // a finite number always encodes
		w.Write(data)
		return nil
	}
	return unsupportedTag(path, n)
}

// unsupportedTag tells only tags of YAML itself: another one may be a key that begins with !.
func unsupportedTag(path string, n *yaml.Node) error {
	if tag := n.ShortTag(); strings.HasPrefix(tag, "!!") {
		return exit.ConfigError(path, "line %d: the tag %s is not supported", n.Line, tag)
	}
	return exit.ConfigError(path, "line %d: tags are not supported; a value that begins with ! stands in quotes", n.Line)
}

func (w *yamlWriter) text(s string) {
	data, _ := json.Marshal(s) // a string always encodes
	w.Write(data)
}
