package pakat

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/postmux/postmux/gen/pakatapi"
	"github.com/postmux/postmux/internal/adapterkit"
	"github.com/postmux/postmux/provider"
)

// refetchAfter is how old what is known of a list must be before a tag that is
// not in it is asked for again.
const refetchAfter = time.Minute

// fieldCache knows the tags of lists. What becomes of an unknown tag is not
// stated, so it is an error here. The tags of a list are fetched once, when
// first needed. It is safe for concurrent use.
type fieldCache struct {
	fetch func(ctx context.Context, list string) ([]string, error)

	mu    sync.Mutex
	lists map[string]knownTags
}

type knownTags struct {
	tags    []string
	fetched time.Time
}

// check returns the error for the first of values that the list has no field
// for. Names are part of the documented form, so they are not looked up.
func (f *fieldCache) check(ctx context.Context, list string, values map[string]string) error {
	for _, tag := range slices.Sorted(maps.Keys(values)) {
		if tag == tagFirstName || tag == tagLastName {
			continue
		}
		tags, err := f.tags(ctx, list, tag)
		if err != nil {
			return err
		}
		if !slices.Contains(tags, tag) {
			return provider.Invalid("fields."+tag, "the list %s has no field with this tag; it has: %s", list, strings.Join(tags, ", "))
		}
	}
	return nil
}

// tags returns the tags of a list, fetching them when want is not known yet.
func (f *fieldCache) tags(ctx context.Context, list, want string) ([]string, error) {
	f.mu.Lock()
	known, ok := f.lists[list]
	f.mu.Unlock()
	if ok && (slices.Contains(known.tags, want) || time.Since(known.fetched) < refetchAfter) {
		return known.tags, nil
	}
	tags, err := f.fetch(ctx, list)
	if err != nil {
		return nil, err
	}
	slices.Sort(tags)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lists == nil {
		f.lists = map[string]knownTags{}
	}
	f.lists[list] = knownTags{tags: tags, fetched: time.Now()}
	return tags, nil
}

func (a *adapter) listTags(ctx context.Context, list string) ([]string, error) {
	var tags []string
	err := pages.Walk(func(page, size int64) (adapterkit.Answer, error) {
		answer, err := a.api.ListFields(ctx, list, &pakatapi.ListFieldsParams{Page: &page, PerPage: &size})
		if err != nil {
			return adapterkit.Answer{}, err
		}
		d := answer.Data
		for _, f := range d.Records {
			tags = append(tags, f.Tag)
		}
		return answerOf(d.Records, 0, func(f *pakatapi.Field) string { return f.Tag }, d.CurrentPage, d.NextPage, d.TotalPages, d.Count), nil
	})
	if err != nil {
		return nil, err
	}
	return tags, nil
}
