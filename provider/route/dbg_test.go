package route_test

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"testing/synctest"
)

func TestDbg(t *testing.T) {
	seed, _ := strconv.Atoi(os.Getenv("SEED"))
	dbg = true
	synctest.Test(t, func(t *testing.T) {
		counts := map[string]int{}
		h := newHistory(t, uint64(seed), counts)
		for i := range 10 {
			fmt.Println("--- step", i)
			h.step()
		}
		fmt.Println(counts)
	})
}
