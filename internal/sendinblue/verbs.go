package sendinblue

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/postmux/postmux/gen/flex"
	"github.com/postmux/postmux/provider"
)

// FolderSetting is the folder in which lists are made: the vendor keeps no list
// outside of one.
var FolderSetting = provider.Setting{
	Name: "folder_id", Doc: "number of the folder that new lists are put in; needed to make lists", Check: checkFolder,
}

// checkFolder leaves references to Open, where they are followed.
func checkFolder(v any) error {
	if text, ok := v.(string); ok && (strings.HasPrefix(text, "env:") || strings.HasPrefix(text, "file:")) {
		return nil
	}
	if _, ok := wholeNumber(v); !ok {
		return fmt.Errorf("expected a whole number above 0")
	}
	return nil
}

func wholeNumber(v any) (int64, bool) {
	n := int64(0)
	switch v := v.(type) {
	case int64:
		n = v
	case float64:
		if v != math.Trunc(v) || v > 1<<53 {
			return 0, false
		}
		n = int64(v)
	case string:
		var err error
		if n, err = strconv.ParseInt(v, 10, 64); err != nil {
			return 0, false
		}
	}
	return n, n > 0
}

// Folder reads the setting; 0 means that there is none.
func Folder(s provider.Section, account string) (int64, error) {
	v := s.Settings[FolderSetting.Name].Reveal()
	if v == nil {
		return 0, nil
	}
	n, ok := wholeNumber(v)
	if !ok {
		return 0, &provider.Error{Kind: provider.ErrConfig, Outcome: provider.NotSent, Field: folderPath(account), Message: "expected a whole number above 0"}
	}
	return n, nil
}

// NoFolder is the error of making a list without the setting.
func NoFolder(account string) error {
	return provider.Invalid(folderPath(account), "a list of this provider is in a folder: set the number of one here")
}

func folderPath(account string) string { return "providers." + account + "." + FolderSetting.Name }

// reasons are the vendor's codes of blocks in portable words.
var reasons = map[string]provider.MembershipStatus{
	"unsubscribedViaMA":    provider.Unsubscribed,
	"unsubscribedViaEmail": provider.Unsubscribed,
	"unsubscribedViaApi":   provider.Unsubscribed,
	"adminBlocked":         provider.Blocked,
	"hardBounce":           provider.Bounced,
	"contactFlaggedAsSpam": provider.Complained,
}

// Blocked is an address of the list of blocked transactional mail. A code that
// is not known stays as it is.
func Blocked(email, sender, code, message, at string) provider.SuppressedAddress {
	a := provider.SuppressedAddress{Email: email, Suppression: provider.Suppression{Channel: "email", Scope: "transactional", Sender: sender, Reason: code}}
	a.At, _ = flex.ParseTime(at)
	if word, ok := reasons[code]; ok {
		a.Reason = string(word)
	} else if code == "" {
		a.Reason = message
	}
	return a
}

// Notes of a Resubscribe.
var (
	NoteMarketing = provider.Note{Field: "email", Action: "warning", Why: "lets marketing mail through again; a block of transactional mail and unsubscriptions from single lists stay"}
	NoteList      = provider.Note{Field: "list", Action: "warning", Why: "put on the list again; a block of all marketing mail stays"}
)
