package main

import (
	"io/fs"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/outbox"
	"github.com/postmux/postmux/outbox/lite"
)

func newOutboxMigrate(a *app) *cobra.Command {
	var show bool
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Make the tables of the outbox, or bring them to this version",
		Long: `Make the tables of the outbox, or bring them to the version that this program needs.
It only goes forward, does nothing when the tables are right, and workers of the
version before may go on meanwhile. --print writes the statements on stdout for
whoever keeps migrations elsewhere, and changes nothing.`,
		Example: `  postmux outbox migrate
  postmux outbox migrate --print > outbox.sql`,
		Args: terminal.WantArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := a.noAccount("the tables serve all accounts"); err != nil {
				return err
			}
			if show {
				return a.printMigrations()
			}
			s, err := a.openStore()
			if err != nil {
				return err
			}
			defer s.close()
			if err := s.Migrate(cmd.Context()); err != nil {
				return a.inConfig(err)
			}
			warnings, err := s.Check(cmd.Context())
			if err != nil {
				return a.inConfig(err)
			}
			tellDatabase(cmd, warnings)
			if a.json {
				a.out.Document(map[string]any{"migrated": true, "warnings": warningTexts(warnings)})
			} else {
				a.out.Say("the tables of the outbox are in place")
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&show, "print", false, "write the statements on stdout and change nothing")
	return cmd
}

func warningTexts(warnings []outbox.Warning) []string {
	texts := make([]string, len(warnings))
	for i, w := range warnings {
		texts[i] = w.Why
	}
	return texts
}

// printMigrations writes the statements for the database of the configuration, which is not
// touched.
func (a *app) printMigrations() error {
	cfg, err := a.loadConfig()
	if err != nil {
		return err
	}
	settings, err := outbox.ParseConfig(cfg.Outbox)
	if err != nil {
		return a.inConfig(err)
	}
	place, err := settings.Place()
	if err != nil {
		return a.inConfig(err)
	}
	var s *outbox.Store
	if place.File != "" {
		s, err = lite.Open("", lite.Options{Prefix: settings.Prefix}) // to open the file would make it
	} else {
		s, err = openPlace(place, settings)
	}
	if err != nil {
		return a.inConfig(err)
	}
	defer func() { _ = s.DB().Close() }()
	return fs.WalkDir(s.Migrations(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(s.Migrations(), path)
		if err == nil {
			a.out.Text("-- " + path + "\n" + string(text))
		}
		return err
	})
}
