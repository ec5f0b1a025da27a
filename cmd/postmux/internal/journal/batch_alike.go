package journal

import (
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/postmux/postmux/cmd/postmux/internal/input"
	"github.com/postmux/postmux/provider"
)

// copyOf is what a list of sent mail tells of one recipient's copy of a message.
type copyOf struct {
	index   int    // of the message
	subject string // "" stands for any: a template has it, or the provider fills it in
}

// Alike reads the whole input and returns the messages whose outcome is unknown and that
// a list of sent mail cannot tell from another message of the input: one with the same
// recipient and the same subject. It compares all of the input, whenever it is sent.
func (p *Past) Alike(in *input.Source) (map[int]bool, error) {
	doubtful := make(map[string][]copyOf) // by recipient
	err := p.each(in, func(index int, m *provider.Message) {
		if p.doubted(index) {
			for email, subject := range copies(m) {
				doubtful[email] = append(doubtful[email], copyOf{index, subject})
			}
		}
	})
	if err != nil || len(doubtful) == 0 {
		return nil, err
	}
	if err := in.Rewind(); err != nil {
		return nil, err
	}
	alike := make(map[int]bool)
	return alike, p.each(in, func(index int, m *provider.Message) {
		for email, subject := range copies(m) {
			for _, c := range doubtful[email] {
				if c.index != index && (c.subject == "" || subject == "" || c.subject == subject) {
					alike[c.index] = true
				}
			}
		}
	})
}

func (p *Past) doubted(index int) bool {
	return index < len(p.messages) && p.messages[index].known && p.messages[index].did == DidBegin
}

// each calls f for every message of the input. Lines that are none are passed over: the
// run refuses them.
func (p *Past) each(in *input.Source, f func(index int, m *provider.Message)) error {
	lines := input.NewLines(in)
	for index := 0; ; index++ {
		line, err := lines.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return input.InFile(in.Name, err)
		}
		if m, err := provider.ParseMessage(line); err == nil {
			f(index, m)
		}
	}
}

// copies returns the subject of each recipient's copy, by address.
func copies(m *provider.Message) map[string]string {
	out := make(map[string]string)
	add := func(email, subject string) {
		if strings.Contains(subject, "{{") || strings.Contains(subject, "{%") {
			subject = ""
		}
		key, err := provider.EmailKey(email)
		if err != nil {
			key = email // it is refused anyway
		}
		subject = strings.Join(strings.Fields(subject), " ")
		if old, ok := out[key]; ok && old != subject {
			subject = ""
		}
		out[key] = subject
	}
	for _, a := range slices.Concat(m.To, m.Cc, m.Bcc) {
		add(a.Email, m.Subject)
	}
	for _, r := range m.Recipients {
		subject := r.Subject
		if subject == "" {
			subject = m.Subject
		}
		add(r.Email, subject)
	}
	return out
}
