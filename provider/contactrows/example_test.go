package contactrows_test

import (
	"errors"
	"fmt"
	"log"
	"strings"

	"github.com/postmux/postmux/provider/contactrows"
)

// A file is recognised, what is not certain is told, and its rows are read.
func ExampleRecognize() {
	file := strings.NewReader("E-Mail;Vorname;Abostatus;Ort\n" +
		"jana@example.de;Jana;abgemeldet;Jena\n" +
		"uwe@example.de;Uwe;Kunde;Ulm\n")
	layout, err := contactrows.Recognize("kontakte.csv", file, contactrows.Options{
		Map: map[string]string{"Ort": "field.CITY"},
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := layout.Certain(); err != nil {
		log.Fatal(err)
	}
	if _, err := file.Seek(0, 0); err != nil {
		log.Fatal(err)
	}
	for row, err := range layout.Rows(file) {
		if problem, ok := errors.AsType[*contactrows.Problem](err); ok {
			fmt.Println("refused:", problem)
			continue
		}
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(row.Line, row.Change.Email, row.Change.Status, row.Change.Fields["CITY"])
	}
	// Output:
	// 2 jana@example.de unsubscribed Jena
	// refused: line 3: Abostatus: the word of standing "Kunde" is not known; write subscribed, unsubscribed, bounced, complained or blocked
}
