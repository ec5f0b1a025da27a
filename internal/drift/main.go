// Drift compares two versions of a vendor's published API description and tells
// what the difference means for this project: which operations and fields were
// added, changed or removed, which of them the curated spec has, and which
// adapter files use them. "make drift" runs it; docs/regenerate.md is the
// routine around it.
//
//	drift -provider brevo [-old FILE] [-json FILE] [-suggest FILE] NEW...
//	drift -all FOLDER [-json FILE]
//
// The files are OpenAPI 3 or Swagger 2, JSON or YAML; what is broken in a known
// way is repaired, and each repair is listed. Several files are the parts of one
// API. Without -old the new files are compared with the curated spec itself.
//
// With -all the folder has files like brevo-2026-11-22.json, with the provider
// first and the day last: the newest of each kind is the new file, the one
// before it the old one.
//
// The report goes to standard output, with -json also to a file for programs;
// -suggest writes what is new in the form of our specs. Exit codes: 0 no curated
// operation is touched, 1 a file cannot be read or compared, 2 wrong usage, 3
// curated operations are touched.
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

// options are the command line.
type options struct {
	root, provider, all string
	old, new            []string
	json, suggest       string
}

func run(args []string, stdout, stderr io.Writer) int {
	var o options
	flags := flag.NewFlagSet("drift", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.root, "root", "../..", "root `folder` of the project")
	flags.StringVar(
		&o.provider,
		"provider",
		"",
		"`name` of the folder below api/ with the curated spec, as brevo",
	)
	flags.StringVar(&o.all, "all", "", "`folder` with the files of all vendors")
	flags.Func(
		"old",
		"an earlier `file`, for each part of the description once; default the curated spec",
		func(s string) error {
			o.old = append(o.old, s)
			return nil
		},
	)
	flags.StringVar(&o.json, "json", "", "write the report as JSON to `file`, too")
	flags.StringVar(
		&o.suggest,
		"suggest",
		"",
		"write new operations and fields in the form of our specs to `file`",
	)
	flags.Usage = func() {
		fmt.Fprintln(
			stderr,
			"usage: drift -provider NAME [-old FILE] [-json FILE] [-suggest FILE] NEW...\n       drift -all FOLDER [-json FILE]",
		)
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return exitUntouched
		}
		return exitUsage
	}
	o.new = flags.Args()
	one := o.provider != "" && len(o.new) > 0 && o.all == ""
	many := o.all != "" && o.provider == "" && len(o.new)+len(o.old) == 0 && o.suggest == ""
	if !one && !many {
		flags.Usage()
		return exitUsage
	}
	touched, err := o.run(stdout)
	if err != nil {
		fmt.Fprintln(stderr, "drift:", err)
		return exitError
	}
	if touched > 0 {
		fmt.Fprintf(
			stderr,
			"drift: curated operations touched: %d (exit code %d)\n",
			touched,
			exitTouched,
		)
		return exitTouched
	}
	return exitUntouched
}

// run writes all reports, and returns how many curated operations they touch.
func (o options) run(stdout io.Writer) (touched int, err error) {
	reports, overview, err := o.reports()
	if err != nil {
		return 0, err
	}
	text := overview
	for _, r := range reports {
		touched += r.touched()
		text += r.String()
	}
	if o.json != "" {
		data, err := toJSON(reports)
		if err != nil {
			return 0, err
		}
		if err := os.WriteFile(o.json, data, 0o644); err != nil {
			return 0, err
		}
	}
	if o.suggest != "" {
		suggestion, err := reports[0].suggestion()
		if err != nil {
			return 0, err
		}
		if err := os.WriteFile(o.suggest, []byte(suggestion), 0o644); err != nil {
			return 0, err
		}
	}
	_, err = io.WriteString(stdout, text)
	return touched, err
}

// reports makes the report of one provider, or of each in the folder, and then
// an overview.
func (o options) reports() ([]*Report, string, error) {
	if o.all != "" {
		return allOf(o.root, o.all)
	}
	r, err := drift(o.root, o.provider, o.old, o.new)
	return []*Report{r}, "", err
}

// drift reads everything and compares.
func drift(root, provider string, oldFiles, newFiles []string) (*Report, error) {
	p, err := openProject(root, provider)
	if err != nil {
		return nil, err
	}
	own, err := readVendorFile(p.spec, p.base)
	if err != nil {
		return nil, err
	}
	own.name = "api/" + provider + "/openapi.yaml"
	before := own
	if len(oldFiles) > 0 {
		if before, err = readVendorFiles(oldFiles, p.base); err != nil {
			return nil, err
		}
		if err := p.isAbout(oldFiles[0], before); err != nil {
			return nil, err
		}
	}
	after, err := readVendorFiles(newFiles, p.base)
	if err != nil {
		return nil, err
	}
	if err := p.isAbout(newFiles[0], after); err != nil {
		return nil, err
	}
	return compare(p, before, after, own)
}
