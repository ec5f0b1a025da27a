package faultserver

import "time"

// Kind is a kind of fault.
type Kind int

// The faults.
const (
	None Kind = iota

	// While the request arrives.

	CloseAtAccept // closes before reading; a kept connection, while it is idle
	Cut           // closes after After bytes
	Reset         // resets after After bytes

	// After the whole request.

	Silence     // says nothing until the client leaves
	HalfStatus  // closes within the status line
	ResetAnswer // resets instead of answering
	CutBody     // closes within the body of the answer
	Status      // answers Reply
	Late        // answers after Pause
	Drip        // answers a byte at a time, with Pause before each
	WrongType   // answers 200 with a page of HTML
	Bomb        // answers a small gzip body that holds 512 MiB
	Endless     // answers a body without end
	BigHeader   // answers with a header of 1 MiB
	Deep        // answers 100,000 nested lists
)

// Fault is what becomes of a request. The zero Fault is a good answer.
type Fault struct {
	Kind  Kind
	After int // bytes of what arrives, of the TLS records where there is TLS; of the body with HTTP/2 streams
	Pause time.Duration
	Reply Reply
	// Refuse says that the request is answered, but not carried out.
	Refuse bool
}
