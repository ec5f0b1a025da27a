// Drift compares two versions of a vendor's published API description and tells
// what the difference means for this project: which operations and fields were
// added, changed or removed, which of them the curated spec has, and which
// adapter files use them. "make drift" runs it; docs/regenerate.md is the
// routine around it.
//
//	drift -provider brevo [-root DIR] OLD NEW
//
// OLD and NEW are OpenAPI 3.0, OpenAPI 3.1 or Swagger 2 files, JSON or YAML. The
// report goes to standard output. Exit codes: 0 no curated operation is touched,
// 1 a file cannot be read or compared, 2 wrong usage, 3 curated operations are
// touched.
//
// It is a module of its own, so that nobody who uses the library gets the
// dependencies of the comparison.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

// The exit codes. A difference is no error, but a script must be able to tell.
const (
	exitUntouched = 0
	exitError     = 1
	exitUsage     = 2
	exitTouched   = 3
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("drift", flag.ContinueOnError)
	flags.SetOutput(stderr)
	provider := flags.String("provider", "", "folder below api/ with the curated spec, as brevo")
	root := flags.String("root", "../..", "root folder of the project")
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: drift -provider NAME [-root DIR] OLD NEW")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return exitUntouched
		}
		return exitUsage
	}
	if *provider == "" || flags.NArg() != 2 {
		flags.Usage()
		return exitUsage
	}
	report, err := drift(*root, *provider, flags.Arg(0), flags.Arg(1))
	if err != nil {
		fmt.Fprintln(stderr, "drift:", err)
		return exitError
	}
	if _, err := io.WriteString(stdout, report.String()); err != nil {
		fmt.Fprintln(stderr, "drift:", err)
		return exitError
	}
	if n := report.touched(); n > 0 {
		fmt.Fprintf(stderr, "drift: curated operations touched: %d (exit code %d)\n", n, exitTouched)
		return exitTouched
	}
	return exitUntouched
}

// drift reads everything and compares.
func drift(root, provider, oldFile, newFile string) (*Report, error) {
	p, err := openProject(root, provider)
	if err != nil {
		return nil, err
	}
	before, err := readVendorFile(oldFile, p.base)
	if err != nil {
		return nil, err
	}
	after, err := readVendorFile(newFile, p.base)
	if err != nil {
		return nil, err
	}
	if err := p.isAbout(oldFile, before); err != nil {
		return nil, err
	}
	if err := p.isAbout(newFile, after); err != nil {
		return nil, err
	}
	return compare(p, before, after)
}
