package main

import (
	"context"
	"iter"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/cmd/postmux/internal/terminal"
	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/gen/pakatv3api"
	"github.com/postmux/postmux/pakat"
	"github.com/postmux/postmux/provider"
)

func newListFolders(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "folders",
		Short: "Show the folders that hold lists",
		Long: `Show the folders that hold the lists of the account: those of brevo and pakatv3
are in folders, and the setting folder_id says in which "lists create" puts a new
one. With --json each folder is one line of JSON that begins with its index.`,
		Args:        terminal.WantArgs(),
		Annotations: stream(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := a.open(cmd)
			if err != nil {
				return err
			}
			t := terminal.NewTable(a.out, "ID", "NAME")
			i := 0
			for f, err := range foldersOf(cmd.Context(), c) {
				if err != nil {
					t.Flush()
					return err
				}
				if a.json {
					a.out.Line(terminal.Indexed(i, f))
					i++
					continue
				}
				t.Row(strconv.FormatInt(f.ID, 10), f.Name)
			}
			if !a.json {
				t.End()
			}
			return nil
		},
	}
}

// folder is a folder that holds lists.
type folder struct {
	ID   int64  `json:"id"`
	Name string `json:"name"`
}

// foldersOf yields the folders of an account. The vendors that have them share a dialect.
func foldersOf(ctx context.Context, c *provider.Client) iter.Seq2[folder, error] {
	limit := int64(50) // the most that Brevo gives
	var page func(offset int64) ([]folder, error)
	if api, ok := brevo.API(c); ok {
		page = func(offset int64) (out []folder, err error) {
			p, err := api.ListFolders(ctx, &brevoapi.ListFoldersParams{Limit: limit, Offset: offset})
			if err != nil {
				return nil, err
			}
			for _, f := range p.Folders {
				out = append(out, folder{f.ID, f.Name})
			}
			return out, nil
		}
	}
	if api, ok := pakat.APIV3(c); ok {
		page = func(offset int64) (out []folder, err error) {
			p, err := api.ListFolders(ctx, &pakatv3api.ListFoldersParams{Limit: &limit, Offset: &offset})
			if err != nil {
				return nil, err
			}
			for _, f := range p.Folders {
				out = append(out, folder{f.ID, f.Name})
			}
			return out, nil
		}
	}
	return func(yield func(folder, error) bool) {
		if page == nil {
			yield(folder{}, &provider.Error{
				Kind: provider.ErrUnsupported, Provider: c.Provider(), Account: c.Account(), Op: "lists",
				Message: "its lists are in no folders",
			})
			return
		}
		for offset := int64(0); ; {
			folders, err := page(offset)
			if err != nil {
				yield(folder{}, err)
				return
			}
			if len(folders) == 0 {
				return
			}
			for _, f := range folders {
				if !yield(f, nil) {
					return
				}
			}
			offset += int64(len(folders))
		}
	}
}
