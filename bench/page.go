package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"

	"github.com/postmux/postmux/bench/stockbrevo"
	"github.com/postmux/postmux/brevo"
	"github.com/postmux/postmux/gen/brevoapi"
	"github.com/postmux/postmux/provider"
)

const pageSize = 1000

// page measures reading one page of contacts without a network.
func (r *run) page(ctx context.Context) (string, error) {
	rows, err := pageRows(contactsPage(0, pageSize, 10*pageSize))
	if err != nil {
		return "", err
	}
	costs := make([]cost, len(rows))
	err = inTurn(r.rounds, len(rows), func(i int) error {
		if err := costs[i].cheapest(ctx, rows[i].read); err != nil {
			return fmt.Errorf("%s: %w", rows[i].name, err)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	stock := costs[len(costs)-1]
	t := table{head: []string{"client", "time", "to stock", "B/op", "to stock", "allocations", "to stock"}}
	for i, row := range rows {
		c := costs[i]
		t.add(row.name, micros(c.ns), ratio(c.ns, stock.ns), thousands(int64(c.bytes)), ratio(c.bytes, stock.bytes), thousands(int64(c.allocs)), ratio(c.allocs, stock.allocs))
	}
	return t.String() + "\n" + aims([]aim{
		{"page of 1,000: at most half the time of the stock types", ratio(costs[0].ns, stock.ns), costs[0].ns <= 0.5*stock.ns},
		{"page of 1,000: at most a quarter of the allocations of the stock types", ratio(costs[0].allocs, stock.allocs), costs[0].allocs <= 0.25*stock.allocs},
	}), nil
}

type pageRow struct {
	name string
	read func(context.Context) error
}

// pageRows are the ways to read the page; the last is the stock client.
func pageRows(body []byte) ([]pageRow, error) {
	t := target{base: "https://api.example.com", hc: &http.Client{Transport: instant{http.StatusOK, string(body)}}}
	ours, err := ourClient(t.base, lifted, "", provider.WithHTTPClient(t.hc))
	if err != nil {
		return nil, err
	}
	api, _ := brevo.API(ours)
	stock, err := stockClient(t)
	if err != nil {
		return nil, err
	}
	limit := int64(pageSize)
	return []pageRow{
		{"postmux, contacts in the common form", func(ctx context.Context) error {
			page, err := ours.ListContacts(ctx, provider.ContactQuery{Limit: pageSize})
			if err != nil {
				return err
			}
			return full(len(page.Items))
		}},
		{"postmux, generated client alone", func(ctx context.Context) error {
			page, err := api.ListContacts(ctx, &brevoapi.ListContactsParams{Limit: &limit})
			if err != nil {
				return err
			}
			return full(len(page.Contacts))
		}},
		{"net/http + encoding/json, by hand", func(ctx context.Context) error {
			n, err := pageByHand(ctx, t)
			if err != nil {
				return err
			}
			return full(n)
		}},
		{"oapi-codegen, stock", func(ctx context.Context) error {
			resp, err := stock.ListContactsWithResponse(ctx, &stockbrevo.ListContactsParams{Limit: &limit})
			if err != nil {
				return err
			}
			return full(len(resp.JSON200.Contacts))
		}},
	}, nil
}

func full(n int) error {
	if n != pageSize {
		return fmt.Errorf("%d contacts, want %d", n, pageSize)
	}
	return nil
}

func pageByHand(ctx context.Context, t target) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, t.base+"/v3/contacts?limit=1000", nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("api-key", "xkeysib-0123456789abcdef")
	resp, err := t.hc.Do(req)
	if err != nil {
		return 0, err
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	var page struct {
		Contacts []struct {
			ID               int64          `json:"id"`
			Email            string         `json:"email"`
			EmailBlacklisted bool           `json:"emailBlacklisted"`
			ListIDs          []int64        `json:"listIds"`
			Unsubscribed     []int64        `json:"listUnsubscribed"`
			CreatedAt        string         `json:"createdAt"`
			ModifiedAt       string         `json:"modifiedAt"`
			Attributes       map[string]any `json:"attributes"`
		} `json:"contacts"`
		Count int64 `json:"count"`
	}
	err = json.Unmarshal(data, &page)
	return len(page.Contacts), err
}
