package provider

import (
	"mime"
	"path"
	"time"
)

// featureRoom is enough for the features of one message.
const featureRoom = 24

// needs are the features that m uses, in the order of the matrix, behind out.
func (m *Message) needs(out []Feature) []Feature {
	need := func(used bool, f Feature) {
		if used {
			out = append(out, f)
		}
	}
	html, text, variables := m.HTML != "", m.Text != "", len(m.Variables) > 0
	for _, r := range m.Recipients {
		html, text, variables = html || r.HTML != "", text || r.Text != "", variables || len(r.Variables) > 0
	}
	need(len(m.To) > 1, FeatureToMany)
	need(len(m.Cc) > 0, FeatureCc)
	need(len(m.Bcc) > 0, FeatureBcc)
	need(len(m.ReplyTo) > 0, FeatureReplyTo)
	need(len(m.ReplyTo) > 1, FeatureReplyToMany)
	need(html, FeatureHTML)
	need(html && text, FeatureText)
	need(!html && text, FeatureTextOnly)
	need(!m.Template.IsZero(), FeatureTemplate)
	need(variables, FeatureVariables)
	var content, url, typed, inline bool
	for _, a := range m.Attachments {
		content = content || len(a.Content) > 0
		url = url || a.URL != ""
		typed = typed || a.ContentType != "" && !nameTells(a)
		inline = inline || a.Inline || a.ContentID != ""
	}
	need(content, FeatureAttachments)
	need(len(m.Attachments) > 1, FeatureAttachmentMany)
	need(url, FeatureAttachmentURL)
	need(typed, FeatureAttachmentType)
	need(inline, FeatureInline)
	need(len(m.Headers) > 0, FeatureHeaders)
	need(len(m.Tags) > 0, FeatureTags)
	need(len(m.Metadata) > 0, FeatureMetadata)
	need(!m.SendAt.IsZero(), FeatureSendAt)
	need(m.TrackOpens != Unset, FeatureTrackOpens)
	need(m.TrackClicks != Unset, FeatureTrackClicks)
	need(m.IdempotencyKey != "", FeatureIdempotencyKey)
	need(len(m.Recipients) > 0, FeatureRecipients)
	return out
}

// drop empties the part of m that f is about.
func (m *Message) drop(f Feature) {
	switch f {
	case FeatureCc:
		m.Cc = nil
	case FeatureBcc:
		m.Bcc = nil
	case FeatureReplyTo:
		m.ReplyTo = nil
	case FeatureReplyToMany:
		m.ReplyTo = m.ReplyTo[:min(1, len(m.ReplyTo))]
	case FeatureText:
		m.Text = ""
		for i := range m.Recipients {
			m.Recipients[i].Text = ""
		}
	case FeatureAttachments:
		m.keepAttachments(func(a Attachment) bool { return len(a.Content) == 0 })
	case FeatureAttachmentURL:
		m.keepAttachments(func(a Attachment) bool { return a.URL == "" })
	case FeatureInline:
		m.keepAttachments(func(a Attachment) bool { return !a.Inline && a.ContentID == "" })
	case FeatureAttachmentType:
		for i := range m.Attachments {
			m.Attachments[i].ContentType = ""
		}
	case FeatureHeaders:
		m.Headers = nil
	case FeatureTags:
		m.Tags = nil
	case FeatureMetadata:
		m.Metadata = nil
	case FeatureSendAt:
		m.SendAt = time.Time{}
	case FeatureTrackOpens:
		m.TrackOpens = Unset
	case FeatureTrackClicks:
		m.TrackClicks = Unset
	case FeatureIdempotencyKey:
		m.IdempotencyKey = ""
	}
}

func (m *Message) keepAttachments(keep func(Attachment) bool) {
	kept := m.Attachments[:0]
	for _, a := range m.Attachments {
		if keep(a) {
			kept = append(kept, a)
		}
	}
	m.Attachments = kept
}

// nameTells reports whether the file name's extension already says the content
// type, so that a provider which looks at names only needs no more.
func nameTells(a Attachment) bool {
	want, _, err := mime.ParseMediaType(a.ContentType)
	if err != nil {
		return false
	}
	got, _, err := mime.ParseMediaType(mime.TypeByExtension(path.Ext(a.Name)))
	return err == nil && got == want
}
