package events

import (
	"context"
	"errors"

	"github.com/postmux/postmux/provider"
	"github.com/postmux/postmux/provider/feature"
)

// SuppressionSink takes suppressions into a database. It may be called again with some that
// it had.
type SuppressionSink func(ctx context.Context, list []provider.Suppression) error

// suppressionBatch is how many suppressions a sink gets at a time.
const suppressionBatch = 500

// Suppressing is a Sink for what events say of who must not be mailed any more: the rest is
// left out. It only adds. A person who came back, KindResubscribed, is told to lifted, unless
// that is nil; whether the program mails again is its own decision.
func Suppressing(put SuppressionSink, lifted Sink) Sink {
	return func(ctx context.Context, list []Event) error {
		var stops []provider.Suppression
		var back []Event
		for _, e := range list {
			if s, ok := e.Suppression(); ok {
				stops = append(stops, s)
			} else if e.Kind == KindResubscribed {
				back = append(back, e)
			}
		}
		if len(stops) > 0 {
			if err := put(ctx, stops); err != nil {
				return err
			}
		}
		if len(back) > 0 && lifted != nil {
			return lifted(ctx, back)
		}
		return nil
	}
}

// AllSuppressions calls put with everybody whom the account does not mail: its list of
// suppressions, and, where the provider keeps that with the contacts, those that have left
// or are blocked. Run it once, then use Suppressing as the Sink of a Handler or of Poll,
// and run it again each day for what was missed. At a provider that shows neither, the
// error matches errors.ErrUnsupported.
func AllSuppressions(ctx context.Context, c *provider.Client, put SuppressionSink) error {
	var batch []provider.Suppression
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		err := put(ctx, batch)
		batch = nil
		return err
	}
	add := func(s provider.Suppression) error {
		if batch = append(batch, s); len(batch) < suppressionBatch {
			return nil
		}
		return flush()
	}
	caps := c.Capabilities()
	lists, contacts := caps.Can(feature.SuppressionsList), caps.Can(feature.ContactsList)
	if !lists && !contacts {
		return provider.Unsupported(feature.SuppressionsList, "the provider tells nobody who gets no mail")
	}
	if lists {
		for s, err := range c.AllSuppressions(ctx) {
			if err == nil {
				err = add(s)
			}
			if err != nil {
				return err
			}
		}
	}
	if contacts {
		for contact, err := range c.AllContacts(ctx, provider.ContactQuery{}) {
			if err != nil {
				return errors.Join(flush(), err)
			}
			for _, s := range contact.Suppressed {
				if s.Email = contact.Email; s.Email != "" && s.Channel == provider.ChannelEmail {
					if err := add(s); err != nil {
						return err
					}
				}
			}
		}
	}
	return flush()
}
