package specrules

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

// runWords is the length of a run that counts as copied.
const runWords = 10

// hashBytes of a run's SHA-256 are kept. With some ten thousand runs on one side
// and a hundred thousand on the other, two of them meet by chance once in a
// thousand such projects.
const hashBytes = 5

//go:embed phrases.bin
var vendorPhrases []byte

// Phrases is a set of runs of ten words, kept as hashes: it recognises a text
// without holding it. The zero value holds none.
type Phrases struct{ hashes []byte } // sorted, hashBytes each

// VendorPhrases are the runs of ten words in the vendors' documents. The
// documents are not part of this project.
func VendorPhrases() *Phrases { return &Phrases{vendorPhrases} }

// NewPhrases makes the set of the runs in texts.
func NewPhrases(texts ...string) *Phrases {
	var hashes [][hashBytes]byte
	for _, text := range texts {
		for run := range runs(text) {
			hashes = append(hashes, hash(run))
		}
	}
	slices.SortFunc(hashes, func(a, b [hashBytes]byte) int { return bytes.Compare(a[:], b[:]) })
	hashes = slices.Compact(hashes)
	p := &Phrases{hashes: make([]byte, 0, len(hashes)*hashBytes)}
	for _, h := range hashes {
		p.hashes = append(p.hashes, h[:]...)
	}
	return p
}

// WritePhrases makes the set of the runs in all *.txt files of folder and
// writes it to file. It returns how many there are.
func WritePhrases(folder, file string) (int, error) {
	names, err := filepath.Glob(filepath.Join(folder, "*.txt"))
	if err != nil {
		return 0, err
	}
	if len(names) == 0 {
		return 0, fmt.Errorf("%s: no *.txt", folder)
	}
	texts := make([]string, len(names))
	for i, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			return 0, err
		}
		texts[i] = string(data)
	}
	p := NewPhrases(texts...)
	return p.Len(), os.WriteFile(file, p.hashes, 0o644)
}

// Len is the number of runs.
func (p *Phrases) Len() int {
	if p == nil {
		return 0
	}
	return len(p.hashes) / hashBytes
}

// Find returns what text has in common with the set, each passage once, as lower-case words.
func (p *Phrases) Find(text string) []string {
	if p.Len() == 0 || text == "" {
		return nil
	}
	var found []string
	for run := range runs(text) {
		if !p.has(hash(run)) {
			continue
		}
		// A run that goes on from the one before lengthens it.
		if n := len(found); n > 0 {
			head := strings.Join(run[:runWords-1], " ")
			if strings.HasSuffix(found[n-1], head) {
				found[n-1] += " " + run[runWords-1]
				continue
			}
		}
		found = append(found, strings.Join(run, " "))
	}
	return found
}

func (p *Phrases) has(h [hashBytes]byte) bool {
	low, high := 0, p.Len()
	for low < high {
		mid := (low + high) / 2
		switch bytes.Compare(p.hashes[mid*hashBytes:(mid+1)*hashBytes], h[:]) {
		case 0:
			return true
		case -1:
			low = mid + 1
		default:
			high = mid
		}
	}
	return false
}

func hash(run []string) (h [hashBytes]byte) {
	sum := sha256.Sum256([]byte(strings.Join(run, " ")))
	copy(h[:], sum[:])
	return h
}

// runs yields each run of ten words of text that is prose, words in lower case,
// everything but letters and digits left out.
func runs(text string) func(yield func([]string) bool) {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	return func(yield func([]string) bool) {
		for i := 0; i+runWords <= len(words); i++ {
			if run := words[i : i+runWords]; prose(run) && !yield(run) {
				return
			}
		}
	}
}

// little are words that hold sentences together. Samples of JSON and lists of
// names, which are facts, have none.
var little = func() map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(`a an the this that these those it its is are was were be been being do does not no of to in on at by for from with
		without as and or but if then than so when where which who whom whose while will would can could may might must should shall have has had
		you your we our they their them any all each every only also such into about after before between until there here how what why`) {
		set[w] = true
	}
	return set
}()

// prose reports whether a run is of a sentence and not of a sample or a table.
func prose(run []string) bool {
	holding, numbers := 0, 0
	for _, w := range run {
		if little[w] {
			holding++
		}
		if strings.ContainsFunc(w, unicode.IsDigit) {
			numbers++
		}
	}
	return holding >= 2 && numbers <= 2
}
