package main

import "strings"

// mail is the one message that every client sends: what all of them can express.
type mail struct {
	fromName, from string
	toName, to     string
	subject, html  string
	tag            string
}

// mailOf returns the message with HTML of about size bytes, with tags and with
// letters beyond ASCII, as mail to customers has them.
func mailOf(size int) *mail {
	const row = `<tr><td class="item">سفارش شما</td><td>Заказ & счёт</td></tr>`
	return &mail{
		fromName: "Shop", from: "shop@example.com",
		toName: "Anna", to: "anna@example.com",
		subject: "سفارش شما ثبت شد",
		html:    "<table>" + strings.Repeat(row, size/len(row)) + "</table>",
		tag:     "order",
	}
}
