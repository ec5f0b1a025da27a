package contactrows

import (
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/postmux/postmux/internal/cellguard"
	"github.com/postmux/postmux/provider"
)

// The targets of columns beside field.NAME and the names of OwnFields.
const (
	targetEmail  = "email"
	targetLists  = "lists"
	targetStatus = "status"
	// LeaveOut is the target of a column that is not read.
	LeaveOut = "-"

	fieldPrefix = "field."
	// OwnPrefix begins the names of columns that a report of refused rows adds. They are
	// never read.
	OwnPrefix = "postmux_"
)

// Columns are the columns of a contact file as an export writes them, next to field.NAME.
var Columns = slices.Concat([]string{targetEmail}, OwnNames(), []string{targetLists, targetStatus})

// stopTargets are the targets of columns that say whether somebody is stopped: by yes and
// no, or by the time at which it happened.
var stopTargets = []string{"unsubscribed", "bounced", "complained", "blocked"}

// targetSubscribed is the target of a column that says by yes and no who is a subscriber.
const targetSubscribed = "subscribed"

// targets are all names that a mapping may give to a column.
func targets() []string {
	return slices.Concat(Columns, []string{targetSubscribed}, stopTargets, []string{fieldPrefix + "NAME", LeaveOut})
}

func isTarget(name string) bool {
	field, ok := strings.CutPrefix(name, fieldPrefix)
	return ok && field != "" || name != fieldPrefix+"NAME" && slices.Contains(targets(), name)
}

// plain is a name or a word without what programs and languages write differently: case,
// blanks, hyphens, joiners, and the letters that Persian and Arabic keyboards, or careful
// and careless Russian, tell apart.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == 'ё' || r == 'Ё':
			return 'е'
		case r == 'ي' || r == 'ى':
			return 'ی'
		case r == 'أ' || r == 'إ':
			return 'ا'
		case r == 'ك':
			return 'ک'
		case unicode.IsLetter(r), unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// trimmed is a cell without what a spreadsheet was given for a formula's sake, and without
// the blanks, and marks that are not seen, around it.
func trimmed(cell string) string { return trim(cellguard.Unguard(cell)) }

func trim(s string) string { return strings.TrimFunc(s, blank) }

func blank(r rune) bool {
	return unicode.IsSpace(r) || r == '\u200b' || r == '\ufeff' || r == '\u200e' || r == '\u200f'
}

// headers are the names of columns that are known, by what they stand for. They are those
// of Mailchimp, Brevo, SendPulse, MailWizz, Google Contacts and Outlook, and words of
// English, Russian, Persian and German. docs/design.md says where they are from, and which
// are guesses: a name that no program writes does no harm.
var headers = table(headerWords)

var headerWords = map[string]string{
	targetEmail: `email|email address|e-mail 1 value|primary email|subscriber email|contact email|your email
		|emailadresse|email-adresse|email address 1
		|адрес электронной почты|адрес эл. почты|электронная почта|эл. почта|почта|емейл|имейл|эмейл|email адрес|e-mail адрес|адрес email
		|ایمیل|آدرس ایمیل|نشانی ایمیل|پست الکترونیک|پست الکترونیکی|آدرس پست الکترونیکی|رایانامه`,
	"phone": `phone|phone number|mobile|mobile phone|mobile number|cell phone|cellphone|sms|phone 1 value|telephone
		|телефон|номер телефона|мобильный|мобильный телефон|моб. телефон|тел.
		|تلفن|تلفن همراه|شماره تلفن|شماره همراه|شماره تلفن همراه|موبایل|شماره موبایل|همراه
		|telefon|telefonnummer|handy|handynummer|mobiltelefon|mobilnummer|mobil|rufnummer`,
	"external_id": `external id|ext id`,
	"first_name":  `first name|fname|given name|forename|имя|نام|نام کوچک|vorname`,
	"last_name":   `last name|lname|surname|family name|фамилия|نام خانوادگی|نام فامیل|فامیلی|nachname|familienname`,
	targetLists:   `lists`,
	targetStatus: `status|subscription status|subscriber status|member status|email status|email marketing|email marketing status|marketing status
		|статус|статус подписки|статус подписчика|статус контакта|وضعیت|وضعیت اشتراک|وضعیت عضویت|abostatus|abo-status|anmeldestatus`,
	targetSubscribed: `subscribed|is subscribed|подписан|مشترک است|abonniert`,
	"unsubscribed": `unsub time|unsubscribed|unsubscribed at|unsubscribed on|unsubscribe date|unsubscribe time|unsubscribed date|date unsubscribed|optout|opt-out date|opt-out time|opted out
		|has opted out of email|unsubscribed from all email|email opt out
		|отписан|отписался|дата отписки|время отписки|لغو اشتراک|تاریخ لغو اشتراک|زمان لغو اشتراک|abgemeldet|abgemeldet am|abmeldedatum|abmeldung`,
	"bounced":    `clean time|bounced|bounced at|bounce date|hard bounce|hard bounced|дата возврата|تاریخ برگشت|zurückgewiesen am`,
	"complained": `complained|complained at|spam complaint|marked as spam|дата жалобы|شکایت`,
	"blocked": `blocked|blacklisted|blocklisted|email blacklisted|email blocklisted|is blacklisted|is blocked
		|заблокирован|в черном списке|дата блокировки|مسدود|مسدود شده|gesperrt|gesperrt am|blockiert`,
	targetName: `name|full name|display name|contact name|фио|полное имя|имя и фамилия|фамилия имя|نام و نام خانوادگی|نام کامل|vollständiger name`,
}

// targetName is that of a whole name, which no contact has: what becomes of it is a guess.
const targetName = "name"

