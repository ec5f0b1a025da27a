package contactrows_test

import (
	"os"
	"regexp"
	"strconv"
	"testing"
)

// residentMost is the most memory that this process has had, in bytes; 0 where the system
// does not tell.
func residentMost(t *testing.T) int {
	t.Helper()
	data, err := os.ReadFile("/proc/self/status")
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindSubmatch(data)
	if err != nil || m == nil {
		return 0
	}
	kB, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kB << 10
}
