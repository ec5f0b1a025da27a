package sandbox

import (
	"slices"
	"strconv"
	"time"

	"github.com/postmux/postmux/gen/smsbyapi"
	"github.com/postmux/postmux/provider"
)

// letter returns the checked common part of the three sends.
func (s *smsby) letter(c *call, email string, name, when *string) (Mail, answer, bool) {
	m := Mail{From: provider.Address{Email: email, Name: value(name)}, Raw: c.raw}
	if !validEmail(email) {
		return m, s.refuse("sender_email: wrong address"), false
	}
	at, refusal, ok := s.schedule(when)
	m.SendAt = at
	return m, refusal, ok
}

// file returns the one file of a multipart form.
func file(c *call) []provider.Attachment {
	content, ok := c.form["attachment"].(string)
	if !ok {
		return nil
	}
	fields, _ := parseForm(c.header.Get("Content-Type"), c.body)
	i := slices.IndexFunc(fields, func(f Field) bool { return f.Name == "attachment" })
	return []provider.Attachment{
		{Name: fields[i].Filename, ContentType: fields[i].ContentType, Content: []byte(content)},
	}
}

// sendEmail returns an id that no operation can look up. It refuses an invalid
// address, which a bulk reports later.
func (s *smsby) sendEmail(c *call) answer {
	m, refusal, ok := s.letter(
		c, c.text("sender_email"), given(c, "sender_name"), given(c, "d_schedule"),
	)
	if !ok {
		return refusal
	}
	email := c.text("email")
	if !validEmail(email) {
		return s.refuse("email: wrong address")
	}
	id := s.nextID()
	m.ID, m.To = strconv.FormatInt(id, 10), []provider.Address{{Email: email}}
	m.Subject, m.HTML, m.Attachments = c.text("subject"), c.text("message"), file(c)
	s.addMail(m)
	return s.ok(map[string]any{"email_id": id})
}

// given returns a text of the form, nil when it is absent.
func given(c *call, name string) *string {
	v, ok := c.form[name].(string)
	if !ok {
		return nil
	}
	return &v
}

// sendEmailByList sends to all on the list who have not unsubscribed.
func (s *smsby) sendEmailByList(c *call) answer {
	m, refusal, ok := s.letter(
		c, c.text("sender_email"), given(c, "sender_name"), given(c, "d_schedule"),
	)
	if !ok {
		return refusal
	}
	number, _ := c.form["list_id"].(float64)
	m.List = strconv.FormatInt(int64(number), 10)
	if s.list(m.List) == nil {
		return s.refuse("list %s not found", m.List)
	}
	for _, k := range s.membersOf(m.List) {
		if k.email != "" && k.on(m.List).status == provider.StatusSubscribed {
			m.To = append(m.To, provider.Address{Email: k.email})
		}
	}
	id := s.nextID()
	m.ID = strconv.FormatInt(id, 10)
	m.Subject, m.HTML, m.Attachments = c.text("subject"), c.text("message"), file(c)
	s.mailings[m.ID] = s.addMail(m)
	return s.ok(map[string]any{"message_id": id, "count_emails": len(m.To)})
}

func (s *smsby) getEmailDeliveryList(c *call) answer {
	number, _ := c.form["message_id"].(float64)
	m := s.mailings[strconv.FormatInt(int64(number), 10)]
	if m == nil {
		return s.refuse("message %d not found", int64(number))
	}
	rows := []any{}
	for i, email := range m.recipients() {
		status, text := s.delivery(m, email)
		if status == "" {
			continue
		}
		// The vendor's sample has a blank in front of the address, and an empty
		// text where the other method has null.
		rows = append(rows, map[string]any{
			"email_id": emailID(m, i), "email": " " + email, "status": status, "error": text,
		})
	}
	return s.ok(rows)
}

// emailID returns the id of one mail; the vendor writes it as text here.
func emailID(m *mail, i int) string { return strconv.FormatInt(880000+10*m.seq+int64(i), 10) }

// delivery returns the state of a mail, empty while it waits for its time: that
// state is not documented.
func (s *smsby) delivery(m *mail, email string) (status, text string) {
	switch {
	case !s.due(m):
		return "", ""
	case s.fate(m.From.Email, email) == "delivered":
		return "DELIVERED", ""
	}
	return "UNDELIVERED", "550 no such mailbox"
}

// sendBulkEmail also accepts invalid addresses; the look-up reports them.
func (s *smsby) sendBulkEmail(c *call) answer {
	var req smsbyapi.BulkEmailForm
	c.decode(&req)
	base, refusal, ok := s.letter(c, req.SenderEmail, req.SenderName, req.Schedule)
	if !ok {
		return refusal
	}
	personal := value(req.MessageType) == smsbyapi.MessageTypePersonal
	if !personal && (value(req.Subject) == "" || value(req.Message) == "") {
		return s.refuse("subject and message are required")
	}
	mailing := smsbyMailing{id: s.nextID(), name: value(req.Name)}
	if mailing.name == "" {
		mailing.name = "Mailing " + s.now().Format(time.DateOnly)
	}
	id := uuid(800000 + mailing.id)
	for _, item := range req.DeliveryList {
		m := base
		m.ID, m.Batch, m.Subject, m.HTML = id, id, value(req.Subject), value(req.Message)
		email, plain := item.(string)
		if fields, ok := item.(map[string]any); ok {
			email = textOf(fields["email"])
			m.Subject, m.HTML = textOf(fields["subject"]), textOf(fields["message"])
		}
		switch {
		case plain == personal:
			return s.refuse("delivery_list does not fit message_type")
		case !validEmail(email):
			mailing.bad = append(mailing.bad, email)
			s.server.note("Of the addresses in the call some are not valid; they get no mail.")
			continue
		}
		m.To = []provider.Address{{Email: email}}
		mailing.mails = append(mailing.mails, s.addMail(m))
	}
	s.bulks[id] = []smsbyMailing{mailing}
	return s.ok(map[string]any{"uuid": id})
}

func (s *smsby) getBulkEmailStatus(c *call) answer {
	var req smsbyapi.BulkStatusForm
	c.decode(&req)
	bulk, ok := s.bulks[req.UUID]
	if !ok {
		return s.refuse("uuid not found")
	}
	rows := []any{}
	for _, mailing := range bulk {
		success, bad := []any{}, []any{}
		for _, m := range mailing.mails {
			status, text := s.delivery(m, m.To[0].Email)
			if status == "" {
				continue
			}
			row := map[string]any{
				"email_id": emailID(m, 0), "recipient": m.To[0].Email, "status": status,
				"error": nil,
			}
			if text != "" {
				row["error"] = text
			}
			success = append(success, row)
		}
		for _, email := range mailing.bad {
			bad = append(bad, map[string]any{"email": email, "error": "wrong address"})
		}
		from := defaultFrom
		if len(mailing.mails) > 0 {
			from = mailing.mails[0].From
		}
		rows = append(rows, map[string]any{
			"message_id": strconv.FormatInt(mailing.id, 10), "name": mailing.name,
			"sender_email": from.Email, "sender_name": from.Name, "success": success, "errors": bad,
		})
	}
	return s.ok(rows)
}