// severalBetween stands between the values of a cell that Google Contacts writes for
// somebody with several of a kind.
const severalBetween = " ::: "

// A program whose exports are known by a column that no other has.
type program struct {
	name    string
	marks   []string        // columns, one of which says that it is of the program
	columns map[string]bool // that are about the program and not about the person
}

func columnsOf(names string) map[string]bool {
	out := make(map[string]bool)
	for name := range strings.SplitSeq(names, "|") {
		out[plain(name)] = true
	}
	return out
}

var programs = []program{
	{"Mailchimp", []string{"leid", "euid"}, columnsOf(`MEMBER_RATING|OPTIN_TIME|OPTIN_IP|CONFIRM_TIME|CONFIRM_IP|LATITUDE|LONGITUDE|GMTOFF|DSTOFF|TIMEZONE|CC|REGION|LAST_CHANGED|LEID|EUID
		|UNSUB_CAMPAIGN_TITLE|UNSUB_CAMPAIGN_ID|UNSUB_REASON|UNSUB_REASON_OTHER|CLEAN_CAMPAIGN_TITLE|CLEAN_CAMPAIGN_ID`)},
	{"Brevo", []string{"addedtime", "modifiedtime"}, columnsOf(`CONTACT ID|ADDED_TIME|MODIFIED_TIME|DOUBLE_OPT-IN|_listIds`)},
	{"MailWizz", []string{"subscriberuid"}, columnsOf(`subscriber_id|subscriber_uid|list_id|ip_address|source|date_added|last_updated`)},
	{"SendPulse", []string{"dateadded", "датадобавления"}, columnsOf(`Date added|Last activity|Rating|Дата добавления|Последняя активность|Рейтинг`)},
	{"Google Contacts", []string{"email1value"}, columnsOf(`E-mail 1 - Label|E-mail 1 - Type|Phone 1 - Label|Phone 1 - Type|Labels|Group Membership|Photo`)},
	{"Outlook", []string{"emaildisplayname", "краткоеимяэлпочты", "emailangezeigtername"}, columnsOf(`E-mail Type|E-mail Display Name|Gender|Priority|Private|Sensitivity|Initials
		|Тип эл. почты|Краткое имя эл. почты|Пол|Важность|Частное|Пометка|Инициалы|E-Mail-Typ|E-Mail: Angezeigter Name|Geschlecht|Priorität|Privat|Vertraulichkeit|Initialen`)},
}

// Words of standing that no MembershipStatus of a change stands for: nobody with one is
// imported.
const standingNone = provider.StatusPending

// standings are the words of a column of standing.
var standings = table(standingWords)

var standingWords = map[string]string{
	string(provider.StatusSubscribed): `subscribed|active|confirmed|opted in|opt-in
		|подписан|подписана|активен|активный|активна|подтвержден|подтверждена
		|مشترک|عضو|فعال|تایید شده|تأیید شده|abonniert|angemeldet|aktiv|bestätigt`,
	string(provider.StatusUnsubscribed): `unsubscribed|unsubscribe|unsub|opted out|opt-out|optout
		|отписан|отписана|отписался|отписалась|отписались|не подписан
		|لغو اشتراک|لغو شده|لغو اشتراک شده|لغو عضویت|abgemeldet|ausgetragen`,
	string(provider.StatusBounced): `cleaned|bounced|bounce|hard bounce|hard bounced|undeliverable|invalid
		|недоставлено|возврат|недействителен|недоступен|очищен|برگشت خورده|برگشتی|نامعتبر|unzustellbar|bereinigt`,
	string(provider.StatusComplained): `complained|complaint|spam|spam complaint|marked as spam|abuse
		|жалоба|пожаловался|пожаловалась|спам|شکایت|اسپم|هرزنامه|beschwerde`,
	string(provider.StatusBlocked): `blocked|blacklisted|blocklisted|suppressed|banned
		|заблокирован|заблокирована|в черном списке|черный список|مسدود|مسدود شده|لیست سیاه|gesperrt|blockiert`,
	string(standingNone): `pending|unconfirmed|not confirmed|awaiting confirmation|unapproved|non-subscribed|nonsubscribed|transactional|archived|removed|deleted
		|ожидает|ожидает подтверждения|не подтвержден|не подтверждена|неподтвержден|удален|در انتظار|در انتظار تایید|تایید نشده|حذف شده|unbestätigt|ausstehend|gelöscht`,
}

// yes and no are words of a column that says whether somebody is something.
var yesNo = table(yesNoWords)

var yesNoWords = map[string]string{
	"yes": `1|true|yes|y|x|да|بله|بلی|ja|wahr|истина`,
	"no":  `0|false|no|n|нет|خیر|نه|nein|falsch|ложь`,
}

// aTime is the beginning of a time, in the usual forms.
var aTime = regexp.MustCompile(`^[0-9]{1,4}[-./][0-9]{1,2}[-./][0-9]{1,4}([ T,].*)?$`)

// table turns lists of words around. A word stands for one thing.
func table(lists map[string]string) map[string]string {
	out := make(map[string]string)
	for target, words := range lists {
		for word := range strings.SplitSeq(words, "|") {
			out[plain(word)] = target
		}
	}
	return out
}

// stopInName finds words in the name of a file that say that its people get no mail.
var stopInName = regexp.MustCompile(`(?i)unsub|opt-?_?outs?|opted-?_?out|cleaned|bounce|block|blacklist|suppress|complain|spam|abuse|nonsub|non-sub|отпис|черн|чёрн|блок|жалоб|возврат|abgemeldet|abmeldung|gesperrt|لغو|مسدود|سیاه`)
