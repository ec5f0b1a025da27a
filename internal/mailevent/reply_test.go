package mailevent

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/postmux/postmux/provider/events"
)

func TestReply(t *testing.T) {
	for words, want := range map[string]struct {
		code   int
		status string
		bounce events.Bounce
	}{
		"550 5.1.1 no such user":    {550, "5.1.1", events.BounceHard},
		"550-5.1.1 <a@x> gone":      {550, "5.1.1", events.BounceHard},
		"smtp; 550 #5.1.1 rejected": {550, "5.1.1", events.BounceHard},
		"550 5.1.8 bad sender":      {550, "5.1.8", events.BounceUnclear},
		"550 5.7.1 spam":            {550, "5.7.1", events.BounceUnclear},
		"552 5.2.2 over quota":      {552, "5.2.2", events.BounceSoft},
		"452 4.2.2 full":            {452, "4.2.2", events.BounceSoft},
		"421 try again":             {421, "", events.BounceSoft},
		"553 sorry":                 {553, "", events.BounceHard},
		"554 no":                    {554, "", events.BounceUnclear},
		"":                          {0, "", events.BounceUnclear},
		"your letter of May 550 words was not taken": {0, "", events.BounceUnclear},
		"host 10.5.1 said nothing":                   {0, "", events.BounceUnclear},
		"the server said: 5.1.1":                     {0, "5.1.1", events.BounceHard},
	} {
		code, status := Reply(words)
		assert.Equal(t, want.code, code, words)
		assert.Equal(t, want.status, status, words)
		assert.Equal(t, want.bounce, BounceOf(code, status), words)
	}
}

func FuzzReply(f *testing.F) {
	for _, s := range []string{"550 5.1.1 x", "5.1.1", "-", strings.Repeat("5.", 50)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, words string) {
		code, status := Reply(words)
		if code != 0 && (code < 200 || code > 559) || status != "" && (!isStatus(status) || !strings.Contains(words, status)) {
			t.Fatal(code, status)
		}
		if code != 0 && status != "" && int(status[0]-'0') != code/100 {
			t.Fatal(code, status)
		}
	})
}
